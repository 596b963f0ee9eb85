import { createHash } from "node:crypto";
import type { z } from "zod";
import type { EDIT, EMBEDDINGS, IMAGES, MODERATION, RERANK, SPEECH, TRANSCRIPT } from "./media-checks.ts";

/** An answer of the stand-in: JSON, or pieces of another type. */
export interface MediaReply {
  readonly contentType: string;
  readonly pieces: readonly (string | Uint8Array)[];
  /** After its pieces it falls silent, and does not end. */
  readonly isEndless?: boolean;
}

const DIMENSIONS = 8;

/** JSON in one piece. */
function json(value: unknown): MediaReply {
  return { contentType: "application/json", pieces: [JSON.stringify(value)] };
}

function events(items: readonly { readonly type: string }[]): MediaReply {
  return {
    contentType: "text/event-stream; charset=utf-8",
    pieces: items.map((item) => `event: ${item.type}\ndata: ${JSON.stringify(item)}\n\n`),
  };
}

/** Words count as tokens. */
function words(text: string): number {
  return text.split(/\s+/).filter((word) => word !== "").length;
}

/** A vector that follows from the text, of length 1. */
export function vectorOf(text: string, dimensions = DIMENSIONS): readonly number[] {
  const bytes = createHash("sha512").update(text).digest();
  const raw = Array.from({ length: dimensions }, (_, index) => bytes.readInt8(index % bytes.length) || 1);
  const length = Math.hypot(...raw);
  return raw.map((value) => Math.fround(value / length));
}

/** The vectors of a request. */
export function embeddingsReply(body: z.infer<typeof EMBEDDINGS>): MediaReply {
  const inputs = textsOf(body.input);
  const tokens = inputs.reduce((sum, input) => sum + words(input), 0);
  const data = inputs.map((input, index) => {
    const vector = vectorOf(input, body.dimensions);
    const embedding = body.encoding_format === "base64" ? Buffer.from(Float32Array.from(vector).buffer).toString("base64") : vector;
    return { object: "embedding", index, embedding };
  });
  return json({ object: "list", data, model: body.model, usage: { prompt_tokens: tokens, total_tokens: tokens } });
}

function textsOf(input: z.infer<typeof EMBEDDINGS>["input"]): readonly string[] {
  if (typeof input === "string") return [input];
  if (input.every((item) => typeof item === "number")) return [input.join(" ")];
  return input.map((item) => (Array.isArray(item) ? item.join(" ") : String(item)));
}

/** Documents by the words that they share with the query. */
export function rerankReply(body: z.infer<typeof RERANK>): MediaReply {
  const asked = new Set(body.query.toLowerCase().split(/\W+/));
  const scored = body.documents.map((document, index) => {
    const text = typeof document === "string" ? document : document.text;
    const found = text.toLowerCase().split(/\W+/);
    const score = found.filter((word) => asked.has(word)).length / Math.max(1, found.length);
    return { index, relevance_score: score, ...(body.return_documents === true && { document: { text } }) };
  });
  const results = scored.toSorted((a, b) => b.relevance_score - a.relevance_score).slice(0, body.top_n);
  const meta = { api_version: { version: "2" }, billed_units: { search_units: 1 } };
  return json({ id: "rerank-stand-in", results, meta, usage: { total_tokens: 12 } });
}

/** A voice that never comes to an end. */
export const ENDLESS_VOICE = "endless";

/** Sound that says in plain text what was asked for. */
export function speechReply(body: z.infer<typeof SPEECH>): MediaReply {
  const format = body.response_format ?? "mp3";
  const said = Buffer.from(`[${format} ${JSON.stringify(body.voice)}] ${body.input}`);
  const sound = format === "wav" ? silence(said) : said;
  const middle = Math.floor(sound.length / 2);
  const halves = [sound.subarray(0, middle), sound.subarray(middle)];
  if (body.stream_format !== "sse")
    return { isEndless: body.voice === ENDLESS_VOICE, contentType: `audio/${format === "mp3" ? "mpeg" : format}`, pieces: halves };
  const usage = { input_tokens: words(body.input), output_tokens: sound.length, total_tokens: words(body.input) + sound.length };
  const deltas = halves.map((half) => ({ type: "speech.audio.delta", audio: half.toString("base64") }));
  return events([...deltas, { type: "speech.audio.done", usage } as { readonly type: string }]);
}

const SAMPLES_PER_SECOND = 8_000;
const SILENCE_BYTES = 2_000;

/** A quarter of a second that a browser can play, with a text in a chunk of its own (RIFF: every chunk has an even length). */
function silence(said: Buffer): Buffer {
  const format = Buffer.alloc(16);
  format.writeUInt16LE(1, 0);
  format.writeUInt16LE(1, 2);
  format.writeUInt32LE(SAMPLES_PER_SECOND, 4);
  format.writeUInt32LE(SAMPLES_PER_SECOND, 8);
  format.writeUInt16LE(1, 12);
  format.writeUInt16LE(8, 14);
  const chunks = [riffChunk("fmt ", format), riffChunk("data", Buffer.alloc(SILENCE_BYTES, 128)), riffChunk("note", said)];
  return riffChunk("RIFF", Buffer.concat([Buffer.from("WAVE"), ...chunks]));
}

function riffChunk(id: string, content: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(content.length);
  return Buffer.concat([Buffer.from(id), length, content, Buffer.alloc(content.length % 2)]);
}

/** What the stand-in heard: the file's name and its first bytes. */
export function transcriptReply(
  body: z.infer<typeof TRANSCRIPT>,
  file: { readonly name: string; readonly bytes: Buffer },
  task: string,
): MediaReply {
  const text = `${task} of ${file.name}: ${file.bytes.toString("latin1", 0, 40)}`;
  const usage = {
    type: "tokens",
    input_tokens: file.bytes.length,
    output_tokens: words(text),
    total_tokens: file.bytes.length + words(text),
  };
  if (body.stream === "true") {
    const deltas = text.split(/(?<= )/).map((delta) => ({ type: "transcript.text.delta", delta }));
    return events([...deltas, { type: "transcript.text.done", text, usage } as { readonly type: string }]);
  }
  switch (body.response_format) {
    case "text":
      return { contentType: "text/plain; charset=utf-8", pieces: [`${text}\n`] };
    case "srt":
      return { contentType: "text/plain; charset=utf-8", pieces: [`1\n00:00:00,000 --> 00:00:01,500\n${text}\n\n`] };
    case "vtt":
      return { contentType: "text/plain; charset=utf-8", pieces: [`WEBVTT\n\n00:00.000 --> 00:01.500\n${text}\n\n`] };
    case "verbose_json":
      return json({ ...verbose(task, text), usage: { type: "duration", seconds: 2 } });
    case "json":
    case undefined:
      return json({ text, usage });
  }
}

function verbose(task: string, text: string): object {
  return { task, language: "english", duration: 1.5, text, segments: [{ id: 0, seek: 0, start: 0, end: 1.5, text }] };
}

const IMAGE_USAGE = { input_tokens: 5, output_tokens: 100, total_tokens: 105, input_tokens_details: { text_tokens: 5, image_tokens: 0 } };

/** Pictures that are the prompt in base64. */
export function imagesReply(body: z.infer<typeof IMAGES>): MediaReply {
  const picture = Buffer.from(body.prompt).toString("base64");
  if (body.stream === true) {
    const partials = Array.from({ length: body.partial_images ?? 0 }, (_, index) => ({
      type: "image_generation.partial_image",
      b64_json: picture,
      partial_image_index: index,
    }));
    return events([
      ...partials,
      { type: "image_generation.completed", b64_json: picture, usage: IMAGE_USAGE } as { readonly type: string },
    ]);
  }
  const image = body.response_format === "url" ? { url: "https://pictures.test/1.png" } : { b64_json: picture };
  return json({ created: 1_700_000_000, data: Array.from({ length: body.n ?? 1 }, () => image), usage: IMAGE_USAGE });
}

/** The picture that was sent, back. */
export function editReply(body: z.infer<typeof EDIT>, file: { readonly bytes: Buffer }): MediaReply {
  return json({
    created: 1_700_000_000,
    data: [{ b64_json: file.bytes.toString("base64"), revised_prompt: body.prompt }],
    usage: IMAGE_USAGE,
  });
}

/** Nothing is harmful here. */
export function moderationReply(body: z.infer<typeof MODERATION>): MediaReply {
  const count = Array.isArray(body.input) ? body.input.length : 1;
  const results = Array.from({ length: count }, () => ({ flagged: false, categories: {}, category_scores: {} }));
  return json({ id: "modr-stand-in", model: body.model ?? "omni-moderation-latest", results });
}
