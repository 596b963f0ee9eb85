import { AppError, type AgentSpec } from "@tutti/core";
import { encodeSse } from "@tutti/core/wire";
import { Hono } from "hono";
import { z } from "zod";
import type { App } from "../../host/index.ts";
import { readJson } from "../body.ts";
import { converse, type Conversation } from "../conversation.ts";
import type { HttpEnv } from "../env.ts";
import { operation } from "../openapi.ts";
import { sseTextResponse } from "../sse.ts";
import { agentView } from "./agent-view.ts";
import { approvalOf } from "./approvals.ts";
import { AgentShape, ChatAnswer } from "../shapes/tools.ts";

const Message = z.object({ role: z.enum(["user", "assistant", "system"]), content: z.string() });
const Chat = z
  .object({
    message: z.string().min(1).optional(),
    messages: z.array(Message).min(1).max(1000).optional(),
    stream: z.boolean().default(false),
    leaving: z.enum(["cancel", "continue"]).default("cancel").describe("what becomes of the run when a streaming client goes away"),
  })
  .refine(({ message, messages }) => (message === undefined) !== (messages === undefined), "give either message or messages");

/** Agents: list, look, talk. */
export function agentRoutes(app: App): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  routes.get(
    "/v1/agents",
    operation({ tag: "Agents", summary: "All agents", response: z.object({ agents: z.array(AgentShape) }) }),
    async (ctx) => ctx.json({ agents: await Promise.all(app.registry.agents.map((agent) => agentView(app, agent))) }),
  );
  routes.get(
    "/v1/agents/:name",
    operation({ tag: "Agents", summary: "One agent", response: z.object({ agent: AgentShape }) }),
    async (ctx) => ctx.json({ agent: await agentView(app, findAgent(app, ctx.req.param("name"))) }),
  );
  routes.post(
    "/v1/agents/:name/chat",
    operation({
      tag: "Agents",
      summary: "Talk to an agent; server-sent events (part, approval, done, error) with stream: true",
      response: ChatAnswer,
      isStreamed: true,
      body: Chat,
    }),
    async (ctx) => {
      const agent = findAgent(app, ctx.req.param("name"));
      const { message, messages, stream, leaving } = await readJson(ctx, Chat, app.config);
      const conversation = await converse(app, agent.name, {
        messages: messages ?? [{ role: "user", content: message ?? "" }],
        principal: ctx.get("principal"),
        leaving,
      });
      const headers = { "tutti-run-id": conversation.runId };
      if (stream) return sseTextResponse(ctx, (gone) => streamed(conversation, gone), headers);
      return ctx.json({ runId: conversation.runId, ...(await conversation.output) }, 200, headers);
    },
  );
  return routes;
}

async function* streamed(conversation: Conversation, gone: AbortSignal): AsyncGenerator<string> {
  try {
    for await (const part of conversation.parts(gone)) {
      if (part.type === "text") yield encodeSse({ event: "part", data: JSON.stringify(part) });
      else if (part.type === "approval") yield encodeSse({ event: "approval", data: JSON.stringify(approvalOf(part.wait)) });
      else yield ": heartbeat\n\n";
    }
    // A run that goes on without its client is waited for by nobody.
    if (gone.aborted) return;
    yield encodeSse({ event: "done", data: JSON.stringify({ runId: conversation.runId, ...(await conversation.output) }) });
  } catch (thrown) {
    const { code, message } = AppError.from(thrown);
    yield encodeSse({ event: "error", data: JSON.stringify({ code, message }) });
  }
}

function findAgent(app: App, name: string): AgentSpec {
  const agent = app.registry.agent(name);
  if (agent === undefined) throw new AppError("not_found", `wanted an agent, got "${name}", which is none; \`GET /v1/agents\` lists them`);
  return agent;
}
