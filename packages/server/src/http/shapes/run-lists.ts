import { z } from "zod";
import { runStatus } from "./runs.ts";
import { count } from "./values.ts";

const byStatus = z.record(runStatus, count);
const durationMs = z.number().nullable();

/** How many runs there are of each kind. */
export const RunCounts = z.object({
  total: count,
  isWhole: z.boolean().describe("False: there are older runs, which were not counted."),
  byStatus,
  byWorkflow: z.array(z.object({ workflow: z.string(), total: count, byStatus, p50DurationMs: durationMs })),
});

/** What happened, by spans of time. */
export const Activity = z.object({
  since: z.string(),
  until: z.string(),
  bucketSeconds: z.int(),
  buckets: z.array(
    z.object({
      start: z.string(),
      started: count,
      completed: count,
      failed: count,
      cancelled: count,
      inputTokens: count,
      outputTokens: count,
      costUsd: z.number(),
      p50DurationMs: durationMs,
      p95DurationMs: durationMs,
    }),
  ),
});

/** What came of an act on many runs, one by one. */
export const BulkResults = z.object({
  results: z.array(
    z.discriminatedUnion("ok", [
      z.object({ id: z.string(), ok: z.literal(true), newRunId: z.string().exactOptional() }),
      z.object({ id: z.string(), ok: z.literal(false), code: z.string(), message: z.string() }),
    ]),
  ),
});

/** A part of a large value. */
export const BlobPart = z.object({
  sha256: z.string(),
  sizeBytes: count,
  offset: count,
  text: z.string(),
  nextOffset: count.nullable(),
});
