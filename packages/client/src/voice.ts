import { AppError } from "@tutti/core";
import type { Transport } from "./transport.ts";

/** A recording to be written down; its type says its format ("audio/webm;codecs=opus"). */
export interface TranscriptAsked {
  readonly model: string;
  readonly recording: Blob;
}

/** A text to be spoken; at most 4,096 characters are taken by most models. */
export interface SpeechAsked {
  readonly model: string;
  readonly voice: string;
  readonly text: string;
}

/** Speech to text and back. */
export interface VoiceCalls {
  /** `POST /v1/audio/transcriptions`: what was said. */
  transcribe(asked: TranscriptAsked, signal?: AbortSignal): Promise<string>;
  /** `POST /v1/audio/speech`: the sound, as WAV. */
  speak(asked: SpeechAsked, signal: AbortSignal): Promise<Blob>;
}

/** Models may have to be loaded first, and a recording takes about as long to hear as it lasts. */
const WORK_TIMEOUT_MS = 600_000;
/** Four minutes of 16-bit stereo at 48 kHz; a piece of text is spoken in less. */
const SOUND_BYTES_MAX = 48 * 1_048_576;

/** How models know a recording's format: by the end of its name. */
const ENDINGS: ReadonlyMap<string, string> = new Map([
  ["audio/webm", "webm"],
  ["audio/mp4", "mp4"],
  ["audio/ogg", "ogg"],
  ["audio/wav", "wav"],
  ["audio/mpeg", "mp3"],
  ["audio/flac", "flac"],
]);

/** The calls over a transport. */
export function voiceCalls(transport: Transport): VoiceCalls {
  return {
    async transcribe({ model, recording }, signal) {
      const form = new FormData();
      form.set("model", model);
      form.set("file", recording, `recording.${endingOf(recording)}`);
      const request = { method: "POST", path: "/v1/audio/transcriptions", body: form, timeoutMs: WORK_TIMEOUT_MS } as const;
      const { text } = await transport.json<{ readonly text: string }>(request, signal);
      return text;
    },
    async speak({ model, voice, text }, signal) {
      const body = { model, voice, input: text, response_format: "wav" };
      const request = {
        method: "POST",
        path: "/v1/audio/speech",
        body,
        headers: { accept: "audio/*" },
        timeoutMs: WORK_TIMEOUT_MS,
      } as const;
      const sound = await transport.stream(request, signal);
      return new Response(sound.pipeThrough(bounded(SOUND_BYTES_MAX)), { headers: { "content-type": "audio/wav" } }).blob();
    },
  };
}

function endingOf({ type }: Blob): string {
  const [mediaType = ""] = type.split(";");
  const ending = ENDINGS.get(mediaType.trim().toLowerCase());
  if (ending !== undefined) return ending;
  throw new AppError("unsupported", `wanted a recording as one of ${[...ENDINGS.keys()].join(", ")}, got "${type}"`);
}

function bounded(bytesMax: number): TransformStream<Uint8Array, Uint8Array> {
  let bytes = 0;
  return new TransformStream({
    transform(chunk, controller) {
      bytes += chunk.length;
      if (bytes > bytesMax) throw new AppError("too_large", `wanted sound of at most ${bytesMax} bytes, got more; ask for a shorter text`);
      controller.enqueue(chunk);
    },
  });
}
