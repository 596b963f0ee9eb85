import type { MeteredUsage } from "@tutti/core/wire";
import type { Ability, OpenProvider, Surface } from "../../models/index.ts";
import { readObject } from "./request-body.ts";

/** A request's body as it came. */
export interface MediaBody {
  readonly bytes: Buffer;
  readonly contentType: string | undefined;
  readonly depthMax: number;
}

/** One door of the gateway that is no conversation: embeddings, rankings, sound, pictures. */
export interface MediaSurface {
  readonly surface: Surface;
  /** Whether its bodies are forms, which may be larger than JSON. */
  readonly isUpload: boolean;
  /** Reads a request; what does not fit is `invalid_input`. */
  read(body: MediaBody): MediaCall;
}

/** A request at one of these doors. */
export interface MediaCall {
  /** What the client calls the model. */
  readonly model: string;
  readonly stream: boolean;
  readonly needs: readonly Ability[];
  /** The body as it is to be sent on. */
  readonly bytes: Buffer;
  /** The body's JSON, where it is JSON. */
  readonly body?: unknown;
  /** What the model reads: guards look at it, and it is counted where nobody says what was used. */
  readonly texts: readonly string[];
  /** The same request with other texts in their places. */
  withTexts(texts: readonly string[]): MediaCall;
  /** Set aside beside the texts' own tokens until the provider has counted: for what is heard, said, written down or drawn. */
  readonly tokensAssumed?: { readonly input?: number; readonly output?: number };
  /** What the request itself says of what it will cost, in units that are not tokens. */
  readonly metered: Pick<MeteredUsage, "characters" | "images">;
  /** The same bytes with the provider's own name for the model. */
  named(name: string): Buffer;
  /** Whether this provider cannot be sent the bytes, though it speaks the surface: more inputs than it takes at once. */
  isTooLargeFor?(open: OpenProvider): boolean;
  /** Asks a provider that does not speak the surface; `unsupported` where it cannot do what is asked. */
  translate(place: MediaPlace, signal: AbortSignal): Promise<MediaAnswer>;
}

/** A provider, and what it calls the model. */
export interface MediaPlace {
  readonly open: OpenProvider;
  readonly name: string;
}

/** A translated answer. `usage` is asked for once the body has ended; `undefined` where the provider did not say. */
export interface MediaAnswer {
  readonly contentType: string;
  readonly body: AsyncIterable<string | Uint8Array>;
  usage(): MeteredUsage | undefined;
}

/** An answer that is there as a whole. */
export function wholeAnswer(contentType: string, text: string, usage: MeteredUsage | undefined): MediaAnswer {
  return { contentType, body: inOnePiece(text), usage: () => usage };
}

async function* inOnePiece(text: string): AsyncGenerator<string> {
  yield text;
}

/** The fields of a body that passes through, of which little has to be known. */
export function jsonFields(bytes: Buffer, depthMax: number): { readonly [name: string]: unknown } {
  return readObject(bytes, depthMax);
}
