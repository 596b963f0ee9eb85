import { decodeChatAnswer, encodeChatRequest, responsesCodec } from "@tutti/core/wire";
import type { ModelPart, ModelRequest } from "@tutti/core/model";
import { adaptBody, adaptRequest, type Quirks } from "../adapt-request.ts";
import { ask } from "../ask.ts";
import { discoverModels } from "../discover.ts";
import type { OpenProvider, ProviderParts } from "../provider-kind.ts";
import type { Surface } from "../provider.ts";
import { openAiMedia } from "./openai-media.ts";

/** How one kind of provider speaks OpenAI's protocol. */
export interface Shape {
  /** What it takes itself, where its configuration does not say. */
  readonly surfaces: readonly Surface[];
  /** What it does otherwise than OpenAI, for each of its models. */
  quirks(name: string): Quirks;
  /** Whether a model can be reached at one of the surfaces. Left out: each at each. */
  serves?(name: string, surface: Surface): boolean;
  /** Left out: the surface's own name. */
  path?(surface: Surface, name: string): string;
  /** It cannot list its models. */
  readonly isUnlisted?: true;
}

/** A provider that speaks OpenAI's protocol. */
export function openShaped({ provider, upstream }: ProviderParts, shape: Shape): OpenProvider {
  const surfaces = new Set(provider.surfaces ?? shape.surfaces);
  const path = (surface: Surface, name: string): string => shape.path?.(surface, name) ?? `/${surface}`;
  const serves = (name: string, surface: Surface): boolean => surfaces.has(surface) && shape.serves?.(name, surface) !== false;
  async function* generate(name: string, request: ModelRequest, signal: AbortSignal): AsyncGenerator<ModelPart, void, undefined> {
    if (!serves(name, "chat/completions") && serves(name, "responses")) {
      const body = responsesCodec.encodeRequest(name, request);
      yield* ask(upstream, { path: path("responses", name), body, decode: (chunks) => responsesCodec.decodeAnswer(chunks) }, signal);
      return;
    }
    const quirks = shape.quirks(name);
    const written = encodeChatRequest(name, adaptRequest(request, quirks), quirks.thoughts === "signed" ? keepsAll : undefined);
    const body = adaptBody(written, quirks);
    yield* ask(upstream, { path: path("chat/completions", name), body, decode: decodeChatAnswer }, signal);
  }
  return {
    native: (surface, { name }) => (serves(name, surface) ? path(surface, name) : undefined),
    ...((surfaces.has("chat/completions") || surfaces.has("responses")) && { generate }),
    ...openAiMedia(upstream, { surfaces, path }),
    ...(!shape.isUnlisted && { discover: (signal: AbortSignal) => discoverModels(upstream, signal) }),
  };
}

const keepsAll = (): boolean => true;
