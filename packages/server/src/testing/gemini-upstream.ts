import { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import { checkEmbed, checkGemini, type GeminiBody } from "./gemini-checks.ts";
import { startStandIn } from "./stand-in.ts";

/** What the stand-in answers. `chunks` are whole responses, one an event; what is left out of them, the stand-in adds. */
export type GeminiReply =
  | { readonly type: "chunks"; readonly chunks: readonly GeminiChunk[]; readonly ending?: "reset" | "silence" }
  | { readonly type: "error"; readonly status: number; readonly message: string; readonly headers?: Readonly<Record<string, string>> };

/** One response of a stream. */
export interface GeminiChunk {
  readonly parts?: readonly object[];
  readonly finishReason?: string;
  readonly finishMessage?: string;
  readonly grounding?: object;
  readonly citations?: object;
  readonly usage?: object;
  readonly blockReason?: string;
  readonly error?: { readonly code: number; readonly message: string; readonly status: string };
}

/** Says what to answer; `index` counts calls from 0. */
export type GeminiScript = (body: GeminiBody, index: number) => GeminiReply;

/** One call as the stand-in saw it. */
interface SeenCall {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly received: Buffer;
}

/** A running stand-in. */
export interface GeminiUpstream extends AsyncDisposable {
  /** What stands before `/models`. */
  readonly baseUrl: string;
  readonly calls: readonly SeenCall[];
}

const DIMENSIONS = 8;
const MODELS = [
  { name: "models/gemini-2.5-flash", supportedGenerationMethods: ["generateContent", "countTokens"], thinking: true },
  { name: "models/gemini-3-pro-preview", supportedGenerationMethods: ["generateContent"], thinking: true },
  { name: "models/gemini-embedding-001", supportedGenerationMethods: ["embedContent", "batchEmbedContents"] },
  { name: "models/gemini-2.5-flash-preview-tts", supportedGenerationMethods: ["generateContent"] },
];

/** The default script: it says the last text back, word by word. */
const echo: GeminiScript = ({ contents }) => {
  const said = (contents.at(-1)?.parts ?? []).map(({ text = "" }) => text).join("");
  const pieces = `You said: ${said}`.split(/(?<= )/);
  return { type: "chunks", chunks: [...pieces.map((text) => ({ parts: [{ text }] })), { finishReason: "STOP" }] };
};

/**
 * A stand-in for Google's hosted Gemini API, on the loopback interface, for tests and benches: it speaks the wire format of
 * `generateContent`, `streamGenerateContent`, `batchEmbedContents`, `countTokens` and the list of models strictly, refuses what the real
 * one refuses, and says what its script tells it to. It is not a model.
 */
export async function startGeminiUpstream(
  script: GeminiScript = echo,
  options: { readonly apiKey?: string } = {},
): Promise<GeminiUpstream> {
  const { apiKey } = options;
  const calls: Exchange[] = [];
  let generated = 0;
  const answer = (exchange: Exchange): void => {
    const { pathname, searchParams } = new URL(exchange.path, "http://stand-in");
    const [, model = "", method = ""] = /^\/v1beta\/models\/([^/:]+):(\w+)$/.exec(pathname) ?? [];
    const refusal = wrongKey(exchange.headers["x-goog-api-key"], apiKey);
    if (refusal !== undefined) return exchange.refuse(...refusal);
    if (exchange.method === "GET" && pathname === "/v1beta/models") return exchange.json(200, page(searchParams.get("pageToken")));
    if (method === "batchEmbedContents") return answerEmbed(exchange);
    if (method === "countTokens") return exchange.json(200, { totalTokens: words(exchange.received.toString()) });
    if (method !== "generateContent" && method !== "streamGenerateContent")
      return exchange.refuse(404, `Requested entity was not found: ${pathname}`);
    const checked = checkGemini(exchange.received, model);
    if ("refusal" in checked) return exchange.refuse(400, checked.refusal);
    const isStreamed = method === "streamGenerateContent" && searchParams.get("alt") === "sse";
    return exchange.play(script(checked.body, generated++), { body: checked.body, model, isStreamed });
  };
  const standIn = await startStandIn((request, response, received) => {
    const exchange = new Exchange(request, response, received);
    calls.push(exchange);
    answer(exchange);
  });
  return {
    baseUrl: `${standIn.origin}/v1beta`,
    calls,
    [Symbol.asyncDispose]: () => standIn[Symbol.asyncDispose](),
  };
}

function wrongKey(
  key: string | readonly string[] | undefined,
  wanted: string | undefined,
): readonly [status: number, message: string] | undefined {
  if (wanted === undefined || key === wanted) return undefined;
  return key === undefined ? [403, "Method doesn't allow unregistered callers."] : [400, "API key not valid. Please pass a valid API key."];
}

/** Two models a page, whatever is asked for: a client has to turn the page. */
function page(token: string | null): object {
  const from = Number(token ?? 0);
  const models = MODELS.slice(from, from + 2).map((model) => ({
    version: "001",
    inputTokenLimit: 1_048_576,
    outputTokenLimit: 65_536,
    ...model,
  }));
  return { models, ...(from + 2 < MODELS.length && { nextPageToken: String(from + 2) }) };
}

function answerEmbed(exchange: Exchange): void {
  const checked = checkEmbed(exchange.received);
  if ("refusal" in checked) return exchange.refuse(400, checked.refusal);
  const embeddings = checked.body.requests.map(({ content, outputDimensionality = DIMENSIONS }) => ({
    values: Array.from({ length: outputDimensionality }, (_, index) => ((content.parts[0]?.text.charCodeAt(index) ?? 0) % 100) / 100),
  }));
  const promptTokenCount = checked.body.requests.reduce((count, { content }) => count + words(content.parts[0]?.text ?? ""), 0);
  return exchange.json(200, { embeddings, usageMetadata: { promptTokenCount } });
}

/** Words count as tokens. */
function words(text: string): number {
  return text.split(/\s+/).length;
}

const STATUSES: Readonly<Record<number, string>> = {
  400: "INVALID_ARGUMENT",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  429: "RESOURCE_EXHAUSTED",
  500: "INTERNAL",
  503: "UNAVAILABLE",
};

interface Asked {
  readonly body: GeminiBody;
  readonly model: string;
  readonly isStreamed: boolean;
}

/** One call under way. */
class Exchange implements SeenCall {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly received: Buffer;
  readonly #response: ServerResponse;

  constructor(request: IncomingMessage, response: ServerResponse, received: Buffer) {
    this.method = request.method ?? "";
    this.path = request.url ?? "";
    this.headers = request.headers;
    this.received = received;
    this.#response = response;
  }

  json(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): void {
    this.#response.writeHead(status, { "content-type": "application/json; charset=UTF-8", ...headers });
    this.#response.end(JSON.stringify(value));
  }

  refuse(status: number, message: string, headers: Readonly<Record<string, string>> = {}): void {
    this.json(status, { error: { code: status, message, status: STATUSES[status] ?? "UNKNOWN" } }, headers);
  }

  play(reply: GeminiReply, asked: Asked): void {
    if (reply.type === "error") {
      this.refuse(reply.status, reply.message, reply.headers);
      return;
    }
    const responses = reply.chunks.map((chunk) => responseOf(chunk, asked));
    if (!asked.isStreamed) {
      this.json(200, whole(reply.chunks, asked));
      return;
    }
    this.#response.writeHead(200, { "content-type": "text/event-stream" });
    for (const response of responses) this.#response.write(`data: ${JSON.stringify(response)}\r\n\r\n`);
    if (reply.ending === undefined) this.#response.end();
    // What was written must be on its way before the connection breaks.
    else if (reply.ending === "reset") this.#response.write("", () => this.#response.destroy());
    else this.#response.flushHeaders();
  }
}

function responseOf(chunk: GeminiChunk, { body, model }: Asked): object {
  const { parts = [], finishReason, finishMessage, grounding, citations, usage, blockReason, error } = chunk;
  if (error !== undefined) return { error };
  const head = { modelVersion: model, responseId: "stand-in" };
  const counted = {
    promptTokenCount: words(JSON.stringify(body.contents)),
    candidatesTokenCount: parts.length,
    totalTokenCount: 0,
    ...usage,
  };
  if (blockReason !== undefined) return { promptFeedback: { blockReason }, usageMetadata: counted, ...head };
  const candidate = {
    ...(parts.length > 0 && { content: { role: "model", parts } }),
    ...(finishReason !== undefined && { finishReason }),
    ...(finishMessage !== undefined && { finishMessage }),
    ...(grounding !== undefined && { groundingMetadata: grounding }),
    ...(citations !== undefined && { citationMetadata: citations }),
    index: 0,
  };
  return { candidates: [candidate], usageMetadata: counted, ...head };
}

/** All responses of a stream as one. */
function whole(chunks: readonly GeminiChunk[], asked: Asked): object {
  const parts = chunks.flatMap((chunk) => chunk.parts ?? []);
  return responseOf({ ...Object.assign({}, ...chunks), parts } as GeminiChunk, asked);
}
