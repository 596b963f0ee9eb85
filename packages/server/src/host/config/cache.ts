import { z } from "zod";
import type { Setting } from "./setting.ts";

const MEBIBYTE = 1_048_576;

const bytes = (max: number): z.ZodInt => z.int("a whole number of bytes").min(1024, "at least 1024").max(max, `at most ${max}`);

const semantic = z.strictObject(
  {
    model: z.string("a model's name").min(1, "a model's name").max(256, "a model's name of at most 256 characters"),
    threshold: z.number("a number").min(0.5, "at least 0.5").max(1, "at most 1").default(0.95),
    temperatureMax: z.number("a number").min(0, "at least 0").max(2, "at most 2").default(1),
    charactersMax: z.int("a whole number").min(1, "at least 1").max(100_000, "at most 100000").default(2_000),
  },
  "{model, threshold, temperatureMax, charactersMax}",
);

const schema = z.strictObject(
  {
    models: z.array(z.string("a model's name or pattern").min(1).max(256), "a list of models' names and patterns").max(1000).optional(),
    ttlSeconds: z.int("a whole number of seconds").min(1, "at least 1").max(31_536_000, "at most a year").default(3_600),
    bytesMax: bytes(1024 * 1024 * MEBIBYTE).default(64 * MEBIBYTE),
    tenantBytesMax: bytes(1024 * 1024 * MEBIBYTE).default(16 * MEBIBYTE),
    entryBytesMax: bytes(64 * MEBIBYTE).default(MEBIBYTE),
    finishReasons: z
      .array(z.enum(["stop", "tool_calls"], "stop or tool_calls"), "a list of stop and tool_calls")
      .min(1, "at least one reason")
      .default(["stop", "tool_calls"]),
    semantic: semantic.optional(),
  },
  "what to keep: {models, ttlSeconds, bytesMax, tenantBytesMax, entryBytesMax, finishReasons, semantic}",
);

/** What is kept of models' answers. */
export type CacheSetting = z.infer<typeof schema>;

/** The keys inside `cache`, for those who mistype one. */
export const CACHE_KEYS: readonly string[] = [...Object.keys(schema.shape), ...Object.keys(semantic.shape)];

export const cache: Setting<CacheSetting | undefined> = {
  default: undefined,
  description:
    "Keeps models' answers in memory and gives them again, to the same question or (`semantic`) to one very like it. `cache: {}` keeps answers to the same question for an hour. Without it nothing is kept.",
  valid: "{models, ttlSeconds, bytesMax, tenantBytesMax, entryBytesMax, finishReasons, semantic}",
  read: (raw) => raw,
  schema: schema.optional(),
};
