import { z } from "zod";

/** A run as the API shows it. */
export const Run = z
  .object({
    id: z.string(),
    workflow: z.string(),
    version: z.string(),
    status: z.enum(["queued", "running", "waiting", "paused", "completed", "failed", "cancelled", "continued"]),
    startedAt: z.string(),
    endedAt: z.string().nullable(),
    parentId: z.string().nullable(),
    principalId: z.string(),
    events: z.number().int(),
    head: z.string(),
  })
  .meta({ description: "A run. `head` is the hash of its last event." });
