import { AppError, type RunFilter, type RunRecord, type RunStatus } from "@tutti/core";
import type { HttpContext } from "../env.ts";
import { runStatus } from "../shapes/runs.ts";

/** Where a run may stand. */
export const STATUSES = runStatus.options;

const WORKFLOWS_MAX = 50;

/** What the query of a list of runs may say. */
export const FILTER_QUERY = {
  status: `comma-separated: ${STATUSES.join(", ")}`,
  workflow: "only runs of this workflow, or of these, with commas between",
  parent: "none: only runs that no other run started; or a run's id: only those that it started",
  principal: "only runs that this principal started, by id",
  since: "only runs that started at this moment or later, in ISO 8601",
  until: "only runs that started before this moment",
} as const;

/** Which runs, as the query says. */
export type AskedRuns = Pick<RunFilter, "statuses" | "workflows" | "parentId" | "principalId" | "since" | "until">;

/** The filter that the query names, or `invalid_input`. */
export function askedRuns(ctx: HttpContext): AskedRuns {
  return filterFrom({
    statuses: listOf(ctx, "status"),
    workflows: listOf(ctx, "workflow"),
    parent: ctx.req.query("parent"),
    principal: ctx.req.query("principal"),
    since: ctx.req.query("since"),
    until: ctx.req.query("until"),
  });
}

/** What people say of the runs they mean. */
export interface RunWish {
  readonly statuses?: readonly string[] | undefined;
  readonly workflows?: readonly string[] | undefined;
  readonly parent?: string | undefined;
  readonly principal?: string | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}

/** The same as a filter of the store. */
export function filterFrom({ statuses, workflows, parent, principal, since, until }: RunWish): AskedRuns {
  const unknown = statuses?.find((status) => !STATUSES.includes(status as RunStatus));
  if (unknown !== undefined) throw new AppError("invalid_input", `wanted status to be among ${STATUSES.join(", ")}, got "${unknown}"`);
  if (workflows !== undefined && workflows.length > WORKFLOWS_MAX)
    throw new AppError("invalid_input", `wanted at most ${WORKFLOWS_MAX} workflows, got ${workflows.length}`);
  return {
    ...(statuses && { statuses: statuses as readonly RunStatus[] }),
    ...(workflows && { workflows }),
    ...(parent !== undefined && { parentId: parent === "none" ? null : parent }),
    ...(principal !== undefined && { principalId: principal }),
    ...(since !== undefined && { since: momentOf("since", since) }),
    ...(until !== undefined && { until: momentOf("until", until) }),
  };
}

/** A moment as the store writes it: ISO 8601 in UTC, to the millisecond. */
export function momentOf(name: string, text: string): string {
  const ms = Date.parse(text);
  if (/^\d{4}-\d{2}-\d{2}/.test(text) && Number.isFinite(ms)) return new Date(ms).toISOString();
  throw new AppError("invalid_input", `wanted ${name} to be a moment as in 2026-11-21T08:00:00Z, got "${text.slice(0, 40)}"`);
}

/** Whether a run is one of them. */
export function isAsked(run: RunRecord, { statuses, workflows, parentId, principalId, since, until }: AskedRuns): boolean {
  return (
    (statuses === undefined || statuses.includes(run.status)) &&
    (workflows === undefined || workflows.includes(run.workflow)) &&
    (parentId === undefined || run.parentId === parentId) &&
    (principalId === undefined || run.principalId === principalId) &&
    (since === undefined || run.startedAt >= since) &&
    (until === undefined || run.startedAt < until)
  );
}

function listOf(ctx: HttpContext, name: string): readonly string[] | undefined {
  return ctx.req.query(name)?.split(",");
}
