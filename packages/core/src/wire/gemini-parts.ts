import type { Json } from "../json.ts";
import type { ContentPart, Media, Message } from "../model.ts";
import { unsupported } from "./shape.ts";

/** A piece of a turn as Google has it. */
export type Part = { readonly [key: string]: Json };

/** Writes what somebody said; empty texts, and thoughts that Google cannot read, are left out. */
export function geminiParts(message: Message): readonly Part[] {
  return (message.parts ?? [{ type: "text", text: message.content } as const]).flatMap(geminiPart);
}

function geminiPart(part: ContentPart): readonly Part[] {
  switch (part.type) {
    case "text":
    case "refusal":
      return part.text === "" ? [] : [{ text: part.text }];
    case "reasoning":
      if (part.origin !== "gemini" || part.signature === undefined) return [];
      // The signature of what was said out loud comes in a piece of its own, without any text.
      return [{ text: part.text, ...(part.text !== "" && { thought: true }), thoughtSignature: part.signature }];
    case "image":
      return [mediaPart(part.media, "image/jpeg")];
    case "audio":
      return [mediaPart(part.media, "audio/wav")];
    case "file":
      return [mediaPart(part.media, "application/pdf")];
  }
}

/** The pieces of a tool's result that are no text. */
export function resultMedia(message: Message): readonly Part[] {
  return (message.parts ?? []).flatMap((part) => {
    if (part.type === "text" || part.type === "refusal" || part.type === "reasoning") return [];
    if (!("data" in part.media)) throw unsupported("messages", "the bytes of what a tool gave back, which Google does not fetch", "a link");
    return geminiPart(part);
  });
}

/** Writes bytes, or where they are. */
function mediaPart(media: Media, fallbackType: string): Part {
  if ("data" in media) return { inlineData: { mimeType: media.mediaType, data: media.data } };
  if ("fileId" in media) return { fileData: { fileUri: media.fileId } };
  return { fileData: { fileUri: media.url, mimeType: media.mediaType ?? typeByEnding(media.url) ?? fallbackType } };
}

const TYPES: ReadonlyMap<string, string> = new Map([
  ["png", "image/png"],
  ["jpg", "image/jpeg"],
  ["jpeg", "image/jpeg"],
  ["webp", "image/webp"],
  ["heic", "image/heic"],
  ["heif", "image/heif"],
  ["gif", "image/gif"],
  ["pdf", "application/pdf"],
  ["txt", "text/plain"],
  ["html", "text/html"],
  ["csv", "text/csv"],
  ["mp3", "audio/mp3"],
  ["wav", "audio/wav"],
  ["ogg", "audio/ogg"],
  ["flac", "audio/flac"],
  ["mp4", "video/mp4"],
  ["webm", "video/webm"],
  ["mov", "video/mov"],
]);

function typeByEnding(url: string): string | undefined {
  const ending = /\.([a-z0-9]{2,5})(?:[?#]|$)/i.exec(url)?.[1];
  return ending === undefined ? undefined : TYPES.get(ending.toLowerCase());
}
