import { useEffect, useState } from "react";

/** Lists of pages that were left; those that were left first go first. */
const KEPT_MAX = 8;
const kept = new Map<string, unknown>();

/** Keeps what a page has read for when somebody comes back to it. */
export function keepRead(key: string, value: unknown): void {
  kept.delete(key);
  kept.set(key, value);
  for (const oldest of kept.keys()) {
    if (kept.size <= KEPT_MAX) return;
    kept.delete(oldest);
  }
}

/** Lets go of all of it: what one person has read is not for the next. */
export function forgetKept(): void {
  kept.clear();
}

/** What was kept under a key; only the same caller keeps under it. */
export function readBefore<T>(key: string): T | undefined {
  return kept.get(key) as T | undefined;
}

/** State that outlives its page: who comes back finds what was there, also while the server is gone, until it is read anew. */
export function useKeptState<T>(key: string, initial: T): readonly [T, (change: (before: T) => T) => void] {
  const [held, setHeld] = useState(() => ({ key, value: readBefore<T>(key) ?? initial }));
  if (held.key !== key) setHeld({ key, value: readBefore<T>(key) ?? initial });
  useEffect(() => keepRead(held.key, held.value), [held]);
  return [held.value, (change) => setHeld((before) => ({ ...before, value: change(before.value) }))];
}
