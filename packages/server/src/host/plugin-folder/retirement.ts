import { statusAfter, type Engine, type Store } from "@tutti/core";
import type { PluginRunner } from "../../plugins/index.ts";
import type { Generation } from "./generation.ts";
import type { Unit } from "./unit.ts";

/** How long a replaced version is kept for runs that began with it. */
const RETIRED_MAX_MS = 900_000;
/** Runs under way that are looked at when a version is replaced; more of them get the new one. */
const PINNED_RUNS_MAX = 1_000;

/** Runs that may have begun with a version that is about to be replaced. */
export async function runsUnderWay(store: Store): Promise<readonly string[]> {
  const statuses = ["queued", "running", "waiting"] as const;
  const runs = await store.runs({ statuses, limit: PINNED_RUNS_MAX });
  return runs.filter(({ workflow }) => workflow === "tutti.tool-call" || !workflow.startsWith("tutti.")).map(({ id }) => id);
}

/** The version that was loaded until now stays for the runs that began with it; `end` is called when its time is over. */
export async function retire(
  unit: Unit,
  { before, runIds, end }: { readonly before: Generation; readonly runIds: readonly string[]; readonly end: () => void },
): Promise<void> {
  await endRetired(unit);
  if (before.runner === undefined || runIds.length === 0) return before[Symbol.asyncDispose]();
  const timer = setTimeout(end, RETIRED_MAX_MS);
  timer.unref();
  unit.retired = { generation: before, runIds: new Set(runIds), timer };
}

/** Ends the version before, if it is still there. */
export async function endRetired(unit: Unit): Promise<void> {
  const { retired } = unit;
  if (retired === undefined) return;
  clearTimeout(retired.timer);
  unit.retired = undefined;
  await retired.generation[Symbol.asyncDispose]();
}

/** The process that a run's calls go to: the one of the version it began with. Pure. */
export function runnerOf({ generation, retired }: Unit, runId: string): PluginRunner | undefined {
  return retired?.runIds.has(runId) === true ? retired.generation.runner : generation?.runner;
}

/** Calls `free` for each plugin whose version before no run needs any more. */
export function onReleased(engine: Engine, units: () => Iterable<Unit>, free: (unit: Unit) => void): Disposable {
  return engine.subscribe(({ runId, ...event }) => {
    const status = statusAfter(event);
    if (status !== "completed" && status !== "failed" && status !== "cancelled" && status !== "continued") return;
    for (const unit of units()) if (unit.retired?.runIds.delete(runId) === true && unit.retired.runIds.size === 0) free(unit);
  });
}
