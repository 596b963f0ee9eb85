import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Json } from "@tutti/core";
import { diffJson, type RunReading } from "@tutti/core/insight";
import { GitFork, ListTree, X } from "lucide-react";
import { useMemo, useState, type ReactNode } from "react";
import { Badge } from "../../../parts/badge.tsx";
import { Button, IconButton } from "../../../parts/button.tsx";
import { Facts } from "../../../parts/facts.tsx";
import { Choice } from "../../../parts/fields.tsx";
import { KindIcon, StateIcon } from "../../../parts/kinds.tsx";
import { Empty, Loading } from "../../../parts/states.tsx";
import { EFFECT_ACCENT, type StepState } from "../../../parts/tones.ts";
import { visible } from "../../../parts/visible.ts";
import { clockTime, count, dollars, duration } from "../../../parts/words.ts";
import { childRunOf } from "../child-run.ts";
import { Differences } from "../differences.tsx";
import { Part } from "../part.tsx";
import { logQuery } from "../queries.ts";
import { storyOf, type AttemptStory, type StepStory } from "../step-story.ts";
import { StoredValue } from "../stored-value.tsx";
import { momentWords } from "./axis.tsx";
import { spansOf } from "./rows.ts";

interface StepPaneProps {
  readonly runId: string;
  readonly stepKey: string;
  readonly reading: RunReading;
  readonly onClose: () => void;
  readonly onFork: (beforeKey: string) => void;
  readonly onLog: (seq: number) => void;
}

/** All that the log says of one step. */
export function StepPane({ runId, stepKey, reading, onClose, onFork, onLog }: StepPaneProps): ReactNode {
  const { data: events } = useQuery(logQuery(runId));
  const story = useMemo(() => (events === undefined ? undefined : storyOf(events, stepKey)), [events, stepKey]);
  const isOwn = runId === reading.runId;
  const span = useMemo(() => (isOwn ? spansOf(reading).find(({ key }) => key === stepKey) : undefined), [isOwn, reading, stepKey]);
  if (events === undefined) return <Loading lines={6} />;
  if (story === undefined)
    return (
      <Empty title="No step has this key">
        The log of the run does not know “<bdi>{stepKey}</bdi>”. <Button onClick={onClose}>Close</Button>
      </Empty>
    );
  const child = childRunOf(runId, story);
  return (
    <aside ref={intoSight} aria-label={`Step ${story.name}`} className="panel flex min-h-0 min-w-0 flex-col overflow-y-auto px-4 pb-4">
      <PaneHeader {...{ story, onClose, onLog }} state={span?.status} onFork={isOwn ? () => onFork(stepKey) : undefined} />
      <Timing story={story} span={span} />
      {child !== undefined && (
        <Part title="Run that it started">
          <Link to="/runs/$runId" params={{ runId: child }} className="font-mono text-[13px] break-all text-blue underline">
            {child}
          </Link>
        </Part>
      )}
      <Decisions story={story} />
      {story.input !== undefined && (
        <Part title="Input">
          <StoredValue value={story.input} label="Input" />
        </Part>
      )}
      {story.output !== undefined && (
        <Part title="Output">
          <StoredValue value={story.output} label="Output" />
        </Part>
      )}
      <Attempts attempts={story.attempts} />
      {story.tainted.length > 0 && (
        <Part title="Untrusted sources that it read">
          <p className="flex flex-wrap gap-1.5">
            {story.tainted.map((source) => (
              <Badge key={source} accent="yellow">
                <bdi>{source}</bdi>
              </Badge>
            ))}
          </p>
        </Part>
      )}
    </aside>
  );
}

/** On a narrow page the pane lies below the steps, where nobody would see that it has come. */
function intoSight(pane: HTMLElement | null): void {
  pane?.scrollIntoView({ block: "nearest" });
}

interface PaneHeaderProps extends Pick<StepPaneProps, "onClose" | "onLog"> {
  readonly story: StepStory;
  readonly state: StepState | undefined;
  readonly onFork: (() => void) | undefined;
}

function PaneHeader({ story, state, onClose, onLog, onFork }: PaneHeaderProps): ReactNode {
  return (
    <header className="sticky top-0 z-10 flex items-start gap-2 bg-ground-1 py-3">
      <div className="min-w-0 grow">
        <h2 className="flex items-center gap-1.5 text-sm font-semibold">
          {story.kind !== undefined && <KindIcon kind={story.kind} />}
          <span className="min-w-0 break-words" dir="auto">
            {visible(story.name)}
          </span>
        </h2>
        <p className="mt-1 flex flex-wrap items-center gap-1.5 text-xs text-ink-3">
          {state !== undefined && <StateIcon state={state} />}
          {story.kind ?? "decision"} at <code className="font-mono">{story.key}</code>
        </p>
      </div>
      <IconButton label="Show in the log" onClick={() => onLog(story.firstSeq)}>
        <ListTree aria-hidden className="size-4" />
      </IconButton>
      {onFork !== undefined && (
        <IconButton label="Fork before this step" onClick={onFork}>
          <GitFork aria-hidden className="size-4" />
        </IconButton>
      )}
      <IconButton label="Close the step" onClick={onClose}>
        <X aria-hidden className="size-4" />
      </IconButton>
    </header>
  );
}

function Timing({ story, span }: { readonly story: StepStory; readonly span: ReturnType<typeof spansOf>[number] | undefined }): ReactNode {
  const [first] = story.attempts;
  const { usage, waits } = story;
  const waitedMs = span?.segments.filter(({ style }) => style === "wait").reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0) ?? 0;
  const wait = waits.at(-1);
  return (
    <Part title="Timing">
      <Facts
        facts={{
          Began: first && clockTime(first.startedAt),
          Took: span && `${duration(span.endMs - span.startMs)}, from ${momentWords(span.startMs)} after the start`,
          "Of it waiting": waitedMs > 0 ? duration(waitedMs) : undefined,
          "Waits until": wait?.until == null ? undefined : clockTime(wait.until),
          Tokens: usage && `${count(usage.inputTokens)} in, ${count(usage.outputTokens)} out`,
          Cost: usage && dollars(usage.costUsd),
          Copied: span?.isCopied === true ? "from the run that this one was forked from" : undefined,
        }}
      />
    </Part>
  );
}

function Decisions({ story: { decisions, answers, waits } }: { readonly story: StepStory }): ReactNode {
  const asked = waits.find(({ approval }) => approval !== undefined)?.approval;
  if (decisions.length === 0 && answers.length === 0 && asked === undefined) return null;
  return (
    <Part title="Decision">
      {decisions.map(({ seq, decision, policyHash, ...event }) => (
        <Facts
          key={seq}
          facts={{
            "Policy says": <Badge accent={EFFECT_ACCENT[decision.effect]}>{decision.effect}</Badge>,
            Rule: <code className="font-mono text-xs">{decision.rule}</code>,
            Because: decision.reason,
            Policy: <code className="font-mono text-xs break-all text-ink-3">{policyHash.slice(0, 16)}…</code>,
            "Approved by": "approved" in event ? event.approved?.by.join(", ") : undefined,
            "In the shadow": decision.shadow && `${decision.shadow.effect}: ${decision.shadow.reason}`,
          }}
        />
      ))}
      {asked !== undefined && <Facts facts={{ Asked: asked.question }} />}
      {answers.map(({ seq, approved, by, reason, at }) => (
        <Facts key={seq} facts={{ [approved ? "Approved by" : "Refused by"]: `${by}, ${clockTime(at)}`, Reason: reason }} />
      ))}
    </Part>
  );
}

function Attempts({ attempts }: { readonly attempts: readonly AttemptStory[] }): ReactNode {
  if (attempts.length === 0) return null;
  return (
    <Part title={attempts.length === 1 ? "Attempt" : `${attempts.length} attempts`}>
      <ol className="flex flex-col gap-2">
        {attempts.map((attempt, index) => (
          <li key={index} className="flex flex-col gap-1 rounded-md border border-line bg-ground px-2.5 py-2 text-[13px]">
            <span className="flex items-center gap-2">
              <StateIcon state={attempt.state} />
              <span className="grow">Attempt {attempt.attempt}</span>
              <span className="text-xs text-ink-3 tabular-nums">
                {attempt.durationMs === undefined ? "under way" : duration(attempt.durationMs)}
              </span>
            </span>
            {attempt.error !== undefined && (
              <p className="break-words text-red" dir="auto">
                <code className="font-mono text-xs">{attempt.error.code}</code>: {attempt.error.message}
              </p>
            )}
            {attempt.retryAt !== undefined && <p className="text-xs text-ink-3">Tried again at {clockTime(attempt.retryAt)}</p>}
            {attempt.progress.at(-1) !== undefined && (
              <p className="text-xs text-ink-2">
                Said last: <bdi>{JSON.stringify(attempt.progress.at(-1)?.detail)}</bdi>
              </p>
            )}
          </li>
        ))}
      </ol>
      {attempts.length > 1 && <AttemptDifference attempts={attempts} />}
    </Part>
  );
}

function AttemptDifference({ attempts }: { readonly attempts: readonly AttemptStory[] }): ReactNode {
  const [a, setA] = useState(0);
  const [b, setB] = useState(attempts.length - 1);
  const options = attempts.map(({ attempt }, index) => ({ value: String(index), label: `Attempt ${attempt}` }));
  const diff = useMemo(() => diffJson(comparable(attempts[a]), comparable(attempts[b])), [attempts, a, b]);
  return (
    <div className="flex flex-col gap-2">
      <div className="grid grid-cols-2 gap-2">
        <Choice label="Compare" value={a} options={options} onChange={(event) => setA(Number(event.target.value))} />
        <Choice label="with" value={b} options={options} onChange={(event) => setB(Number(event.target.value))} />
      </div>
      <Differences label="Differences of the attempts" diff={diff} sides={[options[a]?.label ?? "", options[b]?.label ?? ""]} />
    </div>
  );
}

/** What an attempt gave and did, without when. */
function comparable(attempt: AttemptStory | undefined): Json {
  if (attempt === undefined) return null;
  const { state, durationMs, output, error, calls, tainted, progress } = attempt;
  return {
    state,
    durationMs: durationMs ?? null,
    ...(output !== undefined && { output }),
    ...(error !== undefined && { error: { code: error.code, message: error.message } }),
    calls,
    tainted,
    progress: progress.map(({ detail }) => detail),
  };
}
