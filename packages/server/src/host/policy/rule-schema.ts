import type { Json } from "@tutti/core";
import { ACTION_KINDS } from "@tutti/core/policy";
import { z } from "zod";

/** What one policy may hold, its files together, and what one rule may. */
export const POLICY_BOUNDS = {
  rulesMax: 20_000,
  filesMax: 100,
  patternCharactersMax: 1_000,
  /** RE2 counts the instructions that a pattern compiles to. */
  patternSizeMax: 2_000,
  /** Longer texts in an input are not searched: the condition is one that cannot be told. */
  textCharactersMax: 16_384,
  /** Longer lists in an input are not looked through. */
  itemsMax: 1_000,
  valuesMax: 1_000,
  depthMax: 8,
} as const;

const { valuesMax } = POLICY_BOUNDS;
const NAME_CHARACTERS_MAX = 300;

/** One thing, or a list of some. */
function oneOrMany<T extends z.ZodType>(item: T, what: string): z.ZodUnion<[T, z.ZodArray<T>]> {
  return z.union([item, z.array(item).min(1, "at least one").max(valuesMax, `at most ${valuesMax}`)], `${what}, or a list of some`);
}

const name = z.string("a name").min(1, "a name").max(NAME_CHARACTERS_MAX, `at most ${NAME_CHARACTERS_MAX} characters`);
const names = oneOrMany(name, "a name or a pattern such as crm.*");
const number = z.number("a number");

const range = z
  .strictObject(
    { min: number.optional(), max: number.optional(), above: number.optional(), below: number.optional() },
    "{min, max, above, below}",
  )
  .meta({ description: "`min` and `max` count themselves, `above` and `below` do not." });

/** What has to hold of one field of an input. All of it has to. */
export interface FieldTest extends Range {
  readonly present?: boolean | undefined;
  readonly type?: string | readonly string[] | undefined;
  readonly equals?: Json | undefined;
  readonly one_of?: readonly Json[] | undefined;
  readonly matches?: string | readonly string[] | undefined;
  readonly contains?: string | readonly string[] | undefined;
  readonly length?: Range | undefined;
  readonly host?: string | readonly string[] | undefined;
  readonly within?: string | readonly string[] | undefined;
  readonly each?: FieldTest | undefined;
  readonly some?: FieldTest | undefined;
}

/** A condition on a number. */
export type Range = z.infer<typeof range>;

const TYPES = ["string", "number", "integer", "boolean", "array", "object", "null"] as const;

const fieldTest = z
  .strictObject(
    {
      present: z.boolean("true or false").optional(),
      type: oneOrMany(z.enum(TYPES, `one of ${TYPES.join(", ")}`), `one of ${TYPES.join(", ")}`).optional(),
      equals: z.json().optional(),
      one_of: z.array(z.json(), "a list of values").min(1, "at least one value").max(valuesMax, `at most ${valuesMax} values`).optional(),
      matches: oneOrMany(
        z
          .string("a regular expression")
          .min(1, "a regular expression")
          .max(POLICY_BOUNDS.patternCharactersMax, `at most ${POLICY_BOUNDS.patternCharactersMax} characters`),
        "a regular expression in RE2 syntax",
      )
        .meta({ description: "Found anywhere in the text, unless it begins with ^ and ends with $. Of a list, any." })
        .optional(),
      contains: oneOrMany(z.string("a text").min(1, "a text").max(1_000, "at most 1000 characters"), "a text").optional(),
      length: range.meta({ description: "Characters of a text, items of a list, keys of an object." }).optional(),
      host: oneOrMany(name, "a host name, or *.example.org for all below it")
        .meta({ description: "The field is an http or https URL of one of these hosts. *.example.org is every host below example.org." })
        .optional(),
      within: oneOrMany(
        z
          .string("a folder")
          .regex(/^(?!~)[^\\]+$/, "a folder")
          .max(4_096),
        "a folder",
      )
        .meta({
          description:
            "The field is a path within one of these folders, once `.` and `..` are worked out. Relative folders, as file tools take them, and those that begin with / are told apart: of one and the other nothing is known.",
        })
        .optional(),
      ...range.shape,
      get each(): z.ZodOptional<z.ZodType<FieldTest>> {
        return fieldTest.optional();
      },
      get some(): z.ZodOptional<z.ZodType<FieldTest>> {
        return fieldTest.optional();
      },
    },
    "conditions such as {equals: …}, {matches: …}, {max: …}",
  )
  .meta({ id: "Field", description: "All of the conditions have to hold." });

const pointer = z.string().regex(/^(?:\/(?:[^~/]|~[01])*)*$/, 'a JSON pointer such as /to or /items/0/price ("" is the whole input)');
const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;

const when = z
  .strictObject(
    {
      input: z
        .record(pointer, fieldTest, "fields of the input by JSON pointer: {/to: {matches: …}}")
        .meta({ description: "Fields of the input by JSON pointer (RFC 6901)." })
        .optional(),
      principal: z
        .strictObject({ id: names.optional(), role: names.optional(), tenant: names.optional() }, "{id, role, tenant}")
        .meta({ description: "Who it is for: names or patterns." })
        .optional(),
      time: z
        .strictObject(
          {
            days: oneOrMany(z.enum(DAYS, `one of ${DAYS.join(", ")}`), `one of ${DAYS.join(", ")}`).optional(),
            hours: oneOrMany(
              z
                .string("hours such as 09:00-17:30")
                .regex(/^(?:[01]\d|2[0-3]):[0-5]\d-(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)$/, "hours such as 09:00-17:30"),
              "hours such as 09:00-17:30",
            ).optional(),
            zone: z.string("a time zone such as Europe/Berlin").min(1).max(64).optional(),
            from: z.iso.datetime({ offset: true, error: "a moment such as 2026-05-01T00:00:00Z" }).optional(),
            until: z.iso.datetime({ offset: true, error: "a moment such as 2026-05-01T00:00:00Z" }).optional(),
          },
          "{days, hours, zone, from, until}",
        )
        .meta({ description: "Hours that end before they begin go over midnight and belong to the day on which they begin." })
        .optional(),
      run: z
        .strictObject(
          {
            workflow: names.optional(),
            calls: z
              .record(name, range, "calls so far by tool: {send_mail: {below: 3}}")
              .meta({ description: "Calls that this run has made so far, by name or pattern of tools; of a pattern, all together." })
              .optional(),
            tokens: range.optional(),
            cost_usd: range.optional(),
            tainted: z
              .union([z.boolean(), name, z.array(name).min(1).max(valuesMax)], "true, false, or tools by name or pattern")
              .meta({ description: "Whether the run has read what tools brought from outside; or from which tools." })
              .optional(),
          },
          "{workflow, calls, tokens, cost_usd, tainted}",
        )
        .meta({ description: "What the run has done and used so far." })
        .optional(),
      get any_of() {
        return z.array(when, "a list of conditions").min(1, "at least one").max(100, "at most 100").optional();
      },
      get not() {
        return when.optional();
      },
    },
    "{input, principal, time, run, any_of, not}",
  )
  .meta({ id: "When", description: "All of the conditions have to hold." });

/** What has to hold for a rule to apply. */
export type When = z.infer<typeof when>;

const EFFECTS = ["read", "write", "execute"] as const;

const match = z
  .strictObject(
    {
      kind: oneOrMany(z.enum(ACTION_KINDS, `one of ${ACTION_KINDS.join(", ")}`), `one of ${ACTION_KINDS.join(", ")}`)
        .meta({ description: "What is done. Left out: tool.call." })
        .optional(),
      tool: names.meta({ description: "The tool that is called: names or patterns." }).optional(),
      resource: names.meta({ description: "What it is done to, for any kind: names or patterns." }).optional(),
      effect: oneOrMany(z.enum(EFFECTS, `one of ${EFFECTS.join(", ")}`), `one of ${EFFECTS.join(", ")}`)
        .meta({ description: "What the tool says it does." })
        .optional(),
      source: names.meta({ description: 'Who brought the tool: "built-in", "plugin:NAME", "mcp:NAME", or patterns.' }).optional(),
    },
    "{kind, tool, resource, effect, source}",
  )
  .meta({ id: "Match", description: "What the rule is about. All of it has to fit." });

/** What a rule is about. */
export type Match = z.infer<typeof match>;

const approval = z
  .strictObject(
    {
      approvers: names.meta({ description: "Roles or principal ids, each written out." }).optional(),
      expires: z
        .string("a duration such as 15m, 2h or 1d")
        .regex(/^[1-9]\d{0,5}(?:s|m|h|d)$/, "a duration such as 15m, 2h or 1d")
        .meta({ description: "How long a call waits for its answer." })
        .optional(),
      four_eyes: z.boolean("true or false").meta({ description: "Whoever asks may not approve." }).optional(),
      approvals: z.int("a whole number").min(1, "at least 1").max(20, "at most 20").meta({ description: "How many people." }).optional(),
    },
    "{approvers, expires, four_eyes, approvals}",
  )
  .meta({ id: "Approval", description: "Of `ask`: who has to approve, and for how long that holds." });

const rule = z
  .strictObject(
    {
      id: z.string("a name").regex(/^[A-Za-z0-9][\w.:-]{0,99}$/, "a name of letters, digits, dots, colons, dashes and underscores"),
      effect: z.enum(["allow", "ask", "deny"], "one of allow, ask, deny"),
      reason: z
        .string("a text for people: why this rule is there")
        .regex(/\S/, "a text for people: why this rule is there")
        .max(500, "at most 500 characters"),
      match: match.default({}),
      when: when.optional(),
      approval: approval.optional(),
    },
    "a rule: {id, effect, reason, match, when, approval}",
  )
  .check(({ value, issues }) => {
    if (value.approval !== undefined && value.effect !== "ask")
      issues.push({ code: "custom", path: ["approval"], message: "left out, unless the effect is ask", input: value.approval });
  })
  .meta({ id: "Rule" });

/** Of a rule whose id is wrong. */
export const UNREADABLE_ID = "a-rule-whose-id-cannot-be-read";

/** What takes the place of a rule's part that is wrong, so that the rest of it can be looked at. */
const STAND_INS: Readonly<Record<string, Json | undefined>> = { effect: "deny", reason: "wrong", match: {}, id: UNREADABLE_ID };

/** What can be read of a rule, with the wrong parts of it left out; `undefined` when nothing can. */
export function readableRule(value: unknown): RuleSpec | undefined {
  const { data, error } = rule.safeParse(value);
  if (data !== undefined || typeof value !== "object" || value === null) return data;
  const wrong =
    error?.issues.flatMap(({ path: [key], ...issue }) => (key === undefined && "keys" in issue ? issue.keys : [String(key)])) ?? [];
  const right = Object.entries(value).filter(([key]) => !wrong.includes(key));
  const stood = wrong.flatMap((key) => (Object.hasOwn(STAND_INS, key) ? [[key, STAND_INS[key]] as const] : []));
  return rule.safeParse(Object.fromEntries([...right, ...stood])).data;
}

/** A rule as it is written. */
export type RuleSpec = z.infer<typeof rule>;

/** A file of rules. */
export const policyFileSchema = z
  .strictObject(
    {
      version: z.literal(1, "1").default(1),
      description: z.string("a text").max(2_000, "at most 2000 characters").optional(),
      rules: z.array(rule, "a list of rules").max(POLICY_BOUNDS.rulesMax, `at most ${POLICY_BOUNDS.rulesMax} rules`),
    },
    "a policy: {version: 1, rules: […]}",
  )
  .meta({
    title: "Tool policy of Tutti",
    description: "What may be done, by whom and when. What no rule allows is denied; the strictest rule wins.",
  });

/** The keys of everything in a file, for those who mistype one. */
export const POLICY_KEYS: readonly string[] = [
  ...new Set([policyFileSchema, rule, match, when, fieldTest, approval].flatMap(({ shape }) => Object.keys(shape))),
  "id",
  "role",
  "tenant",
  "days",
  "hours",
  "zone",
  "from",
  "until",
  "workflow",
  "calls",
  "tokens",
  "cost_usd",
  "tainted",
];

/** The schema of policy files as JSON Schema, for editors. */
export function policyJsonSchema(): object {
  return z.toJSONSchema(policyFileSchema, { io: "input", target: "draft-2020-12" });
}
