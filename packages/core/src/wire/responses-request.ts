import type { DecodedRequest } from "./codec.ts";
import type { Message, ModelRequest, OutputFormat, Reasoning, Sampling } from "../model.ts";
import type { Json } from "../json.ts";
import { decodeInput } from "./responses-input.ts";
import { decodeToolChoice, decodeTools } from "./responses-tools.ts";
import {
  arrayAt,
  defined,
  flagAt,
  isObject,
  misfit,
  objectAt,
  optionalCountAt,
  optionalNumberAt,
  stringAt,
  unsupported,
  type JsonObject,
} from "./shape.ts";

const METADATA_PAIRS_MAX = 16;
const METADATA_KEY_CHARS_MAX = 64;
const METADATA_VALUE_CHARS_MAX = 512;

/**
 * Reads the body of `POST /v1/responses`, the conversation whole in `input`: whoever keeps conversations puts what `previous_response_id`
 * stands for there before. Fields about caches, tiers, truncation and verbosity are hints and left out.
 */
export function decodeResponsesRequest(body: unknown): DecodedRequest {
  const fields = objectAt(body, "body");
  refuseWhatCannotBeHonoured(fields);
  checkMetadata(fields.metadata);
  return { model: stringAt(fields.model, "model"), stream: flagAt(fields.stream, "stream"), request: decodeRequest(fields) };
}

function decodeRequest(fields: JsonObject): ModelRequest {
  const messages = [...instructions(fields.instructions), ...decodeInput(fields.input)];
  if (messages.length === 0) throw misfit("input", "a text or at least one item", fields.input);
  const { tools, choice } = decodeToolChoice(fields.tool_choice, decodeTools(fields));
  const format = decodeFormat(fields.text);
  const reasoning = decodeReasoning(fields.reasoning);
  const sampling = decodeSampling(fields);
  const outputTokensMax = optionalCountAt(fields.max_output_tokens, "max_output_tokens");
  const user = fields.safety_identifier ?? fields.user;
  return {
    messages,
    ...(tools.length > 0 && { tools, ...(choice !== undefined && { toolChoice: choice }) }),
    ...(typeof fields.parallel_tool_calls === "boolean" && { parallelCalls: fields.parallel_tool_calls }),
    ...(format !== undefined && { format }),
    ...(outputTokensMax !== undefined && { outputTokensMax }),
    ...(sampling !== undefined && { sampling }),
    ...(reasoning !== undefined && { reasoning }),
    ...(typeof user === "string" && { user }),
  };
}

function instructions(value: unknown): readonly Message[] {
  if (value === undefined || value === null || value === "") return [];
  return [{ role: "system", content: stringAt(value, "instructions") }];
}

function refuseWhatCannotBeHonoured(fields: JsonObject): void {
  for (const [name, wanted] of NEEDS_STATE) {
    const value = fields[name];
    if (value !== undefined && value !== null) throw unsupported(name, wanted, value);
  }
  const include = arrayAt(fields.include ?? [], "include");
  const index = include.indexOf("message.output_text.logprobs");
  if (index >= 0) throw unsupported(`include[${index}]`, "an answer without log probabilities, which not every model has", include[index]);
  if (typeof fields.top_logprobs === "number" && fields.top_logprobs > 0)
    throw unsupported("top_logprobs", "0: not every model has log probabilities", fields.top_logprobs);
}

const NEEDS_STATE: readonly (readonly [string, string])[] = [
  ["previous_response_id", "the whole conversation as input"],
  ["conversation", "the conversation as input, or previous_response_id"],
  ["prompt", "instructions and input: stored prompts are with OpenAI only"],
  ["moderation", "no moderation: that model is with OpenAI only"],
];

function checkMetadata(value: unknown): void {
  if (value === undefined || value === null) return;
  const pairs = Object.entries(objectAt(value, "metadata"));
  if (pairs.length > METADATA_PAIRS_MAX) throw misfit("metadata", `at most ${METADATA_PAIRS_MAX} pairs`, pairs.length);
  for (const [key, text] of pairs) {
    if (key.length > METADATA_KEY_CHARS_MAX) throw misfit("metadata", `keys of at most ${METADATA_KEY_CHARS_MAX} characters`, key);
    if (stringAt(text, `metadata.${key}`).length > METADATA_VALUE_CHARS_MAX)
      throw misfit(`metadata.${key}`, `at most ${METADATA_VALUE_CHARS_MAX} characters`, text);
  }
}

function decodeFormat(value: unknown): OutputFormat | undefined {
  if (value === undefined || value === null) return undefined;
  const format = objectAt(value, "text").format ?? undefined;
  if (format === undefined) return undefined;
  const fields = objectAt(format, "text.format");
  if (fields.type === "text") return undefined;
  if (fields.type === "json_object") return { type: "json" };
  if (fields.type !== "json_schema") throw misfit("text.format.type", `"text", "json_object" or "json_schema"`, fields.type);
  const schema = objectAt(fields.schema, "text.format.schema") as Json;
  return {
    type: "schema",
    name: stringAt(fields.name ?? "answer", "text.format.name"),
    schema,
    ...(typeof fields.strict === "boolean" && { strict: fields.strict }),
    ...(typeof fields.description === "string" && { description: fields.description }),
  };
}

const EFFORTS = ["none", "minimal", "low", "medium", "high", "xhigh", "max"] as const;

function decodeReasoning(value: unknown): Reasoning | undefined {
  if (value === undefined || value === null) return undefined;
  const fields = objectAt(value, "reasoning");
  const wanted = fields.effort ?? undefined;
  const effort = EFFORTS.find((item) => item === wanted);
  if (wanted !== undefined && effort === undefined) throw misfit("reasoning.effort", EFFORTS.map((item) => `"${item}"`).join(", "), wanted);
  const summary = fields.summary ?? fields.generate_summary ?? undefined;
  if (effort === undefined && summary === undefined) return undefined;
  return { ...(effort !== undefined && { effort }), ...(summary !== undefined && { isShown: true }) };
}

function decodeSampling(fields: JsonObject): Sampling | undefined {
  const sampling = defined({
    temperature: optionalNumberAt(fields.temperature, "temperature"),
    topP: optionalNumberAt(fields.top_p, "top_p"),
    presencePenalty: optionalNumberAt(fields.presence_penalty, "presence_penalty"),
    frequencyPenalty: optionalNumberAt(fields.frequency_penalty, "frequency_penalty"),
  });
  return Object.keys(sampling).length === 0 ? undefined : sampling;
}

/** A request body's field where it is an object. */
export function fieldsIn(body: unknown, name: string): JsonObject {
  const value = isObject(body) ? body[name] : undefined;
  return isObject(value) ? value : {};
}
