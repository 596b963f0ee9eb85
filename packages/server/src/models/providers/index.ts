import type { ProviderKind } from "../provider-kind.ts";
import { anthropic } from "./anthropic.ts";
import { azure } from "./azure.ts";
import { gemini } from "./gemini.ts";
import { llamaCpp } from "./llama-cpp.ts";
import { localEmbeddings } from "./local-embeddings.ts";
import { ollama } from "./ollama.ts";
import { openaiCompatible, presetKinds } from "./openai-compatible.ts";
import { openai } from "./openai.ts";

const KINDS: readonly ProviderKind[] = [
  openai,
  azure,
  anthropic,
  gemini,
  ollama,
  openaiCompatible,
  ...presetKinds,
  llamaCpp,
  localEmbeddings,
];

/** Every kind of provider that there is, by name. */
export const PROVIDER_KINDS: ReadonlyMap<string, ProviderKind> = new Map(KINDS.map((kind) => [kind.kind, kind]));
