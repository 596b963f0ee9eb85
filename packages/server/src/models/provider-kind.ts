import type { ModelPart, ModelRequest } from "@tutti/core/model";
import type { Ability } from "@tutti/core/wire";
import type { Provider, Surface } from "./provider.ts";
import type { Drawing, DrawingRequest, Embeddings, EmbeddingsRequest, Ranking, RankingRequest } from "./requests.ts";
import type { Speech, SpeechRequest, Transcript, TranscriptRequest } from "./requests.ts";
import type { Upstream } from "./upstream.ts";

export type { Ability };

/** A kind of provider. A new one is one file of `providers/` that exports one of these, and the conformance suite. */
export interface ProviderKind {
  readonly kind: string;
  /** Where its API is when the configuration does not say; without one, and without `isLocal`, the configuration has to. */
  readonly baseUrl?: string | ((provider: Provider) => string | undefined);
  /** It runs in this process: there is no upstream. */
  readonly isLocal?: true;
  /** How its key is sent, and what else every request carries, as names and values in turn. Left out: a bearer token. */
  headers?(provider: Provider): readonly string[];
  open(parts: ProviderParts): OpenProvider;
}

/** What a kind opens a provider with. `upstream` throws for kinds that are local. */
export interface ProviderParts {
  readonly provider: Provider;
  readonly upstream: Upstream;
  readonly log: (message: string) => void;
}

/**
 * A provider that can be spoken to. `name` is always what the provider calls the model. Whatever is missing, it cannot do; what fails
 * throws an `AppError` whose `cause` holds the status and `retryAfterMs` where there were any.
 */
export interface OpenProvider {
  /** The path after the base URL at which it takes a surface's own bytes; `undefined` where it does not, and the call is translated. */
  native?(surface: Surface, call: { readonly name: string; readonly stream: boolean }): string | undefined;
  /** Its chat streams tell their usage only when asked to (`stream_options`). */
  readonly asksForUsage?: boolean;
  generate?(name: string, request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelPart>;
  embed?(name: string, request: EmbeddingsRequest, signal: AbortSignal): Promise<Embeddings>;
  rank?(name: string, request: RankingRequest, signal: AbortSignal): Promise<Ranking>;
  speak?(name: string, request: SpeechRequest, signal: AbortSignal): Promise<Speech>;
  transcribe?(name: string, request: TranscriptRequest, signal: AbortSignal): Promise<Transcript>;
  draw?(name: string, request: DrawingRequest, signal: AbortSignal): Promise<Drawing>;
  /** What it serves now. */
  discover?(signal: AbortSignal): Promise<readonly ModelFacts[]>;
  /** Models on its own disk and in its own memory. */
  readonly management?: ModelManagement;
  close?(): Promise<void>;
}

/** What is known of a model; what is left out is not known. `created` is in seconds since 1970, as OpenAI has it. */
export interface ModelFacts {
  /** What the provider calls it. */
  readonly name: string;
  readonly created?: number;
  /** The weights' own digest or the provider's dated version, for pinning. */
  readonly version?: string;
  readonly contextTokens?: number;
  readonly outputTokensMax?: number;
  /** What it can be asked for. */
  readonly abilities?: readonly Ability[];
  /** Of its embeddings. */
  readonly dimensions?: number;
  readonly sizeBytes?: number;
  readonly isLoaded?: boolean;
}

/** What can be done with models that a provider keeps itself. */
export interface ModelManagement {
  /** Downloads a model; tells how far it is. */
  pull(name: string, signal: AbortSignal): AsyncIterable<PullProgress>;
  /** Into memory, for so long without a call (left out: the provider's own default). */
  load(name: string, options: { readonly keepAliveMs?: number }, signal: AbortSignal): Promise<void>;
  unload(name: string, signal: AbortSignal): Promise<void>;
  remove(name: string, signal: AbortSignal): Promise<void>;
}

/** How far a download is. */
export interface PullProgress {
  readonly status: string;
  readonly doneBytes?: number;
  readonly totalBytes?: number;
}
