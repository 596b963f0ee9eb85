/** Time as an engine sees it; tests drive a virtual one, so that every order of events can be tried. */
export interface Clock {
  /** Milliseconds since 1970. */
  nowMs(): number;
  /** Calls `action` after at least `ms`; returns how to call it off. */
  after(ms: number, action: () => void): () => void;
  /** Calls `action` in a later turn of the event loop, when all that follows from this one has happened. */
  turn(action: () => void): void;
  /** From 0 up to 1. */
  random(): number;
}

let lastMs = Number.NaN;
let lastText = "";

/** A moment in ISO 8601. Thousands of events share a millisecond, and writing one out costs more than most of what is in them. */
export function iso(ms: number): string {
  if (ms !== lastMs) {
    lastText = new Date(ms).toISOString();
    lastMs = ms;
  }
  return lastText;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  after(ms, action) {
    const timer = setTimeout(action, ms);
    return () => clearTimeout(timer);
  },
  turn: (action) => void setImmediate(action),
  random: () => Math.random(),
};
