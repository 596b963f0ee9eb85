import type { Json } from "../json.ts";
import type { Message, ModelRequest, OutputFormat, Reasoning, Sampling, ToolSpec } from "../model.ts";
import type { DecodedRequest } from "./codec.ts";
import { decodeAssistant, decodeUser, joinTexts } from "./messages-content.ts";
import { decodeTools } from "./messages-tools.ts";
import { arrayAt, flagAt, isObject, misfit, objectAt, stringAt, unsupported, type JsonObject } from "./shape.ts";

/** A client of Anthropic's may send so many messages. */
const MESSAGES_MAX = 100_000;

/**
 * Reads the body of `POST /v1/messages`, as `JSON.parse` returned it. Hints that only Anthropic's own models understand (caching, tiers,
 * betas, tools that its servers run) are left out; what would make the answer another one (containers, MCP servers, threads) is
 * `unsupported`.
 */
export function decodeMessagesRequest(body: unknown): DecodedRequest {
  const fields = objectAt(body, "body");
  const outputTokensMax = countOf(fields.max_tokens, "max_tokens");
  if (outputTokensMax === undefined) throw misfit("max_tokens", "a number of tokens, which Anthropic's format requires", fields.max_tokens);
  if (outputTokensMax === 0) throw unsupported("max_tokens", "at least 1: only Anthropic can fill its cache without an answer", 0);
  const { model, request } = decodeCommon(fields);
  return { model, stream: flagAt(fields.stream, "stream"), request: { ...request, outputTokensMax } };
}

/** Reads the body of `POST /v1/messages/count_tokens`: a request without its limit. */
export function decodeCountRequest(body: unknown): Pick<DecodedRequest, "model" | "request"> {
  return decodeCommon(objectAt(body, "body"));
}

/** Writes the answer to it. */
export function encodeCount(inputTokens: number): Json {
  return { input_tokens: inputTokens };
}

function decodeCommon(fields: JsonObject): Pick<DecodedRequest, "model" | "request"> {
  refuseWhatCannotBeHonoured(fields);
  const messages = arrayAt(fields.messages, "messages");
  if (messages.length === 0 || messages.length > MESSAGES_MAX) throw misfit("messages", `1 to ${MESSAGES_MAX} messages`, messages);
  const system = decodeSystem(fields.system, "system");
  const model = stringAt(fields.model, "model");
  const tools = decodeTools(fields.tools);
  const request: ModelRequest = {
    messages: [...system, ...messages.flatMap(decodeMessage)],
    ...(tools.length > 0 && { tools }),
    ...decodeChoice(fields.tool_choice, tools),
    ...optional("format", decodeFormat(fields)),
    ...optional("sampling", decodeSampling(fields)),
    ...optional("reasoning", decodeReasoning(fields)),
    ...optional("user", decodeUserId(fields.metadata)),
  };
  return { model, request };
}

/** Fields of Anthropic's platform that ask for another answer than any model alone could give. */
const PLATFORM_ONLY = ["container", "mcp_servers", "thread", "compaction", "inference_geo"] as const;

function refuseWhatCannotBeHonoured(fields: JsonObject): void {
  for (const name of PLATFORM_ONLY) {
    const value = fields[name];
    if (value === undefined || value === null || (Array.isArray(value) && value.length === 0)) continue;
    throw unsupported(name, "nothing here, which only Anthropic's own models can honour", value);
  }
}

function decodeSystem(value: unknown, path: string): readonly Message[] {
  if (value === undefined || value === null) return [];
  const content = typeof value === "string" ? value : joinTexts(arrayAt(value, path), path);
  return content === "" ? [] : [{ role: "system", content }];
}

function decodeMessage(value: unknown, index: number): readonly Message[] {
  const path = `messages[${index}]`;
  const { role, content } = objectAt(value, path);
  switch (role) {
    case "user":
      return decodeUser(content, `${path}.content`);
    case "assistant":
      return [decodeAssistant(content, `${path}.content`)];
    case "system":
      return decodeSystem(content, `${path}.content`);
    default:
      throw misfit(`${path}.role`, `"user", "assistant" or "system"`, role);
  }
}

function decodeChoice(value: unknown, tools: readonly ToolSpec[]): Pick<ModelRequest, "toolChoice" | "parallelCalls"> {
  if (value === undefined || value === null) return {};
  const choice = objectAt(value, "tool_choice");
  const parallelCalls = flagAt(choice.disable_parallel_tool_use, "tool_choice.disable_parallel_tool_use") && { parallelCalls: false };
  switch (choice.type) {
    case "auto":
      return { ...parallelCalls };
    case "none":
      return { toolChoice: "none" };
    case "any":
      if (tools.length === 0) throw unsupported("tool_choice", "tools that this model can be given", "none of that kind");
      return { toolChoice: "required", ...parallelCalls };
    case "tool": {
      const name = stringAt(choice.name, "tool_choice.name");
      if (!tools.some((tool) => tool.name === name)) throw unsupported("tool_choice.name", "a tool that this model can be given", name);
      return { toolChoice: { name }, ...parallelCalls };
    }
    default:
      throw misfit("tool_choice.type", `"auto", "any", "tool" or "none"`, choice.type);
  }
}

/** `output_format` is what it was called as a beta. */
function decodeFormat(fields: JsonObject): OutputFormat | undefined {
  const config = isObject(fields.output_config) ? fields.output_config : {};
  const path = isPresent(config.format) ? "output_config.format" : "output_format";
  const value = config.format ?? fields.output_format;
  if (!isPresent(value)) return undefined;
  const format = objectAt(value, path);
  if (format.type !== "json_schema") throw unsupported(`${path}.type`, `"json_schema"`, format.type);
  return { type: "schema", name: "answer", schema: objectAt(format.schema, `${path}.schema`) as Json, strict: true };
}

function decodeSampling(fields: JsonObject): Sampling | undefined {
  const stop = arrayAt(fields.stop_sequences ?? [], "stop_sequences").map((text, index) => stringAt(text, `stop_sequences[${index}]`));
  const sampling: Sampling = {
    ...optional("temperature", numberOf(fields.temperature, "temperature")),
    ...optional("topP", numberOf(fields.top_p, "top_p")),
    ...optional("topK", countOf(fields.top_k, "top_k")),
    ...(stop.length > 0 && { stop }),
  };
  return Object.keys(sampling).length === 0 ? undefined : sampling;
}

const EFFORTS: ReadonlySet<unknown> = new Set(["low", "medium", "high", "xhigh", "max"]);

function decodeReasoning(fields: JsonObject): Reasoning | undefined {
  const config = isPresent(fields.output_config) ? objectAt(fields.output_config, "output_config") : {};
  const effort = isPresent(config.effort) ? (config.effort as Reasoning["effort"]) : undefined;
  if (effort !== undefined && !EFFORTS.has(effort))
    throw misfit("output_config.effort", `"low", "medium", "high", "xhigh" or "max"`, effort);
  const hint = optional("effort", effort);
  if (!isPresent(fields.thinking)) return effort === undefined ? undefined : hint;
  const thinking = objectAt(fields.thinking, "thinking");
  switch (thinking.type) {
    case "disabled":
    case "between_tools":
      return { effort: "none" };
    case "adaptive":
      return { ...hint, isShown: thinking.display !== "omitted" };
    case "enabled": {
      const tokensMax = countOf(thinking.budget_tokens, "thinking.budget_tokens");
      return { ...hint, ...optional("tokensMax", tokensMax), isShown: thinking.display !== "omitted" };
    }
    default:
      throw misfit("thinking.type", `"enabled", "adaptive", "between_tools" or "disabled"`, thinking.type);
  }
}

function decodeUserId(metadata: unknown): string | undefined {
  const { user_id: userId } = isPresent(metadata) ? objectAt(metadata, "metadata") : {};
  return isPresent(userId) ? stringAt(userId, "metadata.user_id") : undefined;
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function numberOf(value: unknown, path: string): number | undefined {
  if (!isPresent(value)) return undefined;
  if (typeof value === "number") return value;
  throw misfit(path, "a number", value);
}

function countOf(value: unknown, path: string): number | undefined {
  const number = numberOf(value, path);
  if (number === undefined || (Number.isSafeInteger(number) && number >= 0)) return number;
  throw misfit(path, "a whole number, 0 or more", value);
}

/** A field that is left out when there is no value for it. */
function optional<Name extends string, Value>(name: Name, value: Value | undefined): { readonly [key in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [key in Name]: Value });
}
