import type { Json } from "../json.ts";
import type { ContentPart, Message, ReasoningPart, ToolCall } from "../model.ts";
import { contentOf, decodeContent, encodeContent, partsOf } from "./chat-content.ts";
import { decodeThoughts, encodeThoughts, joinThoughts } from "./chat-reasoning.ts";
import { arrayAt, isObject, misfit, objectAt, optionalStringAt, parseArguments, stringAt, unsupported, type JsonObject } from "./shape.ts";

/** Reads one turn of a conversation. */
export function decodeMessage(value: unknown, index: number): Message {
  const path = `messages[${index}]`;
  const fields = objectAt(value, path);
  switch (fields.role) {
    case "system":
    case "developer":
      return { role: "system", ...contentOf(decodeText(fields.content, `${path}.content`)) };
    case "user":
      return { role: "user", ...contentOf(decodeContent(fields.content, `${path}.content`)) };
    case "assistant":
      return decodeAssistant(fields, path);
    case "tool":
      // OpenAI's tools return text; pictures are let through for those whose tools return more.
      return {
        role: "tool",
        ...contentOf(decodeContent(fields.content, `${path}.content`)),
        callId: stringAt(fields.tool_call_id, `${path}.tool_call_id`),
      };
    case "function":
      throw unsupported(`${path}.role`, `"tool", which replaced it`, fields.role);
    default:
      throw misfit(`${path}.role`, `"system", "developer", "user", "assistant" or "tool"`, fields.role);
  }
}

/** Content that can only be text. */
function decodeText(value: unknown, path: string): readonly ContentPart[] {
  const parts = decodeContent(value, path);
  const wrong = parts.findIndex((part) => part.type !== "text");
  if (wrong >= 0) throw misfit(`${path}[${wrong}].type`, `"text"`, parts[wrong]?.type);
  return parts;
}

function decodeAssistant(fields: JsonObject, path: string): Message {
  if (isObject(fields.function_call)) throw unsupported(`${path}.function_call`, "`tool_calls`, which replaced it", fields.function_call);
  const calls = arrayAt(fields.tool_calls ?? [], `${path}.tool_calls`).map((call, index) =>
    decodeCall(call, `${path}.tool_calls[${index}]`),
  );
  const refusal = optionalStringAt(fields.refusal, `${path}.refusal`);
  const audio = isObject(fields.audio) ? optionalStringAt(fields.audio.id, `${path}.audio.id`) : undefined;
  const thoughts = joinThoughts(decodeThoughts(fields));
  const mayBeSilent = calls.length > 0 || thoughts.length > 0 || refusal !== undefined || audio !== undefined;
  const parts: readonly ContentPart[] = [
    ...thoughts,
    ...(mayBeSilent && (fields.content === undefined || fields.content === null) ? [] : decodeContent(fields.content, `${path}.content`)),
    ...(refusal === undefined || refusal === "" ? [] : [{ type: "refusal", text: refusal } as const]),
    ...(audio === undefined ? [] : [{ type: "audio", media: { fileId: audio } } as const]),
  ];
  return { role: "assistant", ...contentOf(parts), ...(calls.length > 0 && { calls }) };
}

function decodeCall(value: unknown, path: string): ToolCall {
  const call = objectAt(value, path);
  if (call.type !== undefined && call.type !== "function") throw unsupported(`${path}.type`, `"function"`, call.type);
  const target = objectAt(call.function, `${path}.function`);
  const google = isObject(call.extra_content) && isObject(call.extra_content.google) ? call.extra_content.google : {};
  return {
    id: stringAt(call.id, `${path}.id`),
    name: stringAt(target.name, `${path}.function.name`),
    input: parseArguments(stringAt(target.arguments, `${path}.function.arguments`)),
    ...(typeof google.thought_signature === "string" && { signature: google.thought_signature }),
  };
}

/** Whether a thought is written into a request. */
export type ThoughtFilter = (thought: ReasoningPart) => boolean;

/** Writes the turns of a conversation. */
export function encodeMessages(messages: readonly Message[], keeps: ThoughtFilter): readonly Json[] {
  const written: Json[] = [];
  // Tool turns can only hold text; what else a tool returned follows in a turn of the user's, after all results of the same calls.
  let leftOver: ContentPart[] = [];
  for (const message of messages) {
    if (message.role !== "tool" && leftOver.length > 0) {
      written.push({ role: "user", content: encodeContent(leftOver) });
      leftOver = [];
    }
    if (message.role === "tool") leftOver.push(...partsOf(message).filter(({ type }) => type !== "text" && type !== "refusal"));
    written.push(encodeMessage(message, keeps));
  }
  if (leftOver.length > 0) written.push({ role: "user", content: encodeContent(leftOver) });
  return written;
}

function encodeMessage(message: Message, keeps: ThoughtFilter): Json {
  switch (message.role) {
    case "tool":
      return { role: "tool", tool_call_id: message.callId ?? "", content: resultText(message) };
    case "assistant":
      return encodeAssistant(message, keeps);
    case "system":
    case "user":
      return { role: message.role, content: message.parts === undefined ? message.content : encodeContent(message.parts) };
  }
}

/** The format has no mark for a call that failed, so its text has to say it. */
function resultText({ content, isError }: Message): string {
  return isError && !/\berror\b/i.test(content) ? `Error: ${content}` : content;
}

function encodeAssistant(message: Message, keeps: ThoughtFilter): Json {
  const { thoughts, said, audioId } = sortOut(message.parts ?? [], keeps);
  const calls = message.calls ?? [];
  const content = message.parts === undefined ? message.content : encodeContent(said);
  const isSilent = content === "" && (calls.length > 0 || audioId !== undefined);
  return {
    role: "assistant",
    content: isSilent ? null : content,
    ...encodeThoughts(thoughts),
    ...(audioId !== undefined && { audio: { id: audioId } }),
    ...(calls.length > 0 && { tool_calls: calls.map(encodeCall) }),
  };
}

/** What a model's turn holds, by where it stands in the format. */
function sortOut(parts: readonly ContentPart[], keeps: ThoughtFilter) {
  const thoughts: ReasoningPart[] = [];
  const said: ContentPart[] = [];
  let audioId: string | undefined;
  for (const part of parts) {
    if (part.type === "reasoning") {
      if (keeps(part)) thoughts.push(part);
    } else if (part.type === "text" || part.type === "refusal") said.push(part);
    else if (part.type !== "audio") throw unsupported("messages", "text, sound and tool calls in the model's own turns", part.type);
    else if ("fileId" in part.media) audioId = part.media.fileId;
    else said.push({ type: "text", text: part.transcript ?? "" });
  }
  return { thoughts, said, audioId };
}

/** A tool call as OpenAI writes it in a whole message. */
export function encodeCall(call: ToolCall): { readonly id: string; readonly type: "function"; readonly function: Json } {
  return {
    id: call.id,
    type: "function",
    function: { name: call.name, arguments: argumentsOf(call) },
    ...(call.signature !== undefined && { extra_content: { google: { thought_signature: call.signature } } }),
  };
}

/** Broken arguments were kept as the text that the model wrote, which is written out again as it was. */
function argumentsOf({ input }: ToolCall): string {
  return typeof input === "string" && parseArguments(input) === input ? input : JSON.stringify(input);
}
