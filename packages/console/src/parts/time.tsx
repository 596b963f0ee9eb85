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

/** A moment as the API writes it, in UTC, or a command between backquotes. */
const SPECIAL = /(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?Z|`[^`]+`)/;

/** A sentence of the server, with its commands as such and its moments in the reader's own time zone and language. */
export function Sentence({ text }: { readonly text: string }): ReactNode {
  return text.split(SPECIAL).map((part, place) => {
    // What the pattern found stands at every other place.
    if (place % 2 === 0) return part;
    return part.startsWith("`") ? (
      <code key={place} className="font-mono">
        {part.slice(1, -1)}
      </code>
    ) : (
      <time key={place} dateTime={part} title={part}>
        {clockTime(part)}
      </time>
    );
  });
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
