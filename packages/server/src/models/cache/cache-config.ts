import type { FinishReason } from "@tutti/core/model";

/** What is kept of answers, and for how long. */
export interface CacheConfig {
  /** Patterns of the models whose answers are kept: "gpt-*". Left out: all. */
  readonly models?: readonly string[] | undefined;
  readonly ttlSeconds: number;
  readonly bytesMax: number;
  /** The most one tenant may fill. */
  readonly tenantBytesMax: number;
  /** Larger answers are not kept. */
  readonly entryBytesMax: number;
  /** Only answers that ended so are kept; what was cut off or filtered never is. */
  readonly finishReasons: readonly FinishReason[];
  /** Left out: only the same request finds an answer. */
  readonly semantic?: SemanticConfig | undefined;
}

/** When an answer to another question is good enough. */
export interface SemanticConfig {
  /** The embedding model. */
  readonly model: string;
  /** The least cosine of both questions' embeddings. */
  readonly threshold: number;
  /** Requests with a higher temperature want another answer each time. */
  readonly temperatureMax: number;
  /** Longer questions are not embedded. */
  readonly charactersMax: number;
}
