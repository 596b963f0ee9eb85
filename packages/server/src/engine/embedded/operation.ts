import {
  canonicalJson,
  type EventBody,
  type EventDraft,
  type Json,
  type ModelPart,
  type Outcome,
  type Principal,
  type RunLimits,
  type RunUsage,
  type StepContext,
  type StepKind,
  type Wait,
  type Workflow,
} from "@tutti/core";
import { iso } from "../clock.ts";
import type { CallCounts, Calls, CallsBefore } from "./call-counts.ts";
import type { ReceivedSignal, StepProgress } from "./history.ts";
import type { Scope } from "./scope.ts";

/** What one run is made of. */
export interface RunParts {
  readonly runId: string;
  readonly principal: Principal;
  readonly workflow: Workflow;
  readonly input: Json;
  readonly startedAtMs: number;
  readonly parent?: { readonly runId: string; readonly key: string; readonly depth?: number };
  readonly limits?: RunLimits;
  readonly tainted?: readonly string[];
  readonly callsBefore?: CallsBefore;
}

/** How a run goes on as another. */
export interface Continuation {
  readonly input: Json;
  readonly signals: readonly ReceivedSignal[];
  readonly usage: { readonly usage?: RunUsage };
  readonly taint: { readonly tainted?: readonly string[] };
  readonly calls: CallCounts;
}

/** Whom an execution tells what happened. */
export interface ExecutionHost {
  /** Journals events of this run; resolves when they are durable, with false when the store is gone for good: then the run stays unfinished. */
  append(bodies: readonly EventBody[]): Promise<boolean>;
  /** Ends this run and begins the next, in one piece. */
  goOn(continuation: Continuation): Promise<void>;
  /** Puts a value that is too large for the journal into the blob store; returns what the journal holds instead. */
  toJournal(value: Json): Json | Promise<Json>;
  onPart(part: ModelPart): void;
  /** Called whenever all that the run can do next is to see a wait end. */
  onIdle(): void;
  /** Called once, when the execution will do nothing more. */
  onSettled(): void;
}

/** A step that a workflow asks for: what it is called, and how it is done when it was not recorded. */
export interface Operation {
  readonly kind: StepKind;
  readonly name: string;
  /** Takes back what it did, when the run does not succeed. */
  readonly undo?: ((output: Json, step: StepContext) => Promise<void> | void) | undefined;
  perform(call: OperationCall): Promise<Performed>;
  /** Ends what an earlier process may have begun for it, because its branch has ended since. */
  abandon?: ((key: string) => void) | undefined;
}

/** What an operation gets to do its work. */
export interface OperationCall {
  readonly key: string;
  readonly scope: Scope;
  readonly progress: StepProgress | undefined;
  /** Says that all this operation does now is wait; returns how to say that it goes on. */
  idle(wait: IdleWait): () => void;
}

/** A wait as the store keeps it, without the run's id. */
export type IdleWait = Omit<Wait, "runId" | "key" | "approval">;

/** How an operation ended, with the event that records it left to the execution. */
export interface Performed {
  readonly outcome: Outcome;
  readonly attempt: number;
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly usage?: RunUsage | undefined;
  readonly partitionKey?: string | undefined;
  /** Sources of untrusted content that it brought into the run. */
  readonly tainted?: readonly string[] | undefined;
  /** Calls by tool in the run that it waited for. */
  readonly calls?: Calls | undefined;
}

/** A value as a replay will read it back. */
export function toJson(value: unknown): Json {
  if (value === undefined || value === null) return null;
  return typeof value === "object" ? (JSON.parse(canonicalJson(value)) as Json) : (canonicalJson(value), value as Json);
}

/** What happened to a run after `afterSeq`, as events of now. */
export function numbered(
  run: { readonly runId: string; readonly afterSeq: number; readonly nowMs: number },
  bodies: readonly EventBody[],
): readonly EventDraft[] {
  const at = iso(run.nowMs);
  return bodies.map((body, index) => ({ ...body, runId: run.runId, at, seq: run.afterSeq + index + 1 }));
}

/** The host of a run that touches nothing. */
export const NOWHERE: ExecutionHost = {
  append: () => Promise.resolve(true),
  goOn: () => Promise.resolve(),
  toJournal: (value) => value,
  onPart: () => undefined,
  onIdle: () => undefined,
  onSettled: () => undefined,
};
