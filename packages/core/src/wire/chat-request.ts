import type { Json } from "../json.ts";
import type { Message, ModelRequest, ToolCall, ToolSpec } from "../model.ts";
import { arrayAt, flagAt, isObject, misfit, objectAt, parseArguments, stringAt, unsupported, type JsonObject } from "./shape.ts";

/** An OpenAI chat completion request, as far as Tutti answers it itself. */
interface ChatRequest {
  readonly model: string;
  readonly stream: boolean;
  /** Whether a streamed answer ends with a chunk that holds the usage. */
  readonly includeUsage: boolean;
  readonly request: ModelRequest;
}

/**
 * Reads the body of `POST /v1/chat/completions`, as `JSON.parse` returned it. What does not fit is `invalid_input`; what fits but asks for
 * something that an answer of ours could not honour (several choices, images, a forced tool, a schema) is `unsupported`; hints such as
 * `temperature` are left out. Requests that are passed on to an upstream must not go through here: it knows more fields than we do.
 */
export function decodeChatRequest(body: unknown): ChatRequest {
  const fields = objectAt(body, "body");
  refuseWhatCannotBeHonoured(fields);
  const options = fields.stream_options ?? undefined;
  const messages = arrayAt(fields.messages, "messages");
  if (messages.length === 0) throw misfit("messages", "at least one message", messages);
  const tools = fields.tool_choice === "none" ? [] : decodeTools(fields.tools);
  return {
    model: stringAt(fields.model, "model"),
    stream: flagAt(fields.stream, "stream"),
    includeUsage: options !== undefined && flagAt(objectAt(options, "stream_options").include_usage, "stream_options.include_usage"),
    request: { messages: messages.map(decodeMessage), ...(tools.length > 0 && { tools }) },
  };
}

/** Writes a request for a streamed answer with usage. */
export function encodeChatRequest(modelId: string, request: ModelRequest): Json {
  return {
    model: modelId,
    messages: request.messages.map(encodeMessage),
    ...(request.tools !== undefined && request.tools.length > 0 && { tools: request.tools.map(encodeTool) }),
    stream: true,
    stream_options: { include_usage: true },
  };
}

function refuseWhatCannotBeHonoured(fields: JsonObject): void {
  const { n, tool_choice: toolChoice, response_format: format, functions } = fields;
  if (n !== undefined && n !== null && n !== 1) throw unsupported("n", "1 choice", n);
  if (toolChoice !== undefined && toolChoice !== null && toolChoice !== "auto" && toolChoice !== "none") {
    throw unsupported("tool_choice", `"auto" or "none"`, toolChoice);
  }
  if (format !== undefined && format !== null && objectAt(format, "response_format").type !== "text") {
    throw unsupported("response_format.type", `"text"`, objectAt(format, "response_format").type);
  }
  if (functions !== undefined) throw unsupported("functions", "`tools`, which replaced it", functions);
}

function decodeMessage(value: unknown, index: number): Message {
  const path = `messages[${index}]`;
  const fields = objectAt(value, path);
  switch (fields.role) {
    case "system":
    case "developer":
      return { role: "system", content: decodeContent(fields.content, `${path}.content`) };
    case "user":
      return { role: "user", content: decodeContent(fields.content, `${path}.content`) };
    case "assistant":
      return decodeAssistant(fields, path);
    case "tool":
      return {
        role: "tool",
        content: decodeContent(fields.content, `${path}.content`),
        callId: stringAt(fields.tool_call_id, `${path}.tool_call_id`),
      };
    default:
      throw misfit(`${path}.role`, `"system", "developer", "user", "assistant" or "tool"`, fields.role);
  }
}

function decodeAssistant(fields: JsonObject, path: string): Message {
  const calls = arrayAt(fields.tool_calls ?? [], `${path}.tool_calls`).map((call, index) =>
    decodeCall(call, `${path}.tool_calls[${index}]`),
  );
  const text = fields.content ?? fields.refusal ?? (calls.length > 0 ? "" : fields.content);
  const content = decodeContent(text, `${path}.content`);
  return { role: "assistant", content, ...(calls.length > 0 && { calls }) };
}

/** Text, or an array of text parts, which are joined. */
function decodeContent(value: unknown, path: string): string {
  if (typeof value === "string") return value;
  if (!Array.isArray(value)) throw misfit(path, "a string or an array of parts", value);
  return value.map((part, index) => decodePart(part, `${path}[${index}]`)).join("");
}

function decodePart(value: unknown, path: string): string {
  const part = objectAt(value, path);
  const type = stringAt(part.type, `${path}.type`);
  if (type === "text") return stringAt(part.text, `${path}.text`);
  if (type === "refusal") return stringAt(part.refusal, `${path}.refusal`);
  throw unsupported(`${path}.type`, `"text"`, type);
}

function decodeCall(value: unknown, path: string): ToolCall {
  const call = objectAt(value, path);
  if (call.type !== undefined && call.type !== "function") throw unsupported(`${path}.type`, `"function"`, call.type);
  const target = objectAt(call.function, `${path}.function`);
  return {
    id: stringAt(call.id, `${path}.id`),
    name: stringAt(target.name, `${path}.function.name`),
    input: parseArguments(stringAt(target.arguments, `${path}.function.arguments`)),
  };
}

function decodeTools(value: unknown): readonly ToolSpec[] {
  return arrayAt(value ?? [], "tools").map((item, index) => {
    const path = `tools[${index}]`;
    const tool = objectAt(item, path);
    if (tool.type !== "function") throw unsupported(`${path}.type`, `"function"`, tool.type);
    const target = objectAt(tool.function, `${path}.function`);
    return {
      name: stringAt(target.name, `${path}.function.name`),
      description: stringAt(target.description ?? "", `${path}.function.description`),
      parameters: decodeParameters(target.parameters, `${path}.function.parameters`),
    };
  });
}

/** JSON Schema; a tool without any takes an empty object, as OpenAI's reference says. */
function decodeParameters(value: unknown, path: string): Json {
  if (value === undefined || value === null) return { type: "object", properties: {} };
  if (!isObject(value)) throw misfit(path, "a JSON Schema object", value);
  return value as Json;
}

function encodeMessage(message: Message): Json {
  if (message.role === "tool") return { role: "tool", tool_call_id: message.callId ?? "", content: message.content };
  const calls = message.calls ?? [];
  if (message.role !== "assistant" || calls.length === 0) return { role: message.role, content: message.content };
  return { role: "assistant", content: message.content === "" ? null : message.content, tool_calls: calls.map(encodeCall) };
}

/** A tool call as OpenAI writes it in a whole message. */
export function encodeCall(call: ToolCall): { readonly id: string; readonly type: "function"; readonly function: Json } {
  return { id: call.id, type: "function", function: { name: call.name, arguments: JSON.stringify(call.input) } };
}

function encodeTool(tool: ToolSpec): Json {
  return { type: "function", function: { name: tool.name, description: tool.description, parameters: tool.parameters } };
}
