import type { Json } from "../json.ts";
import type { Message, ModelRequest, OutputFormat, Reasoning, ToolCall, ToolSpec } from "../model.ts";
import { encodeContent } from "./responses-media.ts";
import { unsupported } from "./shape.ts";

/** OpenAI refuses less. */
const OUTPUT_TOKENS_MIN = 16;
const USER_CHARS_MAX = 64;

/**
 * Writes a request for a streamed answer that the provider does not keep: the whole conversation goes out each time, and thoughts come
 * back as `encrypted_content`. Seeds, penalties and top-k have no place in this format and are hints.
 */
export function encodeResponsesRequest(model: string, request: ModelRequest): Json {
  const { tools = [], toolChoice, parallelCalls, format, outputTokensMax, sampling = {}, reasoning, user } = request;
  refuseStops(sampling.stop ?? []);
  return {
    model,
    input: request.messages.flatMap(encodeMessage),
    ...(tools.length > 0 && { tools: tools.map(encodeTool) }),
    ...(toolChoice !== undefined && {
      tool_choice: typeof toolChoice === "string" ? toolChoice : { type: "function", name: toolChoice.name },
    }),
    ...(parallelCalls !== undefined && { parallel_tool_calls: parallelCalls }),
    ...(format !== undefined && { text: { format: encodeFormat(format) } }),
    ...(outputTokensMax !== undefined && { max_output_tokens: Math.max(outputTokensMax, OUTPUT_TOKENS_MIN) }),
    ...(sampling.temperature !== undefined && { temperature: sampling.temperature }),
    ...(sampling.topP !== undefined && { top_p: sampling.topP }),
    ...(reasoning !== undefined && { reasoning: encodeReasoning(reasoning) }),
    ...(user !== undefined && user.length <= USER_CHARS_MAX && { safety_identifier: user }),
    include: ["reasoning.encrypted_content"],
    store: false,
    stream: true,
  };
}

function refuseStops(stop: readonly string[]): void {
  if (stop.length > 0) throw unsupported("stop", "no stop sequences, which the Responses format does not have", stop);
}

function encodeMessage(message: Message): readonly Json[] {
  switch (message.role) {
    case "system":
    case "user":
      return [{ type: "message", role: message.role, content: encodeContent(message, "input") }];
    case "tool":
      return [
        {
          type: "function_call_output",
          call_id: message.callId ?? "",
          output: message.parts === undefined ? message.content : encodeContent(message, "input"),
        },
      ];
    case "assistant":
      return encodeAssistant(message);
  }
}

/** Thoughts come before what was said after them, and calls last, as OpenAI's models write them. */
function encodeAssistant(message: Message): readonly Json[] {
  const thoughts = (message.parts ?? []).flatMap((part): readonly Json[] => {
    if (part.type !== "reasoning" || part.origin !== "openai" || part.signature === undefined) return [];
    const summary = part.text === "" ? [] : [{ type: "summary_text", text: part.text }];
    return [{ type: "reasoning", ...(part.id !== undefined && { id: part.id }), summary, encrypted_content: part.signature }];
  });
  const said = message.parts?.filter(({ type }) => type === "text" || type === "refusal");
  const content = encodeContent({ content: message.content, ...(said !== undefined && { parts: said }) }, "output");
  const isSaid = said === undefined ? message.content !== "" : said.length > 0;
  return [...thoughts, ...(isSaid ? [{ type: "message", role: "assistant", content }] : []), ...(message.calls ?? []).map(encodeCall)];
}

function encodeCall(call: ToolCall): Json {
  const text = typeof call.input === "string" ? call.input : JSON.stringify(call.input);
  return { type: "function_call", call_id: call.id, name: call.name, arguments: text };
}

function encodeTool(tool: ToolSpec): Json {
  // Left out, it would be taken as true, and schemas that are not strict would be refused.
  return { type: "function", name: tool.name, description: tool.description, parameters: tool.parameters, strict: tool.strict ?? false };
}

function encodeFormat(format: OutputFormat): Json {
  if (format.type === "json") return { type: "json_object" };
  const { name, schema, strict = false, description } = format;
  return { type: "json_schema", name, schema, strict, ...(description !== undefined && { description }) };
}

/** From how many tokens of thought on an effort is the better word. */
const EFFORTS = [
  [16_384, "high"],
  [4_096, "medium"],
  [0, "low"],
] as const;

function encodeReasoning({ effort, tokensMax, isShown }: Reasoning): Json {
  const wanted = effort ?? (tokensMax === undefined ? undefined : EFFORTS.find(([tokens]) => tokensMax >= tokens)?.[1]);
  return { ...(wanted !== undefined && { effort: wanted }), ...(isShown === true && { summary: "auto" }) };
}
