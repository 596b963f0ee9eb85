/**
 * What WebKit (Safari) has not got yet and the console needs. It must be loaded before everything else: classes take the symbol as the name
 * of a method when they are made.
 */
const symbols = Symbol as unknown as { dispose?: symbol };
symbols.dispose ??= Symbol("Symbol.dispose");

/** A browser that does not tell when it is idle is so a moment after the page is there. */
const SOON_MS = 200;

/** Calls when the browser has nothing better to do. */
export function whenIdle(act: () => void): void {
  if (typeof requestIdleCallback === "function") requestIdleCallback(act);
  else setTimeout(act, SOON_MS);
}
