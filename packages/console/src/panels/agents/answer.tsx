import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Event } from "@tutti/core";
import { RotateCcw } from "lucide-react";
import { useMemo, useState, type ReactNode } from "react";
import { useLive } from "../../feed.ts";
import { IconButton } from "../../parts/button.tsx";
import { CopyButton } from "../../parts/copy.tsx";
import { Markdown } from "../../parts/markdown.tsx";
import { count, dollars, duration, shortId } from "../../parts/words.ts";
import { queryClient } from "../../query-client.ts";
import { readAnswer, type AnswerReading } from "./answer-reading.ts";
import { ChatApproval } from "./chat-approval.tsx";
import { answerEventsQuery, approvalsOfRunQuery } from "./queries.ts";
import { ReadAloud } from "./read-aloud.tsx";
import { ToolUses } from "./tool-uses.tsx";

interface AnswerProps {
  readonly runId: string | null;
  readonly text: string;
  readonly isOpen: boolean;
  readonly error: { readonly code: string; readonly message: string } | undefined;
  /** The server was gone before it had said how it ends. */
  readonly isLost?: boolean;
  readonly onRetry?: (() => void) | undefined;
}

/** An answer: the tools it called, what it asked, what it said, and what it cost. */
export function Answer({ runId, text, isOpen, error, isLost = false, onRetry }: AnswerProps): ReactNode {
  const events = useRunEvents(runId, isOpen);
  const reading = useMemo(() => readAnswer(events), [events]);
  const [words, setWords] = useState<HTMLElement | null>(null);
  const [wasOpen] = useState(isOpen);
  return (
    <article aria-label="Answer" className="flex min-w-0 flex-col gap-2">
      <ToolUses tools={reading.tools} />
      {runId !== null && isOpen && <Questions runId={runId} isWaiting={reading.status === "waiting"} />}
      {text !== "" && <Markdown text={text} place={setWords} />}
      {isOpen && reading.status !== "waiting" && <Working hasText={text !== ""} />}
      {isLost && <Lost isAsked={runId !== null} />}
      {error !== undefined && !isLost && (
        <p role="alert" className="rounded-md border border-red px-2.5 py-1.5 text-[13px] break-words text-red" dir="auto">
          {error.code === "cancelled" ? "Stopped." : `${error.code}: ${error.message}`}
        </p>
      )}
      {!isOpen && <Foot runId={runId} text={text} reading={reading} words={words} isFresh={wasOpen} onRetry={onRetry} />}
    </article>
  );
}

/** What an answer's run does for it: the tools it called, and what it asks of people. */
export function Work({ runId, isOpen }: Pick<AnswerProps, "runId" | "isOpen">): ReactNode {
  const events = useRunEvents(runId, isOpen);
  const { tools, status } = useMemo(() => readAnswer(events), [events]);
  if (tools.length === 0 && status !== "waiting") return null;
  return (
    <div className="mb-3 flex min-w-0 flex-col gap-2">
      <ToolUses tools={tools} />
      {runId !== null && isOpen && <Questions runId={runId} isWaiting={status === "waiting"} />}
    </div>
  );
}

/** What became of an answer whose server is gone, and what to do. */
function Lost({ isAsked }: { readonly isAsked: boolean }): ReactNode {
  return (
    <p role="alert" className="rounded-md border border-orange px-2.5 py-1.5 text-[13px] text-orange">
      {isAsked
        ? "Tutti stopped in the middle of this answer. Nothing is lost: once it is back, it goes on by itself and the answer comes here."
        : "Tutti does not answer, so it may not have heard this. Ask again once it is back."}
    </p>
  );
}

function Working({ hasText }: { readonly hasText: boolean }): ReactNode {
  return (
    <p role="status" className="flex items-center gap-2 text-xs text-ink-3">
      <span aria-hidden className="size-2 animate-pulse rounded-full bg-blue" />
      {hasText ? "Answering" : "Thinking"}
    </p>
  );
}

interface FootProps {
  readonly runId: string | null;
  readonly text: string;
  readonly reading: AnswerReading;
  /** Where the answer's words are, once they are drawn without the marks of their markdown. */
  readonly words: HTMLElement | null;
  /** It came while somebody looked on. */
  readonly isFresh: boolean;
  readonly onRetry: (() => void) | undefined;
}

function Foot({ runId, text, reading: { usage, durationMs, model }, words, isFresh, onRetry }: FootProps): ReactNode {
  const facts = [
    model,
    durationMs === undefined ? undefined : duration(durationMs),
    usage === undefined ? undefined : `${count(usage.inputTokens)} → ${count(usage.outputTokens)} tokens`,
    usage === undefined || usage.costUsd === 0 ? undefined : dollars(usage.costUsd),
  ].filter((word) => word !== undefined);
  return (
    <footer className="flex flex-wrap items-center gap-x-2 text-xs text-ink-3">
      <span dir="auto" className="tabular-nums">
        {facts.join(" · ")}
      </span>
      {runId !== null && (
        <Link to="/runs/$runId" params={{ runId }} className="inline-flex min-h-7 items-center text-blue hover:underline">
          {`Run ${shortId(runId)}`}
        </Link>
      )}
      {text !== "" && <CopyButton text={text} label="Copy the answer" />}
      {text !== "" && words !== null && <ReadAloud of={words} isFresh={isFresh} />}
      {onRetry !== undefined && (
        <IconButton label="Ask again" onClick={onRetry}>
          <RotateCcw aria-hidden className="size-3.5" />
        </IconButton>
      )}
    </footer>
  );
}

/** What the run asks of people, to be answered in place. */
function Questions({ runId, isWaiting }: { readonly runId: string; readonly isWaiting: boolean }): ReactNode {
  const { data: approvals = [] } = useQuery({ ...approvalsOfRunQuery(runId), enabled: isWaiting });
  if (!isWaiting) return null;
  return approvals.map((approval) => <ChatApproval key={`${approval.key} ${approval.call?.argsHash ?? ""}`} approval={approval} />);
}

const NONE: readonly Event[] = [];

/** A run's events: as they come while it is open, from the log afterwards. */
function useRunEvents(runId: string | null, isOpen: boolean): readonly Event[] {
  const { data } = useQuery({ ...answerEventsQuery(runId ?? ""), enabled: runId !== null && !isOpen });
  const [live, setLive] = useState<{ readonly runId: string; readonly events: readonly Event[] }>();
  useLive(runId !== null && isOpen ? { topic: "run", runId } : null, {
    onData: ({ events }) => {
      if (runId === null) return;
      // The feed gives the events of the run's log, redacted.
      const fresh = events as unknown as readonly Event[];
      setLive((before) => ({ runId, events: withNew(before?.runId === runId ? before.events : NONE, fresh) }));
      if (fresh.some(({ type }) => type === "step.waiting" || type === "approval.answered"))
        void queryClient.invalidateQueries(approvalsOfRunQuery(runId));
    },
    onEnd: () => {
      if (runId !== null) void queryClient.invalidateQueries(answerEventsQuery(runId));
    },
  });
  return data ?? (live !== undefined && live.runId === runId ? live.events : NONE);
}

function withNew(before: readonly Event[], fresh: readonly Event[]): readonly Event[] {
  const last = before.at(-1)?.seq ?? 0;
  return [...before, ...fresh.filter(({ seq }) => seq > last)];
}
