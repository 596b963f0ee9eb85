import { z } from "zod";
import { AppError } from "@tutti/core";
import { compilePattern, namesIn } from "./matcher.ts";

/** What one router policy may hold. */
const BOUNDS = { rulesMax: 10_000, patternsMax: 100, examplesMax: 200, charactersMax: 2_000 } as const;

const name = z.string("a name").min(1, "a name").max(200, "at most 200 characters");
const text = z.string("a text").min(1, "a text").max(BOUNDS.charactersMax, `at most ${BOUNDS.charactersMax} characters`);
const share = z.number("a number from 0 to 1").min(0, "a number from 0 to 1").max(1, "a number from 0 to 1");

const target = { tool: name.exactOptional(), agent: name.exactOptional(), workflow: name.exactOptional() };

const rule = z
  .strictObject(
    {
      id: z.string("a name").regex(/^[\w.:-]{1,100}$/, "a name of letters, digits, dots, colons and dashes"),
      match: text.exactOptional(),
      match_any: z.array(text, "a list of regular expressions").min(1).max(BOUNDS.patternsMax).exactOptional(),
      examples: z.array(text, "a list of texts").min(1).max(BOUNDS.examplesMax).exactOptional(),
      ...target,
      params: z.json().exactOptional(),
      confidence: share.default(1),
      reason: text,
      answer: text.exactOptional(),
    },
    "a rule: {id, match, match_any, examples, tool, agent, workflow, params, confidence, reason, answer}",
  )
  .check(({ value, issues }) => {
    const problem = (path: readonly PropertyKey[], message: string): void =>
      void issues.push({ code: "custom", message, path: [...path], input: value });
    const targets = ["tool", "agent", "workflow"].filter((key) => key in value);
    if (targets.length !== 1) problem([], `wanted one of tool, agent, workflow, got ${targets.join(" and ") || "none"}`);
    if (value.match === undefined && value.match_any === undefined && value.examples === undefined)
      problem([], "wanted match, match_any or examples, got none: nothing would lead to the rule");
    const patterns = patternsOf(value);
    for (const { path, source } of patterns) {
      const found = unknownNames(source, value.params ?? null);
      if (typeof found === "string") problem(path, found);
      else if (found[0] !== undefined)
        problem(["params"], `$${found[0]} is no named group of ${path.join("[")}; write $$ for a dollar sign`);
    }
    const needsGroups = value.examples === undefined ? undefined : namesIn(value.params ?? null).find((group) => group !== "text");
    if (needsGroups !== undefined)
      problem(["params"], `$${needsGroups} has no value when an example leads to the rule; with examples, params may use $text only`);
  });

/** Which model answers what, for agents that name none. */
const modelRule = z
  .strictObject(
    {
      id: z.string("a name").regex(/^[\w.:-]{1,100}$/, "a name of letters, digits, dots, colons and dashes"),
      match: text.exactOptional(),
      match_any: z.array(text, "a list of regular expressions").min(1).max(BOUNDS.patternsMax).exactOptional(),
      model: name,
      reason: text,
    },
    "a rule for models: {id, match, match_any, model, reason}",
  )
  .check(({ value, issues }) => {
    const patterns = patternsOf(value);
    if (patterns.length === 0)
      issues.push({
        code: "custom",
        message: "wanted match or match_any, got neither: nothing would lead to the rule",
        path: [],
        input: value,
      });
    for (const { path, source } of patterns) {
      const found = unknownNames(source, null);
      if (typeof found === "string") issues.push({ code: "custom", message: found, path: [...path], input: value });
    }
  });

const semantic = z.strictObject(
  {
    model: name.exactOptional(),
    calibration: z
      .strictObject({ midpoint: z.number("a number"), slope: z.number("a number").positive("a number above 0") }, "{midpoint, slope}")
      .exactOptional(),
  },
  "{model, calibration}",
);

/** A router policy as its file holds it. */
export const routerPolicySchema = z.strictObject(
  {
    version: z.literal(1, "1").default(1),
    thresholds: z.strictObject({ confidence: share.default(0.85), gap: share.default(0.05) }, "{confidence, gap}").prefault({}),
    cache: z
      .strictObject(
        {
          entriesMax: z.int("a whole number").min(0, "at least 0").max(100_000, "at most 100000").default(1_000),
          ttlMs: z.int("a whole number").min(0, "at least 0").max(31_536_000_000, "at most a year").default(86_400_000),
        },
        "{entriesMax, ttlMs}",
      )
      .prefault({}),
    semantic: semantic.prefault({}),
    undecided: z
      .union(
        [
          z.enum(["ask", "answer"]),
          z.strictObject(target).refine((value) => Object.keys(value).length === 1, "one of tool, agent, workflow"),
        ],
        "ask, answer, or one of {tool}, {agent}, {workflow}",
      )
      .default("answer"),
    rules: z.array(rule, "a list of rules").max(BOUNDS.rulesMax, `at most ${BOUNDS.rulesMax} rules`),
    models: z.array(modelRule, "a list of rules for models").max(BOUNDS.rulesMax, `at most ${BOUNDS.rulesMax} rules`).exactOptional(),
  },
  "a router policy: {version, thresholds, cache, semantic, undecided, rules, models}",
);

/** A router policy, checked. */
export type RouterPolicy = z.output<typeof routerPolicySchema>;

/** One rule of it. */
export type RouterRule = RouterPolicy["rules"][number];

/** The patterns of a rule, each with its place. */
function patternsOf(value: { readonly match?: string; readonly match_any?: readonly string[] }) {
  return [
    ...(value.match === undefined ? [] : [{ path: ["match"], source: value.match }]),
    ...(value.match_any ?? []).map((source, index) => ({ path: ["match_any", index], source })),
  ];
}

/** The names that params use and the pattern has no group for; a text when the pattern is none. */
function unknownNames(pattern: string, params: z.core.util.JSONType): readonly string[] | string {
  try {
    const groups = Object.keys(compilePattern(pattern).namedGroups());
    return namesIn(params).filter((group) => group !== "text" && !groups.includes(group));
  } catch (error) {
    return AppError.from(error).message;
  }
}
