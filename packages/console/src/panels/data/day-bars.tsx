import { scaleBand, scaleLinear } from "d3-scale";
import { stack } from "d3-shape";
import { useMemo, type ReactNode } from "react";
import type { SpendRow } from "@tutti/client";
import { COLOUR, type Accent } from "../../parts/tones.ts";

const SIZE = { width: 900, height: 240 };
const EDGE = { left: 60, right: 8, top: 10, bottom: 24 };
const ACCENTS: readonly Accent[] = ["blue", "orange", "green", "violet", "yellow"];
/** Names that can be told apart; the rest is one grey part. */
const NAMES_MAX = 5;
const REST = "all others";
const Y_TICKS = 4;
const X_TICKS = 8;

interface DayBarsProps {
  readonly label: string;
  readonly days: readonly string[];
  readonly rows: readonly SpendRow[];
  /** What a row is counted under. */
  readonly nameOf: (row: SpendRow) => string;
  readonly valueOf: (row: SpendRow) => number;
  readonly format: (value: number) => string;
  /** What will fill it: said while there is nothing but noughts. */
  readonly empty: string;
}

/** A bar a day, of parts by name. The same numbers stand in a table for people who do not see it. */
export function DayBars({ label, days, rows, nameOf, valueOf, format, empty }: DayBarsProps): ReactNode {
  const { names, table } = useMemo(() => tableOf({ days, rows, nameOf, valueOf }), [days, rows, nameOf, valueOf]);
  // A scale beside nothing but noughts would be made up.
  if (table.every(({ values }) => values.every((value) => value === 0)))
    return <p className="py-8 text-center text-[13px] text-ink-2">{empty}</p>;
  return (
    <figure aria-label={label} className="flex min-w-0 flex-col gap-2">
      <Picture days={days} names={names} table={table} format={format} />
      <ul className="flex flex-wrap gap-x-4 gap-y-1 text-xs text-ink-2">
        {names.map((name, place) => (
          <li key={name} className="flex items-center gap-1.5" dir="auto">
            <span aria-hidden className="size-2 rounded-sm" style={{ background: paintOf(name, place) }} />
            {name}
          </li>
        ))}
      </ul>
      <div className="sr-only">
        <table>
          <caption>{label}</caption>
          <thead>
            <tr>
              <th scope="col">Day</th>
              {names.map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {table.map(({ day, values }) => (
              <tr key={day}>
                <th scope="row">{day}</th>
                {values.map((value, place) => (
                  <td key={names[place]}>{format(value)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </figure>
  );
}

interface DayLine {
  readonly day: string;
  /** In the order of the names. */
  readonly values: readonly number[];
}

interface PictureProps {
  readonly days: readonly string[];
  readonly names: readonly string[];
  readonly table: readonly DayLine[];
  readonly format: (value: number) => string;
}

function Picture({ days, names, table, format }: PictureProps): ReactNode {
  const x = scaleBand(days, [EDGE.left, SIZE.width - EDGE.right]).padding(0.25);
  const top = Math.max(1e-9, ...table.map(({ values }) => values.reduce((sum, value) => sum + value, 0)));
  const y = scaleLinear([0, top], [SIZE.height - EDGE.bottom, EDGE.top]).nice(Y_TICKS);
  const layers = stack<DayLine, number>()
    .keys(names.map((_, place) => place))
    .value(({ values }, place) => values[place] ?? 0)([...table]);
  const every = Math.ceil(days.length / X_TICKS);
  return (
    <svg aria-hidden viewBox={`0 0 ${SIZE.width} ${SIZE.height}`} className="w-full" direction="ltr">
      <g fontSize={11} fill="var(--ink-3)">
        {y.ticks(Y_TICKS).map((tick) => (
          <g key={tick}>
            <line x1={EDGE.left} x2={SIZE.width - EDGE.right} y1={y(tick)} y2={y(tick)} stroke="var(--line)" />
            <text x={EDGE.left - 8} y={y(tick) + 3.5} textAnchor="end">
              {format(tick)}
            </text>
          </g>
        ))}
        {days.map(
          (day, place) =>
            (days.length - 1 - place) % every === 0 && (
              <text key={day} x={(x(day) ?? 0) + x.bandwidth() / 2} y={SIZE.height - 6} textAnchor="middle">
                {day.slice(5)}
              </text>
            ),
        )}
      </g>
      {layers.map((layer, place) => (
        <g key={names[place]} fill={paintOf(names[place] ?? "", place)}>
          {layer.map(
            ([from, to], index) =>
              to > from && (
                <rect key={days[index]} x={x(days[index] ?? "")} y={y(to)} width={x.bandwidth()} height={y(from) - y(to)} rx={1}>
                  <title>{`${days[index]} · ${names[place]}: ${format(to - from)}`}</title>
                </rect>
              ),
          )}
        </g>
      ))}
    </svg>
  );
}

function paintOf(name: string, place: number): string {
  return name === REST ? "var(--ink-3)" : COLOUR[ACCENTS[place % ACCENTS.length] ?? "blue"];
}

/** What each name used each day, the names that used most first. */
function tableOf({ days, rows, nameOf, valueOf }: Pick<DayBarsProps, "days" | "rows" | "nameOf" | "valueOf">): {
  readonly names: readonly string[];
  readonly table: readonly DayLine[];
} {
  const sumOf = (some: readonly SpendRow[]): number => some.reduce((sum, row) => sum + valueOf(row), 0);
  const byName = [...Map.groupBy(rows, nameOf)].toSorted((a, b) => sumOf(b[1]) - sumOf(a[1]));
  const rest = byName.slice(NAMES_MAX).flatMap(([, some]) => some);
  const shown = rest.length === 0 ? byName : [...byName.slice(0, NAMES_MAX), [REST, rest] as const];
  return {
    names: shown.map(([name]) => name),
    table: days.map((day) => ({ day, values: shown.map(([, some]) => sumOf(some.filter((row) => row.day === day))) })),
  };
}
