import type { QueueConfig } from "@tutti/core";
import { z } from "zod";
import type { Setting } from "./setting.ts";

const schema = z.strictObject(
  {
    name: z.string("a name").regex(/^[\w.-]{1,64}$/, "a name of letters, digits, dots and dashes"),
    workflows: z.array(z.string("a workflow's name").min(1, "a workflow's name")).max(1000).optional(),
    keyBy: z.enum(["tenant", "principal", "workflow"], "one of tenant, principal, workflow").optional(),
    concurrency: z.int("a whole number").min(1, "at least 1").max(100_000, "at most 100000"),
    concurrencyPerKey: z.int("a whole number").min(1, "at least 1").max(100_000, "at most 100000").optional(),
    ratePerSecond: z.number("a number").min(0.001, "at least 0.001").max(1_000_000, "at most 1000000").optional(),
    queuedMax: z.int("a whole number").min(1, "at least 1").max(1_000_000, "at most 1000000").default(10_000),
  },
  "a queue: {name, concurrency, concurrencyPerKey, ratePerSecond, queuedMax}",
);

/** The keys of a queue, for those who mistype one. */
export const QUEUE_KEYS: readonly string[] = Object.keys(schema.shape);

export const queues: Setting<readonly QueueConfig[]> = {
  default: [],
  description:
    "Queues that runs may be started in: how many run at once, in all and for each key, how many may begin in a second, and how many may wait. Runs of `workflows` go through by themselves, under the key that `keyBy` names.",
  valid: "a list of {name, workflows, keyBy, concurrency, concurrencyPerKey, ratePerSecond, queuedMax}",
  read: (raw) => raw,
  schema: z
    .array(schema)
    .max(100)
    .refine((list) => new Set(list.map(({ name }) => name)).size === list.length, "names of their own for all queues"),
};
