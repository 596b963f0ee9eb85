import { AppError } from "../error.ts";
import type { Json } from "../json.ts";
import type { Media, Usage } from "../model.ts";
import { encodeSse } from "./sse.ts";
import { flagAt, isObject, misfit, objectAt, stringAt, unsupported } from "./shape.ts";

/** A request for pictures in OpenAI's format. */
export interface ImagesCall {
  readonly model: string;
  readonly prompt: string;
  readonly count: number;
  readonly size?: string;
  readonly quality?: string;
  readonly background?: string;
  readonly format?: "png" | "jpeg" | "webp";
  /** Left out: whichever the provider gives. */
  readonly delivery?: "url" | "b64_json";
  readonly stream: boolean;
}

/** Pictures, and what they cost. */
export interface DrawnImages {
  readonly images: readonly Media[];
  readonly usage?: Usage;
}

const COUNT_MAX = 10;
const AUTO = "auto";

/** Reads a client's request. */
export function decodeImagesRequest(body: unknown): ImagesCall {
  const fields = objectAt(body, "the request");
  const size = wordAt(fields.size, "size");
  const quality = wordAt(fields.quality, "quality");
  const background = wordAt(fields.background, "background");
  const format = oneOf(fields.output_format, "output_format", ["png", "jpeg", "webp"]);
  const delivery = oneOf(fields.response_format, "response_format", ["url", "b64_json"]);
  return {
    model: stringAt(fields.model, "model"),
    prompt: stringAt(fields.prompt, "prompt"),
    count: countAt(fields.n),
    ...(size !== undefined && { size }),
    ...(quality !== undefined && { quality }),
    ...(background !== undefined && { background }),
    ...(format !== undefined && { format }),
    ...(delivery !== undefined && { delivery }),
    stream: flagAt(fields.stream, "stream"),
  };
}

/** "auto" is what holds without the field. */
function wordAt(value: unknown, path: string): string | undefined {
  if (value === undefined || value === null || value === AUTO) return undefined;
  return stringAt(value, path);
}

function oneOf<T extends string>(value: unknown, path: string, known: readonly T[]): T | undefined {
  if (value === undefined || value === null) return undefined;
  const found = known.find((item) => item === value);
  if (found !== undefined) return found;
  throw misfit(path, known.map((item) => `"${item}"`).join(" or "), value);
}

function countAt(value: unknown): number {
  if (value === undefined || value === null) return 1;
  if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= COUNT_MAX) return value;
  throw misfit("n", `a whole number from 1 to ${COUNT_MAX}`, value);
}

/** Writes an answer in one piece. */
export function encodeImages(drawn: DrawnImages, head: { readonly call: ImagesCall; readonly createdAt: number }): Json {
  const { call, createdAt } = head;
  return { created: createdAt, data: drawn.images.map((image) => imageOf(image, call)), ...looksOf(call), ...usageField(drawn.usage) };
}

/** Writes an answer to a client that asked for a stream: every picture as one finished event; nobody here sees half a picture. */
export function encodeImageEvents(drawn: DrawnImages, head: { readonly call: ImagesCall; readonly createdAt: number }): string {
  const { call, createdAt } = head;
  const events = drawn.images.map((image, index) => {
    const type = "image_generation.completed";
    // The usage is of all pictures together; it is said once.
    const usage = index === drawn.images.length - 1 ? usageField(drawn.usage) : {};
    const picture = imageOf(image, { ...call, delivery: "b64_json" });
    return encodeSse({
      event: type,
      data: JSON.stringify({ type, ...(picture as object), created_at: createdAt, ...looksOf(call), ...usage }),
    });
  });
  return events.join("");
}

function looksOf({ size, quality, background, format }: ImagesCall): { readonly [name: string]: Json } {
  return {
    ...(size !== undefined && { size }),
    ...(quality !== undefined && { quality }),
    ...(background !== undefined && { background }),
    ...(format !== undefined && { output_format: format }),
  };
}

function imageOf(image: Media, { delivery }: ImagesCall): Json {
  if ("data" in image) return delivery === "url" ? { url: `data:${image.mediaType};base64,${image.data}` } : { b64_json: image.data };
  if (!("url" in image)) throw new AppError("upstream", "wanted a picture from the model's provider, got the id of a file there");
  const inline = /^data:[^,]*;base64,(.*)$/s.exec(image.url);
  if (delivery === "b64_json" && inline === null)
    throw unsupported("response_format", '"url" from this model, whose provider keeps the pictures', delivery);
  return delivery === "b64_json" ? { b64_json: inline?.[1] ?? "" } : { url: image.url };
}

function usageField(usage: Usage | undefined): { readonly usage?: Json } {
  if (usage === undefined) return {};
  const { inputTokens, outputTokens } = usage;
  return {
    usage: {
      input_tokens: inputTokens,
      output_tokens: outputTokens,
      total_tokens: inputTokens + outputTokens,
      input_tokens_details: { text_tokens: inputTokens, image_tokens: 0 },
    },
  };
}

/** Reads a provider's answer. */
export function decodeImages(answer: unknown, mediaType: string): readonly Media[] {
  const data = isObject(answer) && Array.isArray(answer.data) ? (answer.data as readonly unknown[]) : [];
  const images = data.flatMap((item): readonly Media[] => {
    if (!isObject(item)) return [];
    if (typeof item.b64_json === "string") return [{ data: item.b64_json, mediaType }];
    return typeof item.url === "string" ? [{ url: item.url }] : [];
  });
  if (images.length > 0) return images;
  throw new AppError("upstream", "wanted pictures from the model's provider, got none");
}
