import { AppError, type Event, type RunRecord } from "@tutti/core";
import {
  aheadInQueue,
  diffRuns,
  faster,
  readRun,
  runInsight,
  waitingFor,
  workflowInsight,
  type Proposal,
  type QueuedEvent,
  type RunLog,
  type RunReading,
} from "@tutti/core/insight";
import { Hono } from "hono";
import type { App } from "../../host/index.ts";
import type { HttpContext, HttpEnv } from "../env.ts";
import { operation } from "../openapi.ts";
import { findRun, wholeNumber } from "./run-queries.ts";
import { RunDiffAnswer, RunInsightAnswer, WaitingAnswer, WorkflowInsightAnswer } from "../shapes/insight.ts";

/** Events read of one run; of a longer one, the first so many. */
const EVENTS_MAX = 50_000;
/** Events read for one answer, child runs included. */
const EVENTS_TOTAL_MAX = 200_000;
/** Child runs read of one run, and how deep they may nest. */
const CHILDREN_MAX = 100;
const DEPTH_MAX = 5;
/** Runs of a workflow that are read: unless asked otherwise, and at most. */
const RUNS = 100;
const RUNS_MAX = 500;
/** Queued runs that are looked at to find a run's place. */
const QUEUED_MAX = 500;
/** Waits for other runs' ends that are looked at. */
const WAITS_MAX = 100;
const PAGE = 1000;
const FACTOR_MAX = 1000;

/** What logs tell: where the time went, what is waited for, how runs differ, what would help. */
export function insightRoutes(app: App): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  routes.get(
    "/v1/runs/:id/insight",
    operation({
      tag: "Runs",
      summary: "Where a run's time went: critical path, slack, waits and retry cost of every step",
      response: RunInsightAnswer,
    }),
    async (ctx) => {
      const reader = new LogReader(app);
      const log = await reader.tree(await findRun(app, ctx.req.param("id")));
      return ctx.json({ insight: runInsight(readRun(log)), truncated: reader.truncated });
    },
  );
  routes.get(
    "/v1/runs/:id/waiting",
    operation({ tag: "Runs", summary: "What an unfinished run waits for, in one plain sentence each", response: WaitingAnswer }),
    async (ctx) => {
      const reader = new LogReader(app);
      const run = await findRun(app, ctx.req.param("id"));
      const log = await reader.tree(run);
      const nowMs = Date.now();
      const ahead = run.status === "queued" ? await aheadOf(app, run) : undefined;
      const waits = await app.store.waits({ runId: run.id, kind: "workflow", limit: WAITS_MAX });
      const waiting = waitingFor(log, { nowMs, waits, aheadOf: (id) => (id === run.id ? ahead : undefined) });
      return ctx.json({ runId: run.id, status: run.status, at: new Date(nowMs).toISOString(), waiting, truncated: reader.truncated });
    },
  );
  routes.get(
    "/v1/runs/:a/diff/:b",
    operation({ tag: "Runs", summary: "How two runs differ, step by step", response: RunDiffAnswer }),
    async (ctx) => {
      const reader = new LogReader(app);
      const [a, b] = [await findRun(app, ctx.req.param("a")), await findRun(app, ctx.req.param("b"))];
      return ctx.json({ diff: diffRuns(await reader.events(a.id), await reader.events(b.id)), truncated: reader.truncated });
    },
  );
  routes.get(
    "/v1/workflows/:name/insight",
    operation({
      tag: "Runs",
      summary: "What makes a workflow slow and what would help, from its newest runs",
      response: WorkflowInsightAnswer,
      query: { runs: `1 to ${RUNS_MAX}, ${RUNS} unless given`, faster: "STEP:FACTOR, to be estimated beside what is proposed" },
    }),
    async (ctx) => {
      const reader = new LogReader(app);
      const workflow = ctx.req.param("name");
      const readings = await readMany(app, reader, {
        workflow,
        limit: wholeNumber(ctx, "runs", { min: 1, max: RUNS_MAX, fallback: RUNS }),
      });
      return ctx.json({ insight: workflowInsight(workflow, readings, askedFor(ctx, readings)), truncated: reader.truncated });
    },
  );
  return routes;
}

/** Reads logs within the bounds, and says which of them cut something off. */
class LogReader {
  readonly #app: App;
  readonly #truncated = new Set<string>();
  #left = EVENTS_TOTAL_MAX;

  constructor(app: App) {
    this.#app = app;
  }

  get truncated(): readonly string[] {
    return [...this.#truncated];
  }

  get isFull(): boolean {
    return this.#left <= 0;
  }

  async events(runId: string): Promise<readonly Event[]> {
    const events: Event[] = [];
    const max = Math.min(EVENTS_MAX, this.#left);
    for (let page: readonly Event[] = []; events.length < max;) {
      page = await this.#app.store.read(runId, { afterSeq: events.length, limit: Math.min(PAGE, max - events.length) });
      events.push(...page);
      if (page.length === 0) break;
    }
    this.#left -= events.length;
    if (events.length === EVENTS_MAX) this.#truncated.add(`of a run's events, the first ${EVENTS_MAX} were read`);
    if (this.isFull) this.#truncated.add(`${EVENTS_TOTAL_MAX} events were read in all, and no more`);
    return events;
  }

  /** A run's log with those of its child runs. */
  async tree(run: RunRecord, depth = 0): Promise<RunLog> {
    const events = await this.events(run.id);
    if (depth === DEPTH_MAX || this.isFull) return { events, nowMs: Date.now() };
    const found = await this.#app.store.runs({ parentId: run.id, limit: CHILDREN_MAX });
    if (found.length === CHILDREN_MAX) this.#truncated.add(`of a run's child runs, the newest ${CHILDREN_MAX} were read`);
    const children: RunLog[] = [];
    for (const child of found) if (child.parentId === run.id && !this.isFull) children.push(await this.tree(child, depth + 1));
    return { events, children, nowMs: Date.now() };
  }
}

/** The newest runs of a workflow that have ended, each read and forgotten before the next. */
async function readMany(
  app: App,
  reader: LogReader,
  { workflow, limit }: { readonly workflow: string; readonly limit: number },
): Promise<readonly RunReading[]> {
  const runs = await app.store.runs({ workflow, statuses: ["completed", "failed", "continued"], limit });
  if (runs.length === 0)
    throw new AppError("not_found", `wanted runs of "${workflow}" that have ended, got none; \`GET /v1/workflows\` lists the workflows`);
  const readings: RunReading[] = [];
  for (const run of runs) if (!reader.isFull) readings.push(readRun({ events: await reader.events(run.id) }));
  return readings;
}

/** "fetch:4" for every step of that name. */
function askedFor(ctx: HttpContext, readings: readonly RunReading[]): readonly Proposal[] {
  const text = ctx.req.query("faster");
  if (text === undefined) return [];
  const [, name = "", factorText = ""] = /^(.+):([\d.]+)$/.exec(text) ?? [];
  const factor = Number(factorText);
  if (name === "" || !(factor > 0 && factor <= FACTOR_MAX))
    throw new AppError(
      "invalid_input",
      `wanted faster to be STEP:FACTOR with a factor up to ${FACTOR_MAX}, such as "fetch:4", got "${text}"`,
    );
  const kinds = new Set(readings.flatMap(({ path }) => path).flatMap(({ leaf: { span } }) => (span.name === name ? [span.kind] : [])));
  return [...kinds].map((kind) => faster({ kind, name }, factor));
}

/** How many queued runs go before this one; `undefined` when there are more than are looked at. */
async function aheadOf(app: App, run: RunRecord): Promise<number | undefined> {
  const queued = await app.store.runs({ statuses: ["queued"], limit: QUEUED_MAX });
  if (queued.length === QUEUED_MAX) return undefined;
  const places = await Promise.all(queued.map(({ id }) => placeOf(app, id)));
  return aheadInQueue(
    run.id,
    places.filter((place) => place !== undefined),
  );
}

/** A run is queued within its first events. */
const QUEUED_WITHIN_EVENTS = 10;

async function placeOf(app: App, runId: string): Promise<QueuedEvent | undefined> {
  const events = await app.store.read(runId, { afterSeq: 0, limit: QUEUED_WITHIN_EVENTS });
  return events.find((event) => event.type === "run.queued");
}
