import { AppError } from "@tutti/core";
import { Hono } from "hono";
import { z } from "zod";
import { toolWorkflow, type App } from "../../host/index.ts";
import { readJson } from "../body.ts";
import type { HttpEnv } from "../env.ts";
import { operation } from "../openapi.ts";

const Execute = z
  .object({
    tool: z.string().min(1).max(200),
    input: z.json().default({}),
    /** Of `POST /v1/tools/approve`: used when policy asks. */
    approvalId: z.string().min(1).max(200).optional(),
    /** Whether to wait for people when policy asks; refused with `missing_approval` unless given. */
    wait: z.boolean().default(false),
  })
  .refine(({ approvalId, wait }) => approvalId === undefined || !wait, "give either approvalId or wait");
const Enable = z.object({ path: z.string().min(1).max(4096) });

/** Tools, workflows and the plugins that bring them. */
export function toolRoutes(app: App): Hono<HttpEnv> {
  const { registry, engine } = app;
  const routes = new Hono<HttpEnv>();
  routes.get("/v1/tools", operation({ tag: "Tools", summary: "All tools, and whether policy lets you call them" }), (ctx) => {
    const principal = ctx.get("principal");
    const tools = registry.tools.map(({ name, description, effect, parameters }) => {
      const decision = registry.decide({ kind: "tool.call", principal, resource: name });
      return { name, description, effect, parameters, allowed: { effect: decision.effect, reason: decision.reason } };
    });
    return ctx.json({ tools });
  });
  routes.post(
    "/v1/tools/execute",
    operation({ tag: "Tools", summary: "Call one tool, as a run of its own", body: Execute }),
    async (ctx) => {
      const { tool, input, approvalId, wait } = await readJson(ctx, Execute, app.config);
      if (registry.tool(tool) === undefined)
        throw new AppError("not_found", `wanted a tool, got "${tool}", which is none; \`GET /v1/tools\` lists them`);
      const approval = approvalId === undefined ? (wait ? "wait" : "refuse") : { id: approvalId };
      const { runId } = await engine.start(toolWorkflow.name, { tool, input, approval }, { principal: ctx.get("principal") });
      ctx.header("tutti-run-id", runId);
      return ctx.json({ runId, tool, output: await engine.result(runId, ctx.req.raw.signal) });
    },
  );
  routes.get("/v1/workflows", operation({ tag: "Runs", summary: "All workflows that can be started" }), (ctx) =>
    ctx.json({ workflows: registry.workflows.map(({ name, version, description = "" }) => ({ name, version, description })) }),
  );
  routes.get("/v1/plugins", operation({ tag: "Plugins", summary: "Loaded plugins, and those that did not load" }), (ctx) =>
    ctx.json({ plugins: registry.plugins, failures: app.pluginFailures }),
  );
  routes.post(
    "/v1/plugins",
    operation({ tag: "Plugins", summary: "Load a plugin from the server's own folder, now and at every start", body: Enable, status: 201 }),
    async (ctx) => {
      const { path } = await readJson(ctx, Enable, app.config);
      return ctx.json({ plugin: await app.enablePlugin(path, ctx.get("principal")) }, 201);
    },
  );
  return routes;
}
