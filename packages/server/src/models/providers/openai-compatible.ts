import { AppError } from "@tutti/core";
import type { ProviderKind } from "../provider-kind.ts";
import type { Provider } from "../provider.ts";
import { COMPATIBLE, PRESETS, type Preset } from "./openai-presets.ts";
import { openShaped } from "./openai-shaped.ts";

/**
 * Any server that speaks OpenAI's protocol: vLLM, LM Studio, llama.cpp, OpenRouter, Groq, Mistral and many more, as data. Its options:
 * `preset`, one of the names in `openai-presets.ts`.
 */
export const openaiCompatible: ProviderKind = {
  kind: "openai-compatible",
  baseUrl: (provider) => presetOf(provider).baseUrl,
  open: (parts) => openPreset(parts, presetOf(parts.provider)),
};

/** Each preset as a kind of its own, so that a provider can simply be of the kind "groq". */
export const presetKinds: readonly ProviderKind[] = Object.entries(PRESETS).map(([kind, preset]) => ({
  kind,
  ...(preset.baseUrl !== undefined && { baseUrl: preset.baseUrl }),
  open: (parts) => openPreset(parts, preset),
}));

function openPreset(parts: Parameters<ProviderKind["open"]>[0], preset: Preset): ReturnType<ProviderKind["open"]> {
  return openShaped(parts, {
    surfaces: preset.surfaces,
    quirks: () => preset.quirks,
    ...(preset.isUnlisted && { isUnlisted: preset.isUnlisted }),
  });
}

function presetOf({ name, options }: Provider): Preset {
  const wanted = options?.["preset"];
  if (wanted === undefined) return COMPATIBLE;
  const preset = typeof wanted === "string" && Object.hasOwn(PRESETS, wanted) ? PRESETS[wanted] : undefined;
  if (preset !== undefined) return preset;
  const known = Object.keys(PRESETS).join(", ");
  throw new AppError("invalid_config", `wanted a preset for the provider "${name}", got ${JSON.stringify(wanted)}; there are: ${known}`);
}
