import { AppError, type Workflow } from "@tutti/core";
import { didYouMean } from "@tutti/core/graph";
import { Hono } from "hono";
import { z } from "zod";
import { graphOf } from "../../engine/index.ts";
import { CONVERSATION_CHARACTERS_MAX, toolWorkflow, workflowInput, type App, type Preview, type RegisteredTool } from "../../host/index.ts";
import { readJson } from "../body.ts";
import type { HttpEnv } from "../env.ts";
import { operation } from "../openapi.ts";
import { ToolResult, ToolShape, WorkflowShape } from "../shapes/tools.ts";

const Execute = z
  .object({
    tool: z.string().min(1).max(200),
    input: z.json().default({}),
    /** What the calls of one client have in common: what one read from outside counts for those after it. */
    conversation: z.string().min(1).max(CONVERSATION_CHARACTERS_MAX).optional(),
    /** Of `POST /v1/tools/approve`: used when policy asks. */
    approvalId: z.string().min(1).max(200).optional(),
    /** Whether to wait for people when policy asks; refused with `missing_approval` unless given. */
    wait: z.boolean().default(false),
  })
  .refine(({ approvalId, wait }) => approvalId === undefined || !wait, "give either approvalId or wait");

/** Tools and workflows. */
export function toolRoutes(app: App): Hono<HttpEnv> {
  const { registry, engine } = app;
  const routes = new Hono<HttpEnv>();
  routes.get(
    "/v1/tools",
    operation({
      tag: "Tools",
      summary: "All tools, and whether policy lets you call them",
      response: z.object({ tools: z.array(ToolShape) }),
    }),
    (ctx) => {
      const principal = ctx.get("principal");
      return ctx.json({ tools: registry.tools.map((tool) => toolView(tool, registry.decideTool(tool, principal))) });
    },
  );
  routes.get(
    "/v1/tools/:name",
    operation({ tag: "Tools", summary: "One tool: its schemas, examples and costs", response: z.object({ tool: ToolShape }) }),
    (ctx) => {
      const tool = requireTool(registry, ctx.req.param("name"));
      return ctx.json({ tool: toolView(tool, registry.decideTool(tool, ctx.get("principal"))) });
    },
  );
  routes.post(
    "/v1/tools/execute",
    operation({ tag: "Tools", summary: "Call one tool, as a run of its own", response: ToolResult, body: Execute }),
    async (ctx) => {
      const { tool, input, conversation, approvalId, wait } = await readJson(ctx, Execute, app.config);
      requireTool(registry, tool);
      const approval = approvalId === undefined ? (wait ? "wait" : "refuse") : { id: approvalId };
      const { runId } = await engine.start(
        toolWorkflow.name,
        { tool, input, ...(conversation !== undefined && { conversation }), approval },
        { principal: ctx.get("principal") },
      );
      ctx.header("tutti-run-id", runId);
      return ctx.json({ runId, tool, output: await engine.result(runId, ctx.req.raw.signal) });
    },
  );
  routes.get(
    "/v1/workflows",
    operation({ tag: "Runs", summary: "All workflows that can be started", response: z.object({ workflows: z.array(WorkflowShape) }) }),
    (ctx) => ctx.json({ workflows: registry.workflows.map((workflow) => workflowView(registry, workflow)) }),
  );
  return routes;
}

/** A workflow as clients see it. */
function workflowView(registry: App["registry"], workflow: Workflow) {
  const { name, version, description = "" } = workflow;
  const kind = registry.agent(name) !== undefined ? "agent" : graphOf(workflow) === undefined ? "code" : "graph";
  const plugin = registry.plugins.find(({ workflows, agents }) => workflows.includes(name) || agents.includes(name));
  const source = plugin !== undefined ? `plugin:${plugin.name}` : kind === "graph" ? "graph" : "built-in";
  return { name, version, description, kind, source, inputSchema: workflowInput(workflow) };
}

/** A tool as clients see it. */
function toolView(tool: RegisteredTool, { effect, reason, rule }: Preview) {
  const { name, description, source, parameters, output, examples, cost } = tool;
  return {
    name,
    description,
    effect: tool.effect,
    source,
    parameters,
    ...(output !== undefined && { output }),
    ...(examples !== undefined && { examples }),
    ...(cost !== undefined && { cost }),
    isIdempotent: tool.isIdempotent ?? tool.effect === "read",
    isUntrusted: tool.isUntrusted ?? false,
    allowed: { effect, reason, rule },
  };
}

function requireTool(registry: App["registry"], name: string): RegisteredTool {
  const tool = registry.tool(name);
  if (tool !== undefined) return tool;
  const meant = didYouMean(
    name,
    registry.tools.map((known) => known.name),
  );
  const hint = meant === undefined ? "`GET /v1/tools` lists them" : `did you mean "${meant}"?`;
  throw new AppError("not_found", `wanted a tool, got "${name}", which is none; ${hint}`);
}
