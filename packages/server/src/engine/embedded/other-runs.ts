import type { Engine, Principal } from "@tutti/core";
import type { OtherRuns, RunOutcome } from "./operations/index.ts";
import { fieldOf } from "./taint.ts";

/** Through what a run reaches other runs: `peers` where several engines serve one store, and the run's `own` engine otherwise. */
interface OtherRunsParts {
  readonly own: Pick<Engine, "start" | "signal" | "cancel" | "recover">;
  readonly peers: Pick<Engine, "start" | "result" | "signal" | "cancel"> | undefined;
  /** Throws when there is no room for one more run. */
  readonly admit: () => void;
  readonly outcome: (runId: string, signal: AbortSignal) => Promise<RunOutcome>;
}

/** What the runs of a principal may do to other runs, in its name. */
export function otherRunsOf({ own, peers, admit, outcome }: OtherRunsParts, principal: Principal): OtherRuns {
  const engine = peers ?? own;
  return {
    start: async (workflow, input, { isChild, queue, limits, tainted, callsBefore, ...options }) => {
      if (!isChild && queue === undefined) admit();
      await engine.start(workflow, input, {
        principal,
        isSpawned: !isChild,
        ...options,
        ...(queue && { queue }),
        ...(limits && { limits }),
        ...fieldOf(tainted),
        ...(callsBefore && { callsBefore }),
      });
      if (peers === undefined) await own.recover(options.runId);
    },
    end: async (runId, signal) => {
      // A peer tells when the run has ended; how it did, and what it cost, is in the store by then.
      if (peers !== undefined) await peers.result(runId, signal).catch(() => signal.throwIfAborted());
      return outcome(runId, signal);
    },
    signal: (runId, signal) => engine.signal(runId, signal, principal),
    cancel: (runId, reason) => engine.cancel(runId, reason, principal),
  };
}
