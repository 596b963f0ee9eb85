import { setTimeout as passed } from "node:timers/promises";

/** Resolves after so many ms, or at once when the signal aborts. Nothing stays with the signal: it may outlive many pauses. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms === 0) return;
  await passed(ms, undefined, { signal }).catch((thrown: unknown) => {
    if (!signal.aborted) throw thrown;
  });
}
