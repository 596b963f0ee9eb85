import type { Json } from "../json.ts";
import type { Sampling } from "../model.ts";
import { arrayAt, defined, isObject, optionalCountAt, optionalNumberAt, stringAt, unsupported, type JsonObject } from "./shape.ts";

/** Reads how the next token is drawn; chat completions and completions have the same names for it. */
export function decodeSampling(fields: JsonObject): Sampling | undefined {
  const stop = decodeStop(fields.stop);
  const sampling = defined({
    temperature: optionalNumberAt(fields.temperature, "temperature"),
    topP: optionalNumberAt(fields.top_p, "top_p"),
    // Not OpenAI's, but most servers that are compatible with it know it. Some take 0 or -1 for "all".
    topK: typeof fields.top_k === "number" && fields.top_k > 0 ? optionalCountAt(fields.top_k, "top_k") : undefined,
    seed: optionalNumberAt(fields.seed, "seed"),
    presencePenalty: optionalNumberAt(fields.presence_penalty, "presence_penalty"),
    frequencyPenalty: optionalNumberAt(fields.frequency_penalty, "frequency_penalty"),
    stop: stop.length > 0 ? stop : undefined,
  });
  return Object.keys(sampling).length === 0 ? undefined : sampling;
}

/** Refuses what draws several answers, or other ones than the model would give. */
export function refuseDraws({ n, logit_bias: bias }: JsonObject): void {
  if (n !== undefined && n !== null && n !== 1) throw unsupported("n", "1 choice", n);
  if (isObject(bias) && Object.keys(bias).length > 0) throw unsupported("logit_bias", "none: tokens have other numbers elsewhere", bias);
}

/** Writes how the next token is drawn. */
export function encodeSampling(sampling: Sampling): { readonly [field: string]: Json } {
  const { temperature, topP, topK, seed, presencePenalty, frequencyPenalty, stop } = sampling;
  return {
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && { top_p: topP }),
    ...(topK !== undefined && { top_k: topK }),
    ...(seed !== undefined && { seed }),
    ...(presencePenalty !== undefined && { presence_penalty: presencePenalty }),
    ...(frequencyPenalty !== undefined && { frequency_penalty: frequencyPenalty }),
    ...(stop !== undefined && stop.length > 0 && { stop }),
  };
}

function decodeStop(value: unknown): readonly string[] {
  if (value === undefined || value === null) return [];
  if (typeof value === "string") return [value];
  return arrayAt(value, "stop").map((text, index) => stringAt(text, `stop[${index}]`));
}
