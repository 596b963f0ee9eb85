import { useEffect, useEffectEvent, useMemo, useRef, useState, type RefObject } from "react";
import { panned, within, zoomed, type TimeWindow } from "./time-window.ts";

/** How much one press of a key or one turn of a wheel changes. */
const ZOOM = 1.5;
const PAN_SHARE = 0.2;
const WHEEL_ZOOM = 0.0022;
/** A pointer that has moved less between down and up has clicked, not dragged. */
const DRAG_PX = 4;
/** The address follows when nothing has moved for so long. */
const SETTLED_MS = 250;

/** The part of a run's time that is in sight, and the ways to change it. */
export interface Viewing {
  readonly window: TimeWindow;
  readonly isWhole: boolean;
  readonly zoomIn: () => void;
  readonly zoomOut: () => void;
  readonly earlier: () => void;
  readonly later: () => void;
  readonly showAll: () => void;
  readonly show: (window: TimeWindow) => void;
}

/** Holds the time window; `given` is what the address says, `onSettled` puts it there. */
export function useTimeWindow(
  whole: TimeWindow,
  given: TimeWindow | undefined,
  onSettled: (window: TimeWindow | undefined) => void,
): Viewing {
  const [chosen, setChosen] = useState(given);
  const settle = useEffectEvent(onSettled);
  const isFirst = useRef(true);
  useEffect(() => {
    if (isFirst.current) {
      isFirst.current = false;
      return;
    }
    const timer = setTimeout(() => settle(chosen), SETTLED_MS);
    return () => clearTimeout(timer);
  }, [chosen]);
  return useMemo(() => {
    const window = chosen === undefined ? whole : within(chosen, whole);
    const spanMs = window.toMs - window.fromMs;
    const atMs = window.fromMs + spanMs / 2;
    const show = (next: TimeWindow): void => {
      const inside = within(next, whole);
      setChosen(inside.fromMs <= whole.fromMs && inside.toMs >= whole.toMs ? undefined : inside);
    };
    return {
      window,
      isWhole: chosen === undefined,
      show,
      zoomIn: () => show(zoomed(window, { factor: 1 / ZOOM, atMs }, whole)),
      zoomOut: () => show(zoomed(window, { factor: ZOOM, atMs }, whole)),
      earlier: () => show(panned(window, -spanMs * PAN_SHARE, whole)),
      later: () => show(panned(window, spanMs * PAN_SHARE, whole)),
      showAll: () => setChosen(undefined),
    };
  }, [chosen, whole]);
}

interface Pointing {
  /** What holds the wheel and the pointer; the bars begin and end where `bars` says. */
  readonly box: RefObject<HTMLElement | null>;
  readonly bars: RefObject<HTMLElement | null>;
  readonly whole: TimeWindow;
  readonly viewing: Viewing;
}

/** Control and wheel zoom around the pointer, Shift and wheel (or a sideways one) moves, and so does dragging the bars. Tells of a click whether it ends a drag. */
export function useTimePointer({ box, bars, whole, viewing }: Pointing): () => boolean {
  const { window, show } = viewing;
  const onWheel = useEffectEvent((event: WheelEvent) => {
    const area = bars.current?.getBoundingClientRect();
    if (area === undefined || area.width === 0) return;
    const msPerPx = (window.toMs - window.fromMs) / area.width;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      const atMs = window.fromMs + (event.clientX - area.left) * msPerPx;
      return show(zoomed(window, { factor: Math.exp(event.deltaY * WHEEL_ZOOM), atMs }, whole));
    }
    const sideways = event.shiftKey && event.deltaX === 0 ? event.deltaY : event.deltaX;
    if (Math.abs(sideways) <= Math.abs(event.shiftKey ? 0 : event.deltaY)) return;
    event.preventDefault();
    show(panned(window, sideways * msPerPx, whole));
  });
  const drag = useRef<{ readonly x: number; readonly window: TimeWindow } | null>(null);
  const hasDragged = useRef(false);
  const onDown = useEffectEvent((event: PointerEvent) => {
    hasDragged.current = false;
    const area = bars.current?.getBoundingClientRect();
    if (area === undefined || event.button !== 0 || event.clientX < area.left || event.clientX > area.right) return;
    drag.current = { x: event.clientX, window };
  });
  const onMove = useEffectEvent((event: PointerEvent) => {
    const area = bars.current?.getBoundingClientRect();
    if (drag.current === null || area === undefined || event.buttons === 0) return;
    const { x, window: from } = drag.current;
    if (Math.abs(x - event.clientX) > DRAG_PX) hasDragged.current = true;
    if (!hasDragged.current) return;
    show(panned(from, ((x - event.clientX) * (from.toMs - from.fromMs)) / area.width, whole));
  });
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const wheel = (event: WheelEvent): void => onWheel(event);
    const down = (event: PointerEvent): void => onDown(event);
    const move = (event: PointerEvent): void => onMove(event);
    const up = (): void => void (drag.current = null);
    element.addEventListener("wheel", wheel, { passive: false });
    element.addEventListener("pointerdown", down);
    element.addEventListener("pointermove", move);
    addEventListener("pointerup", up);
    return () => {
      element.removeEventListener("wheel", wheel);
      element.removeEventListener("pointerdown", down);
      element.removeEventListener("pointermove", move);
      removeEventListener("pointerup", up);
    };
  }, [box]);
  return () => hasDragged.current;
}
