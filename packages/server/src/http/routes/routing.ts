import { AppError, type Json, type Principal } from "@tutti/core";
import { Hono } from "hono";
import { z } from "zod";
import { CODER_WORKFLOW, readRouterPolicy, readShadow, ROUTE_WORKFLOW, type App, type RouteOutput } from "../../host/index.ts";
import { readJson } from "../body.ts";
import type { HttpContext, HttpEnv } from "../env.ts";
import { operation } from "../openapi.ts";
import { wholeNumber } from "./run-queries.ts";
import { QueryAnswer, QueryWaits, Routed, RoutingShadow } from "../shapes/routing.ts";

const TEXT_CHARACTERS_MAX = 100_000;
const POLICY_CHARACTERS_MAX = 1_048_576;
const COMPARED_MAX = 1_000;

const text = z.string().min(1).max(TEXT_CHARACTERS_MAX);
const Explain = z.object({ text, policy: z.string().max(POLICY_CHARACTERS_MAX).optional() });
const Query = z.object({ text, intent: z.string().min(1).max(200).optional(), user: z.string().max(200).optional() });

/** Where texts go: the explanation, the act, and what another policy would have done. */
export function routingRoutes(app: App): Hono<HttpEnv> {
  const { textRouter } = app;
  const routes = new Hono<HttpEnv>();
  routes.post(
    "/v1/route",
    operation({
      tag: "Routing",
      summary: "Where a text would go and why, by the policy in force or by one that is sent along",
      response: Routed,
      body: Explain,
    }),
    async (ctx) => {
      const { text: asked, policy: source } = await readJson(ctx, Explain, app.config);
      const policy = source === undefined ? await textRouter.policy() : sentPolicy(source);
      const { tenant } = ctx.get("principal");
      const decision = await textRouter.route(asked, policy, { tenant, signal: ctx.req.raw.signal });
      const { problem } = textRouter;
      return ctx.json({ decision, ...(source === undefined && problem !== undefined && { problem }) });
    },
  );
  routes.get(
    "/v1/routing/shadow",
    operation({
      tag: "Routing",
      summary: "What the shadow policy would have done with the newest texts",
      response: RoutingShadow,
      query: { limit: "1 to 1000 texts" },
    }),
    async (ctx) => {
      const limit = wholeNumber(ctx, "limit", { min: 1, max: COMPARED_MAX, fallback: COMPARED_MAX });
      return ctx.json(await readShadow(app.store, limit));
    },
  );
  routes.post(
    "/query",
    operation({
      tag: "Routing",
      summary: "Route a text to a tool, agent or workflow, run it, and say why",
      response: QueryAnswer,
      others: { 202: QueryWaits },
      body: Query,
    }),
    async (ctx) => {
      const { text: asked, intent } = await readJson(ctx, Query, app.config);
      return answerByIntent(app, ctx, { text: asked, intent });
    },
  );
  return routes;
}

/** A policy in a request is input like any other. */
function sentPolicy(source: string): ReturnType<typeof readRouterPolicy> {
  try {
    return readRouterPolicy(source, "policy");
  } catch (error) {
    throw new AppError("invalid_input", AppError.from(error).message, { cause: error });
  }
}

/** An intent names whom the text is for; without one the router policy says it. */
async function answerByIntent(
  app: App,
  ctx: HttpContext,
  { text: asked, intent }: { readonly text: string; readonly intent: string | undefined },
): Promise<Response> {
  const principal = ctx.get("principal");
  if (intent === undefined) return routed(app, ctx, { text: asked, principal });
  const name = INTENTS.get(intent) ?? intent;
  const { registry } = app;
  const isAgent = registry.agent(name) !== undefined;
  const isKnown = isAgent || (registry.workflow(name) !== undefined && !name.startsWith("tutti."));
  if (!isKnown && app.textRouter.hasPolicy) return routed(app, ctx, { text: asked, principal });
  if (!isKnown) throw unknownIntent(app, intent);
  const { runId } = await app.engine.start(name, isAgent ? { message: asked } : { text: asked }, { principal });
  const headers = { "tutti-run-id": runId };
  const reason = `the intent names the ${isAgent ? "agent" : "workflow"} "${name}"`;
  const signal = ctx.req.raw.signal;
  const first = await Promise.race([app.engine.result(runId, signal), waitingFor(app, runId, signal)]);
  if (isQuestion(first)) return ctx.json({ ...waitingAnswer(runId, first), intent }, 202, headers);
  return ctx.json({ runId, intent, route: { tier: "intent", reason }, output: first }, 200, headers);
}

/** Intents by other names than those of whom they are for. */
const INTENTS: ReadonlyMap<string, string> = new Map([["generate_code", CODER_WORKFLOW]]);

function unknownIntent({ registry }: App, intent: string): AppError {
  const names = [...INTENTS.keys(), ...registry.agents.map((agent) => agent.name), ...registry.workflows.map((workflow) => workflow.name)];
  const known = [...new Set(names)].toSorted().join(", ");
  return new AppError(
    "invalid_input",
    `wanted an intent that is known, got "${intent}"; there are: ${known}; without one the router policy decides`,
  );
}

async function routed(app: App, ctx: HttpContext, ask: { readonly text: string; readonly principal: Principal }): Promise<Response> {
  // Without a policy there is nothing to journal: the answer is how to write one.
  await app.textRouter.policy();
  const { runId } = await app.engine.start(ROUTE_WORKFLOW, { text: ask.text }, { principal: ask.principal });
  const headers = { "tutti-run-id": runId };
  const signal = ctx.req.raw.signal;
  const first = await Promise.race([app.engine.result(runId, signal), waitingFor(app, runId, signal)]);
  if (isQuestion(first)) return ctx.json(waitingAnswer(runId, first), 202, headers);
  const { decision, answer, output, chosenBy } = first as unknown as RouteOutput;
  return ctx.json({ runId, answer, route: { ...decision, ...(chosenBy !== undefined && { chosenBy }) }, output }, 200, headers);
}

/** Something that a run asks of people. */
interface Question {
  readonly approvalKey: string;
  readonly question: string;
  readonly [key: string]: Json;
}

function isQuestion(first: Json | Question): first is Question {
  return typeof first === "object" && first !== null && "approvalKey" in first;
}

function waitingAnswer(runId: string, { question }: Question): { readonly [key: string]: Json } {
  const message = "a person has to decide; `tutti approvals` lists the question, and the run goes on with the answer";
  return { runId, status: "waiting", message, question };
}

/** Resolves when the run asks a person; never when it does not. */
async function waitingFor(app: App, runId: string, signal: AbortSignal): Promise<Question> {
  const asked = Promise.withResolvers<Question>();
  const listening = app.engine.subscribe((event) => {
    if (event.runId === runId && event.type === "step.waiting" && event.approval !== undefined)
      asked.resolve({ approvalKey: event.key, question: event.approval.question });
  });
  signal.addEventListener("abort", () => listening[Symbol.dispose](), { once: true });
  const settled = (): void => listening[Symbol.dispose]();
  app.engine.result(runId, signal).then(settled, settled);
  // It may have asked before anybody listened.
  const [wait] = await app.store.waits({ runId, kind: "approval", limit: 1 });
  if (wait !== undefined) asked.resolve({ approvalKey: wait.key, question: wait.name });
  return asked.promise;
}
