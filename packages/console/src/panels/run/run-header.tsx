import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { StatusBadge } from "../../parts/badge.tsx";
import { CopyButton } from "../../parts/copy.tsx";
import { RunLink } from "../../parts/run-link.tsx";
import { Moment, Sentence, useNow } from "../../parts/time.tsx";
import { clockTime, count, dollars, duration, shortId } from "../../parts/words.ts";
import { childrenQuery, waitingQuery } from "./queries.ts";
import type { RunFacts } from "./run-facts.ts";
import { useCalm } from "./use-calm.ts";

interface RunHeaderProps {
  readonly facts: RunFacts;
  /** How far its log has come. */
  readonly events: number;
}

/** What a person wants to know of a run at once. */
export function RunHeader({ facts, events }: RunHeaderProps): ReactNode {
  return (
    <div className="flex flex-col gap-2">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-1.5 text-[13px] text-ink-2">
        <StatusBadge status={facts.status} />
        <Named name="Run">
          <code className="font-mono text-xs" title={facts.runId}>
            {shortId(facts.runId)}
          </code>
          <CopyButton text={facts.runId} label="Copy the run’s id" />
        </Named>
        <Named name="Workflow">
          {facts.workflow.startsWith("tutti.") ? (
            <bdi className="text-ink">{facts.workflow}</bdi>
          ) : (
            <Link to="/workflows/$name" params={{ name: facts.workflow }} className="text-blue underline" dir="auto">
              {facts.workflow}
            </Link>
          )}
          <bdi className="text-ink-3">@{facts.version}</bdi>
        </Named>
        {facts.principal !== undefined && (
          <Named name="Started by">
            <bdi className="text-ink">{facts.principal.id}</bdi>
            <Moment at={facts.startedAt} />
          </Named>
        )}
        <Named name="Took">
          <Took facts={facts} />
        </Named>
        <Named name="Cost">
          <span className="text-ink tabular-nums">{dollars(facts.usage.costUsd)}</span>
          {facts.usage.inputTokens + facts.usage.outputTokens > 0 && (
            <span className="tabular-nums">
              {count(facts.usage.inputTokens)} tokens in, {count(facts.usage.outputTokens)} out
            </span>
          )}
        </Named>
      </div>
      <Family facts={facts} events={events} />
      {facts.error !== undefined && (
        <p className="rounded-md border border-red bg-ground-1 px-3 py-2 text-[13px] break-words" dir="auto">
          <code className="font-mono text-xs font-semibold text-red">{facts.error.code}</code> <Sentence text={facts.error.message} />
        </p>
      )}
      {!facts.hasEnded && <WaitingFor runId={facts.runId} events={events} />}
    </div>
  );
}

function Named({ name, children }: { readonly name: string; readonly children: ReactNode }): ReactNode {
  return (
    <span className="inline-flex min-w-0 items-center gap-1.5">
      <span className="text-xs text-ink-3">{name}</span>
      {children}
    </span>
  );
}

function Took({ facts: { startedAt, endedAt } }: { readonly facts: RunFacts }): ReactNode {
  const nowMs = useNow();
  const endMs = endedAt === undefined ? nowMs : Date.parse(endedAt);
  return (
    <span
      className="text-ink tabular-nums"
      title={`from ${clockTime(startedAt)}${endedAt === undefined ? "" : ` to ${clockTime(endedAt)}`}`}
    >
      {duration(Math.max(0, endMs - Date.parse(startedAt)))}
    </span>
  );
}

const CHILDREN_SHOWN = 8;

/** The runs around this one. */
function Family({ facts, events }: RunHeaderProps): ReactNode {
  const asOf = useCalm(events);
  const { data: children = [] } = useQuery({ ...childrenQuery(facts.runId, asOf), placeholderData: (before) => before });
  const { parent, origin, nextRunId } = facts;
  if (parent === undefined && origin === undefined && nextRunId === undefined && children.length === 0) return null;
  return (
    <div className="flex flex-wrap items-center gap-x-4 gap-y-1 text-xs text-ink-3">
      {parent !== undefined && (
        <Named name="Started by run">
          <RunLink id={parent.runId} span={parent.key} />
        </Named>
      )}
      {origin !== undefined && (
        <Named name={origin.type === "fork" ? "Forked from" : "Goes on from"}>
          <RunLink id={origin.runId} />
        </Named>
      )}
      {nextRunId !== undefined && (
        <Named name="Goes on as">
          <RunLink id={nextRunId} />
        </Named>
      )}
      {children.length > 0 && (
        <Named name={children.length === 1 ? "Child" : `${children.length} children`}>
          <span className="inline-flex flex-wrap items-center gap-2">
            {children.slice(0, CHILDREN_SHOWN).map(({ id, workflow, status }) => (
              <span key={id} className="inline-flex items-center gap-1">
                <RunLink id={id}>
                  <bdi>{workflow}</bdi>
                </RunLink>
                <span>{status}</span>
              </span>
            ))}
            {children.length > CHILDREN_SHOWN && (
              <Link to="/runs" search={{ parent: facts.runId }} className="text-blue underline">
                all of them
              </Link>
            )}
          </span>
        </Named>
      )}
    </div>
  );
}

const WAITING_EVERY_MS = 5_000;
const SENTENCES_SHOWN = 4;

/** What holds the run up, in plain words. */
function WaitingFor({ runId, events }: { readonly runId: string; readonly events: number }): ReactNode {
  const asOf = useCalm(events);
  const { data } = useQuery({ ...waitingQuery(runId, asOf), refetchInterval: WAITING_EVERY_MS, placeholderData: (before) => before });
  const waiting = data?.waiting.filter(({ type }) => type !== "ended") ?? [];
  if (waiting.length === 0) return null;
  return (
    <ul
      aria-label="What it waits for"
      className="flex flex-col gap-1 rounded-md border border-line bg-ground-1 px-3 py-2 text-[13px] text-ink"
    >
      {waiting.slice(0, SENTENCES_SHOWN).map(({ key, type, sentence }) => (
        <li key={`${type}/${key}`} className="break-words" dir="auto">
          <Sentence text={sentence} />
        </li>
      ))}
      {waiting.length > SENTENCES_SHOWN && <li className="text-ink-3">and {waiting.length - SENTENCES_SHOWN} more</li>}
    </ul>
  );
}
