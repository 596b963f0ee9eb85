import { AppError, type Json } from "@tutti/core";
import type { ContentPart, ModelRequest } from "@tutti/core/model";
import { decodeChatAnswer, encodeChatRequest } from "@tutti/core/wire";
import { ask, askBytes } from "../ask.ts";
import type { ModelManagement, OpenProvider, ProviderKind, PullProgress } from "../provider-kind.ts";
import type { Provider, Surface } from "../provider.ts";
import type { Upstream } from "../upstream.ts";
import { OllamaFacts } from "./ollama-facts.ts";
import { openAiMedia } from "./openai-media.ts";

/** What every Ollama speaks of OpenAI's protocol, and since when it speaks the rest. */
const SURFACES: ReadonlySet<Surface> = new Set(["chat/completions", "completions", "embeddings"]);
const RESPONSES_SINCE = [0, 13, 3] as const;
const MESSAGES_SINCE = [0, 14, 0] as const;
/** A line of progress is short. */
const LINE_CHARS_MAX = 65_536;

/** Ollama: its native API for what there is, OpenAI's protocol for what is said. */
export const ollama: ProviderKind = {
  kind: "ollama",
  baseUrl: "http://127.0.0.1:11434",
  open({ provider, upstream }) {
    const facts = new OllamaFacts(upstream, contextOf(provider));
    const given = provider.surfaces === undefined ? undefined : new Set(provider.surfaces);
    const speaks = (surface: Surface): boolean => {
      if (given !== undefined) return given.has(surface);
      if (surface === "responses") return facts.isAtLeast(RESPONSES_SINCE);
      return surface === "messages" ? facts.isAtLeast(MESSAGES_SINCE) : SURFACES.has(surface);
    };
    return {
      native: (surface) => (speaks(surface) ? `/v1/${surface}` : undefined),
      asksForUsage: true,
      async *generate(name, request, signal) {
        yield* ask(upstream, { path: "/v1/chat/completions", body: chatBody(name, request), decode: decodeChatAnswer }, signal);
      },
      ...openAiMedia(upstream, { surfaces: new Set(["embeddings"]), path: (surface) => `/v1/${surface}` }),
      discover: (signal) => facts.discover(signal),
      management: management(upstream, facts),
    } satisfies OpenProvider;
  },
};

/** `options.contextTokens`: what the server was started with as OLLAMA_CONTEXT_LENGTH; it does not tell. */
function contextOf({ name, baseUrl, options }: Provider): number | undefined {
  if (baseUrl !== undefined && /\/v1\/*$/.test(baseUrl))
    throw new AppError(
      "invalid_config",
      `wanted Ollama's own address for the provider "${name}", got ${baseUrl}; leave /v1 out, because its own API lies beside it`,
    );
  const given = options?.["contextTokens"];
  if (given === undefined || (typeof given === "number" && Number.isInteger(given) && given > 0)) return given;
  throw new AppError("invalid_config", `wanted a whole number as contextTokens of the provider "${name}", got ${JSON.stringify(given)}`);
}

/** What Ollama takes of a chat request; what it would leave out silently, and with it the sense of the answer, is refused. */
function chatBody(name: string, request: ModelRequest): Json {
  refuseUnheard(request);
  const { outputTokensMax, reasoning, ...rest } = request;
  const body = encodeChatRequest(name, rest, () => false) as { readonly [key: string]: Json };
  const effort = effortOf(reasoning);
  return {
    ...body,
    // It knows the older name only.
    ...(outputTokensMax !== undefined && { max_tokens: outputTokensMax }),
    ...(effort !== undefined && { reasoning_effort: effort }),
  };
}

/** It knows three degrees, and none. */
function effortOf(reasoning: ModelRequest["reasoning"]): string | undefined {
  const effort = reasoning?.effort;
  if (effort === "minimal") return "low";
  return effort === "xhigh" || effort === "max" ? "high" : effort;
}

function refuseUnheard({ toolChoice, parallelCalls, messages, tools }: ModelRequest): void {
  if (toolChoice !== undefined && toolChoice !== "auto")
    throw unheard("tool choice", "it lets the model choose; send only the tools that may be called");
  if (parallelCalls === false && (tools?.length ?? 0) > 0)
    throw unheard("one tool call at a time", "its models may make several; leave parallel_tool_calls out");
  for (const part of messages.flatMap(({ parts = [] }) => parts)) refusePart(part);
}

function refusePart(part: ContentPart): void {
  if (part.type === "audio" || part.type === "file") throw unheard(`a part of type ${part.type}`, "it takes texts and pictures");
  if (part.type === "image" && !("data" in part.media)) throw unheard("a link to a picture", "it fetches none; send the picture itself");
}

function unheard(what: string, why: string): AppError {
  return new AppError("unsupported", `wanted a request that Ollama can take, got one with ${what}: ${why}`);
}

function management(upstream: Upstream, facts: OllamaFacts): ModelManagement {
  const tell = async (path: string, body: object, signal: AbortSignal): Promise<void> =>
    void (await askBytes(upstream, { path, body, ...(path === "/api/delete" && { method: "DELETE" as const }) }, signal));
  return {
    pull: (name, signal) => ask(upstream, { path: "/api/pull", body: { model: name }, decode: progressOf }, signal),
    load(name, { keepAliveMs }, signal) {
      const keepAlive = keepAliveMs === undefined ? {} : { keep_alive: keepAliveMs === Infinity ? -1 : `${keepAliveMs}ms` };
      // A model that only embeds generates nothing, not even nothing.
      return facts.abilities(name)?.includes("embeddings") === true
        ? tell("/api/embed", { model: name, input: "", ...keepAlive }, signal)
        : tell("/api/generate", { model: name, stream: false, ...keepAlive }, signal);
    },
    unload: (name, signal) => tell("/api/generate", { model: name, stream: false, keep_alive: 0 }, signal),
    remove: (name, signal) => tell("/api/delete", { model: name }, signal),
  };
}

/** JSON, one object a line. A pull that fails says so in the midst of it. */
async function* progressOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<PullProgress, void, undefined> {
  let isDone = false;
  for await (const line of linesOf(chunks)) {
    const progress = readProgress(line);
    isDone ||= progress.status === "success";
    yield progress;
  }
  if (!isDone)
    throw new AppError("upstream", "wanted the whole model, got a download that broke off; pull again, it goes on where it ended");
}

function readProgress(line: string): PullProgress {
  const { status, total, completed, error } = JSON.parse(line) as {
    readonly status?: unknown;
    readonly total?: unknown;
    readonly completed?: unknown;
    readonly error?: unknown;
  };
  if (error !== undefined) throw pullError(typeof error === "string" ? error : JSON.stringify(error));
  return {
    status: String(status),
    ...(typeof total === "number" && { totalBytes: total, doneBytes: typeof completed === "number" ? completed : 0 }),
  };
}

function pullError(message: string): AppError {
  const isUnknown = /not exist|not found/.test(message);
  const advice = isUnknown ? "is its name right? ollama.com/search lists them" : "pull again, it goes on where it ended";
  return new AppError(isUnknown ? "model_not_found" : "upstream", `wanted to download a model, got: ${message}; ${advice}`);
}

async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > LINE_CHARS_MAX) throw new AppError("upstream", "wanted a line of progress, got one without end");
    yield* lines.filter((line) => line.trim() !== "");
  }
  if (rest.trim() !== "") yield rest;
}
