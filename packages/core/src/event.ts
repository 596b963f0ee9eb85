import type { Json } from "./json.ts";
import type { Action, Decision } from "./policy/decide.ts";
import type { Principal } from "./principal.ts";
import type { ApprovalRequest, RunLimits } from "./workflow.ts";

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
      /** `depth`: how many runs stand above this one; left out in logs of earlier versions. */
      readonly parent?: { readonly runId: string; readonly key: string; readonly depth?: number };
      /** Started by its parent, but not ended with it. */
      readonly spawned?: true;
      /** The run whose log this one begins with a part of, or goes on from with fresh history. */
      readonly origin?: { readonly type: "fork" | "continued"; readonly runId: string };
      readonly limits?: RunLimits;
      /** Untrusted content that its input holds or may hold, by source: its parent's, or that of the conversation it goes on with. */
      readonly tainted?: readonly string[];
      /** Calls by tool that count for this run although others made them: the runs above it, and those it goes on from. */
      readonly callsBefore?: { readonly above: Readonly<Record<string, number>>; readonly own: Readonly<Record<string, number>> };
    }
  /** The run waits for a place in a queue. Smaller priorities go first. */
  | { readonly type: "run.queued"; readonly queue: string; readonly queueKey: string; readonly priority: number }
  | { readonly type: "run.admitted"; readonly waitedMs: number }
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
      /** What a decision to ask came to, when it was approved: the last word on the step. */
      readonly approved?: ApprovedBy;
    }
  /** Written only for steps that take longer than a moment, so that watchers see them. */
  | ({ readonly type: "step.started" } & StepRef & { readonly attempt: number })
  | ({ readonly type: "step.waiting" } & StepRef & { readonly until: string | null; readonly approval?: ApprovalRequest })
  /** The branch of a step that was under way has ended: nobody waits for the step any more. Only for steps that said they had begun. */
  | ({ readonly type: "step.cancelled" } & StepRef)
  /** A long step says that it lives, and how far it is. The next attempt is told the last `detail`. */
  | ({ readonly type: "step.progressed" } & StepRef & { readonly attempt: number; readonly detail: Json })
  /** One attempt failed. `retryAt: null` means it was the last one. */
  | ({ readonly type: "step.failed" } & StepRef &
      StepTiming & {
        readonly code: string;
        readonly message: string;
        readonly retryAt: string | null;
        readonly tainted?: readonly string[];
        readonly calls?: Readonly<Record<string, number>>;
      })
  | ({ readonly type: "step.completed" } & StepRef &
      StepTiming & {
        readonly output: Json;
        readonly usage?: RunUsage;
        readonly partitionKey?: string;
        readonly copied?: true;
        /** Calls by tool in the run that the step waited for. */
        readonly calls?: Readonly<Record<string, number>>;
        /** The sources of untrusted content that the step brought into the run. */
        readonly tainted?: readonly string[];
      })
  /** A signal with an `id` is taken once. */
  | {
      readonly type: "signal.received";
      readonly name: string;
      readonly value: Json;
      readonly id?: string;
      readonly tainted?: readonly string[];
    }
  /**
   * Somebody answered the approval that the step at `key` waits for. `argsHash` is what they said yes to; `edited` holds the input that
   * they put in its place, by its own hash.
   */
  | {
      readonly type: "approval.answered";
      readonly key: string;
      readonly approved: boolean;
      readonly by: string;
      readonly reason: string;
      readonly argsHash?: string;
      readonly edited?: EditedInput;
    }
  /** In the log of an approval that was given before: a step used it. The place in the log is taken once, so a use is counted once. */
  | {
      readonly type: "approval.used";
      readonly by: { readonly runId: string; readonly key: string };
      readonly principal: Principal;
      readonly argsHash: string;
      readonly amount?: number;
    }
  /** One more principal approves the same. */
  | { readonly type: "approval.seconded"; readonly principal: Principal; readonly reason: string }
  /** From here on it is good for nothing. */
  | { readonly type: "approval.revoked"; readonly principal: Principal; readonly reason: string }
  /** Everything under way is ended; `code` when it was the run's deadline and not somebody. */
  | { readonly type: "cancel.requested"; readonly reason: string; readonly code?: "deadline_exceeded" }
  /** The process that ran it ended and another went on, or somebody resumed it; `version` when it goes on under another one. */
  | { readonly type: "run.resumed"; readonly reason: string; readonly version?: string }
  | { readonly type: "run.paused"; readonly code: string; readonly message: string }
  | ({ readonly type: "run.completed"; readonly output: Json } & RunEnd)
  | ({ readonly type: "run.failed"; readonly code: string; readonly message: string } & RunEnd)
  | ({ readonly type: "run.cancelled"; readonly reason: string } & RunEnd)
  /** The run ended and `nextRunId` goes on with a fresh log (`ctx.continueAsNew`). */
  | ({ readonly type: "run.continued"; readonly nextRunId: string } & RunEnd);

/** What a run and its children cost, left out when nothing was counted; the untrusted content it has read, by source; and their calls, by tool. */
interface RunEnd {
  readonly usage?: RunUsage;
  readonly calls?: Readonly<Record<string, number>>;
  readonly tainted?: readonly string[];
}

/** Tokens as providers counted them, and US dollars where prices are known. */
export interface RunUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costUsd: number;
}

/** How a step ended. A failed call that somebody else did may still have something to tell: what it spent until then. */
export type Outcome =
  | { readonly ok: true; readonly output: Json }
  | { readonly ok: false; readonly code: string; readonly message: string; readonly output?: Json };

/** What a person made of the input they were asked about. Policy asked for so many approvals of it. */
export interface EditedInput {
  readonly input: Json;
  readonly argsHash: string;
  readonly approvalsMin?: number;
}

/** Which approval let a step go on, who gave it and why. `approvalId` is "RUN/KEY" when people answered the step itself. */
export interface ApprovedBy {
  readonly approvalId: string;
  readonly by: readonly string[];
  readonly reason: string;
  readonly argsHash: string;
}

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
export type StepKind =
  | "step"
  | "undo"
  | "model"
  | "tool"
  | "workflow"
  | "spawn"
  | "send"
  | "sleep"
  | "signal"
  | "approval"
  | "now"
  | "emit"
  | "patch";

/** Where a run stands. */
export type RunStatus = "queued" | "running" | "waiting" | "paused" | "completed" | "failed" | "cancelled" | "continued";

/** The status a run has after an event, or `undefined` when the event does not change it. */
export function statusAfter(event: EventBody): RunStatus | undefined {
  switch (event.type) {
    case "run.started":
    case "cancel.requested":
    case "run.admitted":
    case "run.resumed":
      return "running";
    case "run.queued":
      return "queued";
    case "run.paused":
      return "paused";
    case "run.recorded":
      return event.outcome.ok ? "completed" : "failed";
    case "run.completed":
    case "approval.used":
    case "approval.seconded":
    case "approval.revoked":
      return "completed";
    case "run.failed":
      return "failed";
    case "run.cancelled":
      return "cancelled";
    case "run.continued":
      return "continued";
    case "step.waiting":
      return "waiting";
    case "step.completed":
      return event.kind === "sleep" || event.kind === "signal" || event.kind === "approval" ? "running" : undefined;
    case "policy.decided":
    case "step.started":
    case "step.cancelled":
    case "step.progressed":
    case "step.failed":
    case "signal.received":
    case "approval.answered":
      return undefined;
  }
}
