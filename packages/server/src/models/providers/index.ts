import type { ProviderKind } from "../provider-kind.ts";
import { anthropic } from "./anthropic.ts";
import { azure } from "./azure.ts";
import { localEmbeddings } from "./local-embeddings.ts";
import { ollama } from "./ollama.ts";
import { openaiCompatible, presetKinds } from "./openai-compatible.ts";
import { openai } from "./openai.ts";

const KINDS: readonly ProviderKind[] = [openai, azure, anthropic, ollama, openaiCompatible, ...presetKinds, localEmbeddings];

/** Every kind of provider that there is, by name. */
export const PROVIDER_KINDS: ReadonlyMap<string, ProviderKind> = new Map(KINDS.map((kind) => [kind.kind, kind]));
