import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import type { RunRecord } from "@tutti/core";
import { ArrowUp, SearchX } from "lucide-react";
import { useCallback, useMemo, useRef, useState, type ReactNode } from "react";
import { useLatest } from "../../latest.ts";
import { Button } from "../../parts/button.tsx";
import { Rows, type RowsHandle } from "../../parts/rows.tsx";
import { Empty, Failure, Loading } from "../../parts/states.tsx";
import { count } from "../../parts/words.ts";
import { useActions, type ShellAction } from "../../shell/actions.ts";
import { BulkBar } from "./bulk-bar.tsx";
import { planOf, type BulkAction, type BulkPlan } from "./bulk.ts";
import { BulkWindow } from "./bulk-window.tsx";
import { countsQuery } from "./queries.ts";
import { RUN_COLUMNS } from "./run-columns.tsx";
import { isEverything, searchOf, type RunFilters } from "./run-filters.ts";
import { hasSelected, NOTHING, shownSelected, withSelected, type Selection } from "./selection.ts";
import { useRunList, type LiveRunList } from "./use-run-list.ts";

interface TableProps {
  readonly filters: RunFilters;
  readonly onClear: () => void;
  /** Told when the feed has changed the list. */
  readonly onChange: () => void;
}

const idOf = ({ id }: RunRecord): string => id;

/** The runs that the filters find: live, endless, with a selection and what can be done about it. */
export function RunTable({ filters, onClear, onChange }: TableProps): ReactNode {
  const grid = useRef<RowsHandle>(null);
  const navigate = useNavigate();
  const runs = useRunList(filters, { onChange, offset: () => grid.current?.offset() ?? 0 });
  const { rows, held } = runs.list;
  const [selection, setSelection] = useState<Selection>(NOTHING);
  // What was meant when it was asked: the window stays when the selection is gone.
  const [plan, setPlan] = useState<BulkPlan>();
  const { data: counts } = useQuery(countsQuery(filters));
  const ids = useMemo(() => rows.map(idOf), [rows]);
  const selected = useMemo(() => shownSelected(selection, ids), [selection, ids]);
  const ask = (action: BulkAction): void => setPlan(planOf(action, selection, { rows, filters, counts }));
  const open = useCallback((run: RunRecord) => void navigate({ to: "/runs/$runId", params: { runId: run.id } }), [navigate]);
  const release = (): void => {
    runs.release();
    grid.current?.toTop();
  };
  useTableActions({ release, ids, setSelection, ask, hasSelection: hasSelected(selection) });
  return (
    <>
      {hasSelected(selection) && (
        <BulkBar selection={selection} ground={{ rows, filters, counts }} onSelection={setSelection} onAction={ask} />
      )}
      <div className="relative flex min-h-72 grow flex-col">
        {held.length > 0 && <HeldChip number={held.length} onClick={release} />}
        <Rows
          label="Runs"
          handle={grid}
          rows={rows}
          columns={RUN_COLUMNS}
          idOf={idOf}
          onOpen={open}
          selected={selected}
          onSelect={(run, isRange) => setSelection((now) => withSelected(now, run.id, { isRange, ids }))}
          onEnd={runs.readMore}
          onBusy={runs.hold}
          initialOffset={runs.offset}
          empty={<NoRuns runs={runs} filters={filters} onClear={onClear} />}
        />
      </div>
      <Foot runs={runs} filters={filters} />
      {plan !== undefined && <BulkWindow plan={plan} onClose={() => setPlan(undefined)} onDone={() => setSelection(NOTHING)} />}
    </>
  );
}

function HeldChip({ number, onClick }: { readonly number: number; readonly onClick: () => void }): ReactNode {
  return (
    <div role="status" className="absolute inset-x-0 top-11 z-20 flex justify-center">
      <Button tone="primary" onClick={onClick}>
        <ArrowUp aria-hidden className="size-3.5" />
        {`${count(number)} new`}
      </Button>
    </div>
  );
}

interface NoRunsProps {
  readonly runs: LiveRunList;
  readonly filters: RunFilters;
  readonly onClear: () => void;
}

/** Why there is no row: it is being read, it failed, nothing fits, or nothing has run yet. */
function NoRuns({ runs: { reading, error, readAnew }, filters, onClear }: NoRunsProps): ReactNode {
  if (error !== undefined)
    return (
      <div className="p-4">
        <Failure error={error} onRetry={readAnew} />
      </div>
    );
  if (reading !== "nothing") return <Loading lines={12} />;
  if (isEverything(filters))
    return (
      <Empty title="Nothing has run yet">
        Start a workflow here with <kbd className="font-mono">C</kbd>, or in a terminal:{" "}
        <code className="font-mono">tutti run examples/first-orchestrator</code>
      </Empty>
    );
  return (
    <Empty icon={SearchX} title="No run fits these filters">
      <Button onClick={onClear}>Clear the filters</Button>
    </Empty>
  );
}

/** How much is shown, and what is left to read. */
function Foot({ runs: { list, reading, error, readMore, readAnew }, filters }: Pick<NoRunsProps, "runs" | "filters">): ReactNode {
  const { rows, nextBefore, scanned } = list;
  return (
    <div className="flex min-h-8 flex-wrap items-center gap-3 text-xs text-ink-2">
      <span role="status" className="tabular-nums">
        {`${count(rows.length)} shown${nextBefore === null ? ", all there are" : ""}`}
        {filters.text !== "" && `; looked through ${count(scanned)} events`}
      </span>
      {filters.parent === "none" && (
        <Link to="/runs" search={searchOf({ ...filters, parent: "all" })} className="text-blue hover:underline">
          Show child runs too
        </Link>
      )}
      {reading === "more" && <span>Reading older ones …</span>}
      {reading === "nothing" && nextBefore !== null && nextBefore !== undefined && error === undefined && (
        <Button tone="quiet" onClick={readMore}>
          {filters.text === "" ? "Older runs" : "Look further"}
        </Button>
      )}
      {rows.length > 0 && error !== undefined && (
        <>
          <span role="alert" className="text-red">{`${error.code}: ${error.message}`}</span>
          <Button tone="quiet" onClick={readAnew}>
            Try again
          </Button>
        </>
      )}
    </div>
  );
}

interface ActionParts {
  readonly release: () => void;
  readonly ids: readonly string[];
  readonly setSelection: (selection: Selection) => void;
  readonly ask: (action: BulkAction) => void;
  readonly hasSelection: boolean;
}

/** What the keyboard and the palette can do with the list. */
function useTableActions({ release, ids, setSelection, ask, hasSelection }: ActionParts): void {
  const releaseNow = useLatest(release);
  const askNow = useLatest(ask);
  const hasRows = ids.length > 0;
  const actions = useMemo((): readonly ShellAction[] => {
    const group = "Runs";
    const moving: readonly ShellAction[] = [
      { id: "runs new", title: "Show new runs", group, keys: "n", run: () => releaseNow.current() },
      { id: "runs all", title: "Select all runs that fit", group, keys: "mod+a", run: () => setSelection({ type: "all" }) },
    ];
    const steering: readonly ShellAction[] = [
      { id: "runs none", title: "Select nothing", group, keys: "esc", run: () => setSelection(NOTHING) },
      { id: "runs cancel", title: "Cancel the selected runs", group, run: () => askNow.current("cancel") },
      { id: "runs retry", title: "Retry the selected runs", group, run: () => askNow.current("retry") },
      { id: "runs resume", title: "Resume the selected runs", group, run: () => askNow.current("resume") },
    ];
    return [...(hasRows ? moving : []), ...(hasSelection ? steering : [])];
  }, [hasRows, hasSelection, releaseNow, askNow, setSelection]);
  useActions(actions);
}
