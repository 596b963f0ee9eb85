/** A text and how it came to be. */
export interface TextHistory {
  readonly past: readonly string[];
  readonly now: string;
  readonly future: readonly string[];
  /** What changed it last, and when: what is typed in one go is taken back in one go. */
  readonly last: { readonly by: string; readonly atMs: number } | undefined;
}

/** Changes that can be taken back. */
const PAST_MAX = 200;
/** Changes of one kind that follow each other this closely are one. */
const TOGETHER_MS = 800;

/** A text nobody has changed yet. */
export function newHistory(text: string): TextHistory {
  return { past: [], now: text, future: [], last: undefined };
}

/** The history after a change. `by` says what kind of change it was; "" is one of its own. Pure. */
export function changed(history: TextHistory, text: string, { by, atMs }: { readonly by: string; readonly atMs: number }): TextHistory {
  if (text === history.now) return history;
  const { last } = history;
  const isMore = by !== "" && last?.by === by && atMs - last.atMs < TOGETHER_MS;
  return {
    past: isMore ? history.past : [...history.past, history.now].slice(-PAST_MAX),
    now: text,
    future: [],
    last: { by, atMs },
  };
}

/** Takes the last change back. Pure. */
export function undone(history: TextHistory): TextHistory {
  const before = history.past.at(-1);
  if (before === undefined) return history;
  return { past: history.past.slice(0, -1), now: before, future: [history.now, ...history.future], last: undefined };
}

/** Makes the change that was taken back last once more. Pure. */
export function redone(history: TextHistory): TextHistory {
  const [next, ...future] = history.future;
  if (next === undefined) return history;
  return { past: [...history.past, history.now], now: next, future, last: undefined };
}
