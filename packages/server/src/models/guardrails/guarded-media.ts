import { isUtf8 } from "node:buffer";
import type { Media } from "@tutti/core/model";

/** Types whose bytes are text, whatever they are encoded in. */
const TEXT_TYPE = /^(?:text\/|application\/(?:json|xml|javascript|yaml|x-yaml|x-ndjson|sql)\b|[\w.-]+\/[\w.-]+\+(?:json|xml|yaml)\b)/i;
const DATA_URL = /^data:([^,]*),/i;
/** What is binary shows it within so many bytes. */
const HEAD_BYTES = 192;
const HEAD_CHARACTERS = (HEAD_BYTES / 3) * 4;

/** Media with the text in it changed, where its bytes are here and are text; links and the ids of files stay as they are. */
export function mediaWithText(media: Media, change: (text: string) => string): Media {
  const inline = inlineOf(media);
  if (inline === undefined) return media;
  const { mediaType, bytes } = inline;
  const encoding = isUtf8(bytes) ? "utf8" : "latin1";
  if (encoding === "latin1" && !TEXT_TYPE.test(mediaType)) return media;
  const text = bytes.toString(encoding);
  const changed = change(text);
  return changed === text ? media : { data: Buffer.from(changed, encoding).toString("base64"), mediaType };
}

function inlineOf(media: Media): { readonly mediaType: string; readonly bytes: Buffer } | undefined {
  if ("fileId" in media) return undefined;
  if ("data" in media)
    return isBinary(media.mediaType, media.data) ? undefined : { mediaType: media.mediaType, bytes: Buffer.from(media.data, "base64") };
  const [head, type = ""] = DATA_URL.exec(media.url) ?? [];
  if (head === undefined) return undefined;
  const mediaType = type.replace(/;.*$/s, "") || "text/plain";
  const data = media.url.slice(head.length);
  return { mediaType, bytes: /;\s*base64\s*$/i.test(type) ? Buffer.from(data, "base64") : unescaped(data) };
}

/** Pictures and sounds are large, and are not decoded to learn that they are no text. */
function isBinary(mediaType: string, data: string): boolean {
  if (TEXT_TYPE.test(mediaType)) return false;
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(data.slice(0, HEAD_CHARACTERS), "base64"), { stream: true });
    return false;
  } catch {
    return true;
  }
}

function unescaped(data: string): Buffer {
  try {
    return Buffer.from(decodeURIComponent(data));
  } catch {
    return Buffer.from(data);
  }
}
