import { backoffMs } from "@tutti/core/resilience";
import type { Supervision } from "./supervision-policy.ts";

/** How a supervised run ended. */
export type RunEnd =
  | { readonly type: "completed" }
  | { readonly type: "cancelled" }
  | { readonly type: "failed"; readonly code: string; readonly message: string };

/** What follows from an end. */
export type Consequence =
  | { readonly type: "finish" }
  | { readonly type: "give up"; readonly why: "never restarted" | "crash loop" }
  | { readonly type: "pause" }
  | { readonly type: "restart"; readonly delayMs: number };

/** The failures that still count, the newest last. Pure. */
export function countedFailures(failuresAtMs: readonly number[], { crashLoop }: Supervision, nowMs: number): readonly number[] {
  return failuresAtMs.filter((atMs) => nowMs - atMs < crashLoop.withinMs).slice(-crashLoop.failuresMax);
}

/** What to do after a run has ended. `failuresAtMs` are the failures that count, this one included; `random` is in [0, 1). Pure. */
export function consequenceOf(
  end: RunEnd,
  { policy, failuresAtMs }: { readonly policy: Supervision; readonly failuresAtMs: readonly number[] },
  random: number,
): Consequence {
  const { restart, backoff, crashLoop } = policy;
  switch (end.type) {
    case "cancelled":
      return { type: "finish" };
    case "completed":
      // Not at once: work that has nothing to do would be a loop without a pause.
      return restart === "always" ? { type: "restart", delayMs: backoff.delayMs } : { type: "finish" };
    case "failed":
      if (restart === "never") return { type: "give up", why: "never restarted" };
      if (failuresAtMs.length >= crashLoop.failuresMax)
        return crashLoop.action === "pause" ? { type: "pause" } : { type: "give up", why: "crash loop" };
      return { type: "restart", delayMs: Math.round(backoffMs(failuresAtMs.length, backoff, random)) };
  }
}
