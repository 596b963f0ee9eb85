import type { Json } from "./json.ts";
import type { Action, Decision } from "./policy/decide.ts";
import type { Principal } from "./principal.ts";

/**
 * One union: trace, receipt, audit, live feed, metrics, replay and fork are readings of it.
 * `seq` counts from 1 within a run, `at` is UTC in ISO 8601. `hash` is set when the event is journaled (receipt.ts).
 */
export type Event = EventDraft & { readonly hash: string };

/** An event before the journal has hashed it. */
export type EventDraft = EventBody & { readonly runId: string; readonly seq: number; readonly at: string };

/**
 * What happened. `key` is a step's branch and place in it ("2", "3.0.1"); "" is the run itself. Values over 64 KiB stand in the blob
 * store and the event holds `{ "$blob": sha256, "sizeBytes": n }` in their place.
 */
export type EventBody =
  | {
      readonly type: "run.started";
      readonly workflow: string;
      readonly version: string;
      readonly input: Json;
      readonly principal: Principal;
      readonly parent?: { readonly runId: string; readonly key: string };
    }
  /**
   * A whole run in one event: one step that somebody else did, such as a model call whose bytes passed through. It is written when the step
   * has ended, because a proxy cannot afford four events a call; a step that a crash cut off leaves none.
   */
  | ({
      readonly type: "run.recorded";
      readonly workflow: string;
      readonly version: string;
      readonly action: Action;
      readonly decision: Decision;
      readonly policyHash: string;
    } & StepRef &
      StepTiming & { readonly outcome: Outcome })
  | {
      readonly type: "policy.decided";
      readonly key: string;
      readonly action: Action;
      readonly decision: Decision;
      readonly policyHash: string;
    }
  /** Written only for steps that take longer than a moment, so that watchers see them. */
  | ({ readonly type: "step.started" } & StepRef & { readonly attempt: number })
  | ({ readonly type: "step.waiting" } & StepRef & { readonly until: string | null })
  /** One attempt failed. `retryAt: null` means it was the last one. */
  | ({ readonly type: "step.failed" } & StepRef &
      StepTiming & { readonly code: string; readonly message: string; readonly retryAt: string | null })
  | ({ readonly type: "step.completed" } & StepRef & StepTiming & { readonly output: Json })
  | { readonly type: "signal.received"; readonly name: string; readonly value: Json }
  | { readonly type: "cancel.requested"; readonly reason: string }
  /** The process that ran it ended, and another went on. */
  | { readonly type: "run.resumed"; readonly reason: string }
  | { readonly type: "run.paused"; readonly code: string; readonly message: string }
  | { readonly type: "run.completed"; readonly output: Json }
  | { readonly type: "run.failed"; readonly code: string; readonly message: string }
  | { readonly type: "run.cancelled"; readonly reason: string };

/** How a step ended. */
export type Outcome =
  | { readonly ok: true; readonly output: Json }
  | { readonly ok: false; readonly code: string; readonly message: string };

/** Which step an event is about. */
interface StepRef {
  readonly key: string;
  readonly kind: StepKind;
  readonly name: string;
}

/** How long an attempt took, on the clock of the process that ran it. */
interface StepTiming {
  readonly attempt: number;
  readonly startedAt: string;
  readonly durationMs: number;
}

/** What a step does. */
export type StepKind = "step" | "model" | "tool" | "workflow" | "sleep" | "signal" | "now" | "emit";

/** Where a run stands. */
export type RunStatus = "running" | "waiting" | "paused" | "completed" | "failed" | "cancelled";

/** The status a run has after an event, or `undefined` when the event does not change it. */
export function statusAfter(event: EventBody): RunStatus | undefined {
  switch (event.type) {
    case "run.started":
    case "run.resumed":
      return "running";
    case "run.paused":
      return "paused";
    case "run.recorded":
      return event.outcome.ok ? "completed" : "failed";
    case "run.completed":
      return "completed";
    case "run.failed":
      return "failed";
    case "run.cancelled":
      return "cancelled";
    case "step.waiting":
      return "waiting";
    case "step.completed":
      return event.kind === "sleep" || event.kind === "signal" ? "running" : undefined;
    case "policy.decided":
    case "step.started":
    case "step.failed":
    case "signal.received":
    case "cancel.requested":
      return undefined;
  }
}
