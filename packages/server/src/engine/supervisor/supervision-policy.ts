import { z } from "zod";

const HOUR_MS = 3_600_000;

/** How a run is restarted. Every part has a default, so `{}` is a policy. */
export const supervisionSchema = z.strictObject({
  /** After which ends it is started again: every one, failures, or none. A run that somebody cancelled is left alone. */
  restart: z.enum(["always", "on-failure", "never"]).default("on-failure"),
  /** The bound of the n-th wait is `delayMs` × 2^(n-1), at most `delayMaxMs`; the wait is random below it (full jitter). */
  backoff: z
    .strictObject({
      delayMs: z.int().min(1).max(HOUR_MS).default(1_000),
      delayMaxMs: z
        .int()
        .min(1)
        .max(24 * HOUR_MS)
        .default(60_000),
    })
    .prefault({}),
  /** So many failures within so long are a crash loop. Then it waits for somebody to look (`pause`), or gives up (`fail`). */
  crashLoop: z
    .strictObject({
      failuresMax: z.int().min(1).max(1_000).default(5),
      withinMs: z
        .int()
        .min(1)
        .max(366 * 24 * HOUR_MS)
        .default(600_000),
      action: z.enum(["pause", "fail"]).default("pause"),
    })
    .prefault({}),
});

/** A restart policy whose every setting is there. */
export type Supervision = z.output<typeof supervisionSchema>;
