import type { ProviderKind } from "../provider-kind.ts";
import { openaiCompatible } from "./openai-compatible.ts";

/** Every kind of provider that there is, by name. */
export const PROVIDER_KINDS: ReadonlyMap<string, ProviderKind> = new Map([openaiCompatible].map((kind) => [kind.kind, kind]));
