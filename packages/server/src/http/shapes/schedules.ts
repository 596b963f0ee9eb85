import { z } from "zod";
import { count, Failure, json } from "./values.ts";

const when = z.union([
  z.object({ cron: z.string(), timeZone: z.string().exactOptional() }),
  z.object({ everyMs: z.number(), from: z.string().exactOptional() }),
  z.object({ at: z.string() }),
]);

/** A schedule: its settings, when it is due next, and what became of its ticks. */
export const ScheduleShape = z.object({
  name: z.string(),
  workflow: z.string(),
  when,
  input: json.exactOptional(),
  tickField: z.string().exactOptional(),
  startAt: z.string().exactOptional(),
  endAt: z.string().exactOptional(),
  jitterMs: z.number().exactOptional(),
  lateMaxMs: z.number().exactOptional(),
  catchUp: z.enum(["skip", "one", "all"]).exactOptional(),
  catchUpMax: z.int().exactOptional(),
  overlap: z.enum(["skip", "queue", "cancel", "allow"]).exactOptional(),
  queueMax: z.int().exactOptional(),
  supervise: json.exactOptional(),
  runId: z.string(),
  status: z.enum(["active", "paused", "broken"]),
  paused: z.object({ reason: z.string(), since: z.string() }).nullable(),
  nextAt: z.string().nullable(),
  last: z.object({ at: z.string(), why: z.string(), runId: z.string(), status: z.string(), error: Failure.exactOptional() }).nullable(),
  active: z.array(z.object({ at: z.string(), runId: z.string() })),
  queued: count,
  counts: z.object({ started: count, completed: count, failed: count, cancelled: count, missed: count }),
  misses: z.array(z.object({ at: z.string(), reason: z.string() })),
});

/** One of them. */
export const OneSchedule = z.object({ schedule: ScheduleShape });

/** When something is due. */
export const Ticks = z.object({ next: z.array(z.string()) });

/** Work under supervision. */
export const Supervised = z.object({
  name: z.string(),
  workflow: z.string(),
  input: json.exactOptional(),
  policy: json.exactOptional(),
  supervisorId: z.string(),
  status: z.enum(["running", "waiting to restart", "crash loop", "stopping", "broken"]),
  since: z.string(),
  runId: z.string().nullable(),
  restarts: count,
  failures: count,
  error: Failure.nullable(),
  restartAt: z.string().nullable(),
  stuck: z.array(z.object({ step: z.string(), attempt: z.int(), since: z.string(), message: z.string() })),
});

/** One piece of it. */
export const OneSupervised = z.object({ supervised: Supervised });

/** Work that failed for good and waits for somebody to look. */
export const DeadLetterShape = z.looseObject({
  id: z.string(),
  source: z.string(),
  since: z.string(),
  status: z.enum(["waiting", "retrying", "retried", "dismissed"]),
  attempts: count,
  error: Failure,
  runId: z.string().exactOptional(),
  workflow: z.string().exactOptional(),
  input: json.exactOptional(),
  outcome: json.exactOptional(),
});

/** One of them. */
export const OneDeadLetter = z.object({ deadLetter: DeadLetterShape });

/** How each part of the server is. */
export const ComponentsHealth = z.object({
  status: z.enum(["ok", "degraded", "down"]),
  components: z.array(
    z.object({
      name: z.string(),
      status: z.enum(["ok", "off", "degraded", "down"]),
      since: z.string(),
      reason: z.string(),
      todo: z.string().nullable(),
    }),
  ),
});
