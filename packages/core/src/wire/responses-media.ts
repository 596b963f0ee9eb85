import type { Json } from "../json.ts";
import type { ContentPart, Media } from "../model.ts";
import { arrayAt, isObject, misfit, objectAt, stringAt, unsupported, type JsonObject } from "./shape.ts";

/** A message's or a tool output's content: its text, and its parts where it holds more than text. */
export interface Content {
  readonly content: string;
  readonly parts?: readonly ContentPart[];
}

/** Content as it comes in: a string, or an array of parts. */
export function decodeContent(value: unknown, path: string): Content {
  if (typeof value === "string") return { content: value };
  const parts = arrayAt(value, path).map((part, index) => decodePart(part, `${path}[${index}]`));
  return contentOf(parts);
}

/** Parts as a message holds them: plain text stands alone. */
export function contentOf(parts: readonly ContentPart[]): Content {
  const content = parts.map((part) => (part.type === "text" || part.type === "refusal" ? part.text : "")).join("");
  const isPlain = parts.every((part) => part.type === "text" && part.citations === undefined);
  return isPlain ? { content } : { content, parts };
}

function decodePart(value: unknown, path: string): ContentPart {
  const part = objectAt(value, path);
  const type = stringAt(part.type, `${path}.type`);
  switch (type) {
    case "input_text":
    case "output_text":
    case "text":
      return decodeText(part, path);
    case "refusal":
      return { type: "refusal", text: stringAt(part.refusal, `${path}.refusal`) };
    case "input_image":
      return decodeImage(part, path);
    case "input_file":
      return decodeFile(part, path);
    case "input_audio":
      return decodeAudio(part, path);
    default:
      throw unsupported(`${path}.type`, `"input_text", "input_image", "input_file", "input_audio", "output_text" or "refusal"`, type);
  }
}

function decodeText(part: JsonObject, path: string): ContentPart {
  const text = stringAt(part.text, `${path}.text`);
  const notes = Array.isArray(part.annotations) ? part.annotations.filter(isObject) : [];
  const citations = notes.flatMap((note) => (typeof note.url === "string" ? [citationOf(note, note.url)] : []));
  return citations.length === 0 ? { type: "text", text } : { type: "text", text, citations };
}

/** A `url_citation` as a citation. */
export function citationOf(
  note: JsonObject,
  url: string,
): { readonly url: string; readonly title?: string; readonly start?: number; readonly end?: number } {
  return {
    url,
    ...(typeof note.title === "string" && note.title !== "" && { title: note.title }),
    ...(typeof note.start_index === "number" && { start: note.start_index }),
    ...(typeof note.end_index === "number" && { end: note.end_index }),
  };
}

function decodeImage(part: JsonObject, path: string): ContentPart {
  const { detail } = part;
  const media = isText(part.file_id)
    ? { fileId: part.file_id }
    : mediaOf(stringAt(part.image_url, `${path}.image_url`), `${path}.image_url`);
  // "original" is OpenAI's newest word for "as large as it is", which others say with "high".
  const wanted = detail === "original" ? "high" : detail;
  return wanted === "auto" || wanted === "low" || wanted === "high" ? { type: "image", media, detail: wanted } : { type: "image", media };
}

function decodeFile(part: JsonObject, path: string): ContentPart {
  const name = isText(part.filename) ? { name: part.filename } : {};
  if (isText(part.file_id)) return { type: "file", media: { fileId: part.file_id }, ...name };
  if (isText(part.file_url)) return { type: "file", media: { url: part.file_url }, ...name };
  const data = stringAt(part.file_data, `${path}.file_data`);
  const media = data.startsWith("data:") ? mediaOf(data, `${path}.file_data`) : { data, mediaType: mediaTypeOf(part.filename) };
  return { type: "file", media, ...name };
}

function decodeAudio(part: JsonObject, path: string): ContentPart {
  const audio = objectAt(part.input_audio, `${path}.input_audio`);
  const format = stringAt(audio.format, `${path}.input_audio.format`);
  const data = stringAt(audio.data, `${path}.input_audio.data`);
  return { type: "audio", media: { data, mediaType: format === "mp3" ? "audio/mpeg" : `audio/${format}` } };
}

const DATA_URL = /^data:([^;,]+)(?:;[^;,]+)*;base64,/;

/** A URL, or the bytes in a data URL. */
function mediaOf(url: string, path: string): Media {
  if (!url.startsWith("data:")) return { url };
  const found = DATA_URL.exec(url.slice(0, 256));
  if (found?.[1] === undefined) throw misfit(path, "a URL, or a data URL with a media type in base64", url);
  return { data: url.slice(found[0].length), mediaType: found[1] };
}

const MEDIA_TYPES: ReadonlyMap<string, string> = new Map([
  ["pdf", "application/pdf"],
  ["txt", "text/plain"],
  ["md", "text/markdown"],
  ["csv", "text/csv"],
  ["json", "application/json"],
  ["html", "text/html"],
]);

function mediaTypeOf(filename: unknown): string {
  const ending = isText(filename) ? filename.slice(filename.lastIndexOf(".") + 1).toLowerCase() : "";
  return MEDIA_TYPES.get(ending) ?? "application/octet-stream";
}

/** A turn's content as it goes out to a provider; `role` says whether its text is the model's own. */
export function encodeContent(message: Content, role: "input" | "output"): Json {
  if (message.parts === undefined) return [{ type: `${role}_text`, text: message.content, ...(role === "output" && { annotations: [] }) }];
  return message.parts.flatMap((part) => encodePart(part, role));
}

function encodePart(part: ContentPart, role: "input" | "output"): readonly Json[] {
  switch (part.type) {
    case "text":
      return [
        {
          type: `${role}_text`,
          text: part.text,
          ...(role === "output" && { annotations: encodeCitations(part.citations ?? [], part.text.length) }),
        },
      ];
    case "refusal":
      return role === "output" ? [{ type: "refusal", refusal: part.text }] : [{ type: "input_text", text: part.text }];
    case "image":
      return [{ type: "input_image", ...imageSource(part.media), detail: part.detail ?? "auto" }];
    case "audio":
      return "data" in part.media
        ? [{ type: "input_audio", input_audio: { data: part.media.data, format: audioFormat(part.media.mediaType) } }]
        : [];
    case "file":
      return [{ type: "input_file", ...fileSource(part.media, part.name) }];
    case "reasoning":
      return [];
  }
}

/** Citations of web pages as annotations; others have no place in this format. */
export function encodeCitations(
  citations: NonNullable<Extract<ContentPart, { type: "text" }>["citations"]>,
  length: number,
): readonly Json[] {
  return citations.flatMap(({ url, title = "", start = 0, end = length }) =>
    url === undefined ? [] : [{ type: "url_citation", url, title, start_index: start, end_index: end }],
  );
}

function imageSource(media: Media): { readonly [key: string]: Json } {
  if ("fileId" in media) return { file_id: media.fileId };
  return { image_url: "url" in media ? media.url : `data:${media.mediaType};base64,${media.data}` };
}

function fileSource(media: Media, name: string | undefined): { readonly [key: string]: Json } {
  if ("fileId" in media) return { file_id: media.fileId };
  if ("url" in media) return { file_url: media.url };
  return { filename: name ?? "file", file_data: `data:${media.mediaType};base64,${media.data}` };
}

function audioFormat(mediaType: string): string {
  const format = mediaType.slice(mediaType.indexOf("/") + 1);
  return format === "mpeg" ? "mp3" : format;
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
