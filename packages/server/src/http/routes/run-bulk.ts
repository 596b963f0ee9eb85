import { AppError, type Principal, type RunStatus } from "@tutti/core";
import { z } from "zod";
import type { App } from "../../host/index.ts";
import { wireError } from "../problem.ts";
import { filterFrom } from "./run-filter.ts";
import { findRun } from "./run-queries.ts";
import { requireForkable } from "./steering.ts";

/** Runs that one request may be about. */
const RUNS_MAX = 1_000;
/** Runs that are steered at once: each waits for the disk. */
const LANES = 16;
const ACTIONS = ["cancel", "retry", "resume"] as const;
type Action = (typeof ACTIONS)[number];

/** Runs that an action means when nobody says which: those that it can do something about. */
const MEANT: Readonly<Record<Action, readonly RunStatus[]>> = {
  cancel: ["queued", "running", "waiting", "paused"],
  retry: ["failed"],
  resume: ["paused"],
};

const id = z.string().min(1).max(200);

/** What to do with many runs. */
export const Bulk = z
  .strictObject({
    action: z.enum(ACTIONS),
    ids: z.array(id).min(1).max(RUNS_MAX).optional(),
    filter: z
      .strictObject({
        statuses: z.array(z.string()).max(20).optional(),
        workflows: z.array(z.string().min(1).max(200)).max(50).optional(),
        parent: id.optional(),
        principal: id.optional(),
        since: z.string().max(40).optional(),
        until: z.string().max(40).optional(),
      })
      .optional(),
    reason: z.string().min(1).max(2000).default("steered with others by their owner"),
  })
  .refine(({ ids, filter }) => (ids === undefined) !== (filter === undefined), "give either ids or filter");

type Result =
  | { readonly id: string; readonly ok: true; readonly newRunId?: string }
  | { readonly id: string; readonly ok: false; readonly code: string; readonly message: string };

/** Does one thing to many runs, each for itself: what fails for one says so, and the others go on. */
export async function steerMany(app: App, { action, ids, filter = {}, reason }: z.output<typeof Bulk>, principal: Principal) {
  const runIds = [...new Set(ids ?? (await found(app, action, filter)))];
  const results: Result[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < runIds.length; index = next++) {
      const runId = runIds[index] ?? "";
      results[index] = await steer(runId, () => act(app, { action, runId, reason }, principal));
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return { results };
}

/** Runs that are a schedule, or keep work going: who ends all that wait hardly means them, so they are meant only where they are named. */
const KEEPERS: ReadonlySet<string> = new Set(["tutti.schedule", "tutti.supervisor"]);

async function found(app: App, action: Action, filter: NonNullable<z.output<typeof Bulk>["filter"]>): Promise<readonly string[]> {
  const runs = await app.store.runs({ statuses: MEANT[action], ...filterFrom(filter), limit: RUNS_MAX });
  return runs.filter(({ workflow }) => !KEEPERS.has(workflow) || filter.workflows?.includes(workflow) === true).map((run) => run.id);
}

async function steer(runId: string, work: () => Promise<{ readonly newRunId?: string }>): Promise<Result> {
  try {
    return { id: runId, ok: true, ...(await work()) };
  } catch (thrown) {
    const { code, message } = wireError(AppError.from(thrown));
    return { id: runId, ok: false, code, message };
  }
}

interface Act {
  readonly action: Action;
  readonly runId: string;
  readonly reason: string;
}

async function act(app: App, { action, runId, reason }: Act, principal: Principal): Promise<{ readonly newRunId?: string }> {
  const run = await findRun(app, runId);
  switch (action) {
    case "cancel":
      await app.engine.cancel(run.id, reason, principal);
      return {};
    case "resume":
      await app.engine.resume(run.id, {}, principal);
      return {};
    case "retry":
      requireForkable(run);
      return { newRunId: (await app.engine.fork(run.id, {}, principal)).runId };
  }
}
