import { ACTION_KINDS } from "@tutti/core/policy";
import { z } from "zod";
import { count, effect as toolEffect, Fault, json } from "./values.ts";

const effect = z.enum(["allow", "ask", "deny"]);
const holds = z.enum(["yes", "no", "unknown"]);
const said = { effect, rule: z.string(), reason: z.string() };

const Terms = z.object({
  approvers: z.array(z.string()).exactOptional().describe("Roles or principals."),
  expiresInMs: z.number().exactOptional(),
  isFourEyes: z.boolean().exactOptional(),
  approvalsMin: z.int().exactOptional(),
});

/** What policy says of an action. */
const DecisionShape = z
  .object({
    ...said,
    approval: Terms.exactOptional().describe("Of ask: what an approval has to be like to count."),
    shadow: z
      .object({ ...said, policyHash: z.string() })
      .exactOptional()
      .describe("What the shadow policy would have decided, where it differs."),
  })
  .meta({ id: "Decision", description: "What policy says of an action: allow, ask or deny, by which rule and why." });

const principal = z.object({ id: z.string(), tenant: z.string(), roles: z.array(z.string()) });
const Facts = z.object({
  at: z.string(),
  tool: z.object({ effect: toolEffect, source: z.string() }).exactOptional(),
  run: z
    .object({
      runId: z.string(),
      workflow: z.string(),
      calls: z.record(z.string(), count),
      tainted: z.array(z.string()),
      tokens: z.number(),
      costUsd: z.number(),
    })
    .exactOptional(),
});
const ActionShape = z.object({
  kind: z.enum(ACTION_KINDS),
  principal,
  resource: z.string(),
  input: json.exactOptional(),
  facts: Facts.exactOptional(),
});

const standing = {
  status: z.enum(["none", "in-force", "broken"]),
  path: z.string().nullable(),
  since: z.string().exactOptional(),
  hash: z.string().nullable().exactOptional(),
  problems: z.array(Fault).exactOptional(),
  warnings: z.array(Fault).exactOptional(),
};

/** The shadow policy, and how often it agreed since it stands there. */
const Shadow = z.object({
  ...standing,
  counts: z.object({ since: z.string(), decided: count, differed: count, byChange: z.record(z.string(), count) }).nullable(),
});

const Rule = z.looseObject({ id: z.string(), effect, reason: z.string() });

/** The policy of this server. */
export const PolicyStatus = z.object({
  ...standing,
  policyHash: z.string(),
  ruleCount: count,
  rules: z
    .array(Rule.extend({ name: z.string(), line: count }))
    .exactOptional()
    .describe("With rules=true; `name` and `line` are where a rule stands in the policy's files."),
  shadow: Shadow.nullable(),
});

/** Whether a policy is right. */
export const PolicyCheck = z.object({
  ok: z.boolean(),
  rules: count.exactOptional(),
  hash: z.string().exactOptional(),
  problems: z.array(Fault),
  warnings: z.array(Fault),
});

const Saying = z.object({
  id: z.string(),
  effect,
  reason: z.string(),
  speaks: z.boolean(),
  holds,
  conditions: z.array(z.object({ wants: z.string(), got: z.string(), holds })),
});

/** Why something was or would be decided. */
export const PolicyExplanation = z.object({
  action: ActionShape,
  decision: DecisionShape,
  policyHash: z.string(),
  opinions: z.array(DecisionShape),
  rules: z.object({ speaking: z.array(Saying), near: z.array(Saying), silent: count }),
  recorded: z
    .object({ decision: DecisionShape, policyHash: z.string(), at: z.string(), runId: z.string(), key: z.string() })
    .exactOptional(),
});

const replayed = {
  since: z.string(),
  decided: count,
  changed: count,
  withoutFacts: count,
  byChange: z.record(z.string(), count),
  byRule: z.record(z.string(), count),
  changes: z.array(
    z.object({
      runId: z.string(),
      key: z.string(),
      at: z.string(),
      kind: z.enum(ACTION_KINDS),
      resource: z.string(),
      principal: z.string(),
      from: z.object(said),
      to: z.object(said),
    }),
  ),
  nextPosition: z.int().nullable(),
};

/** What recorded calls would have got. */
export const PolicyReplay = z.object({
  ...replayed,
  rules: z
    .object({
      added: z.array(Rule),
      removed: z.array(Rule),
      changed: z.array(z.object({ from: Rule, to: Rule, keys: z.array(z.string()) })),
      same: count,
    })
    .exactOptional(),
});

/** Where the shadow policy would have decided otherwise. */
export const PolicyShadow = z.object({ ...replayed, shadow: Shadow.nullable() });
