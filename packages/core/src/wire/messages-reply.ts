import type { Json } from "../json.ts";
import type { ContentPart, FinishReason, Media, ReasoningPart, Reply, ToolCall, Usage } from "../model.ts";
import type { AnswerHead, WireError } from "./codec.ts";
import { inputObject } from "./messages-blocks.ts";
import { citedBlocks } from "./messages-citations.ts";
import { sealCall, sealThought } from "./messages-seal.ts";
import { isSomething } from "./messages-turns.ts";

type Fields = { readonly [key: string]: Json };

/** Writes an answer in one piece, as `POST /v1/messages` has it. */
export function encodeMessagesAnswer(reply: Reply, head: AnswerHead): Json {
  const parts: readonly ContentPart[] = reply.parts ?? [{ type: "text", text: reply.content }];
  const refusal = reply.finishReason === "content_filter" ? parts.map((part) => (part.type === "refusal" ? part.text : "")).join("") : "";
  let said = 0;
  const content = [
    ...parts.flatMap((part) => {
      if (part.type === "refusal" && refusal !== "") return [];
      const blocks = part.type === "text" ? citedBlocks(part.text, part.citations ?? [], said) : contentBlocks(part);
      if (part.type === "text") said += part.text.length;
      return blocks;
    }),
    ...reply.calls.flatMap((call) => [...callSeal(call), { ...callStart(call), input: inputObject(call.input) }]),
  ];
  const stop = { reason: reply.finishReason, stopSequence: reply.stopSequence, refusal, hasCalls: reply.calls.length > 0 };
  return { ...messageHead(head), content, ...stopFields(stop), usage: encodeUsage(reply.usage) };
}

/** A message without its content: what a stream begins with. */
export function messageHead(head: AnswerHead): Fields {
  return { id: `msg_${head.id}`, type: "message", role: "assistant", model: head.model, container: null, diagnostics: null };
}

/** Why an answer stopped. */
export function stopFields(stop: {
  readonly reason: FinishReason;
  readonly stopSequence: string | undefined;
  /** What was said in place of an answer that was filtered. */
  readonly refusal: string;
  readonly hasCalls: boolean;
}): Fields {
  const { reason, stopSequence, refusal, hasCalls } = stop;
  const details = { type: "refusal", category: null, explanation: refusal === "" ? null : refusal };
  return {
    stop_reason: stopReason(reason, { hasSequence: stopSequence !== undefined, hasCalls }),
    stop_sequence: stopSequence ?? null,
    stop_details: reason === "content_filter" ? details : null,
  };
}

/** Tokens as Anthropic tells them: what the cache was read for and written with stands apart. */
export function encodeUsage(usage: Usage): Fields {
  const { cacheReadTokens = 0, cacheWriteTokens = 0, reasoningTokens } = usage;
  return {
    input_tokens: Math.max(0, usage.inputTokens - cacheReadTokens - cacheWriteTokens),
    cache_creation_input_tokens: cacheWriteTokens,
    cache_read_input_tokens: cacheReadTokens,
    cache_creation: { ephemeral_5m_input_tokens: cacheWriteTokens, ephemeral_1h_input_tokens: 0 },
    output_tokens: usage.outputTokens,
    output_tokens_details: reasoningTokens === undefined ? null : { thinking_tokens: reasoningTokens },
    server_tool_use: null,
    service_tier: "standard",
    inference_geo: null,
    speed: null,
  };
}

/** A thought that cannot be read, or can only be sent back. */
export function isHidden(part: ReasoningPart): boolean {
  return part.isRedacted === true || (part.text === "" && part.signature !== undefined && part.origin !== "anthropic");
}

/** A hidden thought as a block. */
export function hiddenBlock(part: ReasoningPart): Fields {
  return { type: "redacted_thinking", data: sealThought(part) };
}

/** A block that only carries what a provider wants back with the call after it. */
export function callSeal({ id, signature }: ToolCall): readonly Fields[] {
  return signature === undefined ? [] : [{ type: "redacted_thinking", data: sealCall(id, signature) }];
}

/** A tool call without its input. */
export function callStart({ id, name }: { readonly id: string; readonly name: string }): Fields {
  return { type: "tool_use", id, name, input: {}, caller: { type: "direct" } };
}

/** What the format has no block for, as text: a sound's words, a picture as Markdown. */
export function inWords(part: { readonly transcript?: string } | { readonly media: Media }): string {
  if (!("media" in part)) return part.transcript ?? "";
  const { media } = part;
  if ("fileId" in media) return `![image](${media.fileId})`;
  return `![image](${"url" in media ? media.url : `data:${media.mediaType};base64,${media.data}`})`;
}

/** An error as Anthropic's clients read it. */
export function encodeMessagesError(error: WireError): Json {
  return { type: "error", error: { type: errorType(error), message: error.message }, request_id: error.requestId ?? null };
}

function contentBlocks(part: Exclude<ContentPart, { type: "text" }>): readonly Fields[] {
  switch (part.type) {
    case "refusal":
      return textBlock(part.text);
    case "reasoning":
      if (isHidden(part)) return [hiddenBlock(part)];
      return [{ type: "thinking", thinking: part.text, signature: sealThought(part) }];
    case "audio":
      return textBlock(inWords({ transcript: part.transcript ?? "" }));
    case "image":
    case "file":
      return textBlock(inWords(part));
  }
}

function textBlock(text: string): readonly Fields[] {
  return isSomething(text) ? [{ type: "text", text }] : [];
}

function stopReason(
  reason: FinishReason,
  { hasSequence, hasCalls }: { readonly hasSequence: boolean; readonly hasCalls: boolean },
): string {
  switch (reason) {
    case "stop":
      // Some providers call it an ordinary end when tools are called; Anthropic's clients go by the reason.
      if (hasCalls) return "tool_use";
      return hasSequence ? "stop_sequence" : "end_turn";
    case "length":
      return "max_tokens";
    case "tool_calls":
      return "tool_use";
    case "content_filter":
      return "refusal";
  }
}

const ERROR_TYPES: ReadonlyMap<number, string> = new Map([
  [400, "invalid_request_error"],
  [401, "authentication_error"],
  [402, "billing_error"],
  [403, "permission_error"],
  [404, "not_found_error"],
  [408, "timeout_error"],
  [413, "request_too_large"],
  [429, "rate_limit_error"],
  [503, "overloaded_error"],
  [504, "timeout_error"],
  [529, "overloaded_error"],
]);

function errorType({ code, status }: WireError): string {
  if (code === "overloaded") return "overloaded_error";
  return ERROR_TYPES.get(status) ?? (status < 500 ? "invalid_request_error" : "api_error");
}
