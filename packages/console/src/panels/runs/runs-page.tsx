import { useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useMemo, useRef, type ReactNode } from "react";
import { Button } from "../../parts/button.tsx";
import { Page } from "../../parts/page.tsx";
import { SavedViews } from "../../parts/saved-views.tsx";
import { say } from "../../parts/toasts.tsx";
import { useActions, type ShellAction } from "../../shell/actions.ts";
import { useThrottled } from "../../throttled.ts";
import { ActivityPicture } from "./activity-picture.tsx";
import { FilterBar, type FilterBarHandle } from "./filter-bar.tsx";
import { filtersOf, leftOutOf, searchOf, type RunFilters } from "./run-filters.ts";
import { RunTable } from "./run-table.tsx";
import { StatusChips } from "./status-chips.tsx";

/** How often counts and the picture follow the feed. */
const COUNTS_EVERY_MS = 2000;

/** Every run: found by filters that stand in the address, watched as it goes, steered alone or with many others. */
export function RunsPage(): ReactNode {
  const search = useSearch({ strict: false });
  const navigate = useNavigate();
  const queries = useQueryClient();
  const bar = useRef<FilterBarHandle>(null);
  const views = useRef<() => void>(null);
  const key = JSON.stringify(searchOf(filtersOf(search)));
  // The same address is the same object, so that nothing is drawn anew for it.
  const filters = useMemo(() => filtersOf(JSON.parse(key) as Record<string, string>), [key]);
  const show = useCallback((next: RunFilters) => void navigate({ to: "/runs", search: searchOf(next) }), [navigate]);
  const change = useCallback((part: Partial<RunFilters>) => show({ ...filters, ...part }), [filters, show]);
  const clear = useCallback(() => {
    show(filtersOf({}));
    say("The filters are cleared", { undo: () => show(filters) });
  }, [filters, show]);
  const countAgain = useThrottled(() => {
    void queries.invalidateQueries({ queryKey: ["runs", "counts"] });
    void queries.invalidateQueries({ queryKey: ["runs", "activity"] });
  }, COUNTS_EVERY_MS);
  usePageActions({ bar, clear, views });
  return (
    <Page
      title="Runs"
      isFull
      actions={<SavedViews page="runs" value={searchOf(filters)} onOpen={(texts) => show(filtersOf(texts))} opener={views} />}
    >
      <FilterBar handle={bar} filters={filters} onFilters={change} onClear={clear} />
      <LeftOut texts={leftOutOf(search)} onClear={() => show(filters)} />
      <StatusChips filters={filters} onStatuses={(statuses) => change({ statuses })} />
      <ActivityPicture filters={filters} onTime={(time) => change({ time })} />
      <RunTable key={key} filters={filters} onClear={clear} onChange={countAgain} />
    </Page>
  );
}

/** What the address asks for in vain. */
function LeftOut({ texts, onClear }: { readonly texts: readonly string[]; readonly onClear: () => void }): ReactNode {
  if (texts.length === 0) return null;
  return (
    <p role="status" className="flex flex-wrap items-center gap-x-2 text-[13px] text-orange">
      <span className="min-w-0 break-words" dir="auto">
        {`Not filtered by what means nothing here: ${texts.join(", ")}`}
      </span>
      <Button tone="quiet" onClick={onClear}>
        Take it out of the address
      </Button>
    </p>
  );
}

interface ActionParts {
  readonly bar: { readonly current: FilterBarHandle | null };
  readonly clear: () => void;
  readonly views: { readonly current: (() => void) | null };
}

function usePageActions({ bar, clear, views }: ActionParts): void {
  const actions = useMemo((): readonly ShellAction[] => {
    const group = "Runs";
    return [
      { id: "runs search", title: "Search runs", group, keys: "/", run: () => bar.current?.search() },
      { id: "runs filter", title: "Filter runs", group, keys: "f", run: () => bar.current?.open() },
      { id: "runs clear", title: "Clear the filters", group, run: clear },
      { id: "runs views", title: "Saved views of runs", group, keys: "v", run: () => views.current?.() },
    ];
  }, [bar, clear, views]);
  useActions(actions);
}
