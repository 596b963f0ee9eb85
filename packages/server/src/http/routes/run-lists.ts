import { AppError, type RunStatus } from "@tutti/core";
import { Hono } from "hono";
import type { App } from "../../host/index.ts";
import { readJson } from "../body.ts";
import type { HttpContext, HttpEnv } from "../env.ts";
import { operation } from "../openapi.ts";
import { Activity, BlobPart, BulkResults, RunCounts } from "../shapes/run-lists.ts";
import { RunPage } from "../shapes/runs.ts";
import { activity, percentile } from "./activity.ts";
import { Bulk, steerMany } from "./run-bulk.ts";
import { askedRuns, FILTER_QUERY, STATUSES } from "./run-filter.ts";
import { oneOf, wholeNumber } from "./run-queries.ts";
import { searchRuns, TEXT_CHARACTERS_MAX } from "./run-search.ts";

/** The newest runs are counted, and no more: counting reads each. */
const COUNTED_MAX = 100_000;
const PART = 65_536;
const PART_MAX = 1_048_576;

/** Many runs at once: lists, counts, what happened when, and steering; and the large values that their events refer to. */
export function runListRoutes(app: App): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  routes.get(
    "/v1/runs",
    operation({
      tag: "Runs",
      summary: "List runs, newest first",
      query: {
        ...FILTER_QUERY,
        q: "a text within id, workflow, step names, input, outputs or error, whatever its case; the newest events are looked through first",
        sort: "newest, which is the only order",
        limit: "1 to 500, 50 unless given",
        before: "nextBefore of the page before",
      },
      response: RunPage,
    }),
    async (ctx) => ctx.json(await listRuns(app, ctx)),
  );
  routes.get(
    "/v1/runs/counts",
    operation({
      tag: "Runs",
      summary: "How many runs there are, by status and by workflow, of the newest",
      query: FILTER_QUERY,
      response: RunCounts,
    }),
    async (ctx) => ctx.json(await countRuns(app, ctx)),
  );
  routes.get(
    "/v1/activity",
    operation({
      tag: "Runs",
      summary: "What started, ended and was spent, by spans of time",
      query: {
        since: "the first moment, in ISO 8601; its whole bucket is told",
        until: "the moment before which it ends; now unless given",
        bucketSeconds: "how long a bucket is: 60 or more, 3600 unless given; at most 1,000 buckets",
      },
      response: Activity,
    }),
    async (ctx) => ctx.json(await activity(app, ctx)),
  );
  routes.post(
    "/v1/runs/bulk",
    operation({ tag: "Runs", summary: "Cancel, retry or resume many runs, each for itself", body: Bulk, response: BulkResults }),
    async (ctx) => ctx.json(await steerMany(app, await readJson(ctx, Bulk, app.config), ctx.get("principal"))),
  );
  addBlobs(routes, app);
  return routes;
}

async function listRuns(app: App, ctx: HttpContext) {
  const limit = wholeNumber(ctx, "limit", { min: 1, max: 500, fallback: 50 });
  const filter = askedRuns(ctx);
  const before = ctx.req.query("before");
  const text = ctx.req.query("q") ?? "";
  // There is one order as yet; whoever wants another is told.
  oneOf(ctx, "sort", ["newest"]);
  if (text.length > TEXT_CHARACTERS_MAX)
    throw new AppError("invalid_input", `wanted q to have at most ${TEXT_CHARACTERS_MAX} characters, got ${text.length}`);
  if (text !== "") return searchRuns(app, { text, filter, limit, before });
  const runs = await app.store.runs({ limit, ...filter, ...(before !== undefined && { beforeId: before }) });
  return { runs, nextBefore: runs.length === limit ? (runs.at(-1)?.id ?? null) : null };
}

async function countRuns(app: App, ctx: HttpContext) {
  const rows = await app.store.countRuns({ newest: COUNTED_MAX, ...askedRuns(ctx) });
  const byName = new Map<string, typeof rows>();
  for (const row of rows) byName.set(row.workflow, [...(byName.get(row.workflow) ?? []), row]);
  const byWorkflow = [...byName].map(([workflow, own]) => ({ workflow, ...summed(own), p50DurationMs: percentile(own, 0.5) }));
  const all = summed(rows);
  return { ...all, isWhole: all.total < COUNTED_MAX, byWorkflow: byWorkflow.toSorted((a, b) => b.total - a.total) };
}

function summed(rows: readonly { readonly status: RunStatus; readonly count: number }[]) {
  const of = (status: RunStatus): number => rows.reduce((sum, row) => (row.status === status ? sum + row.count : sum), 0);
  return {
    total: rows.reduce((sum, row) => sum + row.count, 0),
    byStatus: Object.fromEntries(STATUSES.map((status) => [status, of(status)])) as Readonly<Record<RunStatus, number>>,
  };
}

function addBlobs(routes: Hono<HttpEnv>, app: App): void {
  routes.get(
    "/v1/blobs/:sha256",
    operation({
      tag: "Runs",
      summary: "A large value that an event refers to as $blob, in parts; it is the value's JSON",
      query: { offset: "where the part begins, in UTF-16 code units", limit: `at most so many, 1 to ${PART_MAX}, ${PART} unless given` },
      response: BlobPart,
    }),
    async (ctx) => {
      const sha256 = ctx.req.param("sha256");
      const offset = wholeNumber(ctx, "offset", { min: 0, max: Number.MAX_SAFE_INTEGER, fallback: 0 });
      const limit = wholeNumber(ctx, "limit", { min: 1, max: PART_MAX, fallback: PART });
      const text = await blobText(app, sha256);
      const end = wholeCharacters(text, offset + limit);
      const nextOffset = end < text.length ? end : null;
      return ctx.json({ sha256, sizeBytes: Buffer.byteLength(text), offset, text: text.slice(offset, end), nextOffset });
    },
  );
}

async function blobText({ store }: App, sha256: string): Promise<string> {
  const missing = `wanted a stored value by its SHA-256 in hex, got "${sha256.slice(0, 64)}", which is none that can be read`;
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw new AppError("not_found", missing);
  try {
    // The size in a reference is for people; values are found and checked by their hash.
    return await store.getBlob({ $blob: sha256, sizeBytes: 0 });
  } catch (error) {
    if (AppError.from(error).code === "storage_corrupt") throw new AppError("not_found", missing, { cause: error });
    throw error;
  }
}

/** A part never ends within a pair of surrogates, unless it were empty then. */
function wholeCharacters(text: string, end: number): number {
  const code = end < text.length ? text.charCodeAt(end - 1) : 0;
  return code >= 0xd800 && code <= 0xdbff ? end + 1 : end;
}
