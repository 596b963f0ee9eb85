import { queryOptions, useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import type { SpendDimension, SpendReport, SpendRow } from "@tutti/client";
import { Coins, Download } from "lucide-react";
import { useMemo, type ReactNode } from "react";
import { Button } from "../../parts/button.tsx";
import { Chart, type Series } from "../../parts/chart.tsx";
import { download } from "../../parts/download.ts";
import { Choice } from "../../parts/fields.tsx";
import { Panel } from "../../parts/page.tsx";
import { Queried } from "../../parts/queried.tsx";
import { Empty } from "../../parts/states.tsx";
import { complain } from "../../parts/toasts.tsx";
import { count, dollars, short } from "../../parts/words.ts";
import type { Accent } from "../../parts/tones.ts";
import { client } from "../../server.ts";

const DIMENSIONS: readonly SpendDimension[] = ["model", "provider", "key", "user", "team", "day"];
const DAY_MS = 86_400_000;
const SPANS = [7, 30, 90];
const ACCENTS: readonly Accent[] = ["blue", "orange", "green", "violet", "yellow", "red"];
/** Lines that can be told apart; the rest is one line. */
const LINES_MAX = 5;

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

const spendQuery = (by: readonly SpendDimension[], days: number) =>
  queryOptions({
    queryKey: ["spend", by, days],
    queryFn: ({ signal }) => client.spend({ by, from: dayOf(Date.now() - (days - 1) * DAY_MS), to: dayOf(Date.now()) }, signal),
  });

/** What was spent, on what and by whom, as the log has it. */
export function Spend(): ReactNode {
  const search = useSearch({ from: "/data" });
  const navigate = useNavigate();
  const by = DIMENSIONS.find((one) => one === search["by"]) ?? "model";
  const days = SPANS.find((one) => String(one) === search["days"]) ?? 30;
  const rows = useQuery(spendQuery([by], days));
  const daily = useQuery(spendQuery(by === "day" ? ["day"] : ["day", by], days));
  const saving = useMutation({
    mutationFn: () => client.spendCsv({ by: [by], from: dayOf(Date.now() - (days - 1) * DAY_MS), to: dayOf(Date.now()) }),
    onSuccess: (csv) => download(`spend-by-${by}.csv`, csv, "text/csv"),
    onError: complain,
  });
  const change = (next: Readonly<Record<string, string>>): void => void navigate({ to: "/data", search: { ...search, ...next } });
  return (
    <div className="flex flex-col gap-4">
      <div className="flex flex-wrap items-end gap-3">
        <div className="w-40">
          <Choice
            label="By"
            value={by}
            options={DIMENSIONS.map((value) => ({ value, label: value }))}
            onChange={({ target }) => change({ by: target.value })}
          />
        </div>
        <div className="w-40">
          <Choice
            label="Of the last"
            value={String(days)}
            options={SPANS.map((value) => ({ value: String(value), label: `${value} days` }))}
            onChange={({ target }) => change({ days: target.value })}
          />
        </div>
        <span className="grow" />
        <Button onClick={() => saving.mutate()} isBusy={saving.isPending}>
          <Download aria-hidden className="size-3.5" />
          CSV
        </Button>
      </div>
      <Panel title={`US dollars by day and ${by}`}>
        <Queried query={daily}>{(report) => <DailyChart report={report} by={by} />}</Queried>
      </Panel>
      <Panel title={`By ${by}`}>
        <Queried query={rows}>{(report) => <SpendTable report={report} by={by} />}</Queried>
      </Panel>
    </div>
  );
}

function DailyChart({ report: { rows, from, to }, by }: { readonly report: SpendReport; readonly by: SpendDimension }): ReactNode {
  const { times, series } = useMemo(() => linesOf(rows, { from, to, by }), [rows, from, to, by]);
  if (rows.length === 0) return <NothingSpent />;
  return <Chart label={`US dollars by day and ${by}`} times={times} series={series} format={dollars} heightPx={220} />;
}

interface Lines {
  readonly times: readonly number[];
  readonly series: readonly Series[];
}

function linesOf(
  rows: readonly SpendRow[],
  { from, to, by }: { readonly from: string; readonly to: string; readonly by: SpendDimension },
): Lines {
  const days: string[] = [];
  for (let day = Date.parse(from); day <= Date.parse(to); day += DAY_MS) days.push(dayOf(day));
  const byName = Map.groupBy(rows, (row) => (by === "day" ? "all" : (row[by] ?? "")));
  const byCost = [...byName].toSorted((a, b) => costOf(b[1]) - costOf(a[1]));
  const shown = byCost.slice(0, LINES_MAX);
  const rest = byCost.slice(LINES_MAX).flatMap(([, of]) => of);
  const lines = rest.length === 0 ? shown : [...shown, ["all others", rest] as const];
  return {
    times: days.map((day) => Date.parse(day) / 1000),
    series: lines.map(([name, of], place) => ({
      label: name === "" ? "(none)" : name,
      accent: ACCENTS[place % ACCENTS.length] ?? "blue",
      look: "area",
      values: days.map((day) => costOf(of.filter((row) => row.day === day))),
    })),
  };
}

function costOf(rows: readonly SpendRow[]): number {
  return rows.reduce((sum, { costUsd }) => sum + costUsd, 0);
}

function SpendTable({ report: { rows }, by }: { readonly report: SpendReport; readonly by: SpendDimension }): ReactNode {
  if (rows.length === 0) return <NothingSpent />;
  const dearest = Math.max(1e-12, ...rows.map(({ costUsd }) => costUsd));
  return (
    <div className="overflow-x-auto" tabIndex={0} role="region" aria-label={`By ${by}`}>
      <table className="w-full text-[13px]">
        <thead>
          <tr className="text-xs text-ink-2">
            {[by, "requests", "input tokens", "output tokens", "cached", "US dollars"].map((title, place) => (
              <th
                key={title}
                scope="col"
                className={`border-b border-line py-1.5 pe-4 font-medium ${place === 0 ? "text-start" : "text-end"}`}
              >
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row[by] ?? ""} className="border-b border-line/60 last:border-0">
              <th scope="row" className="py-1.5 pe-4 text-start font-normal" dir="auto">
                {row[by] ?? "(none)"}
                {row.unpriced > 0 && <span className="ms-2 text-xs text-yellow">{count(row.unpriced)} without a known price</span>}
              </th>
              {[row.requests, row.inputTokens, row.outputTokens, row.cacheReadTokens].map((value, place) => (
                <td key={place} className="py-1.5 pe-4 text-end" title={count(value)}>
                  {short(value)}
                </td>
              ))}
              <td className="py-1.5 text-end">
                <CostBar usd={row.costUsd} share={row.costUsd / dearest} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function CostBar({ usd, share }: { readonly usd: number; readonly share: number }): ReactNode {
  return (
    <span className="relative block min-w-28">
      <span aria-hidden className="absolute inset-y-0 end-0 rounded bg-violet/20" style={{ width: `${100 * share}%` }} />
      <span className="relative pe-1">{dollars(usd)}</span>
    </span>
  );
}

function NothingSpent(): ReactNode {
  return (
    <Empty icon={Coins} title="Nothing was spent in this time">
      Calls of models through Tutti appear here as they end, also those of other programs that use its address as theirs.
    </Empty>
  );
}
