import type { PanelEntry } from "@tutti/client";
import type { PanelContent, TableView } from "@tutti/core/plugin";
import { Suspense, type ReactNode } from "react";
import { latePart } from "../../late.tsx";
import { cx } from "../../parts/class-names.ts";
import { JsonView } from "../../parts/json-view.tsx";
import { Markdown } from "../../parts/markdown.tsx";
import { Empty, Loading } from "../../parts/states.tsx";
import { Moment } from "../../parts/time.tsx";
import { Cell, written } from "./cell.tsx";

const FanChart = latePart(() => import("./fan-chart.tsx"), "FanChart");

/** What a panel's source gave, drawn as its view says. */
export function PanelContents({ panel, content }: { readonly panel: PanelEntry; readonly content: PanelContent }): ReactNode {
  switch (content.view) {
    case "stat":
      return panel.view === "stat" && <StatContent panel={panel} content={content} />;
    case "table":
      return panel.view === "table" && <TableContent panel={panel} content={content} />;
    case "chart":
      return (
        panel.view === "chart" && (
          <Suspense fallback={<Loading />}>
            {content.points.length === 0 ? <Empty title="No points yet" /> : <FanChart panel={panel} content={content} />}
          </Suspense>
        )
      );
    case "timeline":
      return <TimelineContent content={content} />;
    case "form":
      return <JsonView value={content.output} label="Result" />;
    case "markdown":
      return <Markdown text={content.text} />;
  }
}

type ContentOf<V extends PanelContent["view"]> = Extract<PanelContent, { readonly view: V }>;
type PanelOf<V extends PanelEntry["view"]> = Extract<PanelEntry, { readonly view: V }>;

function StatContent({
  panel,
  content: { value, change },
}: {
  readonly panel: PanelOf<"stat">;
  readonly content: ContentOf<"stat">;
}): ReactNode {
  return (
    <p className="flex items-baseline gap-3">
      <span className="text-2xl font-semibold tracking-tight tabular-nums" dir="auto">
        <Cell value={value} format={panel.format} unit={panel.unit} />
      </span>
      {change !== null && (
        <span className={cx("text-[13px] tabular-nums", change < 0 ? "text-red" : "text-green")}>
          {change < 0 ? "▼" : "▲"} {written(Math.abs(change), { format: "percent" })}
        </span>
      )}
    </p>
  );
}

function TableContent({
  panel,
  content: { rows, rowsTotal },
}: {
  readonly panel: TableView & { readonly title: string };
  readonly content: ContentOf<"table">;
}): ReactNode {
  if (rows.length === 0) return <Empty title="No rows yet" />;
  const figures = new Set(panel.columns.filter((column) => holdsFigures(rows, column)).map(({ key }) => key));
  return (
    <div className="max-h-96 overflow-auto" tabIndex={0} role="region" aria-label={panel.title}>
      <table className="w-full text-start text-[13px]">
        <thead className="sticky top-0 bg-ground-1">
          <tr>
            {panel.columns.map(({ key, title }) => (
              <th
                key={key}
                scope="col"
                className={cx(
                  "border-b border-line py-1.5 pe-4 text-xs font-medium text-ink-2",
                  figures.has(key) ? "text-end" : "text-start",
                )}
                dir="auto"
              >
                {title ?? key}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, place) => (
            // A row has no name of its own; its place is what it is known by.
            <tr key={place} className="border-b border-line/60 last:border-0">
              {panel.columns.map(({ key, format, unit }) => (
                <td
                  key={key}
                  className={cx("max-w-80 truncate py-1.5 pe-4", figures.has(key) && "text-end tabular-nums")}
                  dir={figures.has(key) ? "ltr" : "auto"}
                >
                  <Cell value={row[key]} format={format} unit={unit} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rowsTotal > rows.length && <p className="pt-2 text-xs text-ink-2">{`${rows.length} of ${rowsTotal} rows`}</p>}
    </div>
  );
}

/** Columns of numbers end at one edge, so that their sizes can be compared. */
function holdsFigures(rows: ContentOf<"table">["rows"], { key, format }: TableView["columns"][number]): boolean {
  if (format === "date" || format === "badge" || format === "link") return false;
  const given = rows.map((row) => row[key]).filter((value) => value !== null && value !== undefined);
  return given.length > 0 && given.every((value) => typeof value === "number");
}

function TimelineContent({ content: { entries, entriesTotal } }: { readonly content: ContentOf<"timeline"> }): ReactNode {
  if (entries.length === 0) return <Empty title="Nothing has happened yet" />;
  return (
    <ol className="max-h-96 overflow-y-auto ps-1">
      {entries.map(({ time, until, label, detail }, place) => (
        <li
          key={place}
          className="relative border-s border-line ps-4 pb-3 before:absolute before:-start-[4.5px] before:top-1.5 before:size-2 before:rounded-full before:bg-blue"
        >
          <p className="flex flex-wrap gap-x-3 text-[13px]">
            <span className="font-medium" dir="auto">
              {label}
            </span>
            <span className="text-xs text-ink-3">
              <Moment at={time} />
              {until !== null && (
                <>
                  {" to "}
                  <Moment at={until} />
                </>
              )}
            </span>
          </p>
          {detail !== null && (
            <p className="text-xs text-ink-2" dir="auto">
              {detail}
            </p>
          )}
        </li>
      ))}
      {entriesTotal > entries.length && <li className="text-xs text-ink-2">{`${entries.length} of ${entriesTotal} entries`}</li>}
    </ol>
  );
}
