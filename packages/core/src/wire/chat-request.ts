import type { Json } from "../json.ts";
import type { ModelRequest, OutputFormat, Reasoning, ToolSpec } from "../model.ts";
import { encodeMessages, decodeMessage, type ThoughtFilter } from "./chat-messages.ts";
import { decodeSampling, encodeSampling, refuseDraws } from "./chat-sampling.ts";
import type { DecodedRequest } from "./codec.ts";
import {
  arrayAt,
  defined,
  flagAt,
  isObject,
  misfit,
  objectAt,
  optionalCountAt,
  optionalNumberAt,
  optionalStringAt,
  stringAt,
  unsupported,
  type JsonObject,
} from "./shape.ts";

/**
 * Reads the body of `POST /v1/chat/completions`, as `JSON.parse` returned it. What does not fit is `invalid_input`; what fits but asks for
 * what an answer by another provider could not honour (several choices, log probabilities, web search) is `unsupported`; hints are left
 * out. Requests that are passed on to an upstream must not go through here: it knows more fields than we do.
 */
export function decodeChatRequest(body: unknown): DecodedRequest & { readonly includeUsage: boolean } {
  const fields = objectAt(body, "body");
  refuseWhatCannotBeHonoured(fields);
  const messages = arrayAt(fields.messages, "messages");
  if (messages.length === 0) throw misfit("messages", "at least one message", messages);
  return {
    model: stringAt(fields.model, "model"),
    stream: flagAt(fields.stream, "stream"),
    includeUsage: includesUsage(fields),
    request: {
      messages: messages.map(decodeMessage),
      ...decodeTools(fields),
      ...defined({
        format: decodeFormat(fields.response_format),
        speech: decodeSpeech(fields),
        outputTokensMax:
          optionalCountAt(fields.max_completion_tokens, "max_completion_tokens") ?? optionalCountAt(fields.max_tokens, "max_tokens"),
        sampling: decodeSampling(fields),
        reasoning: decodeReasoning(fields),
        user: decodeUser(fields),
      }),
    },
  };
}

/** Whether a streamed answer ends with a chunk that holds the usage. */
export function includesUsage({ stream_options: options }: JsonObject): boolean {
  if (options === undefined || options === null) return false;
  return flagAt(objectAt(options, "stream_options").include_usage, "stream_options.include_usage");
}

/**
 * Writes a request for a streamed answer with usage. `keeps` tells which thoughts the provider wants back. Sound is streamed as raw
 * samples only, so for other formats the answer comes in one piece.
 */
export function encodeChatRequest(modelId: string, request: ModelRequest, keeps: ThoughtFilter = isOwnThought): Json {
  const { toolChoice, parallelCalls, format, speech, outputTokensMax, sampling, reasoning, user } = request;
  const tools = request.tools ?? [];
  return {
    model: modelId,
    messages: encodeMessages(request.messages, keeps),
    // OpenAI refuses to be told how to call tools when there are none.
    ...(tools.length > 0 && {
      tools: tools.map(encodeTool),
      ...(toolChoice !== undefined && { tool_choice: encodeToolChoice(toolChoice) }),
      ...(parallelCalls !== undefined && { parallel_tool_calls: parallelCalls }),
    }),
    ...(format !== undefined && { response_format: encodeFormat(format) }),
    ...(speech !== undefined && { modalities: ["text", "audio"], audio: { voice: speech.voice, format: speech.format } }),
    ...(outputTokensMax !== undefined && { max_completion_tokens: outputTokensMax }),
    ...(sampling !== undefined && encodeSampling(sampling)),
    ...(reasoning !== undefined && encodeReasoning(reasoning)),
    ...(user !== undefined && { safety_identifier: user }),
    ...(speech === undefined || speech.format === "pcm16" ? STREAMED : { stream: false }),
  };
}

const STREAMED = { stream: true, stream_options: { include_usage: true } } as const;

function isOwnThought({ origin }: { readonly origin?: string }): boolean {
  return origin === undefined || origin === "openai";
}

function refuseWhatCannotBeHonoured(fields: JsonObject): void {
  refuseDraws(fields);
  const { top_logprobs: topLogprobs, functions, function_call: functionCall } = fields;
  if (flagAt(fields.logprobs, "logprobs")) throw unsupported("logprobs", "false", true);
  if (optionalNumberAt(topLogprobs, "top_logprobs") ?? 0) throw unsupported("top_logprobs", "0", topLogprobs);
  if (functions !== undefined && functions !== null) throw unsupported("functions", "`tools`, which replaced it", functions);
  if (functionCall !== undefined && functionCall !== null)
    throw unsupported("function_call", "`tool_choice`, which replaced it", functionCall);
  for (const field of ["web_search_options", "moderation"])
    if (isObject(fields[field])) throw unsupported(field, "nothing: only OpenAI has it", fields[field]);
}

function decodeTools(fields: JsonObject): Pick<ModelRequest, "tools" | "toolChoice" | "parallelCalls"> {
  const tools = arrayAt(fields.tools ?? [], "tools").map(decodeTool);
  const { choice, allowed } = decodeToolChoice(fields.tool_choice);
  const parallel = fields.parallel_tool_calls;
  const parallelCalls = parallel === undefined || parallel === null ? undefined : flagAt(parallel, "parallel_tool_calls");
  for (const name of typeof choice === "object" ? [choice.name] : (allowed ?? []))
    if (!tools.some((tool) => tool.name === name)) throw misfit("tool_choice", "the name of one of the tools", name);
  if (tools.length > 0)
    return {
      tools: allowed === undefined ? tools : tools.filter(({ name }) => allowed.includes(name)),
      ...(choice !== undefined && { toolChoice: choice }),
      ...(parallelCalls !== undefined && { parallelCalls }),
    };
  if (choice === "required") throw misfit("tools", "at least one tool, as one has to be called", fields.tools);
  return {};
}

function decodeTool(item: unknown, index: number): ToolSpec {
  const path = `tools[${index}]`;
  const tool = objectAt(item, path);
  if (tool.type !== "function") throw unsupported(`${path}.type`, `"function"`, tool.type);
  const target = objectAt(tool.function, `${path}.function`);
  const { strict } = target;
  return {
    name: stringAt(target.name, `${path}.function.name`),
    description: optionalStringAt(target.description, `${path}.function.description`) ?? "",
    parameters: decodeParameters(target.parameters, `${path}.function.parameters`),
    ...(strict !== undefined && strict !== null && { strict: flagAt(strict, `${path}.function.strict`) }),
  };
}

/** JSON Schema; a tool without any takes an empty object, as OpenAI's reference says. */
function decodeParameters(value: unknown, path: string): Json {
  if (value === undefined || value === null) return { type: "object", properties: {} };
  if (!isObject(value)) throw misfit(path, "a JSON Schema object", value);
  return value as Json;
}

interface ToolChoice {
  readonly choice?: NonNullable<ModelRequest["toolChoice"]>;
  /** Only these of the tools may be called. */
  readonly allowed?: readonly string[];
}

function decodeToolChoice(value: unknown): ToolChoice {
  if (value === undefined || value === null) return {};
  if (value === "auto" || value === "none" || value === "required") return { choice: value };
  if (!isObject(value)) throw misfit("tool_choice", `"auto", "none", "required" or an object`, value);
  if (value.type === "function") return { choice: { name: functionName(value, "tool_choice") } };
  if (value.type !== "allowed_tools") throw unsupported("tool_choice.type", `"function" or "allowed_tools"`, value.type);
  const path = "tool_choice.allowed_tools";
  const allowed = objectAt(value.allowed_tools, path);
  const { mode } = allowed;
  if (mode !== "auto" && mode !== "required") throw misfit(`${path}.mode`, `"auto" or "required"`, mode);
  const tools = arrayAt(allowed.tools, `${path}.tools`);
  if (tools.length === 0) throw misfit(`${path}.tools`, "at least one tool", tools);
  return {
    choice: mode,
    allowed: tools.map((tool, index) => functionName(objectAt(tool, `${path}.tools[${index}]`), `${path}.tools[${index}]`)),
  };
}

function functionName(value: JsonObject, path: string): string {
  return stringAt(objectAt(value.function, `${path}.function`).name, `${path}.function.name`);
}

function decodeFormat(value: unknown): OutputFormat | undefined {
  if (value === undefined || value === null) return undefined;
  const format = objectAt(value, "response_format");
  switch (format.type) {
    case "text":
      return undefined;
    case "json_object":
      return { type: "json" };
    case "json_schema":
      return decodeSchema(objectAt(format.json_schema, "response_format.json_schema"));
    default:
      throw misfit("response_format.type", `"text", "json_object" or "json_schema"`, format.type);
  }
}

function decodeSchema(target: JsonObject): OutputFormat {
  const path = "response_format.json_schema";
  const { strict } = target;
  const description = optionalStringAt(target.description, `${path}.description`);
  return {
    type: "schema",
    name: stringAt(target.name, `${path}.name`),
    schema: objectAt(target.schema ?? {}, `${path}.schema`) as Json,
    ...(strict !== undefined && strict !== null && { strict: flagAt(strict, `${path}.strict`) }),
    ...(description !== undefined && { description }),
  };
}

function decodeSpeech(fields: JsonObject): ModelRequest["speech"] {
  const modalities = arrayAt(fields.modalities ?? [], "modalities");
  const other = modalities.find((modality) => modality !== "text" && modality !== "audio");
  if (other !== undefined) throw unsupported("modalities", `"text" and "audio"`, other);
  if (!modalities.includes("audio")) return undefined;
  const audio = objectAt(fields.audio, "audio");
  const voice = isObject(audio.voice) ? audio.voice.id : audio.voice;
  return { voice: stringAt(voice, "audio.voice"), format: stringAt(audio.format, "audio.format") };
}

const EFFORTS: ReadonlySet<unknown> = new Set(["none", "minimal", "low", "medium", "high", "xhigh", "max"]);

/** OpenAI's word for how much to think, and OpenRouter's object, which can say it in tokens too. */
function decodeReasoning(fields: JsonObject): Reasoning | undefined {
  const more = isObject(fields.reasoning) ? fields.reasoning : {};
  const effort = fields.reasoning_effort ?? more.effort;
  if (effort !== undefined && effort !== null && !EFFORTS.has(effort)) throw misfit("reasoning_effort", [...EFFORTS].join(", "), effort);
  const reasoning = defined({
    effort: (effort ?? undefined) as Reasoning["effort"],
    tokensMax: optionalCountAt(more.max_tokens, "reasoning.max_tokens"),
    isShown: more.exclude === undefined || more.exclude === null ? undefined : !flagAt(more.exclude, "reasoning.exclude"),
  });
  return Object.keys(reasoning).length === 0 ? undefined : reasoning;
}

function decodeUser(fields: JsonObject): string | undefined {
  const user = fields.safety_identifier ?? fields.user;
  // It is a hint: one that is no text is no reason to refuse.
  return typeof user === "string" ? user : undefined;
}

function encodeTool(tool: ToolSpec): Json {
  const { name, description, parameters, strict } = tool;
  const described = description === "" ? {} : { description };
  return { type: "function", function: { name, ...described, parameters, ...(strict !== undefined && { strict }) } };
}

function encodeToolChoice(choice: NonNullable<ModelRequest["toolChoice"]>): Json {
  return typeof choice === "string" ? choice : { type: "function", function: { name: choice.name } };
}

function encodeFormat(format: OutputFormat): Json {
  if (format.type === "json") return { type: "json_object" };
  const { name, schema, strict, description } = format;
  return {
    type: "json_schema",
    json_schema: { name, schema, ...(strict !== undefined && { strict }), ...(description !== undefined && { description }) },
  };
}

function encodeReasoning({ effort, tokensMax, isShown }: Reasoning): { readonly [field: string]: Json } {
  const more = { ...(tokensMax !== undefined && { max_tokens: tokensMax }), ...(isShown !== undefined && { exclude: !isShown }) };
  return { ...(effort !== undefined && { reasoning_effort: effort }), ...(Object.keys(more).length > 0 && { reasoning: more }) };
}
