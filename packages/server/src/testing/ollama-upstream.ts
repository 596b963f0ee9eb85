import type { ServerResponse } from "node:http";
import { checkOllamaChat, type OllamaChatBody, type OllamaModel } from "./ollama-checks.ts";
import { startStandIn } from "./stand-in.ts";

/** What the stand-in says in a chat. `pieces` are one chunk each, in Ollama's own words. */
export type OllamaReply =
  | {
      readonly type: "answer";
      readonly pieces: readonly object[];
      readonly finishReason?: string;
      readonly usage?: { readonly prompt_tokens: number; readonly completion_tokens: number };
      readonly ending?: "end" | "reset" | "silence";
    }
  | { readonly type: "error"; readonly status: number; readonly message: string; readonly headers?: Readonly<Record<string, string>> };

/** How the stand-in behaves. `library` is what can be pulled. */
export interface OllamaOptions {
  readonly models?: readonly OllamaModel[];
  readonly library?: readonly OllamaModel[];
  readonly version?: string;
  /** What a model is loaded with when nothing else is said. */
  readonly contextTokens?: number;
  readonly script?: (body: OllamaChatBody, index: number) => OllamaReply;
}

/** A running stand-in. */
export interface OllamaUpstream extends AsyncDisposable {
  /** Ollama's own address, without `/v1`. */
  readonly baseUrl: string;
  readonly calls: readonly { readonly method: string; readonly path: string; readonly body: string }[];
  /** The names of models on its disk, and in its memory with their `keep_alive`. */
  readonly names: readonly string[];
  readonly loaded: ReadonlyMap<string, unknown>;
  /** Puts other weights under a name, as a pull of a newer version does. */
  replace(model: OllamaModel): void;
}

const SIZE_BYTES = 4_000_000;
const LAYER = "sha256:aabdc9d6df5a5dbb2de6b6a6ea0c0d1a3bd3a9d2a1d4b1e8b3c8b2a6f5e4d3c2";

/** A model that can do what most can. */
export const QWEN: OllamaModel = {
  name: "qwen2.5:latest",
  digest: "845dbda0ea48ed749caafd9e6037047aa19acfcfd82e704d7ca97d631a0b697e",
  capabilities: ["completion", "tools"],
  contextTokens: 32_768,
};

/** A model that only embeds. */
export const NOMIC: OllamaModel = {
  name: "nomic-embed-text:latest",
  digest: "0a109f422b47e3a30ba2b10eca18548e944e8a23073ee3f3e947efcf3c45e59f",
  capabilities: ["embedding"],
  contextTokens: 2_048,
};

/**
 * A stand-in for an Ollama server, on the loopback interface, for tests: it speaks the wire format of its native API and of its `/v1`,
 * refuses what the real one refuses, ignores what it ignores, and says what its script tells it to. It holds no model.
 */
export async function startOllamaUpstream(options: OllamaOptions = {}): Promise<OllamaUpstream> {
  const state = new State(options);
  const calls: { readonly method: string; readonly path: string; readonly body: string }[] = [];
  const standIn = await startStandIn((request, response, received) => {
    const body = received.toString("utf8");
    calls.push({ method: request.method ?? "", path: request.url ?? "", body });
    state.answer(`${request.method ?? ""} ${request.url ?? ""}`, body, response);
  });
  return {
    baseUrl: standIn.origin,
    calls,
    get names() {
      return [...state.models.keys()];
    },
    loaded: state.loaded,
    replace: (model) => void state.models.set(model.name, model),
    [Symbol.asyncDispose]: () => standIn[Symbol.asyncDispose](),
  };
}

interface NativeBody {
  readonly model?: string;
  readonly name?: string;
  readonly prompt?: string;
  readonly keep_alive?: unknown;
  readonly input?: unknown;
  readonly dimensions?: number;
  readonly encoding_format?: string;
}

class State {
  readonly models: Map<string, OllamaModel>;
  readonly loaded = new Map<string, unknown>();
  readonly #options: OllamaOptions;
  #chats = 0;

  constructor(options: OllamaOptions) {
    this.#options = options;
    this.models = new Map((options.models ?? [QWEN]).map((model) => [model.name, model]));
  }

  answer(route: string, text: string, response: ServerResponse): void {
    const body = parse(text);
    if (body === undefined) return nativeError(response, 400, "invalid character in request");
    const native: Readonly<Record<string, () => void>> = {
      "GET /api/version": () => json(response, 200, { version: this.#options.version ?? "0.12.0" }),
      "GET /api/tags": () => json(response, 200, { models: [...this.models.values()].map(tagOf) }),
      "GET /api/ps": () => json(response, 200, { models: [...this.loaded.keys()].map((name) => this.#process(name)) }),
      "POST /api/show": () => this.#withModel(body, response, (model) => json(response, 200, shown(model))),
      "POST /api/pull": () => this.#pull(body, response),
      "POST /api/generate": () => this.#withModel(body, response, (model) => this.#generate(model, body, response)),
      "POST /api/embed": () => this.#withModel(body, response, (model) => this.#embedNative(model, body, response)),
      "DELETE /api/delete": () => this.#withModel(body, response, (model) => this.#remove(model, response)),
      "POST /v1/chat/completions": () => this.#chat(body, response),
      "POST /v1/embeddings": () => this.#embed(body, response),
    };
    const handler = native[route];
    if (handler === undefined) return void response.writeHead(404, { "content-type": "text/plain" }).end("404 page not found");
    handler();
  }

  #find(name: unknown): OllamaModel | undefined {
    return this.models.get(String(name)) ?? this.models.get(`${String(name)}:latest`);
  }

  #withModel(body: NativeBody, response: ServerResponse, then: (model: OllamaModel) => void): void {
    const name = body.model ?? body.name;
    if (name === undefined || name === "") return nativeError(response, 400, "model is required");
    const model = this.#find(name);
    if (model === undefined) return nativeError(response, 404, `model '${name}' not found`);
    then(model);
  }

  #process(name: string): object {
    const model = this.models.get(name);
    return {
      ...(model && tagOf(model)),
      expires_at: "2030-01-01T00:00:00Z",
      size_vram: SIZE_BYTES,
      context_length: model?.numCtx ?? this.#options.contextTokens ?? 4_096,
    };
  }

  #pull(body: NativeBody, response: ServerResponse): void {
    const name = String(body.model ?? body.name);
    const found = (this.#options.library ?? []).find((model) => model.name === name || model.name === `${name}:latest`);
    response.writeHead(200, { "content-type": "application/x-ndjson" });
    const lines: object[] = [{ status: "pulling manifest" }];
    if (found === undefined) lines.push({ error: "pull model manifest: file does not exist" });
    else {
      for (const share of [undefined, 0.5, 1])
        lines.push({
          status: "pulling aabdc9d6df5a",
          digest: LAYER,
          total: SIZE_BYTES,
          ...(share !== undefined && { completed: SIZE_BYTES * share }),
        });
      lines.push({ status: "verifying sha256 digest" }, { status: "writing manifest" }, { status: "success" });
      this.models.set(found.name, found);
    }
    response.end(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  }

  #generate(model: OllamaModel, body: NativeBody, response: ServerResponse): void {
    const { name } = model;
    const head = { model: name, created_at: "2026-01-01T00:00:00Z", response: "", done: true };
    if (body.keep_alive === 0) {
      this.loaded.delete(name);
      return json(response, 200, { ...head, done_reason: "unload" });
    }
    if (!model.capabilities.includes("completion")) return nativeError(response, 400, `"${name}" does not support generate`);
    this.loaded.set(name, body.keep_alive);
    json(response, 200, { ...head, done_reason: "load" });
  }

  #embedNative(model: OllamaModel, body: NativeBody, response: ServerResponse): void {
    if (typeof body.input !== "string" && !Array.isArray(body.input)) return nativeError(response, 400, "invalid input type");
    this.loaded.set(model.name, body.keep_alive);
    json(response, 200, { model: model.name, embeddings: textsOf(body.input).map((text) => vectorOf(text, 8)), prompt_eval_count: 1 });
  }

  #remove({ name }: OllamaModel, response: ServerResponse): void {
    this.models.delete(name);
    this.loaded.delete(name);
    response.writeHead(200).end();
  }

  #embed(body: NativeBody, response: ServerResponse): void {
    const model = this.#find(body.model);
    if (model === undefined) return openAiError(response, 404, `model "${String(body.model)}" not found, try pulling it first`);
    const texts = textsOf(body.input);
    if (texts.length === 0) return openAiError(response, 400, "invalid input");
    if (!["float", "base64", undefined].includes(body.encoding_format))
      return openAiError(
        response,
        400,
        `Invalid value for 'encoding_format' = ${String(body.encoding_format)}. Supported values: ['float', 'base64'].`,
      );
    this.loaded.set(model.name, undefined);
    const tokens = texts.join(" ").split(" ").length;
    json(response, 200, {
      object: "list",
      data: texts.map((text, index) => ({ object: "embedding", embedding: vectorOf(text, body.dimensions ?? 8), index })),
      model: String(body.model),
      usage: { prompt_tokens: tokens, total_tokens: tokens },
    });
  }

  #chat(body: NativeBody, response: ServerResponse): void {
    const checked = checkOllamaChat(body, this.#find(body.model));
    if ("refusal" in checked) return openAiError(response, checked.status, checked.refusal);
    const index = this.#chats;
    this.#chats += 1;
    const reply = (this.#options.script ?? echo)(checked.body, index);
    if (reply.type === "error") {
      for (const [name, value] of Object.entries(reply.headers ?? {})) response.setHeader(name, value);
      return openAiError(response, reply.status, reply.message);
    }
    this.loaded.set(this.#find(body.model)?.name ?? "", undefined);
    playChat(response, checked.body, reply);
  }
}

function echo({ messages }: OllamaChatBody): OllamaReply {
  const last = messages.at(-1)?.content;
  const said = typeof last === "string" ? last : "";
  return { type: "answer", pieces: `You said: ${said}`.split(/(?<= )/).map((content) => ({ content })) };
}

function playChat(response: ServerResponse, body: OllamaChatBody, reply: Extract<OllamaReply, { type: "answer" }>): void {
  const { pieces, finishReason = "stop", usage = usageOf(body, pieces.length), ending = "end" } = reply;
  const whole = { ...usage, total_tokens: usage.prompt_tokens + usage.completion_tokens };
  const head = { id: "chatcmpl-42", created: 1_700_000_000, model: body.model, system_fingerprint: "fp_ollama" };
  if (body.stream !== true) {
    const message = Object.assign({ role: "assistant", content: "" }, ...pieces) as object;
    const content = pieces.map((piece) => ("content" in piece ? String(piece.content) : "")).join("");
    const choices = [{ index: 0, message: { ...message, content }, finish_reason: finishReason }];
    return json(response, 200, { ...head, object: "chat.completion", choices, usage: whole });
  }
  const chunk = (choices: readonly object[], more: object = {}): string =>
    `data: ${JSON.stringify({ ...head, object: "chat.completion.chunk", choices, ...more })}\n\n`;
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const piece of pieces)
    response.write(chunk([{ index: 0, delta: { role: "assistant", content: "", ...piece }, finish_reason: null }]));
  // What was written must be on its way before the connection breaks.
  if (ending === "reset") return void response.write("", () => response.destroy());
  if (ending === "silence") return response.flushHeaders();
  response.write(chunk([{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: finishReason }]));
  if (body.stream_options?.include_usage === true) response.write(chunk([], { usage: whole }));
  response.end("data: [DONE]\n\n");
}

/** Words count as tokens. */
function usageOf({ messages }: OllamaChatBody, pieces: number): { readonly prompt_tokens: number; readonly completion_tokens: number } {
  return { prompt_tokens: JSON.stringify(messages).split(" ").length, completion_tokens: pieces };
}

function tagOf({ name, digest }: OllamaModel): object {
  const details = {
    parent_model: "",
    format: "gguf",
    family: "qwen2",
    families: ["qwen2"],
    parameter_size: "7.6B",
    quantization_level: "Q4_K_M",
  };
  return { name, model: name, modified_at: "2026-01-01T00:00:00.123456789Z", size: SIZE_BYTES, digest, details };
}

function shown({ capabilities, contextTokens = 8_192, numCtx }: OllamaModel): object {
  return {
    modelfile: "FROM x",
    parameters: `stop                           "<|im_end|>"${numCtx === undefined ? "" : `\nnum_ctx                        ${numCtx}`}`,
    template: "{{ .Prompt }}",
    details: { family: "qwen2" },
    model_info: {
      "general.architecture": "qwen2",
      "qwen2.context_length": contextTokens,
      "qwen2.embedding_length": 768,
    },
    capabilities,
    modified_at: "2026-01-01T00:00:00Z",
  };
}

function textsOf(input: unknown): readonly string[] {
  if (typeof input === "string") return [input];
  return Array.isArray(input) ? input.filter((item): item is string => typeof item === "string") : [];
}

/** The same text, the same direction. */
function vectorOf(text: string, dimensions: number): readonly number[] {
  return Array.from({ length: dimensions }, (_, index) => Math.sin((text.length + 1) * (index + 1)));
}

function parse(text: string): NativeBody | undefined {
  if (text === "") return {};
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8" }).end(JSON.stringify(value));
}

function nativeError(response: ServerResponse, status: number, error: string): void {
  json(response, status, { error });
}

function openAiError(response: ServerResponse, status: number, message: string): void {
  const type = status === 400 ? "invalid_request_error" : status === 404 ? "not_found_error" : "api_error";
  json(response, status, { error: { message, type, param: null, code: null } });
}
