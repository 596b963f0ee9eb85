import type { Event, Json, Principal, RunStatus, RunUsage } from "@tutti/core";
import { hasEnded, statusOf } from "@tutti/core/insight";

/** What a run's log says of the run as a whole. */
export interface RunFacts {
  readonly runId: string;
  readonly workflow: string;
  /** What people call it: of a graph that came with its run, the graph's name. */
  readonly title: string;
  readonly version: string;
  readonly status: RunStatus;
  readonly hasEnded: boolean;
  readonly startedAt: string;
  readonly endedAt: string | undefined;
  readonly principal: Principal | undefined;
  readonly parent: { readonly runId: string; readonly key: string } | undefined;
  readonly origin: { readonly type: "fork" | "continued"; readonly runId: string } | undefined;
  /** The run that goes on with a fresh log. */
  readonly nextRunId: string | undefined;
  readonly input: Json;
  readonly output: Json | undefined;
  readonly error: { readonly code: string; readonly message: string } | undefined;
  readonly usage: RunUsage;
  readonly tainted: readonly string[];
}

const NOTHING: RunUsage = { inputTokens: 0, outputTokens: 0, costUsd: 0 };

/** Reads them. Pure; a log of any incompleteness gives some facts. */
export function factsOf(events: readonly Event[]): RunFacts {
  const status = statusOf(events);
  const isEnded = hasEnded(status);
  const last = events.at(-1);
  return {
    status,
    hasEnded: isEnded,
    endedAt: isEnded ? last?.at : undefined,
    nextRunId: last?.type === "run.continued" ? last.nextRunId : undefined,
    ...beginningOf(events),
    title: titleOf(events),
    ...endOf(events),
    usage: usageOf(events),
    tainted: [...new Set(events.flatMap((event) => ("tainted" in event ? (event.tainted ?? []) : [])))],
  };
}

type Beginning = Pick<RunFacts, "runId" | "workflow" | "version" | "startedAt" | "principal" | "parent" | "origin" | "input">;

/** What the first event says. A run may go on under another version than it began with. */
function beginningOf(events: readonly Event[]): Beginning {
  const first = events.find((event) => event.type === "run.started" || event.type === "run.recorded");
  if (first === undefined)
    return { runId: "", workflow: "", version: "", startedAt: "", principal: undefined, parent: undefined, origin: undefined, input: null };
  const { runId, workflow } = first;
  if (first.type === "run.recorded") {
    const { version, startedAt, action } = first;
    return {
      runId,
      workflow,
      version,
      startedAt,
      principal: action.principal,
      parent: undefined,
      origin: undefined,
      input: action.input ?? null,
    };
  }
  const { at: startedAt, principal, parent, origin, input } = first;
  const resumed = events.findLast((event) => event.type === "run.resumed" && event.version !== undefined);
  const version = (resumed?.type === "run.resumed" ? resumed.version : undefined) ?? first.version;
  return { runId, workflow, version, startedAt, principal, parent, origin, input };
}

function titleOf([first]: readonly Event[]): string {
  if (first?.type !== "run.started") return first?.type === "run.recorded" ? first.workflow : "";
  if (first.workflow !== "tutti.graph") return first.workflow;
  const { graph } = first.input as { readonly graph?: { readonly name?: Json } };
  return typeof graph?.name === "string" ? graph.name : first.workflow;
}

function endOf(events: readonly Event[]): Pick<RunFacts, "output" | "error"> {
  const end = events.findLast(({ type }) => type.startsWith("run."));
  if (end?.type === "run.completed") return { output: end.output, error: undefined };
  if (end?.type === "run.failed" || end?.type === "run.paused")
    return { output: undefined, error: { code: end.code, message: end.message } };
  if (end?.type === "run.cancelled") return { output: undefined, error: { code: "cancelled", message: end.reason } };
  if (end?.type !== "run.recorded") return { output: undefined, error: undefined };
  const { outcome } = end;
  return { output: outcome.output, error: outcome.ok ? undefined : { code: outcome.code, message: outcome.message } };
}

/** What the run has cost: its end says it, and until then its steps do. */
function usageOf(events: readonly Event[]): RunUsage {
  const last = events.at(-1);
  if (last !== undefined && "usage" in last && last.type !== "step.completed" && last.usage !== undefined) return last.usage;
  const usages = events.flatMap((event) =>
    event.type === "step.completed" && event.copied !== true && event.usage !== undefined ? [event.usage] : [],
  );
  return usages.reduce(plus, NOTHING);
}

/** Two usages together. */
export function plus(a: RunUsage, b: RunUsage): RunUsage {
  return { inputTokens: a.inputTokens + b.inputTokens, outputTokens: a.outputTokens + b.outputTokens, costUsd: a.costUsd + b.costUsd };
}
