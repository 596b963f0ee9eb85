import type { BulkRequest, RunCounts } from "@tutti/client";
import type { RunRecord, RunStatus } from "@tutti/core";
import { boundsOf, type RunFilters } from "./run-filters.ts";
import type { Selection } from "./selection.ts";

/** What can be done with many runs. */
export type BulkAction = BulkRequest["action"];

/** Which runs each action can do something about. */
const FITTING: Readonly<Record<BulkAction, readonly RunStatus[]>> = {
  cancel: ["queued", "running", "waiting", "paused"],
  retry: ["failed"],
  resume: ["paused"],
};

/** Runs that are a schedule or keep work going: one that is steered among many was hardly meant, and would be gone. */
const KEEPERS: ReadonlySet<string> = new Set(["tutti.schedule", "tutti.supervisor"]);

/** Runs that one request steers; the server takes no more. */
const BULK_MAX = 1000;

/** The runs of a selection that an action is for. `count` is undefined when only the server knows. */
export interface BulkPlan {
  readonly action: BulkAction;
  readonly which: Pick<BulkRequest, "ids" | "filter">;
  readonly count: number | undefined;
  readonly isCut: boolean;
}

interface Ground {
  readonly rows: readonly RunRecord[];
  readonly filters: RunFilters;
  readonly counts: RunCounts | undefined;
}

/** What an action would be about; undefined when there is nothing for it among the runs that are selected. */
export function planOf(action: BulkAction, selection: Selection, ground: Ground): BulkPlan | undefined {
  const { rows, filters } = ground;
  const fitting = new Set(FITTING[action]);
  // A text within runs is searched page by page, so only those that were found can be meant.
  if (selection.type === "some" || filters.text !== "") {
    const ids = rows
      .filter(
        ({ id, status, workflow }) => fitting.has(status) && !KEEPERS.has(workflow) && (selection.type === "all" || selection.ids.has(id)),
      )
      .map(({ id }) => id);
    return ids.length === 0
      ? undefined
      : { action, which: { ids: ids.slice(0, BULK_MAX) }, count: ids.length, isCut: ids.length > BULK_MAX };
  }
  const statuses = filters.statuses.length === 0 ? FITTING[action] : filters.statuses.filter((status) => fitting.has(status));
  const count = countOf({ ...filters, statuses }, ground.counts);
  if (statuses.length === 0 || count === 0) return undefined;
  return { action, which: { filter: filterOf({ ...filters, statuses }) }, count, isCut: count === undefined || count > BULK_MAX };
}

/** How many runs the filters find, as far as the counts tell: they know nothing of texts. */
export function countOf({ statuses, workflows, text }: RunFilters, counts: RunCounts | undefined): number | undefined {
  if (counts === undefined || text !== "" || !counts.isWhole) return undefined;
  const found = counts.byWorkflow.filter(({ workflow }) => workflows.length === 0 || workflows.includes(workflow));
  return found.reduce(
    (sum, { total, byStatus }) => sum + (statuses.length === 0 ? total : statuses.reduce((part, status) => part + byStatus[status], 0)),
    0,
  );
}

/** How many runs are meant, for people. */
export function wordsOf({ count, isCut }: BulkPlan): string {
  if (count === undefined) return `up to ${BULK_MAX} runs, the newest first`;
  if (isCut) return `the newest ${BULK_MAX} of ${count} runs`;
  return count === 1 ? "1 run" : `${count} runs`;
}

function filterOf({ statuses, workflows, parent, principal, time }: RunFilters): NonNullable<BulkRequest["filter"]> {
  return {
    ...boundsOf(time, Date.now()),
    statuses,
    ...(workflows.length > 0 && { workflows }),
    ...(parent !== "all" && { parent }),
    ...(principal !== "" && { principal }),
  };
}
