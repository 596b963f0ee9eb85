import type { Transport } from "./transport.ts";

/** Texts to put in the order of how near they are in meaning to a question. */
export interface RankRequest {
  /** A model that ranks or embeds, such as "en-512", which comes with Tutti. */
  readonly model: string;
  readonly query: string;
  readonly documents: readonly string[];
  /** How many of the nearest to tell; all unless given. */
  readonly topN?: number;
}

/** How near one of the texts is: 0 to 1. `index` is its place in the request. */
export interface RankedText {
  readonly index: number;
  readonly score: number;
}

/** The calls about meaning. */
export interface RankCalls {
  /** Nearest first. */
  rank(request: RankRequest, signal?: AbortSignal): Promise<readonly RankedText[]>;
}

/** The calls over a transport. */
export function rankCalls(transport: Transport): RankCalls {
  return {
    async rank({ model, query, documents, topN }, signal) {
      const body = { model, query, documents, ...(topN !== undefined && { top_n: topN }) };
      const { results } = await transport.json<{
        readonly results: readonly { readonly index: number; readonly relevance_score: number }[];
      }>({ method: "POST", path: "/v1/rerank", body, timeoutMs: MODEL_TIMEOUT_MS }, signal);
      return results.map(({ index, relevance_score: score }) => ({ index, score }));
    },
  };
}

/** A model may have to be loaded first. */
const MODEL_TIMEOUT_MS = 120_000;
