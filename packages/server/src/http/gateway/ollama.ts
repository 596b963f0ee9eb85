import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { hash } from "node:crypto";
import { AppError, type Json } from "@tutti/core";
import { collect, type ModelPart } from "@tutti/core/model";
import { Hono } from "hono";
import {
  chatCodec,
  decodeOllamaRequest,
  encodeOllamaLoaded,
  encodeOllamaPart,
  encodeOllamaReply,
  type OllamaCall,
  type OllamaForm,
  type OllamaHead,
} from "@tutti/core/wire";
import type { App } from "../../host/index.ts";
import type { ModelFacts } from "../../models/index.ts";
import { parseJson, readBytes } from "../body.ts";
import type { HttpContext, HttpEnv } from "../env.ts";
import { operation, type Operation } from "../openapi.ts";
import { wireError } from "../problem.ts";
import {
  OllamaAnswer,
  OllamaChat,
  OllamaEmbed,
  OllamaPrompt,
  OllamaShow,
  OllamaTags,
  OllamaVectors,
  OllamaVersion,
} from "../shapes/foreign.ts";
import { anyObject } from "../shapes/values.ts";
import { drained } from "./drained.ts";
import { embeddingsSurface } from "./embeddings.ts";
import { serveMedia } from "./media-serve.ts";
import { MemoryResponse } from "./memory-response.ts";
import { modelOf } from "./chat-routes.ts";
import { objectOf } from "./request-body.ts";
import { serve } from "./serve.ts";
import type { JsonObject } from "./serving.ts";

/** The version of Ollama whose API this is; clients look at it before they use what is new. */
const API_VERSION = "0.12.6";

/** Ollama's own API, for programs that speak nothing else: it leads to the same models by the same way as the other doors. */
export function ollamaRoutes(app: App): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  const lines = { mediaType: "application/x-ndjson" };
  const post = (path: string, described: Omit<Operation, "tag">, answer: (ctx: HttpContext) => Promise<Response>): void => {
    routes.post(path, operation({ tag: "Models", ...described }), (ctx) => answer(ctx).catch((thrown: unknown) => refusal(ctx, thrown)));
  };
  post("/api/chat", { summary: "Chat with a model in Ollama's format", body: OllamaChat, response: OllamaAnswer, ...lines }, (ctx) =>
    answerCall(app, ctx, "chat"),
  );
  post(
    "/api/generate",
    { summary: "Go on from a prompt in Ollama's format", body: OllamaPrompt, response: OllamaAnswer, ...lines },
    (ctx) => answerCall(app, ctx, "generate"),
  );
  post("/api/embed", { summary: "Texts as vectors in Ollama's format", body: OllamaEmbed, response: OllamaVectors }, (ctx) =>
    embed(app, ctx),
  );
  post("/api/show", { summary: "What is known of a model, in Ollama's format", body: OllamaShow, response: anyObject }, (ctx) =>
    show(app, ctx),
  );
  routes.get("/api/tags", operation({ tag: "Models", summary: "The models, in Ollama's format", response: OllamaTags }), async (ctx) =>
    ctx.json({ models: (await modelsFor(app, ctx)).map(({ id, facts }) => tagOf(id, facts)) }),
  );
  routes.get(
    "/api/version",
    operation({ tag: "Models", summary: "The version of Ollama whose API this is", response: OllamaVersion }),
    (ctx) => ctx.json({ version: API_VERSION }),
  );
  return routes;
}

/** Ollama's clients read the message in `error`. */
function refusal(ctx: HttpContext, thrown: unknown): Response {
  const { message, status } = wireError(thrown);
  const runId = ctx.env.outgoing.getHeader("tutti-run-id");
  return new Response(JSON.stringify({ error: message }), {
    status,
    headers: { "content-type": "application/json", ...(typeof runId === "string" && { "tutti-run-id": runId }) },
  });
}

async function readObject(app: App, ctx: HttpContext): Promise<JsonObject> {
  const bytes = await readBytes(ctx.env.incoming, app.config.requestBytesMax);
  return objectOf(parseJson(bytes, app.config.requestDepthMax));
}

async function answerCall(app: App, ctx: HttpContext, form: OllamaForm): Promise<Response> {
  const call = decodeOllamaRequest(form, await readObject(app, ctx));
  const head: OllamaHead = { form, model: call.model, startedAtMs: Date.now() };
  if (call.request === undefined) return ctx.json(encodeOllamaLoaded(head));
  const inner = new MemoryResponse();
  // A client that leaves ends the model's work, too.
  ctx.env.outgoing.once("close", () => inner.destroy());
  const parts = ask(app, ctx, { call, inner });
  if (call.stream) return writeLines(ctx, parts, { head, inner });
  const reply = await collect(parts);
  return ctx.json(encodeOllamaReply(reply, head), 200, Object.fromEntries(runHeader(inner)));
}

/** Asks as an OpenAI client would, by the one way that is counted and journaled, and reads the answer. */
async function* ask(
  app: App,
  ctx: HttpContext,
  { call, inner }: { readonly call: OllamaCall; readonly inner: MemoryResponse },
): AsyncGenerator<ModelPart, void, undefined> {
  if (call.request === undefined) return;
  const served = serve(app, {
    surface: "chat/completions",
    codec: chatCodec,
    body: chatCodec.encodeRequest(call.model, call.request) as JsonObject,
    model: call.model,
    stream: true,
    principal: ctx.get("principal"),
    headers: ctx.env.incoming.headers,
    response: inner,
    mustTranslate: true,
  });
  served.catch((thrown: unknown) => inner.destroy(AppError.from(thrown)));
  yield* chatCodec.decodeAnswer(inner);
  await served;
}

/** A refusal that passed through as it is says why in OpenAI's words. */
function refusedBy({ status, headers }: MemoryResponse, text: string): AppError {
  const code = status === 429 ? "rate_limited" : status === 400 ? "invalid_input" : "upstream";
  const retryAfterMs = Number(headers[headers.indexOf("retry-after") + 1]) * 1000;
  return new AppError(code, `the provider answered ${status}: ${messageIn(text)}`, {
    cause: { status, ...(retryAfterMs > 0 && { retryAfterMs }) },
  });
}

function messageIn(text: string): string {
  try {
    const { error } = JSON.parse(text) as { readonly error?: { readonly message?: unknown } };
    return typeof error?.message === "string" ? error.message : text;
  } catch {
    return text;
  }
}

function* runHeader({ headers }: MemoryResponse): Generator<readonly [string, string]> {
  const runId = headers[headers.indexOf("tutti-run-id") + 1];
  if (headers.includes("tutti-run-id") && runId !== undefined) yield ["tutti-run-id", runId];
}

/** One line of JSON a piece, at the client's pace. */
async function writeLines(
  { env: { outgoing } }: HttpContext,
  parts: AsyncIterable<ModelPart>,
  { head, inner }: { readonly head: OllamaHead; readonly inner: MemoryResponse },
): Promise<Response> {
  try {
    for await (const part of parts) {
      const line = encodeOllamaPart(part, head);
      if (line === "") continue;
      if (!outgoing.headersSent) outgoing.writeHead(200, ["content-type", "application/x-ndjson", ...[...runHeader(inner)].flat()]);
      if (!outgoing.write(line)) await drained(outgoing);
    }
    outgoing.end();
  } catch (thrown) {
    if (!outgoing.headersSent) throw thrown;
    // The status is sent; clients read an error in a line of its own.
    if (!outgoing.destroyed) outgoing.end(`${JSON.stringify({ error: wireError(thrown).message })}\n`);
  }
  return RESPONSE_ALREADY_SENT;
}

async function embed(app: App, ctx: HttpContext): Promise<Response> {
  const startedAtMs = Date.now();
  const body = await readObject(app, ctx);
  const { input, dimensions } = body;
  const asked = { model: modelOf(body), input: input ?? [], ...(dimensions !== undefined && { dimensions }) };
  const inner = new MemoryResponse();
  const [bytes] = await Promise.all([
    Array.fromAsync(inner as AsyncIterable<Buffer>),
    serveMedia(app, {
      surface: embeddingsSurface,
      bytes: Buffer.from(JSON.stringify(asked)),
      contentType: "application/json",
      principal: ctx.get("principal"),
      headers: ctx.env.incoming.headers,
      response: inner,
    }).catch((thrown: unknown) => {
      inner.destroy();
      throw thrown;
    }),
  ]);
  const text = Buffer.concat(bytes).toString();
  if (inner.status >= 300) throw refusedBy(inner, text);
  const answer = JSON.parse(text) as {
    readonly data: readonly { readonly embedding: readonly number[] }[];
    readonly usage?: { readonly prompt_tokens?: number };
  };
  return ctx.json(
    {
      model: asked.model,
      embeddings: answer.data.map(({ embedding }) => embedding),
      total_duration: Math.max(1, Date.now() - startedAtMs) * 1_000_000,
      load_duration: 0,
      prompt_eval_count: answer.usage?.prompt_tokens ?? 0,
    },
    200,
    Object.fromEntries(runHeader(inner)),
  );
}

async function modelsFor(app: App, ctx: HttpContext) {
  const models = await app.models.list();
  return models.filter(({ id }) => app.keys.allowsModel(ctx.get("principal"), id));
}

async function show(app: App, ctx: HttpContext): Promise<Response> {
  const body = await readObject(app, ctx);
  const name = modelOf({ model: (body.model ?? body.name ?? null) as Json });
  const found = (await modelsFor(app, ctx)).find(({ id }) => id === name || id === name.replace(/:latest$/, ""));
  if (found === undefined) throw new AppError("model_not_found", `model "${name}" not found; \`GET /api/tags\` lists what there is`);
  const { facts } = found;
  const length = facts?.contextTokens;
  return ctx.json({
    modelfile: "",
    parameters: "",
    template: "",
    details: DETAILS,
    model_info: { "general.architecture": "tutti", ...(length !== undefined && { "tutti.context_length": length }) },
    capabilities: capabilitiesOf(facts),
    modified_at: modifiedAt(facts),
  });
}

/** What is known of weights that are elsewhere. */
const DETAILS = { parent_model: "", format: "", family: "", families: [], parameter_size: "", quantization_level: "" };

const modifiedAt = (facts: ModelFacts | undefined): string => new Date((facts?.created ?? 0) * 1000).toISOString();

function tagOf(id: string, facts: ModelFacts | undefined): Json {
  const digest = hash("sha256", `${id} ${facts?.version ?? ""}`, "hex");
  return { name: id, model: id, modified_at: modifiedAt(facts), size: facts?.sizeBytes ?? 0, digest, details: DETAILS };
}

/** Ollama's words for what models can do. */
const CAPABILITIES: Readonly<Record<string, string>> = {
  chat: "completion",
  tools: "tools",
  vision: "vision",
  reasoning: "thinking",
  embeddings: "embedding",
};

function capabilitiesOf(facts: ModelFacts | undefined): readonly string[] {
  const known = facts?.abilities?.flatMap((ability) => CAPABILITIES[ability] ?? []);
  return known === undefined || known.length === 0 ? ["completion"] : known;
}
