import type { Json } from "../json.ts";
import type { ContentPart, Media, Message, ToolCall } from "../model.ts";
import { hiddenThought, openCall, openThought } from "./messages-seal.ts";
import { arrayAt, flagAt, misfit, objectAt, stringAt, unsupported, type JsonObject } from "./shape.ts";

/** Blocks are pieces of their own; joined as text they stay paragraphs. */
const BETWEEN_BLOCKS = "\n\n";

/** What a user said: results of tools are messages of their own, before the rest of the turn. */
export function decodeUser(value: unknown, path: string): readonly Message[] {
  if (typeof value === "string") return [{ role: "user", content: value }];
  const results: Message[] = [];
  const parts: ContentPart[] = [];
  for (const [index, item] of arrayAt(value, path).entries()) {
    const place = `${path}[${index}]`;
    const block = objectAt(item, place);
    if (block.type === "tool_result") results.push(decodeResult(block, place));
    else parts.push(...decodeUserBlock(block, place));
  }
  if (parts.length === 0 && results.length > 0) return results;
  return [...results, messageOf("user", parts)];
}

/** What an assistant said. What Anthropic's own servers did for it is left out: what it made of that stands in its text. */
export function decodeAssistant(value: unknown, path: string): Message {
  if (typeof value === "string") return { role: "assistant", content: value };
  const parts: ContentPart[] = [];
  const calls: ToolCall[] = [];
  const signatures = new Map<string, string>();
  for (const [index, item] of arrayAt(value, path).entries()) {
    const place = `${path}[${index}]`;
    const block = objectAt(item, place);
    const sealed = block.type === "redacted_thinking" ? openCall(stringAt(block.data, `${place}.data`)) : undefined;
    if (sealed !== undefined) signatures.set(sealed.callId, sealed.signature);
    else if (block.type === "tool_use") calls.push(decodeCall(block, place));
    else parts.push(...decodeAssistantBlock(block, place));
  }
  const signed = calls.map((call) => ({ ...call, ...(signatures.has(call.id) && { signature: signatures.get(call.id) ?? "" }) }));
  return { ...messageOf("assistant", parts, ""), ...(calls.length > 0 && { calls: signed }) };
}

/** The texts of blocks of which every one has to be text. */
export function joinTexts(blocks: readonly unknown[], path: string): string {
  return blocks
    .map((item, index) => {
      const block = objectAt(item, `${path}[${index}]`);
      if (block.type !== "text") throw unsupported(`${path}[${index}].type`, `"text"`, block.type);
      return stringAt(block.text, `${path}[${index}].text`);
    })
    .join(BETWEEN_BLOCKS);
}

function messageOf(role: "user" | "assistant", parts: readonly ContentPart[], between = BETWEEN_BLOCKS): Message {
  const content = parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join(between);
  const isPlain = parts.every((part) => part.type === "text");
  return { role, content, ...(!isPlain && { parts }) };
}

function decodeResult(block: JsonObject, path: string): Message {
  const callId = stringAt(block.tool_use_id, `${path}.tool_use_id`);
  const isError = flagAt(block.is_error, `${path}.is_error`) && { isError: true as const };
  const { content = "" } = block;
  if (typeof content === "string" || content === null) return { role: "tool", content: content ?? "", callId, ...isError };
  const parts = arrayAt(content, `${path}.content`).flatMap((item, index) => {
    const place = `${path}.content[${index}]`;
    return decodeUserBlock(objectAt(item, place), place);
  });
  const { content: text, parts: all } = messageOf("user", parts);
  return { role: "tool", content: text, ...(all !== undefined && { parts: all }), callId, ...isError };
}

function decodeCall(block: JsonObject, path: string): ToolCall {
  return {
    id: stringAt(block.id, `${path}.id`),
    name: stringAt(block.name, `${path}.name`),
    input: objectAt(block.input ?? {}, `${path}.input`) as Json,
  };
}

function decodeUserBlock(block: JsonObject, path: string): readonly ContentPart[] {
  switch (block.type) {
    case "text":
      return [{ type: "text", text: stringAt(block.text, `${path}.text`) }];
    case "image":
      return [{ type: "image", media: decodeSource(objectAt(block.source, `${path}.source`), `${path}.source`) }];
    case "document":
      return decodeDocument(block, path);
    case "search_result":
      return decodeSearchResult(block, path);
    case "tool_reference":
      return [{ type: "text", text: stringAt(block.tool_name, `${path}.tool_name`) }];
    default:
      throw unsupported(`${path}.type`, `"text", "image", "document", "search_result" or "tool_result"`, block.type);
  }
}

function decodeAssistantBlock(block: JsonObject, path: string): readonly ContentPart[] {
  switch (block.type) {
    case "text":
      return [{ type: "text", text: stringAt(block.text, `${path}.text`) }];
    case "thinking":
      return [
        {
          type: "reasoning",
          text: stringAt(block.thinking, `${path}.thinking`),
          ...openThought(stringAt(block.signature ?? "", `${path}.signature`)),
        },
      ];
    case "redacted_thinking":
      return hiddenThought(stringAt(block.data, `${path}.data`));
    case "compaction":
      return typeof block.content === "string" ? [{ type: "text", text: block.content }] : [];
    case "image":
    case "document":
    case "tool_result":
      throw misfit(`${path}.type`, "a block that an assistant can say", block.type);
    default:
      stringAt(block.type, `${path}.type`);
      return [];
  }
}

function decodeSource(source: JsonObject, path: string): Media {
  switch (source.type) {
    case "base64":
      return { data: stringAt(source.data, `${path}.data`), mediaType: stringAt(source.media_type, `${path}.media_type`) };
    case "url":
      return { url: stringAt(source.url, `${path}.url`) };
    case "file":
      return { fileId: stringAt(source.file_id, `${path}.file_id`) };
    default:
      throw unsupported(`${path}.type`, `"base64", "url" or "file"`, source.type);
  }
}

/** A PDF stays a file; a document that is text already is told as text, which every model can read. */
function decodeDocument(block: JsonObject, path: string): readonly ContentPart[] {
  const source = objectAt(block.source, `${path}.source`);
  const title = typeof block.title === "string" ? block.title : undefined;
  const context = typeof block.context === "string" ? block.context : undefined;
  if (source.type === "text") return [tagged("document", { title, context }, stringAt(source.data, `${path}.source.data`))];
  if (source.type === "content") {
    const { content } = source;
    if (typeof content === "string") return [tagged("document", { title, context }, content)];
    return arrayAt(content, `${path}.source.content`).flatMap((item, index) => {
      const place = `${path}.source.content[${index}]`;
      return decodeUserBlock(objectAt(item, place), place);
    });
  }
  const media = decodeSource(source, `${path}.source`);
  const typed = "url" in media ? { ...media, mediaType: "application/pdf" } : media;
  const file: ContentPart = { type: "file", media: typed, ...(title !== undefined && { name: title }) };
  return context === undefined ? [file] : [file, { type: "text", text: context }];
}

function decodeSearchResult(block: JsonObject, path: string): readonly ContentPart[] {
  const text = joinTexts(arrayAt(block.content, `${path}.content`), `${path}.content`);
  const title = stringAt(block.title, `${path}.title`);
  return [tagged("search_result", { title, source: stringAt(block.source, `${path}.source`) }, text)];
}

function tagged(tag: string, attributes: Readonly<Record<string, string | undefined>>, text: string): ContentPart {
  const head = Object.entries(attributes).map(([name, value]) => (value === undefined ? "" : ` ${name}=${JSON.stringify(value)}`));
  return { type: "text", text: `<${tag}${head.join("")}>\n${text}\n</${tag}>` };
}
