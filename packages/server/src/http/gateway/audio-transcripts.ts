import { AppError } from "@tutti/core";
import { collect, type ModelPart } from "@tutti/core/model";
import {
  decodeTranscriptFields,
  encodeTranscript,
  encodeTranscriptDelta,
  encodeTranscriptDone,
  needsTimes,
  type TranscriptCall,
} from "@tutti/core/wire";
import {
  readForm,
  replaceField,
  transcribeByChat,
  valueOf,
  type Form,
  type Surface,
  type Transcript,
  type TranscriptRequest,
} from "../../models/index.ts";
import { wholeAnswer, type MediaAnswer, type MediaPlace, type MediaSurface } from "./media.ts";

/** `POST /v1/audio/transcriptions`. */
export const transcriptionsSurface: MediaSurface = transcriptSurface("audio/transcriptions");

/** `POST /v1/audio/translations`: into English. */
export const translationsSurface: MediaSurface = transcriptSurface("audio/translations");

const BYTES_PER_TOKEN = 1_600;
const SSE = "text/event-stream; charset=utf-8";

function transcriptSurface(surface: Surface): MediaSurface {
  const isTranslated = surface === "audio/translations";
  const surfaceOf: MediaSurface = {
    surface,
    isUpload: true,
    read(given) {
      const { bytes } = given;
      const form = readForm(bytes, given.contentType);
      const call = decodeTranscriptFields(fieldsIn(form));
      const request = recordingIn(form, call, isTranslated);
      return {
        model: call.model,
        // OpenAI's translations do not stream.
        stream: call.stream && !isTranslated,
        // A chat model that takes sound will do, so no one ability is asked for.
        needs: [],
        bytes,
        texts: call.prompt === undefined ? [] : [call.prompt],
        withTexts: ([prompt = ""]) => surfaceOf.read({ ...given, bytes: replaceField(form, "prompt", prompt) }),
        // Sound is heard at about ten tokens a second, of 16 kilobytes or less, and written down in fewer.
        tokensAssumed: { input: Math.ceil(bytes.length / BYTES_PER_TOKEN), output: Math.ceil(bytes.length / BYTES_PER_TOKEN) },
        metered: {},
        named: (name) => replaceField(form, "model", name),
        translate: (place, signal) => translate({ ...call, stream: call.stream && !isTranslated, request }, place, signal),
      };
    },
  };
  return surfaceOf;
}

function fieldsIn(form: Form): ReadonlyMap<string, readonly string[]> {
  const fields = new Map<string, string[]>();
  for (const part of form.parts) {
    if (part.fileName !== undefined) continue;
    fields.set(part.name, [...(fields.get(part.name) ?? []), valueOf(form, part).toString("utf8")]);
  }
  return fields;
}

function recordingIn(form: Form, { format, language, prompt }: TranscriptCall, isTranslated: boolean): TranscriptRequest {
  const file = form.parts.find(({ name }) => name === "file");
  if (file?.fileName === undefined)
    throw new AppError("invalid_input", "file: wanted a recording, got none; send one as the form's `file`", { cause: { param: "file" } });
  return {
    audio: valueOf(form, file),
    fileName: file.fileName,
    mediaType: mediaTypeOf(file.mediaType, file.fileName),
    ...(language !== undefined && { language }),
    ...(prompt !== undefined && { prompt }),
    ...(isTranslated && { isTranslated }),
    ...(needsTimes(format) && { wantsTimes: true }),
  };
}

/** By the ends of names that OpenAI takes. */
const MEDIA_TYPES: ReadonlyMap<string, string> = new Map([
  ["flac", "audio/flac"],
  ["mp3", "audio/mpeg"],
  ["mpga", "audio/mpeg"],
  ["mpeg", "audio/mpeg"],
  ["mp4", "audio/mp4"],
  ["m4a", "audio/mp4"],
  ["ogg", "audio/ogg"],
  ["oga", "audio/ogg"],
  ["wav", "audio/wav"],
  ["webm", "audio/webm"],
]);

/** Many clients send "application/octet-stream" for whatever they do not know. */
function mediaTypeOf(given: string | undefined, fileName: string): string {
  const byName = MEDIA_TYPES.get(fileName.slice(fileName.lastIndexOf(".") + 1).toLowerCase());
  const isVague = given === undefined || given === "" || given === "application/octet-stream";
  return isVague ? (byName ?? "audio/wav") : given;
}

type Asked = TranscriptCall & { readonly request: TranscriptRequest };

async function translate(call: Asked, place: MediaPlace, signal: AbortSignal): Promise<MediaAnswer> {
  const [field] = call.nativeOnly;
  if (field !== undefined)
    throw new AppError(
      "unsupported",
      `${field}: wanted nothing that only OpenAI's own models can do, got it for "${place.name}"; leave it out`,
      {
        cause: { param: field },
      },
    );
  const { open, name } = place;
  if (open.transcribe !== undefined) return answerWith(call, await open.transcribe(name, call.request, signal));
  if (open.generate === undefined) throw new AppError("unsupported", `wanted a model that takes sound, got "${name}", which does not`);
  if (call.request.wantsTimes === true)
    throw new AppError(
      "unsupported",
      `response_format: wanted "json" or "text" of the chat model "${name}", which does not say when things were said, got "${call.format}"`,
      { cause: { param: "response_format" } },
    );
  const parts = transcribeByChat(open.generate.bind(open), { name, request: call.request }, signal);
  if (call.stream) return streamOf(parts);
  const { content, usage } = await collect(parts);
  return answerWith(call, { text: content.trim(), usage });
}

function answerWith({ format, stream, request }: Asked, transcript: Transcript): MediaAnswer {
  if (stream) return wholeAnswer(SSE, `${encodeTranscriptDelta(transcript.text)}${encodeTranscriptDone(transcript)}`, transcript.usage);
  const { contentType, text } = encodeTranscript(transcript, { format, isTranslated: request.isTranslated === true });
  return wholeAnswer(contentType, text, { inputTokens: 0, outputTokens: 0, ...transcript.usage, ...secondsOf(transcript) });
}

function secondsOf({ durationS }: Transcript): { readonly seconds?: number } {
  return durationS === undefined ? {} : { seconds: durationS };
}

/** A chat model's answer, word by word as it comes. */
function streamOf(parts: AsyncIterable<ModelPart>): MediaAnswer {
  let usage: Transcript["usage"];
  const body = async function* (): AsyncGenerator<string> {
    let text = "";
    for await (const part of parts) {
      if (part.type === "text") {
        text += part.text;
        yield encodeTranscriptDelta(part.text);
      } else if (part.type === "finish") ({ usage } = part);
    }
    if (usage === undefined) throw new AppError("upstream", "wanted a finished transcript, got a stream that ended; try again");
    yield encodeTranscriptDone({ text, usage });
  };
  return { contentType: SSE, body: body(), usage: () => usage };
}
