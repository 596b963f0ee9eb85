import { decodeEmbeddings, decodeImages, decodeRanking, decodeTranscript, usageOfMedia } from "@tutti/core/wire";
import { askBytes, askJson } from "../ask.ts";
import { embedInBatches } from "../embedding-batches.ts";
import { writeForm } from "../multipart.ts";
import type { OpenProvider } from "../provider-kind.ts";
import type { Provider, Surface } from "../provider.ts";
import type { Drawing, DrawingRequest, SpeechRequest, TranscriptRequest } from "../requests.ts";
import type { Upstream } from "../upstream.ts";

/** OpenAI takes 2,048 inputs and 300,000 tokens at once; a token is three bytes or more of almost every text. */
const BATCH = { inputsMax: 2_048, bytesMax: 750_000, inParallel: 4 } as const;

/** Where an OpenAI-shaped server takes what, and which of it. */
export interface MediaOptions {
  /** What it does not have, it cannot do. */
  readonly surfaces: ReadonlySet<Surface>;
  /** Left out: the surface's own name. Azure puts the deployment before it. */
  readonly path?: (surface: Surface, name: string) => string;
}

type Media = Pick<OpenProvider, "embed" | "rank" | "speak" | "transcribe" | "draw">;

/** Everything but chat, of any server that speaks OpenAI's protocol; to be spread into a kind's `OpenProvider`. */
export function openAiMedia(upstream: Upstream, { surfaces, path = (surface) => `/${surface}` }: MediaOptions): Media {
  return {
    ...(surfaces.has("embeddings") && embedding(upstream, path)),
    ...(surfaces.has("rerank") && ranking(upstream, path)),
    ...(surfaces.has("audio/speech") && speaking(upstream, path)),
    ...(surfaces.has("audio/transcriptions") && transcribing(upstream, path)),
    ...(surfaces.has("images/generations") && drawing(upstream, path)),
  };
}

type PathOf = NonNullable<MediaOptions["path"]>;

function embedding(upstream: Upstream, path: PathOf): Pick<Media, "embed"> {
  const bounds = { ...BATCH, inputsMax: inputsMaxOf(upstream.provider) };
  return {
    embed: (name, { inputs, dimensions }, signal) =>
      embedInBatches(inputs, bounds, async (input) => {
        const body = { model: name, input, ...(dimensions !== undefined && { dimensions }) };
        return decodeEmbeddings(await askJson(upstream, { path: path("embeddings", name), body }, signal), input.length);
      }),
  };
}

/** The configuration's `options.embeddingInputsMax`, for servers that take fewer at once. */
function inputsMaxOf({ options }: Provider): number {
  const given = options?.["embeddingInputsMax"];
  return typeof given === "number" && Number.isInteger(given) && given >= 1 ? Math.min(given, BATCH.inputsMax) : BATCH.inputsMax;
}

function ranking(upstream: Upstream, path: PathOf): Pick<Media, "rank"> {
  return {
    async rank(name, { query, documents, top }, signal) {
      const body = { model: name, query, documents, ...(top !== undefined && { top_n: top }) };
      return decodeRanking(await askJson(upstream, { path: path("rerank", name), body }, signal), documents.length);
    },
  };
}

function speaking(upstream: Upstream, path: PathOf): Pick<Media, "speak"> {
  return {
    async speak(name, request, signal) {
      const { bytes, contentType } = await askBytes(
        upstream,
        { path: path("audio/speech", name), body: speechBody(name, request) },
        signal,
      );
      return { mediaType: contentType, audio: inOnePiece(bytes) };
    },
  };
}

function speechBody(name: string, { text, voice, format, speed, instructions }: SpeechRequest): object {
  return {
    model: name,
    input: text,
    voice,
    ...(format !== undefined && { response_format: format }),
    ...(speed !== undefined && { speed }),
    ...(instructions !== undefined && { instructions }),
  };
}

async function* inOnePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function transcribing(upstream: Upstream, path: PathOf): Pick<Media, "transcribe"> {
  return {
    async transcribe(name, request, signal) {
      const { bytes, contentType } = await writeForm(transcriptForm(name, request));
      const surface: Surface = request.isTranslated === true ? "audio/translations" : "audio/transcriptions";
      const asked = { path: path(surface, name), headers: ["content-type", contentType], body: bytes };
      return decodeTranscript(await askJson(upstream, asked, signal));
    },
  };
}

function transcriptForm(name: string, request: TranscriptRequest): FormData {
  const { audio, fileName, mediaType, language, prompt, isTranslated, wantsTimes } = request;
  const form = new FormData();
  form.append("file", new File([audio as Uint8Array<ArrayBuffer>], fileName, { type: mediaType }));
  form.append("model", name);
  form.append("response_format", wantsTimes === true ? "verbose_json" : "json");
  if (language !== undefined && isTranslated !== true) form.append("language", language);
  if (prompt !== undefined) form.append("prompt", prompt);
  return form;
}

function drawing(upstream: Upstream, path: PathOf): Pick<Media, "draw"> {
  return {
    async draw(name, request, signal) {
      const answer = await askJson(upstream, { path: path("images/generations", name), body: drawingBody(name, request) }, signal);
      const { inputTokens, outputTokens } = usageOfMedia(answer);
      const images: Drawing["images"] = decodeImages(answer, `image/${request.format ?? "png"}`);
      return inputTokens + outputTokens === 0 ? { images } : { images, usage: { inputTokens, outputTokens } };
    },
  };
}

function drawingBody(name: string, { prompt, count, size, quality, background, format }: DrawingRequest): object {
  return {
    model: name,
    prompt,
    n: count,
    ...(size !== undefined && { size }),
    ...(quality !== undefined && { quality }),
    ...(background !== undefined && { background }),
    ...(format !== undefined && { output_format: format }),
  };
}
