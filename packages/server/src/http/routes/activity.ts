import { AppError } from "@tutti/core";
import type { App } from "../../host/index.ts";
import { durationOf } from "../../store/index.ts";
import type { HttpContext } from "../env.ts";
import { momentOf } from "./run-filter.ts";
import { wholeNumber } from "./run-queries.ts";

const BUCKETS_MAX = 1_000;
/** The ledger knows minutes. */
const BUCKET_SECONDS_MIN = 60;
const BUCKET_SECONDS_MAX = 31 * 86_400;

/** A span of whole buckets, in ms since 1970. */
interface Span {
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly bucketMs: number;
}

type Counts = Awaited<ReturnType<App["store"]["countActivity"]>>;

/** What started, ended and was spent, by spans of time: what the query asks for. */
export async function activity(app: App, ctx: HttpContext) {
  const span = spanOf(ctx);
  const [since, until] = [iso(span.sinceMs), iso(span.untilMs)];
  const bucketSeconds = span.bucketMs / 1000;
  const [counts, spent] = await Promise.all([
    app.store.countActivity({ since, until, bucketSeconds }),
    app.budgets.spentByMinute({ sinceMs: span.sinceMs, untilMs: span.untilMs }),
  ]);
  const perBucket = new Map<number, Counts[number][]>();
  for (const row of counts) perBucket.set(row.bucket, [...(perBucket.get(row.bucket) ?? []), row]);
  const spends = new Map<number, typeof spent>();
  for (const row of spent) {
    const bucket = Math.floor(row.startMs / span.bucketMs);
    spends.set(bucket, [...(spends.get(bucket) ?? []), row]);
  }
  const length = (span.untilMs - span.sinceMs) / span.bucketMs;
  const buckets = Array.from({ length }, (_, index) => {
    const bucket = span.sinceMs / span.bucketMs + index;
    return { start: iso(bucket * span.bucketMs), ...summed(perBucket.get(bucket) ?? []), ...sumOf(spends.get(bucket) ?? []) };
  });
  return { since, until, bucketSeconds, buckets };
}

function spanOf(ctx: HttpContext): Span {
  const since = ctx.req.query("since");
  if (since === undefined) throw new AppError("invalid_input", "wanted since to be a moment as in 2026-11-21T08:00:00Z, got none");
  const bucketMs = 1000 * wholeNumber(ctx, "bucketSeconds", { min: BUCKET_SECONDS_MIN, max: BUCKET_SECONDS_MAX, fallback: 3_600 });
  const until = ctx.req.query("until");
  const untilMs = until === undefined ? Date.now() : Date.parse(momentOf("until", until));
  const sinceMs = Math.floor(Date.parse(momentOf("since", since)) / bucketMs) * bucketMs;
  const endMs = Math.ceil(untilMs / bucketMs) * bucketMs;
  const buckets = (endMs - sinceMs) / bucketMs;
  if (buckets >= 1 && buckets <= BUCKETS_MAX) return { sinceMs, untilMs: endMs, bucketMs };
  throw new AppError("invalid_input", `wanted 1 to ${BUCKETS_MAX} buckets from since to until, got ${buckets}; take longer ones`);
}

function summed(rows: Counts) {
  const of = (status: Counts[number]["status"]): number => rows.reduce((sum, row) => (row.status === status ? sum + row.count : sum), 0);
  const ended = rows.filter(({ status }) => status !== null);
  return {
    started: of(null),
    completed: of("completed"),
    failed: of("failed"),
    cancelled: of("cancelled"),
    p50DurationMs: percentile(ended, 0.5),
    p95DurationMs: percentile(ended, 0.95),
  };
}

/** The duration that such a part of them did not exceed, as far as bins tell; `null` when there are none. */
export function percentile(rows: readonly { readonly durationBin: number | null; readonly count: number }[], part: number): number | null {
  const bins = new Map<number, number>();
  for (const { durationBin, count } of rows) if (durationBin !== null) bins.set(durationBin, (bins.get(durationBin) ?? 0) + count);
  const total = [...bins.values()].reduce((sum, count) => sum + count, 0);
  let seen = 0;
  for (const [bin, count] of [...bins].toSorted(([a], [b]) => a - b)) {
    seen += count;
    if (seen >= total * part) return durationOf(bin);
  }
  return null;
}

function sumOf(rows: readonly { readonly inputTokens: number; readonly outputTokens: number; readonly costUsd: number }[]) {
  const of = (name: "inputTokens" | "outputTokens" | "costUsd"): number => rows.reduce((sum, row) => sum + row[name], 0);
  return { inputTokens: of("inputTokens"), outputTokens: of("outputTokens"), costUsd: of("costUsd") };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
