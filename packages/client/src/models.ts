import { AppError, type Json } from "@tutti/core";
import { readServerEvents } from "./server-events.ts";
import type { Transport } from "./transport.ts";

/** How a target has been since the server began. What was never measured is left out. */
export interface ModelStats {
  readonly id: string;
  readonly provider: string;
  readonly model: string;
  readonly status: "ok" | "open" | "trial" | "resting";
  readonly openForMs?: number;
  readonly underWay: number;
  readonly calls: number;
  readonly failures: number;
  readonly errorRate: number;
  readonly latencyMs?: number;
  readonly firstByteMs?: number;
  readonly firstByteP95Ms?: number;
  readonly tokensPerSecond?: number;
  readonly outputTokens?: number;
  readonly cacheShare?: number;
  readonly costUsd?: number;
}

/** A provider's model with all that is known of it; `id` is "provider/name". */
export interface CatalogModel {
  readonly id: string;
  readonly name: string;
  readonly provider: string;
  readonly isManaged: boolean;
  readonly routes: readonly string[];
  readonly created?: number;
  readonly version?: string;
  readonly contextTokens?: number;
  readonly outputTokensMax?: number;
  readonly abilities?: readonly string[];
  readonly dimensions?: number;
  readonly sizeBytes?: number;
  readonly isLoaded?: boolean;
  readonly price?: { readonly inputPerMillion: number; readonly outputPerMillion: number };
  readonly stats?: ModelStats;
}

/** A provider; `complaint` says why its list of models is not known, or not new. */
export interface CatalogProvider {
  readonly name: string;
  readonly kind: string;
  readonly models: number;
  readonly isManaged: boolean;
  readonly complaint?: string;
}

/** A named model, as configured. */
export interface ModelRoute {
  readonly name: string;
  readonly strategy: string;
  readonly targets: readonly { readonly model: string; readonly weight: number; readonly tags: readonly string[]; readonly pin?: string }[];
  readonly sticky?: string;
  readonly rules: readonly { readonly id: string; readonly target: string }[];
  readonly tiers?: readonly { readonly name: string; readonly upToTokens: number }[];
}

/** What is to be routed; `conversation` is whatever its turns have in common, `text` the last thing that the user said. */
export interface PlanRequest {
  readonly model: string;
  readonly surface?: string;
  readonly needs?: readonly string[];
  readonly promptTokens?: number;
  readonly outputTokensMax?: number;
  readonly tags?: readonly string[];
  readonly conversation?: string;
  readonly text?: string;
}

/** Where a request would go, the best first, and why. */
export interface ModelPlan {
  readonly route: string;
  readonly reason: string;
  readonly candidates: readonly { readonly id: string; readonly reason: string }[];
  readonly leftOut: readonly { readonly model: string; readonly reason: string }[];
  readonly attemptsMax: number;
  readonly hedgeAfterMs?: number;
  readonly resumesText: boolean;
  readonly pruneToTokens?: number;
}

/** How far a download is. */
export interface PullPart {
  readonly status: string;
  readonly doneBytes?: number;
  readonly totalBytes?: number;
}

/** An answer that is under way. */
export interface OpenCompletion {
  readonly runId: string | null;
  /** OpenAI's chunks as they come. */
  readonly chunks: AsyncIterable<Json>;
}

/** The calls about models, and to them. */
export interface ModelCalls {
  catalog(signal?: AbortSignal): Promise<{ readonly providers: readonly CatalogProvider[]; readonly models: readonly CatalogModel[] }>;
  catalogModel(id: string, signal?: AbortSignal): Promise<CatalogModel>;
  modelRoutes(signal?: AbortSignal): Promise<readonly ModelRoute[]>;
  modelStats(signal?: AbortSignal): Promise<readonly ModelStats[]>;
  planModel(request: PlanRequest, signal?: AbortSignal): Promise<ModelPlan>;
  /** Downloads a model. Leaving early ends the download; pulling again goes on where it ended. */
  pullModel(model: string, signal: AbortSignal): AsyncIterable<PullPart>;
  /** `keepAliveMs: null`: until it is unloaded. */
  loadModel(model: string, keepAliveMs?: number | null, signal?: AbortSignal): Promise<void>;
  unloadModel(model: string, signal?: AbortSignal): Promise<void>;
  removeModel(model: string, signal?: AbortSignal): Promise<void>;
  /** `POST /v1/chat/completions` in one piece; request and answer are OpenAI's. */
  complete(body: Readonly<Record<string, Json>>, signal?: AbortSignal): Promise<Json>;
  /** The same, streamed: its chunks as they come. */
  streamCompletion(body: Readonly<Record<string, Json>>, signal: AbortSignal): AsyncIterable<Json>;
  /** The same, with the id of the run that the answer stands in, which knows what it cost. */
  openCompletion(body: Readonly<Record<string, Json>>, signal: AbortSignal): Promise<OpenCompletion>;
  /** `POST /v1/embeddings`; request and answer are OpenAI's. */
  embed(body: Readonly<Record<string, Json>>, signal?: AbortSignal): Promise<Json>;
}

/** Models may load for minutes before their first word, and downloads verify for as long. */
const WORK_TIMEOUT_MS = 600_000;

/** The calls over a transport. */
export function modelCalls(transport: Transport): ModelCalls {
  const act = async (path: string, body: object, signal?: AbortSignal): Promise<void> =>
    void (await transport.json({ method: "POST", path, body, timeoutMs: WORK_TIMEOUT_MS }, signal));
  return {
    catalog: (signal) => transport.json({ path: "/v1/model-catalog" }, signal),
    catalogModel: async (id, signal) =>
      (await transport.json<{ readonly model: CatalogModel }>({ path: `/v1/model-catalog/${encodeURIComponent(id)}` }, signal)).model,
    modelRoutes: async (signal) =>
      (await transport.json<{ readonly routes: readonly ModelRoute[] }>({ path: "/v1/model-routes" }, signal)).routes,
    modelStats: async (signal) =>
      (await transport.json<{ readonly targets: readonly ModelStats[] }>({ path: "/v1/model-stats" }, signal)).targets,
    planModel: async (request, signal) =>
      (await transport.json<{ readonly plan: ModelPlan }>({ method: "POST", path: "/v1/model-plans", body: request }, signal)).plan,
    pullModel: (model, signal) => pull(transport, model, signal),
    loadModel: (model, keepAliveMs, signal) => act("/v1/model-loads", { model, ...(keepAliveMs !== undefined && { keepAliveMs }) }, signal),
    unloadModel: (model, signal) => act("/v1/model-unloads", { model }, signal),
    removeModel: (model, signal) => act("/v1/model-removals", { model }, signal),
    complete: (body, signal) => transport.json({ method: "POST", path: "/v1/chat/completions", body, timeoutMs: WORK_TIMEOUT_MS }, signal),
    streamCompletion: (body, signal) => chunks(transport, body, signal),
    openCompletion: (body, signal) => openCompletion(transport, body, signal),
    embed: (body, signal) => transport.json({ method: "POST", path: "/v1/embeddings", body, timeoutMs: WORK_TIMEOUT_MS }, signal),
  };
}

async function* pull(transport: Transport, model: string, signal: AbortSignal): AsyncGenerator<PullPart, void, undefined> {
  const request = { method: "POST", path: "/v1/model-pulls", body: { model }, timeoutMs: WORK_TIMEOUT_MS } as const;
  for await (const { event, data } of readServerEvents(await transport.stream(request, signal), WORK_TIMEOUT_MS)) {
    if (event === "progress") yield JSON.parse(data) as PullPart;
    if (event === "done") return;
    if (event === "error") {
      const { code, message } = JSON.parse(data) as { readonly code: string; readonly message: string };
      throw AppError.revive(code, message);
    }
  }
  throw new AppError(
    "upstream",
    `wanted all of the model "${model}", got a download that was cut off; pull again, it goes on where it ended`,
  );
}

async function* chunks(
  transport: Transport,
  body: Readonly<Record<string, Json>>,
  signal: AbortSignal,
): AsyncGenerator<Json, void, undefined> {
  yield* (await openCompletion(transport, body, signal)).chunks;
}

async function openCompletion(transport: Transport, body: Readonly<Record<string, Json>>, signal: AbortSignal): Promise<OpenCompletion> {
  const request = {
    method: "POST",
    path: "/v1/chat/completions",
    body: { ...body, stream: true },
    headers: { accept: "text/event-stream" },
    timeoutMs: WORK_TIMEOUT_MS,
  } as const;
  const opened = await transport.open(request, signal);
  return { runId: opened.runId, chunks: readChunks(opened.body) };
}

async function* readChunks(body: ReadableStream<Uint8Array>): AsyncGenerator<Json, void, undefined> {
  for await (const { data } of readServerEvents(body, WORK_TIMEOUT_MS)) {
    if (data === "[DONE]") return;
    const chunk = JSON.parse(data) as { readonly error?: { readonly code?: unknown; readonly message?: unknown } };
    if (chunk.error !== undefined) throw AppError.revive(String(chunk.error.code), String(chunk.error.message));
    yield chunk as Json;
  }
}
