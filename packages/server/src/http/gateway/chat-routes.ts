import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { AppError } from "@tutti/core";
import { chatCodec, completionsCodec, decodeCountRequest, encodeCount, holdsSeal, messagesCodec, type Codec } from "@tutti/core/wire";
import { Hono } from "hono";
import type { App } from "../../host/index.ts";
import type { Surface } from "../../models/index.ts";
import { readBytes } from "../body.ts";
import type { HttpContext, HttpEnv } from "../env.ts";
import { operation, type Operation } from "../openapi.ts";
import { answerAsAgent } from "./agents.ts";
import { tagsOf } from "./ask.ts";
import { readObject } from "./request-body.ts";
import { requireModel } from "./require-model.ts";
import { serve } from "./serve.ts";
import type { JsonObject } from "./serving.ts";
import {
  ChatCompletion,
  ChatRequest,
  Completion,
  CompletionsRequest,
  CountRequest,
  MessagesAnswer,
  MessagesRequest,
  TokenCount,
} from "../shapes/foreign.ts";

/** The doors to chat models that hold no state: OpenAI's chat completions and completions, Anthropic's messages. */
export function chatRoutes(app: App): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  const door = (surface: Surface, codec: Codec, described: Pick<Operation, "summary" | "body" | "response">): void => {
    routes.post(`/v1/${surface}`, operation({ tag: "Models", isStreamed: true, ...described }), (ctx) =>
      chat(app, ctx, { surface, codec }),
    );
  };
  door("chat/completions", chatCodec, {
    summary: "Chat with an agent or a model, streamed or whole; the request and response are OpenAI's",
    body: ChatRequest,
    response: ChatCompletion,
  });
  door("completions", completionsCodec, {
    summary: "OpenAI's older completions: go on with a text",
    body: CompletionsRequest,
    response: Completion,
  });
  door("messages", messagesCodec, {
    summary: "Chat with an agent or a model in Anthropic's format",
    body: MessagesRequest,
    response: MessagesAnswer,
  });
  routes.post(
    "/v1/messages/count_tokens",
    operation({ tag: "Models", summary: "How many tokens a request of Anthropic's format has", response: TokenCount, body: CountRequest }),
    (ctx) => countTokens(app, ctx),
  );
  return routes;
}

async function chat(
  app: App,
  ctx: HttpContext,
  { surface, codec }: { readonly surface: Surface; readonly codec: Codec },
): Promise<Response> {
  const bytes = await readBytes(ctx.env.incoming, app.config.requestBytesMax);
  const body = readObject(bytes, app.config.requestDepthMax);
  const model = modelOf(body);
  if (app.registry.agent(model) !== undefined) return answerAsAgent(app, ctx, { codec, body });
  await serve(app, {
    surface,
    codec,
    body,
    bytes,
    model,
    stream: body.stream === true,
    principal: ctx.get("principal"),
    headers: ctx.env.incoming.headers,
    response: ctx.env.outgoing,
  });
  return RESPONSE_ALREADY_SENT;
}

/** The model that a body names. */
export function modelOf({ model }: JsonObject): string {
  if (typeof model === "string" && model !== "") return model;
  throw new AppError(
    "invalid_input",
    `wanted an object with a "model", got ${model === undefined ? "none" : JSON.stringify(model).slice(0, 100)}; \`GET /v1/models\` lists what can stand there`,
    { cause: { param: "model" } },
  );
}

/** Passed on where the provider counts itself; counted by the model's tokenizer elsewhere. */
async function countTokens(app: App, ctx: HttpContext): Promise<Response> {
  const bytes = await readBytes(ctx.env.incoming, app.config.requestBytesMax);
  const body = readObject(bytes, app.config.requestDepthMax);
  const model = modelOf(body);
  const { request } = decodeCountRequest(body);
  requireModel(app, ctx.get("principal"), model);
  const place = app.models.locate(model);
  const isNative = place?.open.native?.("messages/count_tokens", { name: place.name, stream: false }) !== undefined;
  const principal = ctx.get("principal");
  const { headers } = ctx.env.incoming;
  const guard = app.models.guardrails.session({ model, tenant: principal.tenant, tags: tagsOf({ headers, principal }, app.keys) });
  // What other models thought is sealed in a conversation that went through here; Anthropic cannot read it. What guards look at stays here.
  if (!isNative || guard?.looksAtInput === true || holdsSeal(bytes.toString("latin1"))) {
    await app.models.tokens.load(place?.name ?? model);
    return ctx.json(encodeCount(app.models.tokens.count(place?.name ?? model, request)));
  }
  await serve(app, {
    surface: "messages/count_tokens",
    codec: messagesCodec,
    body,
    bytes,
    model,
    stream: false,
    principal,
    headers,
    response: ctx.env.outgoing,
  });
  return RESPONSE_ALREADY_SENT;
}
