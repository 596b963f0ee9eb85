import { AppError } from "@tutti/core";
import { decodeImagesRequest, encodeImageEvents, encodeImages, type ImagesCall } from "@tutti/core/wire";
import { fieldOf, readForm, replaceField, replaceModel, type DrawingRequest } from "../../models/index.ts";
import { jsonFields, wholeAnswer, type MediaAnswer, type MediaBody, type MediaCall, type MediaPlace, type MediaSurface } from "./media.ts";

/** What OpenAI's models use for a picture of high quality. */
const PICTURE_TOKENS = 4_160;

/** `POST /v1/images/generations`. */
export const imagesSurface: MediaSurface = {
  surface: "images/generations",
  isUpload: false,
  read(given) {
    const { bytes } = given;
    const body = jsonFields(bytes, given.depthMax);
    const call = decodeImagesRequest(body);
    return {
      model: call.model,
      stream: call.stream,
      needs: ["images"],
      bytes,
      body,
      texts: [call.prompt],
      withTexts: ([prompt]) => imagesSurface.read({ ...given, bytes: Buffer.from(JSON.stringify({ ...body, prompt })) }),
      metered: { images: call.count },
      tokensAssumed: { output: call.count * PICTURE_TOKENS },
      named: (name) => replaceModel(bytes, name),
      translate: (place, signal) => translate(call, place, signal),
    };
  },
};

async function translate(call: ImagesCall, { open, name }: MediaPlace, signal: AbortSignal): Promise<MediaAnswer> {
  if (open.draw === undefined) throw new AppError("unsupported", `wanted a model that draws, got "${name}", which does not`);
  const { prompt, count, size, quality, background, format, stream } = call;
  const request: DrawingRequest = {
    prompt,
    count,
    ...(size !== undefined && { size }),
    ...(quality !== undefined && { quality }),
    ...(background !== undefined && { background }),
    ...(format !== undefined && { format }),
  };
  const drawn = await open.draw(name, request, signal);
  const head = { call, createdAt: Math.floor(Date.now() / 1000) };
  const metered = { inputTokens: 0, outputTokens: 0, ...drawn.usage, images: drawn.images.length };
  return stream
    ? wholeAnswer("text/event-stream; charset=utf-8", encodeImageEvents(drawn, head), metered)
    : wholeAnswer("application/json", JSON.stringify(encodeImages(drawn, head)), metered);
}

/** `POST /v1/images/edits`: a form, or JSON that names pictures; it passes through to providers that have it, and to no others. */
export const imageEditsSurface: MediaSurface = {
  surface: "images/edits",
  isUpload: true,
  read: (body) => (body.contentType?.toLowerCase().startsWith("application/json") === true ? readJsonEdit(body) : readFormEdit(body)),
};

function readJsonEdit(given: MediaBody): MediaCall {
  const { bytes, depthMax } = given;
  const body = jsonFields(bytes, depthMax);
  const { model, prompt, stream } = body;
  return edit({
    model,
    prompt,
    stream: stream === true,
    bytes,
    named: (name) => replaceModel(bytes, name),
    prompted: (text) => readJsonEdit({ ...given, bytes: Buffer.from(JSON.stringify({ ...body, prompt: text })) }),
  });
}

function readFormEdit(given: MediaBody): MediaCall {
  const form = readForm(given.bytes, given.contentType);
  return edit({
    model: fieldOf(form, "model"),
    prompt: fieldOf(form, "prompt"),
    stream: fieldOf(form, "stream") === "true",
    bytes: given.bytes,
    named: (name) => replaceField(form, "model", name),
    prompted: (text) => readFormEdit({ ...given, bytes: replaceField(form, "prompt", text) }),
  });
}

function edit(call: {
  readonly model: unknown;
  readonly prompt: unknown;
  readonly stream: boolean;
  readonly bytes: Buffer;
  readonly named: (name: string) => Buffer;
  readonly prompted: (text: string) => MediaCall;
}): MediaCall {
  const { model, prompt, stream, bytes, named, prompted } = call;
  if (typeof model !== "string" || model === "")
    throw new AppError("invalid_input", "model: wanted the name of a model that edits pictures, got none", { cause: { param: "model" } });
  return {
    model,
    stream,
    needs: ["images"],
    bytes,
    texts: typeof prompt === "string" ? [prompt] : [],
    withTexts: ([text = ""]) => prompted(text),
    metered: {},
    tokensAssumed: { output: PICTURE_TOKENS },
    named,
    translate: ({ name }) =>
      Promise.reject(new AppError("unsupported", `wanted a model whose provider edits pictures, got "${name}", whose provider does not`)),
  };
}
