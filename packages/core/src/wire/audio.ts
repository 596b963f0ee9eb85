import { AppError } from "../error.ts";
import type { Json } from "../json.ts";
import type { Usage } from "../model.ts";
import { isObject, misfit, objectAt, stringAt, unsupported } from "./shape.ts";
import { encodeSse } from "./sse.ts";

/** A request for speech in OpenAI's format. */
export interface SpeechCall {
  readonly model: string;
  readonly text: string;
  readonly voice: string;
  readonly format?: string;
  readonly speed?: number;
  readonly instructions?: string;
  /** Sound as it is, or as server-sent events. */
  readonly delivery: "audio" | "sse";
}

/** The fields of a form that asks for a transcript, without the recording. */
export interface TranscriptCall {
  readonly model: string;
  readonly language?: string;
  readonly prompt?: string;
  readonly format: TranscriptFormat;
  readonly stream: boolean;
  /** Fields that only the model's own provider could honour. */
  readonly nativeOnly: readonly string[];
}

/** How a transcript is written. */
export type TranscriptFormat = "json" | "text" | "srt" | "verbose_json" | "vtt" | "diarized_json";

/** What was said, as it is written down; times are in seconds. */
export interface WrittenTranscript {
  readonly text: string;
  readonly language?: string;
  readonly durationS?: number;
  readonly segments?: readonly { readonly startS: number; readonly endS: number; readonly text: string }[];
  readonly usage?: Usage;
}

const FORMATS: readonly TranscriptFormat[] = ["json", "text", "srt", "verbose_json", "vtt", "diarized_json"];
const SPEEDS = { min: 0.25, max: 4 } as const;

/** Reads a client's request for speech. */
export function decodeSpeechRequest(body: unknown): SpeechCall {
  const fields = objectAt(body, "the request");
  const { response_format: format, speed, instructions, stream_format: delivery } = fields;
  if (delivery !== undefined && delivery !== null && delivery !== "audio" && delivery !== "sse")
    throw misfit("stream_format", '"audio" or "sse"', delivery);
  return {
    model: stringAt(fields.model, "model"),
    text: stringAt(fields.input, "input"),
    voice: voiceOf(fields.voice),
    ...(isGiven(format) && { format: stringAt(format, "response_format") }),
    ...(isGiven(speed) && { speed: speedOf(speed) }),
    ...(isGiven(instructions) && { instructions: stringAt(instructions, "instructions") }),
    delivery: delivery === "sse" ? "sse" : "audio",
  };
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** A name, or OpenAI's `{ id }` of a voice of one's own. */
function voiceOf(voice: unknown): string {
  return isObject(voice) ? stringAt(voice.id, "voice.id") : stringAt(voice, "voice");
}

function speedOf(value: unknown): number {
  if (typeof value === "number" && value >= SPEEDS.min && value <= SPEEDS.max) return value;
  throw misfit("speed", `a number from ${SPEEDS.min} to ${SPEEDS.max}`, value);
}

/** One piece of sound as an event, in base64. */
export function encodeSpeechDelta(audio: string): string {
  return encodeSse({ data: JSON.stringify({ type: "speech.audio.delta", audio }) });
}

/** The event that ends speech. */
export function encodeSpeechDone(usage: Usage): string {
  return encodeSse({ data: JSON.stringify({ type: "speech.audio.done", usage: tokensOf(usage) }) });
}

const GRANULARITIES = "timestamp_granularities[]";
const NATIVE_ONLY = [
  "chunking_strategy",
  "include",
  "include[]",
  "known_speaker_names",
  "known_speaker_names[]",
  "known_speaker_references",
  "known_speaker_references[]",
];

/** Reads the fields of a form that asks for a transcript: all values of each, in order. */
export function decodeTranscriptFields(fields: ReadonlyMap<string, readonly string[]>): TranscriptCall {
  const field = (name: string): string | undefined => fields.get(name)?.[0] || undefined;
  const format = field("response_format") ?? "json";
  const known = FORMATS.find((item) => item === format);
  if (known === undefined) throw misfit("response_format", FORMATS.map((item) => `"${item}"`).join(" or "), format);
  const language = field("language");
  const prompt = field("prompt");
  const model = field("model");
  if (model === undefined) throw misfit("model", "the name of a model", model);
  const wantsWords = fields.get(GRANULARITIES)?.includes("word") === true;
  return {
    model,
    ...(language !== undefined && { language }),
    ...(prompt !== undefined && { prompt }),
    format: known,
    stream: field("stream") === "true",
    nativeOnly: [
      ...NATIVE_ONLY.filter((name) => fields.has(name)),
      ...(wantsWords ? [GRANULARITIES] : []),
      ...(known === "diarized_json" ? ["response_format"] : []),
    ],
  };
}

/** Whether a format says when things were said. */
export function needsTimes(format: TranscriptFormat): boolean {
  return format === "srt" || format === "vtt" || format === "verbose_json";
}

/** Writes a transcript in one piece; `unsupported` where the format says when things were said and the transcript does not. */
export function encodeTranscript(
  transcript: WrittenTranscript,
  options: { readonly format: TranscriptFormat; readonly isTranslated: boolean },
): { readonly contentType: string; readonly text: string } {
  const { format, isTranslated } = options;
  const { text } = transcript;
  switch (format) {
    case "json":
      return json({ text, ...(transcript.usage !== undefined && { usage: usageOf(transcript.usage) }) });
    case "text":
      return { contentType: "text/plain; charset=utf-8", text: `${text}\n` };
    case "srt":
      return { contentType: "application/x-subrip; charset=utf-8", text: subtitles(timed(transcript, format), ",") };
    case "vtt":
      return { contentType: "text/vtt; charset=utf-8", text: `WEBVTT\n\n${subtitles(timed(transcript, format), ".")}` };
    case "verbose_json":
      return json(verbose(transcript, isTranslated));
    case "diarized_json":
      throw unsupported("response_format", "a format without speakers from this model", format);
  }
}

type Segment = NonNullable<WrittenTranscript["segments"]>[number];

function timed({ segments, text, durationS }: WrittenTranscript, format: TranscriptFormat): readonly Segment[] {
  if (segments !== undefined) return segments;
  if (durationS !== undefined) return [{ startS: 0, endS: durationS, text }];
  throw unsupported("response_format", '"json" or "text" from this model, which does not say when things were said', format);
}

function verbose(transcript: WrittenTranscript, isTranslated: boolean): Json {
  const segments = timed(transcript, "verbose_json");
  return {
    task: isTranslated ? "translate" : "transcribe",
    language: isTranslated ? "english" : (transcript.language ?? "unknown"),
    duration: transcript.durationS ?? segments.at(-1)?.endS ?? 0,
    text: transcript.text,
    segments: segments.map(({ startS, endS, text }, id) => ({ id, seek: 0, start: startS, end: endS, text })),
    ...(transcript.usage !== undefined && { usage: usageOf(transcript.usage) }),
  };
}

function json(value: Json): { readonly contentType: string; readonly text: string } {
  return { contentType: "application/json", text: JSON.stringify(value) };
}

/** SubRip numbers its cues and writes a comma; WebVTT (W3C, §4.1) takes numbers as names of cues, and writes a point. */
function subtitles(segments: readonly Segment[], mark: "," | "."): string {
  return segments
    .map(({ startS, endS, text }, index) => `${index + 1}\n${clock(startS, mark)} --> ${clock(endS, mark)}\n${cue(text)}\n\n`)
    .join("");
}

/** A blank line would end the cue, and an arrow would begin another's times. */
function cue(text: string): string {
  return text
    .trim()
    .replaceAll(/\s*[\r\n]+\s*/g, "\n")
    .replaceAll("-->", "->");
}

function clock(seconds: number, mark: "," | "."): string {
  const ms = Math.max(0, Math.round(seconds * 1000));
  const two = (value: number): string => String(value).padStart(2, "0");
  const whole = `${two(Math.floor(ms / 3_600_000))}:${two(Math.floor(ms / 60_000) % 60)}:${two(Math.floor(ms / 1000) % 60)}`;
  return `${whole}${mark}${String(ms % 1000).padStart(3, "0")}`;
}

/** One piece of a streamed transcript. */
export function encodeTranscriptDelta(delta: string): string {
  return encodeSse({ event: "transcript.text.delta", data: JSON.stringify({ type: "transcript.text.delta", delta }) });
}

/** The event that ends a streamed transcript. */
export function encodeTranscriptDone({ text, usage }: WrittenTranscript): string {
  const done = { type: "transcript.text.done", text, ...(usage !== undefined && { usage: usageOf(usage) }) };
  return encodeSse({ event: "transcript.text.done", data: JSON.stringify(done) });
}

/** Reads a provider's `json` or `verbose_json`. */
export function decodeTranscript(answer: unknown): WrittenTranscript {
  if (!isObject(answer) || typeof answer.text !== "string")
    throw new AppError("upstream", "wanted a transcript from the model's provider, got something else");
  const { text, language, duration, segments, usage } = answer;
  return {
    text,
    ...(typeof language === "string" && { language }),
    ...(typeof duration === "number" && { durationS: duration }),
    ...(Array.isArray(segments) && { segments: segments.flatMap(segmentOf) }),
    ...(isObject(usage) &&
      typeof usage.input_tokens === "number" && {
        usage: { inputTokens: usage.input_tokens, outputTokens: typeof usage.output_tokens === "number" ? usage.output_tokens : 0 },
      }),
  };
}

function segmentOf(item: unknown): readonly Segment[] {
  if (!isObject(item) || typeof item.start !== "number" || typeof item.end !== "number" || typeof item.text !== "string") return [];
  return [{ startS: item.start, endS: item.end, text: item.text }];
}

function usageOf(usage: Usage): Json {
  return { type: "tokens", ...tokensOf(usage) };
}

function tokensOf({ inputTokens, outputTokens }: Usage): { readonly [name: string]: Json } {
  return { input_tokens: inputTokens, output_tokens: outputTokens, total_tokens: inputTokens + outputTokens };
}
