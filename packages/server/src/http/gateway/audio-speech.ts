import { AppError } from "@tutti/core";
import { decodeSpeechRequest, encodeSpeechDelta, encodeSpeechDone, NO_USAGE, type SpeechCall } from "@tutti/core/wire";
import { replaceModel, type Speech } from "../../models/index.ts";
import { jsonFields, type MediaAnswer, type MediaPlace, type MediaSurface } from "./media.ts";

/** `POST /v1/audio/speech`. */
export const speechSurface: MediaSurface = {
  surface: "audio/speech",
  isUpload: false,
  read(given) {
    const { bytes } = given;
    const body = jsonFields(bytes, given.depthMax);
    const call = decodeSpeechRequest(body);
    return {
      model: call.model,
      stream: call.delivery === "sse",
      needs: ["speech"],
      bytes,
      body,
      texts: [call.text],
      withTexts: ([input]) => speechSurface.read({ ...given, bytes: Buffer.from(JSON.stringify({ ...body, input })) }),
      // A second of speech is some fifteen characters, and about twenty tokens.
      tokensAssumed: { output: Math.ceil(call.text.length * 1.5) },
      metered: { characters: call.text.length },
      named: (name) => replaceModel(bytes, name),
      translate: (place, signal) => translate(call, place, signal),
    };
  },
};

async function translate(call: SpeechCall, { open, name }: MediaPlace, signal: AbortSignal): Promise<MediaAnswer> {
  const { text, voice, format, speed, instructions, delivery } = call;
  if (open.speak === undefined) throw new AppError("unsupported", `wanted a model that speaks, got "${name}", which does not`);
  const request = {
    text,
    voice,
    ...(format !== undefined && { format }),
    ...(speed !== undefined && { speed }),
    ...(instructions !== undefined && { instructions }),
  };
  const speech = await open.speak(name, request, signal);
  const usage = (): Speech["usage"] => speech.usage;
  return delivery === "sse"
    ? { contentType: "text/event-stream; charset=utf-8", body: asEvents(speech), usage }
    : { contentType: speech.mediaType, body: speech.audio, usage };
}

async function* asEvents(speech: Speech): AsyncGenerator<string> {
  for await (const chunk of speech.audio)
    yield encodeSpeechDelta(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString("base64"));
  yield encodeSpeechDone(speech.usage ?? NO_USAGE);
}
