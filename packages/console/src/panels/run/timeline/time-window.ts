/** The part of a run's time that is in sight, in ms on its own clock. */
export interface TimeWindow {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Nobody needs to see less. */
const SPAN_MIN_MS = 0.5;

/** The window made larger or smaller around a moment, within the whole. Pure. */
export function zoomed(window: TimeWindow, zoom: { readonly factor: number; readonly atMs: number }, whole: TimeWindow): TimeWindow {
  const span = Math.max(SPAN_MIN_MS, Math.min(whole.toMs - whole.fromMs, (window.toMs - window.fromMs) * zoom.factor));
  const share = (zoom.atMs - window.fromMs) / Math.max(1e-9, window.toMs - window.fromMs);
  const fromMs = zoom.atMs - share * span;
  return within({ fromMs, toMs: fromMs + span }, whole);
}

/** The window moved, within the whole. Pure. */
export function panned(window: TimeWindow, byMs: number, whole: TimeWindow): TimeWindow {
  return within({ fromMs: window.fromMs + byMs, toMs: window.toMs + byMs }, whole);
}

/** A window of the same size that does not stick out, if it fits. Pure. */
export function within(window: TimeWindow, whole: TimeWindow): TimeWindow {
  const span = Math.min(Math.max(SPAN_MIN_MS, window.toMs - window.fromMs), Math.max(SPAN_MIN_MS, whole.toMs - whole.fromMs));
  const fromMs = Math.max(whole.fromMs, Math.min(window.fromMs, whole.toMs - span));
  return { fromMs, toMs: fromMs + span };
}

/** Where a stretch lies in the window, in parts of a hundred; undefined when it is out of sight. Pure. */
export function placeOf({ fromMs, toMs }: TimeWindow, window: TimeWindow): { readonly start: number; readonly width: number } | undefined {
  if (toMs < window.fromMs || fromMs > window.toMs) return undefined;
  const span = Math.max(1e-9, window.toMs - window.fromMs);
  const start = Math.max(0, ((fromMs - window.fromMs) / span) * 100);
  const end = Math.min(100, ((toMs - window.fromMs) / span) * 100);
  return { start, width: Math.max(0, end - start) };
}

/** A window in an address: whole microseconds are enough. */
export function readWindow(from: string | undefined, to: string | undefined): TimeWindow | undefined {
  const [fromMs, toMs] = [Number(from), Number(to)];
  return from !== undefined && to !== undefined && Number.isFinite(fromMs) && Number.isFinite(toMs) && toMs > fromMs
    ? { fromMs, toMs }
    : undefined;
}
