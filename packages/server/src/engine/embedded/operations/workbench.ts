import type { Json, Outcome, RunLimits, RunUsage, StartOptions } from "@tutti/core";
import type { Clock } from "../../clock.ts";
import type { EngineParts } from "../../effects.ts";
import type { Approvals } from "../approvals.ts";
import type { Budget } from "../budget.ts";
import type { ReceivedSignal } from "../history.ts";
import type { CallCounts, Calls, CallsBefore } from "../call-counts.ts";
import type { Taint } from "../taint.ts";
import type { Mailbox } from "../mailbox.ts";
import type { ExecutionHost, Performed, RunParts } from "../operation.ts";

/** What one run's operations work with. */
export interface Workbench {
  readonly run: RunParts;
  readonly host: ExecutionHost;
  readonly engine: EngineParts;
  readonly runs: OtherRuns;
  readonly mailbox: Mailbox;
  readonly approvals: Approvals;
  readonly budget: Budget;
  readonly taint: Taint;
  readonly calls: CallCounts;
  readonly clock: Clock;
}

/** Other runs, as a run's operations need them. */
export interface OtherRuns {
  start(workflow: string, input: Json, options: OtherRunOptions): Promise<void>;
  /** Resolves when the run has ended, or the run it goes on as. */
  end(runId: string, signal: AbortSignal): Promise<RunOutcome>;
  signal(runId: string, signal: ReceivedSignal): Promise<void>;
  cancel(runId: string, reason: string): Promise<void>;
}

/** How an operation starts another run. Children may exceed the bound of runs in memory, or their parents could wait for ever. */
export interface OtherRunOptions {
  readonly runId: string;
  readonly parent: { readonly runId: string; readonly key: string; readonly depth?: number };
  readonly isChild: boolean;
  readonly limits?: RunLimits | undefined;
  readonly queue?: StartOptions["queue"] | undefined;
  readonly tainted?: readonly string[] | undefined;
  readonly callsBefore?: CallsBefore | undefined;
}

/** How a run ended, what it cost, what untrusted content it has read, and what it has called. */
export interface RunOutcome {
  readonly outcome: Outcome;
  readonly usage?: RunUsage | undefined;
  readonly tainted?: readonly string[] | undefined;
  readonly calls?: Calls | undefined;
}

/** An operation that worked at its first attempt. */
export function done({ clock }: Workbench, startedAtMs: number, output: Json): Performed {
  return { attempt: 1, startedAtMs, durationMs: clock.nowMs() - startedAtMs, outcome: { ok: true, output } };
}
