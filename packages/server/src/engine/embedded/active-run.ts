import type { Execution } from "./execution.ts";

/** A run in memory. */
export interface ActiveRun {
  readonly execution: Execution;
  /** When its time is over, in ms since 1970; Infinity without a limit. */
  readonly deadlineMs: number;
  /** Resolves when it has left the memory. */
  readonly left: PromiseWithResolvers<void>;
  /** Resolves when what was written last is durable. */
  durable: Promise<boolean>;
  /** Of its last event. */
  seq: number;
  /** Whether its end is written: nothing may come after it. */
  hasEnded: boolean;
  /** How many are about to steer it: it must stay. */
  pins: number;
  /** Whether it is in the row of those that may leave. */
  isIdle: boolean;
}
