import { AppError } from "./error.ts";
import type { Json } from "./json.ts";

/** A model answers as a stream; the whole answer is the stream, collected. */
export interface Model {
  readonly id: string;
  generate(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelPart>;
}

/** What a model is asked. `tools` are those it may call. */
export interface ModelRequest {
  readonly messages: readonly Message[];
  readonly tools?: readonly ToolSpec[];
}

/** A tool as a model sees it; `parameters` is JSON Schema. */
export interface ToolSpec {
  readonly name: string;
  readonly description: string;
  readonly parameters: Json;
}

/** One turn of a conversation. `calls` are tool calls an assistant asks for; `callId` names the call a tool turn answers. */
export interface Message {
  readonly role: "system" | "user" | "assistant" | "tool";
  readonly content: string;
  readonly calls?: readonly ToolCall[];
  readonly callId?: string;
}

/** A tool call as the model wrote it. */
export interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly input: Json;
}

/** One piece of an answer, in order of arrival. `finish` comes last, once. */
export type ModelPart =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "call"; readonly call: ToolCall }
  | { readonly type: "finish"; readonly reason: FinishReason; readonly usage: Usage };

/** Why a model stopped; the names are OpenAI's. */
export type FinishReason = "stop" | "length" | "tool_calls" | "content_filter";

/** Tokens as the provider counted them; 0 where it did not say. */
export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** A whole answer. */
export interface Reply extends Message {
  readonly role: "assistant";
  readonly calls: readonly ToolCall[];
  readonly finishReason: FinishReason;
  readonly usage: Usage;
}

/** The stream in one piece. A stream that ends without `finish` was cut off: `upstream`. */
export async function collect(parts: AsyncIterable<ModelPart>): Promise<Reply> {
  let content = "";
  const calls: ToolCall[] = [];
  for await (const part of parts) {
    if (part.type === "text") content += part.text;
    else if (part.type === "call") calls.push(part.call);
    else return { role: "assistant", content, calls, finishReason: part.reason, usage: part.usage };
  }
  throw new AppError("upstream", `wanted a finished answer, got a stream that ended after ${content.length} characters; try again`);
}
