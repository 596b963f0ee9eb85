import { memo, useSyncExternalStore, type ReactNode } from "react";
import { ago, clockTime } from "./words.ts";

const TICK_MS = 1000;
let nowMs = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;
const listeners = new Set<() => void>();

/** The time, once a second; one clock for the whole page. */
export function useNow(): number {
  return useSyncExternalStore(listen, () => nowMs);
}

function listen(listener: () => void): () => void {
  listeners.add(listener);
  // While nobody listened, nothing moved it on.
  if (timer === undefined) nowMs = Date.now();
  timer ??= setInterval(() => {
    nowMs = Date.now();
    for (const one of listeners) one();
  }, TICK_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** When something was, as people say it; the moment itself when pointed at. */
export const Moment = memo(function Moment({ at }: { readonly at: string }): ReactNode {
  const now = useNow();
  return (
    <time dateTime={at} title={clockTime(at)} className="whitespace-nowrap tabular-nums">
      {ago(Date.parse(at) - now)}
    </time>
  );
});
