export { AnswerCache, type AnswerToKeep, type CachedAnswer, type CacheStats, type Embed } from "./answer-cache.ts";
export type { CacheConfig, SemanticConfig } from "./cache-config.ts";
export type { CacheQuestion } from "./cache-question.ts";
export { cacheHeader, replayed } from "./replay.ts";
