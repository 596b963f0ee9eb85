import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Badge } from "../../parts/badge.tsx";
import { CopyButton } from "../../parts/copy.tsx";
import { Markdown } from "../../parts/markdown.tsx";
import { Panel } from "../../parts/page.tsx";
import { RunLink } from "../../parts/run-link.tsx";
import { Empty, Failure } from "../../parts/states.tsx";
import type { Accent } from "../../parts/tones.ts";
import { count, dollars, duration } from "../../parts/words.ts";
import { Work } from "./answer.tsx";
import { costOfRunQuery } from "./queries.ts";
import type { CompletionState } from "./completion-state.ts";

const PHASES: Readonly<Record<Exclude<CompletionState["phase"], "none">, { readonly word: string; readonly accent: Accent }>> = {
  open: { word: "answering", accent: "blue" },
  done: { word: "done", accent: "green" },
  stopped: { word: "stopped", accent: "grey" },
  failed: { word: "failed", accent: "red" },
};

/** One side's answer, with what it took. */
export function Side({ title, state }: { readonly title: string; readonly state: CompletionState }): ReactNode {
  const { phase, text, thoughts, model, runId, isAgent } = state;
  if (phase === "none")
    return (
      <Panel title={title}>
        <Empty title="Nothing asked yet">The answer comes here, word by word.</Empty>
      </Panel>
    );
  const { word, accent } = PHASES[phase];
  return (
    <Panel
      title={`${title}: ${model}`}
      actions={
        <>
          <span role="status">
            <Badge accent={accent}>{word}</Badge>
          </span>
          {text !== "" && <CopyButton text={text} label={`Copy the ${title.toLowerCase()} answer`} />}
        </>
      }
    >
      <Numbers state={state} />
      {isAgent && <Work runId={runId} isOpen={phase === "open"} />}
      {thoughts !== "" && (
        <details className="mb-2 text-xs text-ink-2">
          <summary className="cursor-pointer">Thoughts</summary>
          <p className="mt-1 break-words whitespace-pre-wrap" dir="auto">
            {thoughts}
          </p>
        </details>
      )}
      {text !== "" && <Markdown text={text} />}
      {phase === "stopped" && text === "" && (
        <p className="text-[13px] text-ink-2">It was left or stopped before its end, and what had come is not kept. Ask again.</p>
      )}
      {phase === "failed" && <Failure error={state.error} />}
    </Panel>
  );
}

function Numbers({ state: { phase, runId, firstMs, totalMs, inputTokens, outputTokens } }: { readonly state: CompletionState }): ReactNode {
  const isEnded = phase !== "open";
  const { data: costUsd } = useQuery({ ...costOfRunQuery(runId ?? ""), enabled: isEnded && runId !== null });
  const facts = {
    "First token": firstMs === undefined ? "–" : duration(firstMs),
    Total: totalMs === undefined ? "–" : duration(totalMs),
    Tokens: inputTokens === undefined ? "–" : `${count(inputTokens)} → ${count(outputTokens ?? 0)}`,
    Cost: costUsd === undefined || costUsd === null ? "–" : dollars(costUsd),
  };
  return (
    <dl className="mb-3 grid grid-cols-2 gap-2 rounded-md bg-ground-2 p-2.5 sm:grid-cols-[repeat(4,1fr)_auto]">
      {Object.entries(facts).map(([name, value]) => (
        <div key={name}>
          <dt className="text-[11px] text-ink-3">{name}</dt>
          <dd className="text-[13px] tabular-nums">{value}</dd>
        </div>
      ))}
      <div>
        <dt className="text-[11px] text-ink-3">Run</dt>
        <dd className="truncate text-[13px]">{runId === null ? "–" : <RunLink id={runId} />}</dd>
      </div>
    </dl>
  );
}
