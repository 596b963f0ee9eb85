import { useSyncExternalStore } from "react";

/** Something that this browser remembers for its person. */
export interface Kept<T> {
  readonly now: () => T;
  /** The same in a component, which is drawn anew when it changes. */
  readonly use: () => T;
  readonly set: (change: Partial<T>) => void;
  /** Calls when it changes; gives what ends that. */
  readonly subscribe: (listener: () => void) => () => void;
}

/** What the browser had before it is shown to `read`: whatever else may stand there. */
export type Found = Readonly<Record<string, unknown>>;

/** Keeps a few settings under a key of the browser's storage. `read` makes a whole of whatever is found there. */
export function keep<T extends object>(key: string, read: (found: Found) => T): Kept<T> {
  const listeners = new Set<() => void>();
  let current = read(foundAt(key));
  const subscribe = (listener: () => void): (() => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  const now = (): T => current;
  return {
    now,
    subscribe,
    use: () => useSyncExternalStore(subscribe, now),
    set(change) {
      current = { ...current, ...change };
      localStorage.setItem(key, JSON.stringify(current));
      for (const listener of listeners) listener();
    },
  };
}

function foundAt(key: string): Found {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(key) ?? "{}");
    return typeof found === "object" && found !== null ? (found as Found) : {};
  } catch {
    // Something else wrote there, or storage is off.
    return {};
  }
}
