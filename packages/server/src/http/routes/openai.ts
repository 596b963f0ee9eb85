import { hash } from "node:crypto";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { AppError, type Json } from "@tutti/core";
import { chatChunkEncoder, decodeChatRequest, encodeChatCompletion } from "@tutti/core/wire";
import { Hono } from "hono";
import type { Provider } from "../../models/index.ts";
import type { App } from "../../host/index.ts";
import { parseJson, readBytes } from "../body.ts";
import { converse, type Conversation } from "../conversation.ts";
import type { HttpContext, HttpEnv } from "../env.ts";
import { operation } from "../openapi.ts";
import { sseTextResponse } from "../sse.ts";

/** The OpenAI-compatible door: agents answer as models, everything else passes through to its provider, byte for byte. */
export function openAiRoutes(app: App): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  routes.get("/v1/models", operation({ tag: "OpenAI", summary: "Agents and models" }), async (ctx) =>
    ctx.json({ object: "list", data: await listModels(app) }),
  );
  routes.get("/v1/models/:id{.+}", operation({ tag: "OpenAI", summary: "One agent or model" }), async (ctx) => {
    const found = (await listModels(app)).find(({ id }) => id === ctx.req.param("id"));
    if (found === undefined)
      throw new AppError(
        "model_not_found",
        `wanted a model or agent, got "${ctx.req.param("id")}", which is none; \`GET /v1/models\` lists them`,
      );
    return ctx.json(found);
  });
  routes.post(
    "/v1/chat/completions",
    operation({ tag: "OpenAI", summary: "Chat with an agent or a model, streamed or whole; the request and response are OpenAI's" }),
    async (ctx) => {
      const bytes = await readBytes(ctx.env.incoming, app.config.requestBytesMax);
      const body = parseJson(bytes, app.config.requestDepthMax);
      const model = modelOf(body);
      if (app.registry.agent(model) !== undefined) return answerAsAgent(app, ctx, body);
      return passThrough(app, ctx, {
        bytes,
        model,
        provider: findProvider(app, model),
        stream: (body as { readonly stream?: unknown }).stream === true,
      });
    },
  );
  return routes;
}

interface ModelEntry {
  readonly id: string;
  readonly object: "model";
  readonly created: number;
  readonly owned_by: string;
}

async function listModels(app: App): Promise<readonly ModelEntry[]> {
  const agents = app.registry.agents.map(({ name }): ModelEntry => ({ id: name, object: "model", created: 0, owned_by: "tutti" }));
  const models = (await app.models.list()).map(({ id, provider, created = 0 }): ModelEntry => ({
    id,
    object: "model",
    created,
    owned_by: provider,
  }));
  return [...agents, ...models];
}

function modelOf(body: Json): string {
  const model = typeof body === "object" && body !== null && "model" in body ? body.model : undefined;
  if (typeof model === "string" && model !== "") return model;
  throw new AppError(
    "invalid_input",
    `wanted an object with a "model", got ${model === undefined ? "none" : JSON.stringify(model).slice(0, 100)}; \`GET /v1/models\` lists what can stand there`,
  );
}

function findProvider(app: App, model: string): Provider {
  const provider = app.models.find(model);
  if (provider !== undefined) return provider;
  const advice =
    app.config.providers.length === 0 && app.config.modelBaseUrl === undefined
      ? "no model is configured: set TUTTI_MODEL_BASE_URL and TUTTI_MODEL, or talk to an agent"
      : "`GET /v1/models` lists those that are there";
  throw new AppError("model_not_found", `wanted a model or agent, got "${model}", which is none; ${advice}`);
}

/** The proxied call: decided and journaled, its bytes untouched. The log keeps a digest of the request, not what it says. */
async function passThrough(
  app: App,
  ctx: HttpContext,
  call: { readonly bytes: Buffer; readonly model: string; readonly provider: Provider; readonly stream: boolean },
): Promise<Response> {
  const { bytes, model, provider, stream } = call;
  const input = { model, provider: provider.name, requestBytes: bytes.length, requestSha256: hash("sha256", bytes, "hex"), stream };
  const recorded = app.engine.record(
    { workflow: "tutti.chat-completions", action: "model.generate", kind: "model", name: model, input },
    ctx.get("principal"),
  );
  const { incoming, outgoing } = ctx.env;
  try {
    const responseHeaders = { "tutti-run-id": recorded.runId, "x-request-id": ctx.get("requestId") };
    const forwarded = await app.models.forward(
      {
        provider,
        modelId: model,
        path: "/chat/completions",
        method: "POST",
        headers: incoming.headers,
        body: bytes,
        response: outgoing,
        responseHeaders,
      },
      NEVER,
    );
    if (forwarded.status < 400) void recorded.complete({ ...forwarded });
    else void recorded.fail("upstream", `${provider.name} answered with status ${forwarded.status}`);
  } catch (thrown) {
    const error = AppError.from(thrown);
    void recorded.fail(error.code, error.message);
    if (!outgoing.headersSent) throw error;
  }
  return RESPONSE_ALREADY_SENT;
}

const NEVER = new AbortController().signal;

async function answerAsAgent(app: App, ctx: HttpContext, body: Json): Promise<Response> {
  const { model, stream, includeUsage, request } = decodeChatRequest(body);
  if (request.tools !== undefined && request.tools.length > 0)
    throw new AppError("unsupported", `wanted no tools in a request to the agent "${model}", got some; agents bring their own`);
  const conversation = await converse(app, model, { messages: request.messages as unknown as Json, principal: ctx.get("principal") });
  const answer = { id: `chatcmpl-${conversation.runId}`, createdAt: Math.floor(Date.now() / 1000), model };
  const headers = { "tutti-run-id": conversation.runId };
  if (stream)
    return sseTextResponse((gone) => chunks(conversation, { gone, encode: chatChunkEncoder({ ...answer, includeUsage }) }), headers);
  const { reply, usage } = await conversation.output;
  return ctx.json(encodeChatCompletion({ ...reply, calls: [], finishReason: "stop", usage }, answer), 200, headers);
}

async function* chunks(
  conversation: Conversation,
  { gone, encode }: { readonly gone: AbortSignal; readonly encode: ReturnType<typeof chatChunkEncoder> },
): AsyncGenerator<string> {
  try {
    for await (const text of conversation.text(gone)) yield encode({ type: "text", text });
    const { usage } = await conversation.output;
    yield encode({ type: "finish", reason: "stop", usage });
  } catch (thrown) {
    // The status is sent; OpenAI's clients read an error object in the stream.
    const { code, message } = AppError.from(thrown);
    yield `data: ${JSON.stringify({ error: { message, type: "server_error", param: null, code } })}\n\n`;
  }
}
