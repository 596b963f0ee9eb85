import type { Usage } from "../model.ts";
import { isObject } from "./shape.ts";

/** What a call used, in every unit that providers charge by; what was not said is left out. */
export interface MeteredUsage extends Usage {
  /** Of sound. */
  readonly seconds?: number;
  /** Of text to be spoken. */
  readonly characters?: number;
  readonly images?: number;
  /** Cohere's unit of ranking. */
  readonly searches?: number;
}

/** Nothing was said about what was used. */
export const NO_USAGE: MeteredUsage = { inputTokens: 0, outputTokens: 0 };

/**
 * Reads what an answer that is no conversation says it used: embeddings, rankings, transcripts, pictures, speech, whole or as the last
 * event of a stream. Providers name the same counts differently; never throws.
 */
export function usageOfMedia(answer: unknown): MeteredUsage {
  if (!isObject(answer)) return NO_USAGE;
  const usage = isObject(answer.usage) ? answer.usage : {};
  const meta = isObject(answer.meta) ? answer.meta : {};
  const tokens = isObject(meta.tokens) ? meta.tokens : {};
  const billed = isObject(meta.billed_units) ? meta.billed_units : {};
  const output = count(usage.output_tokens ?? usage.completion_tokens ?? tokens.output_tokens);
  // Jina and some servers give the total only, and all of it was read.
  const input = count(usage.input_tokens ?? usage.prompt_tokens ?? tokens.input_tokens ?? usage.total_tokens);
  const seconds = amount(usage.seconds);
  const searches = count(billed.search_units);
  const images = countImages(answer.data);
  return {
    inputTokens: input,
    outputTokens: output,
    ...(seconds > 0 && { seconds }),
    ...(searches > 0 && { searches }),
    ...(images > 0 && { images }),
  };
}

function countImages(data: unknown): number {
  if (!Array.isArray(data)) return 0;
  return data.filter((item: unknown) => isObject(item) && (typeof item.b64_json === "string" || typeof item.url === "string")).length;
}

function count(value: unknown): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? value : 0;
}

function amount(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? value : 0;
}
