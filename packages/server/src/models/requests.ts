import type { Media, Usage } from "@tutti/core/model";

/** Texts to embed. `dimensions`: shorter vectors, from models that can. */
export interface EmbeddingsRequest {
  readonly inputs: readonly string[];
  readonly dimensions?: number;
  /** Some models embed questions and documents differently. */
  readonly purpose?: "query" | "document";
}

/** One vector an input, in the inputs' order. */
export interface Embeddings {
  readonly vectors: readonly (Float32Array | readonly number[])[];
  readonly usage: Usage;
}

/** Documents to put in order of what they have to do with a question. */
export interface RankingRequest {
  readonly query: string;
  readonly documents: readonly string[];
  /** Left out: all of them. */
  readonly top?: number;
}

/** The best first; `index` is a document's place in the request, `score` from 0 (nothing to do with it) to 1. */
export interface Ranking {
  readonly results: readonly { readonly index: number; readonly score: number }[];
  readonly usage: Usage;
}

/** A text to be spoken. `format` is OpenAI's name: "mp3", "wav", "pcm" … */
export interface SpeechRequest {
  readonly text: string;
  readonly voice: string;
  readonly format?: string;
  readonly speed?: number;
  readonly instructions?: string;
}

/** Sound, as it comes. */
export interface Speech {
  readonly mediaType: string;
  readonly audio: AsyncIterable<Uint8Array>;
  readonly usage?: Usage;
}

/** A recording to be written down, in its own language or (`isTranslated`) in English. */
export interface TranscriptRequest {
  readonly audio: Uint8Array;
  readonly fileName: string;
  readonly mediaType: string;
  readonly language?: string;
  readonly prompt?: string;
  readonly isTranslated?: boolean;
  /** Segments are needed, with their times; who cannot give them throws `unsupported`. */
  readonly wantsTimes?: boolean;
}

/** What was said. Times are in seconds from the beginning. */
export interface Transcript {
  readonly text: string;
  readonly language?: string;
  readonly durationS?: number;
  readonly segments?: readonly { readonly startS: number; readonly endS: number; readonly text: string }[];
  readonly usage?: Usage;
}

/** A picture to be made. `size` is OpenAI's "1024x1024". */
export interface DrawingRequest {
  readonly prompt: string;
  readonly count: number;
  readonly size?: string;
  readonly quality?: string;
  readonly background?: string;
  readonly format?: "png" | "jpeg" | "webp";
}

/** The pictures. */
export interface Drawing {
  readonly images: readonly Media[];
  readonly usage?: Usage;
}
