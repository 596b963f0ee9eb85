import { queryOptions, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import type { SpendDimension, SpendReport, SpendRow } from "@tutti/client";
import { Coins, Download } from "lucide-react";
import { useCallback, useMemo, type ReactNode } from "react";
import { useAction } from "../../action.ts";
import { useLatest } from "../../latest.ts";
import { Button } from "../../parts/button.tsx";
import { download } from "../../parts/download.ts";
import { Choice } from "../../parts/fields.tsx";
import { Panel } from "../../parts/page.tsx";
import { Queried } from "../../parts/queried.tsx";
import { SavedViews } from "../../parts/saved-views.tsx";
import { Empty } from "../../parts/states.tsx";
import { complain } from "../../parts/toasts.tsx";
import { count, dollars, short } from "../../parts/words.ts";
import { client } from "../../server.ts";
import { useActions, type ShellAction } from "../../shell/actions.ts";
import { DayBars } from "./day-bars.tsx";

const DIMENSIONS: readonly SpendDimension[] = ["model", "workflow", "key", "user", "team", "provider", "day"];
const DAY_MS = 86_400_000;
const SPANS = [7, 30, 90];
/** What of it is drawn. */
interface Measure {
  readonly id: string;
  readonly title: string;
  readonly valueOf: (row: SpendRow) => number;
  readonly format: (value: number) => string;
}

const MEASURES: readonly [Measure, ...Measure[]] = [
  { id: "usd", title: "US dollars", valueOf: ({ costUsd }) => costUsd, format: dollars },
  { id: "tokens", title: "Tokens", valueOf: ({ inputTokens, outputTokens }) => inputTokens + outputTokens, format: short },
  { id: "requests", title: "Requests", valueOf: ({ requests }) => requests, format: short },
];

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

const spendQuery = (by: readonly SpendDimension[], days: number) =>
  queryOptions({
    queryKey: ["spend", by, days],
    queryFn: ({ signal }) => client.spend({ by, from: dayOf(Date.now() - (days - 1) * DAY_MS), to: dayOf(Date.now()) }, signal),
  });

const keyNamesQuery = queryOptions({
  queryKey: ["keys", "names"],
  queryFn: async ({ signal }): Promise<KeyNames> => new Map((await client.keys(signal)).map(({ id, name }) => [id, name])),
});
const NO_NAMES: KeyNames = new Map();

/** What was spent, on what and by whom, as the log has it. */
export function Spend(): ReactNode {
  const search = useSearch({ from: "/data" });
  const navigate = useNavigate();
  const by = DIMENSIONS.find((one) => one === search["by"]) ?? "model";
  const days = SPANS.find((one) => String(one) === search["days"]) ?? 30;
  const measure = MEASURES.find(({ id }) => id === search["of"]) ?? MEASURES[0];
  const { data: names = NO_NAMES } = useQuery(keyNamesQuery);
  const rows = useQuery(spendQuery([by], days));
  const daily = useQuery(spendQuery(by === "day" ? ["day"] : ["day", by], days));
  const saving = useAction({
    mutationFn: () => client.spendCsv({ by: [by], from: dayOf(Date.now() - (days - 1) * DAY_MS), to: dayOf(Date.now()) }),
    onSuccess: (csv) => download(`spend-by-${by}.csv`, csv, "text/csv"),
    onError: complain,
  });
  const change = (next: Readonly<Record<string, string>>): void => void navigate({ to: "/data", search: { ...search, ...next } });
  useSpendActions({ change, save: () => saving.mutate() });
  return (
    <div className="flex flex-col gap-4">
      <div className="flex flex-wrap items-end gap-3">
        <div className="w-36">
          <Choice
            label="Show"
            value={measure.id}
            options={MEASURES.map(({ id, title }) => ({ value: id, label: title }))}
            onChange={({ target }) => change({ of: target.value })}
          />
        </div>
        <div className="w-36">
          <Choice
            label="By"
            value={by}
            options={DIMENSIONS.map((value) => ({ value, label: value }))}
            onChange={({ target }) => change({ by: target.value })}
          />
        </div>
        <div className="w-36">
          <Choice
            label="Of the last"
            value={String(days)}
            options={SPANS.map((value) => ({ value: String(value), label: `${value} days` }))}
            onChange={({ target }) => change({ days: target.value })}
          />
        </div>
        <span className="grow" />
        <SavedViews
          page="spend"
          value={{ by, days: String(days), of: measure.id }}
          onOpen={(value) => void navigate({ to: "/data", search: value })}
        />
        <Button onClick={() => saving.mutate()} isBusy={saving.isPending}>
          <Download aria-hidden className="size-3.5" />
          CSV
        </Button>
      </div>
      <Panel title={`${measure.title} by day${by === "day" ? "" : ` and ${by}`}`}>
        <Queried query={daily}>{(report) => <Daily {...{ report, by, measure, names }} />}</Queried>
      </Panel>
      <Panel title={`By ${by}`}>
        <Queried query={rows}>{(report) => <SpendTable {...{ report, by, names }} />}</Queried>
      </Panel>
    </div>
  );
}

interface ActionParts {
  readonly change: (next: Readonly<Record<string, string>>) => void;
  readonly save: () => void;
}

function useSpendActions(parts: ActionParts): void {
  const latest = useLatest(parts);
  const actions = useMemo((): readonly ShellAction[] => {
    const group = "Tokens and cost";
    return [
      ...DIMENSIONS.map((by) => ({ id: `spend by ${by}`, title: `Spending by ${by}`, group, run: () => latest.current.change({ by }) })),
      ...MEASURES.map(({ id, title }) => ({
        id: `spend of ${id}`,
        title: `Show ${title}`,
        group,
        run: () => latest.current.change({ of: id }),
      })),
      { id: "spend csv", title: "Download spending as CSV", group, words: "export save", run: () => latest.current.save() },
    ];
  }, [latest]);
  useActions(actions);
}

interface DailyProps {
  readonly report: SpendReport;
  readonly by: SpendDimension;
  readonly measure: Measure;
  readonly names: KeyNames;
}

function Daily({ report: { rows, from, to }, by, measure: { title, valueOf, format }, names }: DailyProps): ReactNode {
  const days = useMemo(() => daysBetween(from, to), [from, to]);
  const nameOf = useCallback((row: SpendRow) => (by === "day" ? "all" : wordsFor(row, by, names)), [by, names]);
  if (rows.length === 0) return <NothingSpent />;
  return (
    <DayBars
      label={`${title} by day and ${by}`}
      {...{ days, rows, nameOf, valueOf, format }}
      empty={`Models were asked in this time, but nothing stands under ${title}. It fills as models answer whose use or price is known.`}
    />
  );
}

function daysBetween(from: string, to: string): readonly string[] {
  const days: string[] = [];
  for (let day = Date.parse(from); day <= Date.parse(to); day += DAY_MS) days.push(dayOf(day));
  return days;
}

type KeyNames = ReadonlyMap<string, string>;

/** What a row is about, in words. */
function wordsFor(row: SpendRow, by: SpendDimension, names: KeyNames): string {
  const value = row[by] ?? "";
  if (by === "key") return value === "" ? "without a key" : (names.get(value) ?? value);
  return value === "" ? "(none)" : value;
}

function SpendTable({ report: { rows }, by, names }: Omit<DailyProps, "measure">): ReactNode {
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
                {wordsFor(row, by, names)}
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
      <span
        aria-hidden
        className="absolute inset-y-0 end-0 rounded bg-violet/20 forced-color-adjust-none"
        style={{ width: `${100 * share}%` }}
      />
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
