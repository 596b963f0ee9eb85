import type { Json } from "@tutti/core";
import type { ModelPart, ModelRequest } from "@tutti/core/model";
import { completionsCodec, decodeChatAnswer, encodeChatRequest, responsesCodec, type Codec } from "@tutti/core/wire";
import { adaptBody, adaptRequest, type Quirks } from "../adapt-request.ts";
import { fitToolNames } from "../adapt-tool-names.ts";
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
  const ways = CHAT_SURFACES.filter((surface) => surfaces.has(surface));
  async function* generate(name: string, given: ModelRequest, signal: AbortSignal): AsyncGenerator<ModelPart, void, undefined> {
    const surface = ways.find((way) => serves(name, way)) ?? "chat/completions";
    const quirks = shape.quirks(name);
    const renamed = fitToolNames(given);
    const request = renamed?.request ?? given;
    const { body, decode } =
      surface === "chat/completions" ? asChat(name, request, quirks) : asOther(CODECS[surface], name, { request, quirks });
    const parts = ask(upstream, { path: path(surface, name), body, decode }, signal);
    if (renamed === undefined) yield* parts;
    else for await (const part of parts) yield renamed.restore(part);
  }
  return {
    native: (surface, { name }) => (serves(name, surface) ? path(surface, name) : undefined),
    // Whoever takes the wish for usage has to be told it.
    asksForUsage: shape.quirks("").without?.includes("stream_options") !== true,
    ...(ways.length > 0 && { generate }),
    ...openAiMedia(upstream, { surfaces, path }),
    ...(!shape.isUnlisted && { discover: (signal: AbortSignal) => discoverModels(upstream, signal) }),
  };
}

/** The doors at which a model can be asked to answer, the best first; not every model is at each. */
const CHAT_SURFACES = ["chat/completions", "responses", "completions"] as const;
const CODECS = { responses: responsesCodec, completions: completionsCodec } as const;

interface Call {
  readonly body: Json;
  readonly decode: (chunks: AsyncIterable<Uint8Array>) => AsyncIterable<ModelPart>;
}

function asChat(name: string, request: ModelRequest, quirks: Quirks): Call {
  const keeps = quirks.thoughts === "signed" ? () => true : undefined;
  return { body: adaptBody(encodeChatRequest(name, adaptRequest(request, quirks), keeps), quirks), decode: decodeChatAnswer };
}

/** The quirks of a body are those of chat; thoughts have a place in responses, and its codec knows which. */
function asOther(codec: Codec, name: string, { request, quirks }: { readonly request: ModelRequest; readonly quirks: Quirks }): Call {
  const body = codec.encodeRequest(name, adaptRequest(request, { ...quirks, thoughts: "signed" }));
  return { body, decode: (chunks) => codec.decodeAnswer(chunks) };
}
