import { useEffect, useRef, type PointerEvent, type ReactNode } from "react";
import { useTheme } from "../../../appearance.ts";
import type { TimelineRow } from "./rows.ts";
import { placeOf, type TimeWindow } from "./time-window.ts";
import type { Viewing } from "./use-time-window.ts";

const HEIGHT_PX = 44;
/** A shorter drag is a click: it moves the window there. */
const DRAG_MIN_PX = 4;

interface MinimapProps {
  readonly rows: readonly TimelineRow[];
  readonly whole: TimeWindow;
  readonly viewing: Viewing;
}

/** The whole run, small; dragging over it chooses what is in sight. The keyboard has keys for that, so it is a picture for others. */
export function Minimap({ rows, whole, viewing }: MinimapProps): ReactNode {
  const canvas = useRef<HTMLCanvasElement>(null);
  const theme = useTheme();
  const from = useRef<number | null>(null);
  useEffect(() => {
    const element = canvas.current;
    if (element === null) return;
    const draw = (): void => paint(element, rows, whole);
    draw();
    const observer = new ResizeObserver(draw);
    observer.observe(element);
    return () => observer.disconnect();
  }, [rows, whole, theme]);
  const msAt = ({ clientX, currentTarget }: PointerEvent): number => {
    const { left, width } = currentTarget.getBoundingClientRect();
    return whole.fromMs + ((clientX - left) / Math.max(1, width)) * (whole.toMs - whole.fromMs);
  };
  const place = placeOf(viewing.window, whole);
  return (
    <div
      aria-hidden
      dir="ltr"
      className="relative h-11 shrink-0 cursor-crosshair touch-none overflow-hidden rounded-md border border-line bg-ground"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        from.current = event.clientX;
      }}
      onPointerMove={(event) => {
        if (from.current === null || Math.abs(event.clientX - from.current) < DRAG_MIN_PX) return;
        const [fromMs, toMs] = [msAt({ ...event, clientX: from.current, currentTarget: event.currentTarget }), msAt(event)];
        viewing.show({ fromMs: Math.min(fromMs, toMs), toMs: Math.max(fromMs, toMs) });
      }}
      onPointerUp={(event) => {
        const isClick = from.current !== null && Math.abs(event.clientX - from.current) < DRAG_MIN_PX;
        from.current = null;
        if (!isClick) return;
        const half = (viewing.window.toMs - viewing.window.fromMs) / 2;
        viewing.show({ fromMs: msAt(event) - half, toMs: msAt(event) + half });
      }}
    >
      <canvas ref={canvas} className="absolute inset-0 size-full" />
      {place !== undefined && !viewing.isWhole && (
        <span
          className="absolute inset-y-0 border-x-2 border-blue bg-blue/15 forced-color-adjust-none"
          style={{ left: `${place.start}%`, width: `${place.width}%` }}
        />
      )}
    </div>
  );
}

const INKS: Readonly<Record<string, string>> = {
  work: "--blue",
  lost: "--red",
  wait: "--orange",
  queued: "--violet",
  paused: "--yellow",
  down: "--ink-3",
};

function paint(canvas: HTMLCanvasElement, rows: readonly TimelineRow[], whole: TimeWindow): void {
  const context = canvas.getContext("2d");
  const width = canvas.clientWidth;
  if (context === null || width === 0) return;
  canvas.width = width * devicePixelRatio;
  canvas.height = HEIGHT_PX * devicePixelRatio;
  context.scale(devicePixelRatio, devicePixelRatio);
  const style = getComputedStyle(canvas);
  const inks = new Map(Object.entries(INKS).map(([name, token]) => [name, style.getPropertyValue(token)]));
  const spanMs = Math.max(1e-9, whole.toMs - whole.fromMs);
  const steps = rows.filter(({ type }) => type === "step");
  const height = Math.max(1, HEIGHT_PX / Math.max(1, steps.length));
  for (const [index, { bars }] of steps.entries()) {
    const y = (index / Math.max(1, steps.length)) * HEIGHT_PX;
    for (const { style: look, fromMs, toMs } of bars) {
      context.fillStyle = inks.get(look) ?? "";
      context.fillRect(((fromMs - whole.fromMs) / spanMs) * width, y, Math.max(1, ((toMs - fromMs) / spanMs) * width), height);
    }
  }
}
