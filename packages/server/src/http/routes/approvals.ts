import type { Wait } from "@tutti/core";
import { Hono } from "hono";
import { z } from "zod";
import { approveSchema, grantSchema } from "../../engine/index.ts";
import type { App } from "../../host/index.ts";
import { readJson } from "../body.ts";
import type { HttpEnv } from "../env.ts";
import { operation } from "../openapi.ts";
import { findRun, oneOf, wholeNumber, yesOrNo } from "./run-queries.ts";
import { Approval, ApprovedCall, Grant, OneGrant } from "../shapes/approvals.ts";
import { OneRun } from "../shapes/runs.ts";

const Answer = z.object({
  approved: z.boolean(),
  reason: z.string().max(2000).default(""),
  /** Of the input that was looked at: the answer is for no other. */
  argsHash: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  /** What the tool is called with instead. */
  input: z.json().optional(),
});
const Because = z.object({ reason: z.string().max(2000).default("") });
/** What runs ask of people, and approvals that people give before they are asked. */
export function approvalRoutes(app: App): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  addAnswering(routes, app);
  routes.post(
    "/v1/tools/approve",
    operation({
      tag: "Tools",
      summary: "Approve one call of a tool before it is made: this input, this principal, once",
      body: approveSchema,
      response: ApprovedCall,
      status: 201,
    }),
    async (ctx) => {
      const request = await readJson(ctx, approveSchema, app.config);
      return ctx.json(await app.approvals.approve(request, ctx.get("principal")), 201);
    },
  );
  addGrants(routes, app);
  return routes;
}

function addAnswering(routes: Hono<HttpEnv>, app: App): void {
  routes.get(
    "/v1/approvals",
    operation({
      tag: "Runs",
      summary: "What runs ask of people, the most urgent first",
      query: { run: "only this run's", limit: "1 to 500, 100 unless given" },
      response: z.object({ approvals: z.array(Approval) }),
    }),
    async (ctx) => {
      const runId = ctx.req.query("run");
      const limit = wholeNumber(ctx, "limit", { min: 1, max: 500, fallback: 100 });
      const waits = await app.store.waits({ kind: "approval", limit, ...(runId !== undefined && { runId }) });
      return ctx.json({ approvals: waits.map(approvalOf) });
    },
  );
  routes.post(
    "/v1/runs/:id/approvals/:key",
    operation({
      tag: "Runs",
      summary: "Answer what a run asks; with `input`, approve that input instead",
      body: Answer,
      response: OneRun,
      status: 202,
    }),
    async (ctx) => {
      const answer = await readJson(ctx, Answer, app.config);
      await app.engine.answer(ctx.req.param("id"), { key: ctx.req.param("key"), ...answer }, ctx.get("principal"));
      return ctx.json({ run: await findRun(app, ctx.req.param("id")) }, 202);
    },
  );
}

function addGrants(routes: Hono<HttpEnv>, app: App): void {
  const { approvals } = app;
  routes.get(
    "/v1/approvals/grants",
    operation({
      tag: "Tools",
      summary: "Standing grants, what expires first foremost",
      query: { kind: "grant or approval (of one call); grant unless given", all: "true: what can be used no more, too" },
      response: z.object({ grants: z.array(Grant) }),
    }),
    async (ctx) => {
      const kind = oneOf(ctx, "kind", ["grant", "approval"]) ?? "grant";
      return ctx.json({ grants: await approvals.list({ kind, all: yesOrNo(ctx, "all") }) });
    },
  );
  routes.post(
    "/v1/approvals/grants",
    operation({
      tag: "Tools",
      summary: "Approve calls of a tool for some time: which inputs, for whom, how often, how much",
      body: grantSchema,
      response: OneGrant,
      status: 201,
    }),
    async (ctx) => ctx.json({ grant: await approvals.grant(await readJson(ctx, grantSchema, app.config), ctx.get("principal")) }, 201),
  );
  routes.get(
    "/v1/approvals/grants/:id",
    operation({ tag: "Tools", summary: "One of them, with its uses", response: OneGrant }),
    async (ctx) => ctx.json({ grant: await approvals.show(ctx.req.param("id")) }),
  );
  routes.post(
    "/v1/approvals/grants/:id/approve",
    operation({ tag: "Tools", summary: "Approve what somebody has approved, where a rule wants two", body: Because, response: OneGrant }),
    async (ctx) => {
      const { reason } = await readJson(ctx, Because, app.config);
      return ctx.json({ grant: await approvals.second(ctx.req.param("id"), reason, ctx.get("principal")) });
    },
  );
  routes.post(
    "/v1/approvals/grants/:id/revoke",
    operation({ tag: "Tools", summary: "End an approval: no use after the answer", body: Because, response: OneGrant }),
    async (ctx) => {
      const { reason } = await readJson(ctx, Because, app.config);
      return ctx.json({ grant: await approvals.revoke(ctx.req.param("id"), reason, ctx.get("principal")) });
    },
  );
}

/** What a run asks, as the API shows it. */
export function approvalOf({ runId, key, name, since, until, approval }: Wait) {
  return { runId, key, since, until, ...(approval ?? { question: name }) };
}
