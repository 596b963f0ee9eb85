import "uplot/dist/uPlot.min.css";
import { useEffect, useEffectEvent, useRef, type ReactNode } from "react";
import uPlot from "uplot";
import { useTheme } from "../appearance.ts";
import { COLOUR, type Accent } from "./tones.ts";
import { clockTime } from "./words.ts";

/** One line or row of bars of a chart; a value of null leaves a gap. */
export interface Series {
  readonly label: string;
  readonly accent: Accent;
  readonly values: readonly (number | null)[];
  readonly look?: "line" | "area" | "bars";
  /** Which side's scale it is read on; "start" unless told. */
  readonly side?: "start" | "end";
}

/** A span of time in ms since 1970. */
interface TimeRange {
  readonly fromMs: number;
  readonly toMs: number;
}

interface ChartProps {
  readonly label: string;
  /** Moments in seconds since 1970. */
  readonly times: readonly number[];
  readonly series: readonly Series[];
  /** What will fill it: said in place of a picture while there is nothing but noughts. */
  readonly empty: string;
  readonly format?: (value: number) => string;
  readonly heightPx?: number;
  /** A picture over something else: without a legend and without a scale. */
  readonly isSmall?: boolean;
  /** Called with the time range in ms that a person has drawn. */
  readonly onRange?: ((range: TimeRange) => void) | undefined;
}

const HEIGHT_PX = 180;
const ALPHA = 0.16;

/**
 * Values over time. The picture is drawn on a canvas; the same numbers stand in a table for people who do not see it. A scale beside
 * nothing but noughts would be made up, so they are no picture.
 */
export function Chart(props: ChartProps): ReactNode {
  const { label, series, empty, heightPx = HEIGHT_PX } = props;
  if (series.some(({ values }) => values.some((value) => value !== null && value !== 0))) return <Plot {...props} />;
  return (
    <figure aria-label={label} className="grid place-items-center" style={{ minHeight: heightPx }}>
      <p className="text-center text-[13px] text-ink-2">{empty}</p>
    </figure>
  );
}

function Plot({ label, times, series, format = String, heightPx = HEIGHT_PX, isSmall = false, onRange }: ChartProps): ReactNode {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(null);
  const theme = useTheme();
  const shape = series.map((one) => `${one.label}/${one.accent}/${one.look}/${one.side}`).join("|");
  const say = useEffectEvent((value: number) => format(value));
  const choose = useEffectEvent((range: TimeRange) => onRange?.(range));
  const make = useEffectEvent((element: HTMLElement) => {
    const parts = { heightPx, isSmall, series, format: (value: number) => say(value), ...(onRange !== undefined && { onRange: choose }) };
    return new uPlot(optionsOf(element, parts), dataOf({ times, series }), element);
  });
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const made = make(element);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: heightPx }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
    // Colours are read from the page when the picture is made, so another theme makes it anew.
  }, [shape, theme, heightPx]);
  useEffect(() => plot.current?.setData(dataOf({ times, series })), [times, series]);
  return (
    <figure aria-label={label} className="min-w-0">
      <div ref={box} aria-hidden className="w-full overflow-hidden" dir="ltr" />
      <ChartTable label={label} times={times} series={series} format={format} />
    </figure>
  );
}

/** Rows that are read aloud; the picture itself may have thousands. */
const TABLE_ROWS_MAX = 60;

function ChartTable({ label, times, series, format = String }: Omit<ChartProps, "empty">): ReactNode {
  return (
    <div className="sr-only">
      <table>
        <caption>{label}</caption>
        <thead>
          <tr>
            <th scope="col">Time</th>
            {series.map((one) => (
              <th key={one.label} scope="col">
                {one.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {times.slice(-TABLE_ROWS_MAX).map((time, row) => {
            const at = Math.max(0, times.length - TABLE_ROWS_MAX) + row;
            return (
              <tr key={time}>
                <th scope="row">{clockTime(new Date(time * 1000).toISOString())}</th>
                {series.map((one) => (
                  <td key={one.label}>{one.values[at] === null || one.values[at] === undefined ? "" : format(one.values[at])}</td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function dataOf({ times, series }: Pick<ChartProps, "times" | "series">): uPlot.AlignedData {
  return [[...times], ...series.map(({ values }) => [...values])];
}

interface OptionParts {
  readonly heightPx: number;
  readonly isSmall: boolean;
  readonly series: readonly Series[];
  readonly format: (value: number) => string;
  readonly onRange?: (range: TimeRange) => void;
}

function optionsOf(element: HTMLElement, { heightPx, isSmall, series, format, onRange }: OptionParts): uPlot.Options {
  const style = getComputedStyle(element);
  const paint = (name: string): string => style.getPropertyValue(name.slice("var(".length, -1)).trim();
  const axis = {
    stroke: paint("var(--ink-3)"),
    grid: { stroke: paint("var(--line)"), width: 1 },
    ticks: { show: false },
    font: "11px Inter Variable, sans-serif",
  };
  const values = (_: uPlot, splits: readonly number[]): string[] => splits.map((value) => format(value));
  return {
    width: element.clientWidth,
    height: heightPx,
    // Without a scale beside them the first and last times need room of their own.
    padding: isSmall ? [8, 26, 0, 26] : [8, 8, 0, 0],
    cursor: { y: false, points: { size: 7 }, drag: { x: onRange !== undefined, y: false, setScale: false } },
    legend: { show: !isSmall, live: true },
    axes: [
      // Two lines: the hour, and below it the day.
      { ...axis, ...(isSmall && { size: 38, gap: 3, grid: { show: false } }) },
      isSmall ? { show: false } : { ...axis, values, size: 56 },
      ...(series.some(({ side }) => side === "end")
        ? [{ ...axis, values, size: 56, side: 1, scale: "end", grid: { show: false } } as const]
        : []),
    ],
    hooks: {
      setSelect: [
        (made) => {
          const { left, width } = made.select;
          if (width < 4) return;
          const [from, to] = [made.posToVal(left, "x"), made.posToVal(left + width, "x")];
          made.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          onRange?.({ fromMs: from * 1000, toMs: to * 1000 });
        },
      ],
    },
    series: [
      {},
      ...series.map(({ label, accent, look = "line", side = "start" }): uPlot.Series => {
        const stroke = paint(COLOUR[accent]);
        const isFilled = look !== "line";
        return {
          label,
          stroke,
          scale: side === "end" ? "end" : "y",
          width: 1.5,
          points: { show: false },
          value: (_, value) => (value === null ? "" : format(value)),
          ...(isFilled && { fill: `color-mix(in srgb, ${stroke} ${ALPHA * 100}%, transparent)` }),
          ...(look === "bars" && uPlot.paths.bars !== undefined && { paths: uPlot.paths.bars({ size: [0.7, 40] }) }),
        };
      }),
    ],
  };
}
