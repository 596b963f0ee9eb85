import { z } from "zod";
import { choice, optionalPath, type Setting } from "./setting.ts";

export const routerPolicyPath = optionalPath({
  env: "TUTTI_ROUTER_POLICY",
  description:
    "The file that says where texts without a known intent go: rules, examples, and what becomes of the rest. It may change while Tutti runs.",
});

export const routerPolicyShadowPath = optionalPath({
  env: "TUTTI_ROUTER_POLICY_SHADOW",
  description: "A second router policy that does not act: what it would have done is noted beside each decision.",
});

const LIST_MAX = 1_000;

export const taintPolicy: Setting<"off" | "ask" | "deny"> = choice({
  env: "TUTTI_TAINT_POLICY",
  default: "ask",
  values: ["off", "ask", "deny"],
  description:
    "What becomes of tool calls that write, execute or send something out, in a run that has read untrusted content (a web page, a mail, somebody's file): a person is asked, they are refused, or it makes no difference.",
});

const names = z.array(z.string("a name or a pattern such as mail_*").min(1).max(300), "a list of names and patterns").min(1).max(LIST_MAX);

const exception = z.strictObject(
  {
    id: z.string("a name").regex(/^[\w.:-]{1,64}$/, "a name of letters, digits, dots, colons and dashes"),
    tools: names,
    after: names.optional(),
    workflows: names.optional(),
    hosts: names.optional(),
  },
  "an exception: {id, tools, after, workflows, hosts}",
);

/** When a tool may be called although its run has read untrusted content. */
export type TaintException = z.infer<typeof exception>;

/** The keys of an exception, for those who mistype one. */
export const TAINT_EXCEPTION_KEYS: readonly string[] = Object.keys(exception.shape);

export const taintExceptions: Setting<readonly TaintException[]> = {
  default: [],
  description:
    "Tools that `taintPolicy` leaves alone: `tools` that may be called after reading what only the tools `after` gave (left out: any), in runs of `workflows`, when every URL in the input has one of `hosts`.",
  valid: "a list of {id, tools, after, workflows, hosts}",
  read: (raw) => raw,
  schema: z.array(exception).max(LIST_MAX),
};

const results = z.strictObject(
  {
    mark: z.boolean("true or false").default(true),
    clean: z.boolean("true or false").default(true),
    instructions: z.enum(["keep", "note", "remove"], "one of keep, note, remove").default("note"),
    secrets: z.boolean("true or false").default(false),
    personalData: z.boolean("true or false").default(false),
    charactersMax: z.int("a whole number").min(100, "at least 100").max(1_000_000, "at most 1000000").default(32_000),
  },
  "{mark, clean, instructions, secrets, personalData, charactersMax}",
);

/** What agents' models see of tool results. */
export type ToolResults = z.infer<typeof results>;

/** The keys of `toolResults`, for those who mistype one. */
export const TOOL_RESULTS_KEYS: readonly string[] = Object.keys(results.shape);

export const toolResults: Setting<ToolResults> = {
  default: results.parse({}),
  description:
    "What agents' models see of tool results. `mark`: they stand between marks that say where they come from and that they are data. `clean`: hidden characters and text, terminal codes, marks of chat formats and pictures that carry data away are taken out. `instructions`: what is written like an order to the model is kept, noted in the mark, or removed. `secrets`, `personalData`: they are masked. Results longer than `charactersMax` are cut.",
  valid: "{mark, clean, instructions, secrets, personalData, charactersMax}",
  read: (raw) => raw,
  schema: results,
};
