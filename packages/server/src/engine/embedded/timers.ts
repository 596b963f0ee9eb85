import { AppError } from "@tutti/core";
import type { Clock } from "../clock.ts";
import type { Scope } from "./scope.ts";

/** The longest delay `setTimeout` takes; longer waits are made of several. */
const TIMEOUT_MAX_MS = 2 ** 31 - 1;

/** Waits until a moment on the wall clock, in ms since 1970; years are fine. Rejects when the branch is closed or Tutti stops first. */
export async function waitUntil(atMs: number, scope: Scope, clock: Clock): Promise<void> {
  if (scope.isStopped) throw scope.closed ?? new AppError("cancelled", "Tutti stops");
  for (let leftMs = atMs - clock.nowMs(); leftMs > 0; leftMs = atMs - clock.nowMs()) {
    await waitOnce(Math.min(leftMs, TIMEOUT_MAX_MS), scope, clock);
  }
}

function waitOnce(ms: number, scope: Scope, clock: Clock): Promise<void> {
  return new Promise((resolve, reject) => {
    const stopListening = scope.onStop((reason) => {
      stopTimer();
      reject(reason);
    });
    const stopTimer = clock.after(ms, () => {
      stopListening();
      resolve();
    });
  });
}
