import type { Reasoning } from "../model.ts";

type Level = "MINIMAL" | "LOW" | "MEDIUM" | "HIGH";

/** What a model of Google's takes. Names that are newer than this are taken for the newest models. */
export interface GeminiTraits {
  /** How it is asked to think. */
  readonly thinking:
    | { readonly by: "level"; readonly lowest: Level }
    | { readonly by: "budget"; readonly tokensMin: number; readonly tokensMax: number }
    | { readonly by: "never" };
  /** Whether the system has a place of its own. */
  readonly hasSystem: boolean;
  readonly hasPenalties: boolean;
  /** Results of tools may hold pictures and files, and a format may be wanted beside tools. */
  readonly isThird: boolean;
}

/** By the pages on models, thinking and function calling. */
export function geminiTraits(model: string): GeminiTraits {
  const name = model.slice(model.lastIndexOf("/") + 1).toLowerCase();
  const version = /^gemini-(\d+(?:\.\d+)?)/.exec(name)?.[1];
  const generation = version === undefined ? Number.POSITIVE_INFINITY : Number(version);
  const isGemma = name.startsWith("gemma");
  return {
    thinking: thinkingOf(name, generation),
    hasSystem: !isGemma,
    hasPenalties: generation !== 2.5,
    isThird: generation >= 3 && !isGemma,
  };
}

/** The level for a wanted effort; nothing is below the model's lowest. */
export function thinkingLevel(effort: Exclude<Reasoning["effort"], undefined>, lowest: Level): Level {
  switch (effort) {
    case "none":
    case "minimal":
      return lowest;
    case "low":
      return "LOW";
    case "medium":
      return "MEDIUM";
    case "high":
    case "xhigh":
    case "max":
      return "HIGH";
  }
}

function thinkingOf(name: string, generation: number): GeminiTraits["thinking"] {
  if (generation < 2.5 || /^gemma|-image|-tts|nano-banana/.test(name)) return { by: "never" };
  if (generation >= 3) return { by: "level", lowest: /flash-lite|-flash/.test(name) && generation < 3.7 ? "MINIMAL" : "LOW" };
  // Only the smaller ones can do without a thought.
  return name.includes("pro") ? { by: "budget", tokensMin: 128, tokensMax: 32_768 } : { by: "budget", tokensMin: 0, tokensMax: 24_576 };
}
