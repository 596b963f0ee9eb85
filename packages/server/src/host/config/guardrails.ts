import { z } from "zod";
import type { Setting } from "./setting.ts";

const GUARDS_MAX = 100;
const WORDS_MAX = 10_000;
const PATTERNS_MAX = 200;

const pattern = z.string("a name or a pattern").min(1, "a name or a pattern").max(256, "at most 256 characters");

const base = {
  id: z.string("a name").regex(/^[\w.:-]{1,64}$/, "a name of letters, digits, dots, colons and dashes"),
  where: z
    .array(z.enum(["input", "tool-result", "output"], "one of input, tool-result, output"), "a list of input, tool-result, output")
    .min(1, "at least one of input, tool-result, output")
    .max(3),
  action: z.enum(["block", "redact", "annotate"], "one of block, redact, annotate"),
  models: z.array(pattern, "a list of models' names and patterns").max(1000).optional(),
  tenants: z.array(pattern, "a list of tenants' names and patterns").max(1000).optional(),
  tags: z.array(pattern, "a list of tags").max(1000).optional(),
};

const characters = z.int("a whole number").min(1, "at least 1").max(100_000_000, "at most 100000000");

const topics = z.strictObject(
  {
    words: z
      .array(z.string("a word").regex(/\S/, "a word").max(200, "a word of at most 200 characters"), "a list of words")
      .max(WORDS_MAX)
      .optional(),
    patterns: z
      .array(z.string("a regular expression").min(1).max(1000, "at most 1000 characters"), "a list of regular expressions")
      .max(PATTERNS_MAX)
      .optional(),
  },
  "{words, patterns}",
);

const found = {
  ...base,
  kinds: z.array(z.string("a kind").min(1), "a list of kinds").min(1, "at least one kind").max(100).optional(),
  restore: z.boolean("true or false").optional(),
};

const GUARDS = [
  z.strictObject({ ...found, check: z.literal("secrets") }),
  z.strictObject({ ...found, check: z.literal("personal-data") }),
  z.strictObject({ ...base, check: z.literal("topics"), deny: topics.optional(), allow: topics.optional() }),
  z.strictObject({
    ...base,
    check: z.literal("schema"),
    schema: z.record(z.string(), z.json(), "a JSON Schema").optional(),
    repairsMax: z.int("a whole number").min(0, "at least 0").max(5, "at most 5").optional(),
  }),
  z.strictObject({ ...base, check: z.literal("length"), charactersMax: characters.optional(), tokensMax: characters.optional() }),
  z.strictObject({ ...base, check: z.literal("injection"), mark: z.boolean("true or false").optional() }),
] as const;

const guard = z.discriminatedUnion("check", [...GUARDS], {
  error: "a guardrail: {id, check, where, action, …} with check one of secrets, personal-data, topics, schema, length, injection",
});

/** A rule on what goes in and out of models. */
export type GuardrailSetting = z.infer<typeof guard>;

/** The keys of a guardrail, for those who mistype one. */
export const GUARDRAIL_KEYS: readonly string[] = [
  ...new Set([...GUARDS.flatMap((kind) => Object.keys(kind.shape)), ...Object.keys(topics.shape)]),
];

export const guardrails: Setting<readonly GuardrailSetting[]> = {
  default: [],
  description:
    "Rules on what goes in and out of models: secrets and personal data, topics, schemas, lengths, and instructions in tool results. Each blocks, replaces or notes what it finds.",
  valid: "a list of {id, check, where, action, models, tenants, tags} and what each check wants",
  read: (raw) => raw,
  schema: z
    .array(guard)
    .max(GUARDS_MAX)
    .check(({ value, issues }) => {
      for (const [index, { id }] of value.entries()) {
        if (value.findIndex((other) => other.id === id) < index)
          issues.push({ code: "custom", message: "a name of its own", path: [index, "id"], input: id });
      }
    }),
};
