export { AnswerCache, type CachedAnswer, type Embed } from "./answer-cache.ts";
export type { CacheConfig } from "./cache-config.ts";
export type { CacheQuestion } from "./cache-question.ts";
export { cacheHeader, replayed } from "./replay.ts";
