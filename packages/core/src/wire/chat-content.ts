import type { Json } from "../json.ts";
import type { ContentPart, Media } from "../model.ts";
import { misfit, objectAt, optionalStringAt, stringAt, unsupported, type JsonObject } from "./shape.ts";

/** What a turn holds: its text, and its parts where it holds more than plain text. */
export interface Content {
  readonly content: string;
  readonly parts?: readonly ContentPart[];
}

/** The content of a turn that consists of these parts. */
export function contentOf(parts: readonly ContentPart[]): Content {
  const content = parts.map((part) => (part.type === "text" || part.type === "refusal" ? part.text : "")).join("");
  return parts.every((part) => part.type === "text" && part.citations === undefined) ? { content } : { content, parts };
}

/** The parts of a turn, whether it has any beside its text or not. */
export function partsOf({ content, parts }: Content): readonly ContentPart[] {
  return parts ?? (content === "" ? [] : [{ type: "text", text: content }]);
}

/** Reads `content`: a text, or an array of parts. */
export function decodeContent(value: unknown, path: string): readonly ContentPart[] {
  if (typeof value === "string") return value === "" ? [] : [{ type: "text", text: value }];
  if (!Array.isArray(value)) throw misfit(path, "a string or an array of parts", value);
  return value.map((part, index) => decodePart(part, `${path}[${index}]`));
}

function decodePart(value: unknown, path: string): ContentPart {
  const part = objectAt(value, path);
  const type = stringAt(part.type, `${path}.type`);
  switch (type) {
    case "text":
      return { type: "text", text: stringAt(part.text, `${path}.text`) };
    case "refusal":
      return { type: "refusal", text: stringAt(part.refusal, `${path}.refusal`) };
    case "image_url":
      return decodeImage(objectAt(part.image_url, `${path}.image_url`), `${path}.image_url`);
    case "input_audio":
      return decodeAudio(objectAt(part.input_audio, `${path}.input_audio`), `${path}.input_audio`);
    case "file":
      return decodeFile(objectAt(part.file, `${path}.file`), `${path}.file`);
    default:
      throw unsupported(`${path}.type`, `"text", "image_url", "input_audio", "file" or "refusal"`, type);
  }
}

function decodeImage(image: JsonObject, path: string): ContentPart {
  const media = mediaOfUrl(stringAt(image.url, `${path}.url`));
  const { detail } = image;
  if (detail === "auto" || detail === "low" || detail === "high") return { type: "image", media, detail };
  // "original" is the newest name for as much detail as there is; only OpenAI's newest models tell it from "high".
  return detail === "original" ? { type: "image", media, detail: "high" } : { type: "image", media };
}

function decodeAudio(audio: JsonObject, path: string): ContentPart {
  const format = stringAt(audio.format, `${path}.format`);
  return { type: "audio", media: { data: stringAt(audio.data, `${path}.data`), mediaType: audioTypeOf(format) } };
}

function decodeFile(file: JsonObject, path: string): ContentPart {
  const name = optionalStringAt(file.filename, `${path}.filename`);
  const fileId = optionalStringAt(file.file_id, `${path}.file_id`);
  const named = name === undefined ? {} : { name };
  if (fileId !== undefined) return { type: "file", media: { fileId }, ...named };
  const data = stringAt(file.file_data, `${path}.file_data`);
  if (/^(?:data|https?):/i.test(data)) return { type: "file", media: mediaOfUrl(data), ...named };
  return { type: "file", media: { data, mediaType: fileTypeOf(name) }, ...named };
}

/** Writes parts as `content`: a text if they are nothing else, else an array. */
export function encodeContent(parts: readonly ContentPart[]): Json {
  if (parts.every((part) => part.type === "text")) return contentOf(parts).content;
  return parts.map(encodePart);
}

function encodePart(part: ContentPart): Json {
  switch (part.type) {
    case "text":
      return { type: "text", text: part.text };
    case "refusal":
      return { type: "refusal", refusal: part.text };
    case "image": {
      const { media, detail } = part;
      if ("fileId" in media) throw cannotCarry("images as data or links", "the id of an uploaded file");
      return { type: "image_url", image_url: { url: urlOfMedia(media), ...(detail !== undefined && { detail }) } };
    }
    case "audio":
      if (!("data" in part.media)) throw cannotCarry("sounds as data", "a link or the id of a file");
      return { type: "input_audio", input_audio: { data: part.media.data, format: audioFormatOf(part.media.mediaType) } };
    case "file":
      return { type: "file", file: encodeFile(part.media, part.name) };
    case "reasoning":
      throw cannotCarry("thoughts in the model's own turns", "one elsewhere");
  }
}

function encodeFile(media: Media, name: string | undefined): Json {
  const named = name === undefined ? {} : { filename: name };
  return "fileId" in media ? { file_id: media.fileId, ...named } : { ...named, file_data: urlOfMedia(media) };
}

function cannotCarry(wanted: string, got: string): Error {
  return unsupported("messages", `${wanted} for a model that is spoken to in OpenAI's chat format`, got);
}

const DATA_URL = /^data:([^;,]*)(?:;[^;,]*)*;base64,/i;

/** Bytes that stand in a URL, or the URL itself. */
export function mediaOfUrl(url: string): Media {
  // The pattern is tried on the beginning only: the data may have megabytes.
  const match = DATA_URL.exec(url.slice(0, 512));
  if (match === null) return { url };
  const [head, type = ""] = match;
  return { data: url.slice(head.length), mediaType: type === "" ? "text/plain" : type };
}

/** The URL of bytes: a data URL where they are here. */
export function urlOfMedia(media: Exclude<Media, { readonly fileId: string }>): string {
  return "url" in media ? media.url : `data:${media.mediaType};base64,${media.data}`;
}

const AUDIO_TYPES: ReadonlyMap<string, string> = new Map([
  ["mp3", "audio/mpeg"],
  ["pcm16", "audio/pcm"],
]);
const AUDIO_FORMATS: ReadonlyMap<string, string> = new Map([
  ["audio/mpeg", "mp3"],
  ["audio/pcm", "pcm16"],
  ["audio/x-wav", "wav"],
  ["audio/wave", "wav"],
]);

/** The media type of what OpenAI calls by a short name. */
function audioTypeOf(format: string): string {
  return AUDIO_TYPES.get(format) ?? `audio/${format}`;
}

function audioFormatOf(mediaType: string): string {
  return AUDIO_FORMATS.get(mediaType) ?? mediaType.replace(/^audio\//, "");
}

const FILE_TYPES: ReadonlyMap<string, string> = new Map([
  ["pdf", "application/pdf"],
  ["txt", "text/plain"],
  ["md", "text/markdown"],
  ["csv", "text/csv"],
  ["json", "application/json"],
  ["html", "text/html"],
]);

function fileTypeOf(name: string | undefined): string {
  return FILE_TYPES.get(name?.split(".").at(-1)?.toLowerCase() ?? "") ?? "application/octet-stream";
}
