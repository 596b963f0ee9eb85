import type { Json } from "../json.ts";
import type { ContentPart, Media, Message, ToolCall } from "../model.ts";
import { isObject, unsupported } from "./shape.ts";
import { isSomething } from "./messages-turns.ts";

/** What every runtime has; core knows neither the DOM's types nor Node's. */
declare function atob(base64: string): string;

/** A piece of a turn as Anthropic has it. */
export type Block = { readonly type: string; readonly [key: string]: Json };

const IMAGES: ReadonlySet<string> = new Set(["image/jpeg", "image/png", "image/gif", "image/webp"]);

/** Writes what a user says. Anthropic refuses texts without anything to read, so they are left out. */
export function userBlocks(message: Message): readonly Block[] {
  return partsOf(message).flatMap(userBlock);
}

/** Writes what an assistant said: thoughts that Anthropic signed go back unchanged, others cannot be read there and are left out. */
export function assistantBlocks(message: Message): readonly Block[] {
  return partsOf(message).flatMap(assistantBlock);
}

/** Writes a tool call. Anthropic's inputs are objects; whatever else a model wrote becomes one. */
export function callBlock(call: ToolCall, id: string): Block {
  return { type: "tool_use", id, name: call.name, input: inputObject(call.input) };
}

/** Writes a tool's result. */
export function resultBlock(message: Message, id: string): Block {
  const blocks = message.parts === undefined ? undefined : userBlocks(message);
  const content = blocks ?? message.content;
  return {
    type: "tool_result",
    tool_use_id: id,
    ...(content.length > 0 && { content }),
    ...(message.isError === true && { is_error: true }),
  };
}

/** A tool call's input as an object: broken JSON is kept as text, so that the model sees what it wrote. */
export function inputObject(input: Json): { readonly [key: string]: Json } {
  if (isObject(input)) return input as { readonly [key: string]: Json };
  return input === null || input === "" ? {} : { invalid_json: input };
}

function partsOf(message: Message): readonly ContentPart[] {
  return message.parts ?? [{ type: "text", text: message.content }];
}

function textBlock(text: string): readonly Block[] {
  return isSomething(text) ? [{ type: "text", text }] : [];
}

function userBlock(part: ContentPart): readonly Block[] {
  switch (part.type) {
    case "text":
    case "refusal":
      return textBlock(part.text);
    case "image":
      return [{ type: "image", source: imageSource(part.media) }];
    case "file":
      return [
        { type: "document", source: documentSource(part.media), ...(part.name !== undefined && part.name !== "" && { title: part.name }) },
      ];
    case "audio":
      throw unsupported("messages", "texts, pictures and documents, which is what Anthropic's models take", "audio");
    case "reasoning":
      return [];
  }
}

function assistantBlock(part: ContentPart): readonly Block[] {
  switch (part.type) {
    case "text":
    case "refusal":
      return textBlock(part.text);
    case "reasoning":
      if (part.origin !== "anthropic" || part.signature === undefined) return [];
      return part.isRedacted === true
        ? [{ type: "redacted_thinking", data: part.signature }]
        : [{ type: "thinking", thinking: part.text, signature: part.signature }];
    case "audio":
      return textBlock(part.transcript ?? "");
    case "image":
    case "file":
      throw unsupported("messages", "an assistant's turns without pictures and files, which Anthropic has no place for", part.type);
  }
}

function imageSource(media: Media): Json {
  if ("fileId" in media) return { type: "file", file_id: media.fileId };
  if ("url" in media) return { type: "url", url: media.url };
  const mediaType = media.mediaType.toLowerCase() === "image/jpg" ? "image/jpeg" : media.mediaType.toLowerCase();
  if (!IMAGES.has(mediaType)) throw unsupported("messages", "a picture as JPEG, PNG, GIF or WebP", media.mediaType);
  return { type: "base64", media_type: mediaType, data: media.data };
}

function documentSource(media: Media): Json {
  if ("fileId" in media) return { type: "file", file_id: media.fileId };
  if ("url" in media) return { type: "url", url: media.url };
  if (media.mediaType === "application/pdf") return { type: "base64", media_type: media.mediaType, data: media.data };
  if (/^text\/|^application\/(json|xml|yaml)$/.test(media.mediaType))
    return { type: "text", media_type: "text/plain", data: decodeText(media.data) };
  throw unsupported("messages", "a file as PDF or text", media.mediaType);
}

function decodeText(base64: string): string {
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)));
  } catch {
    throw unsupported("messages", "a file in base64", base64);
  }
}
