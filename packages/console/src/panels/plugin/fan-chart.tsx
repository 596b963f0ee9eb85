import { scaleBand, scaleLinear, scaleUtc } from "d3-scale";
import { area, line } from "d3-shape";
import { useMemo, type ReactNode } from "react";
import type { ChartView, PanelContent, PanelPoint } from "@tutti/core/plugin";
import { COLOUR, type Accent } from "../../parts/tones.ts";
import { useSize } from "../../parts/use-size.ts";
import { short } from "../../parts/words.ts";

const HEIGHT_PX = 240;
/** Until it is known how wide it may be; its letters are as large as all others. */
const FIRST_SIZE = { width: 640, height: HEIGHT_PX };
const EDGE = { left: 52, right: 8, top: 10, bottom: 26 };
const ACCENTS: readonly Accent[] = ["blue", "orange", "green", "violet", "yellow", "red"];
const TICKS = 5;
/** A label nearer to the end than this would be cut. */
const LABEL_ROOM = 28;
/** Rows that are read aloud. */
const TABLE_ROWS_MAX = 60;

interface FanChartProps {
  readonly panel: ChartView & { readonly title: string };
  readonly content: Extract<PanelContent, { readonly view: "chart" }>;
}

/** Lines, areas or bars over a time, a number or names; a series with a band is a fan. The same numbers stand in a table. */
export function FanChart({ panel, content }: FanChartProps): ReactNode {
  const {
    element: figure,
    size: { width },
  } = useSize<HTMLElement>(FIRST_SIZE);
  const scales = useMemo(() => scalesOf(panel, content.points, width), [panel, content.points, width]);
  return (
    <figure ref={figure} aria-label={panel.title} className="flex min-w-0 flex-col gap-2" dir="ltr">
      <svg aria-hidden viewBox={`0 0 ${width} ${HEIGHT_PX}`} className="w-full">
        <Axes scales={scales} />
        {panel.series.map((series, index) => (
          <Drawn key={series.key} {...{ panel, series, scales }} points={content.points} place={index} />
        ))}
      </svg>
      <ul className="flex flex-wrap gap-x-4 gap-y-1 text-xs text-ink-2">
        {panel.series.map(({ key, title, unit }, index) => (
          <li key={key} className="flex items-center gap-1.5">
            <span aria-hidden className="size-2 rounded-full" style={{ background: COLOUR[accentAt(index)] }} />
            {title ?? key}
            {unit !== undefined && ` (${unit})`}
          </li>
        ))}
        {content.pointsTotal > content.points.length && <li>{`${content.points.length} of ${content.pointsTotal} points`}</li>}
      </ul>
      <PointTable panel={panel} points={content.points} />
    </figure>
  );
}

function accentAt(index: number): Accent {
  return ACCENTS[index % ACCENTS.length] ?? "blue";
}

interface Scales {
  readonly width: number;
  readonly x: (point: PanelPoint) => number;
  readonly y: (value: number) => number;
  readonly step: number;
  readonly xTicks: readonly { readonly at: number; readonly text: string }[];
  readonly yTicks: readonly number[];
}

function scalesOf({ x: { kind }, series }: ChartView, points: readonly PanelPoint[], width: number): Scales {
  const values = points
    .flatMap(({ y }) => series.flatMap(({ key, low, high }) => [y[key], low && y[low], high && y[high]]))
    .filter((value) => typeof value === "number");
  const yScale = scaleLinear([Math.min(0, ...values), Math.max(1e-9, ...values)], [HEIGHT_PX - EDGE.bottom, EDGE.top]).nice();
  const y = { width, y: (value: number) => yScale(value), yTicks: yScale.ticks(TICKS) };
  const range: [number, number] = [EDGE.left, width - EDGE.right];
  if (kind === "category") {
    const names = points.map(({ x }) => String(x));
    const scale = scaleBand(names, range).padding(0.25);
    const every = Math.ceil(names.length / 8);
    return {
      ...y,
      x: (point) => (scale(String(point.x)) ?? 0) + scale.bandwidth() / 2,
      step: scale.bandwidth(),
      xTicks: names
        .filter((_, index) => index % every === 0)
        .map((name) => ({ at: (scale(name) ?? 0) + scale.bandwidth() / 2, text: name.slice(0, 14) })),
    };
  }
  const numbers = points.map(({ x }) => (kind === "time" ? Date.parse(String(x)) : Number(x)));
  const domain: [number, number] = [Math.min(...numbers), Math.max(...numbers)];
  const scale = kind === "time" ? scaleUtc(domain, range) : scaleLinear(domain, range);
  const format = scale.tickFormat(TICKS);
  return {
    ...y,
    x: ({ x }) => scale(kind === "time" ? Date.parse(String(x)) : Number(x)),
    step: Math.min(40, (0.7 * (range[1] - range[0])) / Math.max(1, points.length)),
    xTicks: scale.ticks(TICKS).map((tick) => ({ at: scale(tick), text: (format as (value: Date | number) => string)(tick) })),
  };
}

function Axes({ scales: { width, y, xTicks, yTicks } }: { readonly scales: Scales }): ReactNode {
  return (
    <g fontSize={11} fill="var(--ink-3)">
      {yTicks.map((tick) => (
        <g key={tick}>
          <line x1={EDGE.left} x2={width - EDGE.right} y1={y(tick)} y2={y(tick)} stroke="var(--line)" />
          <text x={EDGE.left - 6} y={y(tick) + 3.5} textAnchor="end">
            {short(tick)}
          </text>
        </g>
      ))}
      {xTicks.map(({ at, text }) => (
        <text key={at} x={at} y={HEIGHT_PX - 8} textAnchor={at > width - LABEL_ROOM ? "end" : "middle"}>
          {text}
        </text>
      ))}
    </g>
  );
}

interface DrawnProps {
  readonly panel: ChartView;
  readonly series: ChartView["series"][number];
  readonly points: readonly PanelPoint[];
  readonly scales: Scales;
  readonly place: number;
}

function Drawn({ panel, series: { key, low, high }, points, scales: { x, y, step }, place }: DrawnProps): ReactNode {
  const colour = COLOUR[accentAt(place)];
  const valueOf = ({ y: values }: PanelPoint, name: string): number | null => values[name] ?? null;
  if (panel.kind === "bar") {
    const width = step / panel.series.length;
    return points.map((point) => {
      const value = valueOf(point, key);
      if (value === null) return null;
      const [top, bottom] = [y(Math.max(0, value)), y(Math.min(0, value))];
      return (
        <rect
          key={point.x}
          x={x(point) - step / 2 + place * width}
          y={top}
          width={Math.max(1, width - 1)}
          height={bottom - top}
          fill={colour}
        />
      );
    });
  }
  const isThere = (point: PanelPoint): boolean => valueOf(point, key) !== null;
  const curve = line<PanelPoint>(x, (point) => y(valueOf(point, key) ?? 0)).defined(isThere)([...points]);
  const ground = area<PanelPoint>(x, y(0), (point) => y(valueOf(point, key) ?? 0)).defined(isThere)([...points]);
  const band =
    low === undefined || high === undefined
      ? null
      : area<PanelPoint>(
          x,
          (point) => y(valueOf(point, low) ?? 0),
          (point) => y(valueOf(point, high) ?? 0),
        ).defined((point) => valueOf(point, low) !== null && valueOf(point, high) !== null)([...points]);
  return (
    <g>
      {band !== null && <path d={band} fill={colour} opacity={0.2} />}
      {panel.kind === "area" && <path d={ground ?? ""} fill={colour} opacity={0.16} />}
      <path d={curve ?? ""} fill="none" stroke={colour} strokeWidth={1.75} />
    </g>
  );
}

function PointTable({ panel, points }: { readonly panel: FanChartProps["panel"]; readonly points: readonly PanelPoint[] }): ReactNode {
  return (
    <div className="sr-only">
      <table>
        <caption>{panel.title}</caption>
        <thead>
          <tr>
            <th scope="col">{panel.x.title ?? panel.x.key}</th>
            {panel.series.map(({ key, title }) => (
              <th key={key} scope="col">
                {title ?? key}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {points.slice(-TABLE_ROWS_MAX).map(({ x, y }) => (
            <tr key={x}>
              <th scope="row">{x}</th>
              {panel.series.map(({ key }) => (
                <td key={key}>{y[key] ?? ""}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
