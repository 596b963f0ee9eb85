import { AppError, type Json } from "@tutti/core";
import { chatCodec, completionsCodec, messagesCodec, responsesCodec, type Codec } from "@tutti/core/wire";
import type { App, AskBatchLine, BatchAnswer, BatchAsk, BatchEndpoint } from "../../host/index.ts";
import type { Surface } from "../../models/index.ts";
import { converse } from "../conversation.ts";
import { wireError } from "../problem.ts";
import { modelOf } from "./chat-routes.ts";
import { embeddingsSurface } from "./embeddings.ts";
import { imagesSurface } from "./images.ts";
import { serveMedia } from "./media-serve.ts";
import type { MediaSurface } from "./media.ts";
import { MemoryResponse } from "./memory-response.ts";
import { moderationsSurface } from "./moderations.ts";
import { refuseOtherCase } from "./request-body.ts";
import { rerankSurface } from "./rerank.ts";
import { serve } from "./serve.ts";

/** The door that a request goes through. */
type Door =
  | { readonly type: "chat"; readonly surface: Surface; readonly codec: Codec }
  | { readonly type: "media"; readonly surface: MediaSurface };

const DOORS: Readonly<Record<BatchEndpoint, Door>> = {
  "/v1/chat/completions": { type: "chat", surface: "chat/completions", codec: chatCodec },
  "/v1/completions": { type: "chat", surface: "completions", codec: completionsCodec },
  "/v1/responses": { type: "chat", surface: "responses", codec: responsesCodec },
  "/v1/messages": { type: "chat", surface: "messages", codec: messagesCodec },
  "/v1/embeddings": { type: "media", surface: embeddingsSurface },
  "/v1/rerank": { type: "media", surface: rerankSurface },
  "/v1/moderations": { type: "media", surface: moderationsSurface },
  "/v1/images/generations": { type: "media", surface: imagesSurface },
};

/** The longest answer that a batch keeps. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

/** Asks the gateway a request of a batch as a client would: the same doors, decisions, budgets and receipts. Errors are answers. */
export function askBatchLine(app: App): AskBatchLine {
  return async (ask, signal) => {
    const door = DOORS[ask.endpoint];
    try {
      refuseOtherCase(ask.body);
      const model = door.type === "chat" ? modelOf(ask.body) : undefined;
      if (door.type === "chat" && model !== undefined && app.registry.agent(model) !== undefined)
        return await askAgent(app, { ...ask, codec: door.codec, model });
      return await askModel(app, ask, { door, signal });
    } catch (thrown) {
      if (signal.aborted) throw thrown;
      const wire = wireError(thrown);
      const codec = door.type === "chat" ? door.codec : chatCodec;
      return { status: wire.status, requestId: "", body: codec.encodeError(wire) };
    }
  };
}

async function askModel(
  app: App,
  { body, principal }: BatchAsk,
  { door, signal }: { readonly door: Door; readonly signal: AbortSignal },
): Promise<BatchAnswer> {
  const response = new MemoryResponse();
  const bytes = Buffer.from(JSON.stringify(body));
  const common = { bytes, principal, headers: { "content-type": "application/json" }, response, signal };
  const served =
    door.type === "chat"
      ? serve(app, { ...common, surface: door.surface, codec: door.codec, body, model: modelOf(body), stream: false })
      : serveMedia(app, { ...common, surface: door.surface, contentType: "application/json" });
  served.catch((thrown: unknown) => response.destroy(AppError.from(thrown)));
  const answer = await wholeOf(response);
  await served;
  return { status: response.status, requestId: runIdIn(response), body: jsonOf(answer) };
}

async function wholeOf(response: MemoryResponse): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) throw new AppError("upstream", `wanted an answer of at most ${ANSWER_BYTES_MAX} bytes, got a longer one`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes);
}

/** The headers are names and values in turn. */
function runIdIn({ headers }: MemoryResponse): string {
  return headers[headers.indexOf("tutti-run-id") + 1] ?? "";
}

function jsonOf(bytes: Buffer): Json {
  try {
    return JSON.parse(bytes.toString("utf8")) as Json;
  } catch (error) {
    throw new AppError("upstream", "wanted JSON from the model's provider, got something else", { cause: error });
  }
}

async function askAgent(
  app: App,
  { body, principal, codec, model }: BatchAsk & { readonly codec: Codec; readonly model: string },
): Promise<BatchAnswer> {
  const { request } = codec.decodeRequest(body);
  const conversation = await converse(app, model, { messages: request.messages as unknown as Json, principal });
  const { reply, usage } = await conversation.output;
  const head = { id: conversation.runId, createdAt: Math.floor(Date.now() / 1000), model, body };
  const answer = codec.encodeAnswer({ ...reply, calls: [], finishReason: "stop", usage }, head);
  return { status: 200, requestId: conversation.runId, body: answer };
}
