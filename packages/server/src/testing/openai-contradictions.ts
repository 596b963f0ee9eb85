import type { ChatBody } from "./openai-body.ts";

/** What OpenAI's error object says. */
export interface Refusal {
  readonly message: string;
  readonly code: string | null;
  readonly param: string | null;
}

/** What is wrong with a request whose fields are right one by one; the messages are OpenAI's. */
export function findContradiction(body: ChatBody): Refusal | undefined {
  for (const find of [streamOptions, limits, tools, toolChoice, results, audio, logprobs, mention, schemas]) {
    const refusal = find(body);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function refusal(message: string, param: string): Refusal {
  return { message, code: null, param };
}

function streamOptions({ stream, stream_options: options }: ChatBody): Refusal | undefined {
  if (stream === true || options === undefined || options === null) return undefined;
  return refusal("The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options");
}

function limits({ max_tokens: older, max_completion_tokens: newer }: ChatBody): Refusal | undefined {
  if (typeof older !== "number" || typeof newer !== "number") return undefined;
  return refusal("Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.", "max_tokens");
}

function tools(body: ChatBody): Refusal | undefined {
  if (body.tools !== undefined) return undefined;
  for (const field of ["tool_choice", "parallel_tool_calls"] as const)
    if (body[field] !== undefined) return refusal(`'${field}' is only allowed when 'tools' are specified.`, field);
  return undefined;
}

function toolChoice({ tools: known = [], tool_choice: choice }: ChatBody): Refusal | undefined {
  if (typeof choice !== "object") return undefined;
  const wanted = choice.type === "function" ? [choice] : choice.allowed_tools.tools;
  const names = new Set(known.map((tool) => tool.function.name));
  const missing = wanted.find((tool) => !names.has(tool.function.name));
  if (missing === undefined) return undefined;
  return refusal(`Invalid value for 'tool_choice': Tool choice '${missing.function.name}' not found in 'tools' parameter.`, "tool_choice");
}

/** Every call is answered by a tool turn right behind it, and no tool turn answers what nobody asked. */
function results({ messages }: ChatBody): Refusal | undefined {
  let open = new Set<string>();
  for (const [index, message] of messages.entries()) {
    if (message.role === "tool") {
      if (!open.delete(message.tool_call_id))
        return refusal("Messages with role 'tool' must be a response to a preceding message with 'tool_calls'.", `messages[${index}].role`);
      continue;
    }
    if (open.size > 0) return unanswered(open, index);
    open = new Set(message.role === "assistant" ? (message.tool_calls ?? []).map(({ id }) => id) : []);
  }
  return open.size > 0 ? unanswered(open, messages.length) : undefined;
}

function unanswered(open: ReadonlySet<string>, index: number): Refusal {
  const ids = [...open].join(", ");
  return refusal(
    `An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: ${ids}`,
    `messages.[${index}].role`,
  );
}

function audio({ modalities, audio: voice }: ChatBody): Refusal | undefined {
  const isSpoken = modalities?.includes("audio") === true;
  if (isSpoken === (voice !== undefined && voice !== null)) return undefined;
  return isSpoken
    ? refusal("Audio output requires the 'audio' parameter.", "audio")
    : refusal("The 'audio' parameter is only allowed when 'modalities' contains 'audio'.", "audio");
}

function logprobs({ logprobs: isOn, top_logprobs: top }: ChatBody): Refusal | undefined {
  if (typeof top !== "number" || isOn === true) return undefined;
  return refusal("The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.", "top_logprobs");
}

function mention({ messages, response_format: format }: ChatBody): Refusal | undefined {
  if (format?.type !== "json_object" || /json/i.test(JSON.stringify(messages.map(({ content }) => content)))) return undefined;
  return refusal("'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.", "messages");
}

/** Strict schemas name all their properties as required, and allow no others. */
function schemas({ tools: known = [], response_format: format }: ChatBody): Refusal | undefined {
  for (const [index, { function: target }] of known.entries())
    if (target.strict === true && isOpen(target.parameters))
      return invalidSchema("function", target.name, `tools[${index}].function.parameters`);
  if (format?.type !== "json_schema" || format.json_schema.strict !== true || !isOpen(format.json_schema.schema)) return undefined;
  return invalidSchema("response_format", format.json_schema.name, "response_format");
}

function invalidSchema(what: string, name: string, param: string): Refusal {
  const message = `Invalid schema for ${what} '${name}': In context=(), 'additionalProperties' is required to be supplied and to be false, and 'required' to include every key in properties.`;
  return { message, code: "invalid_function_parameters", param };
}

function isOpen(schema: unknown): boolean {
  if (typeof schema !== "object" || schema === null) return false;
  if (Array.isArray(schema)) return schema.some(isOpen);
  const { type, properties, required, additionalProperties } = schema as Readonly<Record<string, unknown>>;
  const names = typeof properties === "object" && properties !== null ? Object.keys(properties) : [];
  const listed: readonly unknown[] = Array.isArray(required) ? required : [];
  if (type === "object" && (additionalProperties !== false || names.some((name) => !listed.includes(name)))) return true;
  return Object.values(schema).some(isOpen);
}
