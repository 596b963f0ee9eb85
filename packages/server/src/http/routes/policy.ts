import { AppError, type Action } from "@tutti/core";
import { ACTION_KINDS } from "@tutti/core/policy";
import { Hono } from "hono";
import { z } from "zod";
import {
  differenceOf,
  policyJsonSchema,
  problemText,
  recordedDecision,
  replayDecisions,
  replayWith,
  shadowDifferences,
  wholeAction,
  type App,
  type PolicyReading,
  type PolicyState,
  type ToolPolicy,
} from "../../host/index.ts";
import { readJson } from "../body.ts";
import type { HttpContext, HttpEnv } from "../env.ts";
import { operation } from "../openapi.ts";
import { momentOf } from "./run-filter.ts";
import { findRun, readAll, wholeNumber, yesOrNo } from "./run-queries.ts";
import { PolicyCheck, PolicyExplanation, PolicyReplay, PolicyShadow, PolicyStatus } from "../shapes/policy.ts";
import { anyObject } from "../shapes/values.ts";

const DAY_MS = 86_400_000;
const SINCE_DAYS = 7;

const files = z
  .array(z.strictObject({ name: z.string().max(1_000).default("tool_policy.yaml"), text: z.string().max(1_048_576) }))
  .min(1)
  .max(100);
const moment = z.iso.datetime({ offset: true });
const counts = z.record(z.string().max(300), z.int().min(0));
const facts = z.strictObject({
  at: moment,
  tool: z.strictObject({ effect: z.enum(["read", "write", "execute"]), source: z.string().max(300) }).exactOptional(),
  run: z
    .strictObject({
      runId: z.string().max(300).default(""),
      workflow: z.string().max(300).default(""),
      calls: counts.default({}),
      tainted: z.array(z.string().max(300)).max(1_000).default([]),
      tokens: z.number().min(0).default(0),
      costUsd: z.number().min(0).default(0),
    })
    .exactOptional(),
});
const action = z.strictObject({
  kind: z.enum(ACTION_KINDS),
  resource: z.string().min(1).max(300),
  input: z.json().exactOptional(),
  principal: z
    .strictObject({ id: z.string().max(300), tenant: z.string().max(300), roles: z.array(z.string().max(300)).max(100) })
    .exactOptional(),
  facts: facts.exactOptional(),
});
const Check = z.strictObject({ files });
const Explain = z.strictObject({
  action: action.exactOptional(),
  run: z.strictObject({ runId: z.string().max(300), key: z.string().max(300).exactOptional() }).exactOptional(),
  files: files.exactOptional(),
});
const Replay = z.strictObject({
  files: files.exactOptional(),
  against: files.exactOptional(),
  since: moment.exactOptional(),
  afterPosition: z.int().min(0).exactOptional(),
});

/** The tool policy: how it stands, checking another, why something was or would be decided, and what another would have decided. */
export function policyRoutes(app: App): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  routes.get(
    "/v1/policy",
    operation({
      tag: "Tools",
      summary: "The tool policy in force, its hash, and what is wrong with its files",
      response: PolicyStatus,
      query: { rules: "true: all rules, each with the file and the line in which it stands" },
    }),
    (ctx) => ctx.json(statusOf(app, yesOrNo(ctx, "rules"))),
  );
  routes.get(
    "/v1/policy/schema",
    operation({ tag: "Tools", summary: "The format of policy files as JSON Schema", response: anyObject }),
    (ctx) => ctx.json(policyJsonSchema()),
  );
  routes.post(
    "/v1/policy/reload",
    operation({ tag: "Tools", summary: "Read the policy's files again now", response: PolicyStatus }),
    async (ctx) => {
      await app.policy.reload();
      return ctx.json(statusOf(app, false));
    },
  );
  routes.post(
    "/v1/policy/check",
    operation({
      tag: "Tools",
      summary: "Check a policy without putting it in force: everything that is wrong, each with its place",
      response: PolicyCheck,
      body: Check,
    }),
    async (ctx) => {
      const reading = app.policy.check((await readJson(ctx, Check, app.config)).files);
      return ctx.json(
        reading.ok
          ? { ok: true, rules: reading.policy.rules.length, hash: reading.policy.hash, problems: [], warnings: reading.warnings }
          : { ok: false, problems: reading.problems, warnings: [] },
      );
    },
  );
  addQuestions(routes, app);
  return routes;
}

/** What was, is or would be decided. */
function addQuestions(routes: Hono<HttpEnv>, app: App): void {
  routes.post(
    "/v1/policy/explain",
    operation({
      tag: "Tools",
      summary: "Why something was or would be decided: which rules spoke, which decided, why others did not",
      response: PolicyExplanation,
      body: Explain,
    }),
    (ctx) => explain(ctx, app),
  );
  routes.post(
    "/v1/policy/replay",
    operation({
      tag: "Tools",
      summary: "What recorded calls would have got under another policy; with `against`, where two policies differ",
      response: PolicyReplay,
      body: Replay,
    }),
    (ctx) => replay(ctx, app),
  );
  routes.get(
    "/v1/policy/shadow",
    operation({
      tag: "Tools",
      summary: "Where the shadow policy would have decided otherwise",
      response: PolicyShadow,
      query: { since: "a moment in ISO 8601, 7 days ago unless given", afterPosition: "where the last page ended" },
    }),
    async (ctx) => {
      const asked = ctx.req.query("since");
      const since = asked === undefined ? weekAgo() : momentOf("since", asked);
      const afterPosition = wholeNumber(ctx, "afterPosition", { min: 0, max: Number.MAX_SAFE_INTEGER, fallback: undefined });
      const page = await replayDecisions(app.store, { since, afterPosition }, shadowDifferences);
      return ctx.json({ shadow: shadowOf(app), since, ...page });
    },
  );
}

async function explain(ctx: HttpContext, app: App): Promise<Response> {
  const { action: asked, run, files: texts } = await readJson(ctx, Explain, app.config);
  if ((asked === undefined) === (run === undefined))
    throw new AppError("invalid_input", "wanted `action` or `run` to explain, got both or neither");
  const filed = texts === undefined ? app.registry.policies.filed : required(app.policy.check(texts));
  const recorded = run === undefined ? undefined : await recordedOf(app, run);
  const principal = ctx.get("principal");
  const wanted: Action = recorded?.action ?? { principal, ...asked, kind: asked?.kind ?? "tool.call", resource: asked?.resource ?? "" };
  const now = recorded === undefined ? app.registry.factsOf(wanted) : { at: recorded.at };
  const known = now === undefined ? wanted.facts : { ...now, ...wanted.facts };
  return ctx.json({
    ...explanationOf(app, filed, known === undefined ? wanted : { ...wanted, facts: known }),
    ...(recorded && { recorded: { ...recorded, action: undefined } }),
  });
}

type Filed = App["registry"]["policies"]["filed"];

function explanationOf({ registry: { policies } }: App, filed: Filed, action: Action): object {
  return {
    action,
    decision: policies.decideWith(filed, action),
    policyHash: policies.hashWith(filed),
    opinions: policies.opinions(filed, action),
    rules: filed !== undefined && "explain" in filed ? (filed as ToolPolicy).explain(action) : { speaking: [], near: [], silent: 0 },
  };
}

/** What was decided of a step; of a run, its last decision. */
async function recordedOf(
  app: App,
  { runId, key }: { readonly runId: string; readonly key?: string },
): Promise<NonNullable<ReturnType<typeof recordedDecision>>> {
  await findRun(app, runId);
  const decisions = (await readAll(app, runId)).flatMap((event) => recordedDecision(event) ?? []);
  const recorded = decisions.findLast((one) => key === undefined || one.key === key);
  if (recorded !== undefined) return { ...recorded, action: await wholeAction(app.store, recorded.action) };
  const keys = [...new Set(decisions.map((one) => one.key))].join(", ");
  throw new AppError(
    "not_found",
    `wanted a decision about step "${key ?? ""}" of run ${runId}, got none; decisions were made about: ${keys || "nothing"}`,
  );
}

async function replay(ctx: HttpContext, app: App): Promise<Response> {
  const { files: texts, against, since = weekAgo(), afterPosition } = await readJson(ctx, Replay, app.config);
  const policy = texts === undefined ? app.policy.inForce : required(app.policy.check(texts));
  const other = against === undefined ? undefined : required(app.policy.check(against));
  const compare = replayWith({ store: app.store, policies: app.registry.policies }, policy, other);
  const page = await replayDecisions(app.store, { since, afterPosition }, compare);
  const rules = other === undefined || policy === undefined ? {} : { rules: differenceOf(other, policy) };
  return ctx.json({ since, ...rules, ...page });
}

function required(reading: PolicyReading): ToolPolicy {
  if (reading.ok) return reading.policy;
  throw new AppError("invalid_input", reading.problems.map(problemText).join("\n"));
}

function weekAgo(): string {
  return new Date(Date.now() - SINCE_DAYS * DAY_MS).toISOString();
}

function statusOf(app: App, withRules: boolean): object {
  const { policy, registry } = app;
  const { rules = [], places = [] } = policy.inForce ?? {};
  return {
    ...stateOf(policy.state),
    policyHash: registry.policyHash,
    ruleCount: rules.length,
    ...(withRules && { rules: rules.map((rule, index) => ({ ...rule, ...places[index] })) }),
    shadow: shadowOf(app),
  };
}

function shadowOf({ policy: { shadow } }: App): object | null {
  return shadow === undefined ? null : { ...stateOf(shadow.state), counts: shadow.counts ?? null };
}

function stateOf(state: PolicyState): object {
  switch (state.status) {
    case "none":
      return { status: state.status, path: state.path ?? null };
    case "in-force":
      return { status: state.status, path: state.path, since: state.since, hash: state.policy.hash, warnings: state.warnings };
    case "broken":
      return { status: state.status, path: state.path, since: state.since, hash: state.kept?.hash ?? null, problems: state.problems };
  }
}
