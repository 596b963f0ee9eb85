import type { Json } from "../json.ts";
import type { Usage } from "../model.ts";
import { isObject, type JsonObject } from "./shape.ts";

/** Reads OpenAI's `usage`, and what its relatives write there. What they do not say, or say is 0, is left out. */
export function decodeUsage(usage: JsonObject): Usage {
  const input = isObject(usage.prompt_tokens_details) ? usage.prompt_tokens_details : {};
  const output = isObject(usage.completion_tokens_details) ? usage.completion_tokens_details : {};
  const inputTokens = count(usage.prompt_tokens);
  const outputTokens = count(usage.completion_tokens);
  const reasoningTokens = count(output.reasoning_tokens);
  // DeepSeek has a name of its own for it.
  const cacheReadTokens = count(input.cached_tokens) || count(usage.prompt_cache_hit_tokens);
  const cacheWriteTokens = count(input.cache_write_tokens);
  // xAI and Gemini count thoughts beside the completion and not in it; the total tells.
  const isBeside = reasoningTokens > 0 && count(usage.total_tokens) === inputTokens + outputTokens + reasoningTokens;
  return {
    inputTokens,
    outputTokens: isBeside ? outputTokens + reasoningTokens : outputTokens,
    ...(cacheReadTokens > 0 && { cacheReadTokens }),
    ...(cacheWriteTokens > 0 && { cacheWriteTokens }),
    ...(reasoningTokens > 0 && { reasoningTokens }),
  };
}

/** Writes OpenAI's `usage`. */
export function encodeUsage(usage: Usage): Json {
  const { inputTokens, outputTokens, cacheReadTokens = 0, cacheWriteTokens, reasoningTokens = 0 } = usage;
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
    prompt_tokens_details: {
      cached_tokens: cacheReadTokens,
      ...(cacheWriteTokens !== undefined && { cache_write_tokens: cacheWriteTokens }),
    },
    completion_tokens_details: { reasoning_tokens: reasoningTokens },
  };
}

function count(value: unknown): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? value : 0;
}
