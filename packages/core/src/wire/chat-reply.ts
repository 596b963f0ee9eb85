import type { Json } from "../json.ts";
import type { FinishReason, ModelPart, Reply, Usage } from "../model.ts";
import { encodeCall } from "./chat-request.ts";
import { encodeSse } from "./sse.ts";

/** What an answer says of itself. `createdAt` is in seconds since 1970, as OpenAI's `created`. */
interface ChatReplyHead {
  readonly id: string;
  readonly createdAt: number;
  readonly model: string;
}

/**
 * Writes a streamed answer: give it every part in order, and send the text it returns for each. The text for `finish` ends the stream,
 * with the usage chunk if it was asked for, and `[DONE]`.
 */
export function chatChunkEncoder(head: ChatReplyHead & { readonly includeUsage: boolean }): (part: ModelPart) => string {
  const { id, createdAt: created, model, includeUsage } = head;
  let calls = 0;
  let isBegun = false;
  const chunk = (choices: Json, usage: Json): string =>
    encodeSse({ data: JSON.stringify({ id, object: "chat.completion.chunk", created, model, choices, ...(includeUsage && { usage }) }) });
  const delta = (fields: { readonly [key: string]: Json }, reason: FinishReason | null = null): string =>
    chunk([{ index: 0, delta: fields, logprobs: null, finish_reason: reason }], null);
  const body = (part: ModelPart): string => {
    switch (part.type) {
      case "text":
        return delta({ content: part.text });
      case "refusal":
      case "reasoning":
      case "citation":
      case "audio":
      case "image":
      case "call.delta":
        return "";
      case "call":
        calls += 1;
        return delta({ tool_calls: [{ index: calls - 1, ...encodeCall(part.call) }] });
      case "finish":
        return delta({}, part.reason) + (includeUsage ? chunk([], encodeUsage(part.usage)) : "") + encodeSse({ data: "[DONE]" });
    }
  };
  return (part) => {
    const begin = isBegun ? "" : delta({ role: "assistant", content: "" });
    isBegun = true;
    return begin + body(part);
  };
}

/** Writes an answer in one piece. */
export function encodeChatCompletion(reply: Reply, head: ChatReplyHead): Json {
  const hasCalls = reply.calls.length > 0;
  const message = {
    role: "assistant",
    content: hasCalls && reply.content === "" ? null : reply.content,
    refusal: null,
    ...(hasCalls && { tool_calls: reply.calls.map(encodeCall) }),
  };
  const choices = [{ index: 0, message, logprobs: null, finish_reason: reply.finishReason }];
  return { id: head.id, object: "chat.completion", created: head.createdAt, model: head.model, choices, usage: encodeUsage(reply.usage) };
}

function encodeUsage(usage: Usage): Json {
  return { prompt_tokens: usage.inputTokens, completion_tokens: usage.outputTokens, total_tokens: usage.inputTokens + usage.outputTokens };
}
