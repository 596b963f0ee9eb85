import { z } from "zod";

/** Objects as the API reads them: unknown fields are refused, or let through where a test wants to see them again. */
type ObjectOf = typeof z.looseObject;

const IMAGE_URL = /^(?:https?:\/\/|data:image\/(?:png|jpeg|jpg|gif|webp);base64,)/;

function partsOf(object: ObjectOf) {
  const text = object({ type: z.literal("text"), text: z.string() });
  const image = object({
    type: z.literal("image_url"),
    image_url: object({ url: z.string().regex(IMAGE_URL), detail: z.enum(["auto", "low", "high", "original"]).optional() }),
  });
  const audio = object({ type: z.literal("input_audio"), input_audio: object({ data: z.base64(), format: z.enum(["wav", "mp3"]) }) });
  const file = object({
    type: z.literal("file"),
    file: object({ file_data: z.string().optional(), file_id: z.string().optional(), filename: z.string().optional() }).refine(
      (fields) => fields["file_id"] !== undefined || (fields["file_data"] !== undefined && fields["filename"] !== undefined),
      { error: "expected file_id, or file_data with filename" },
    ),
  });
  const refusal = object({ type: z.literal("refusal"), refusal: z.string() });
  return { text, any: z.discriminatedUnion("type", [text, image, audio, file]), said: z.discriminatedUnion("type", [text, refusal]) };
}

function messageOf(object: ObjectOf) {
  const parts = partsOf(object);
  const text = z.union([z.string(), z.array(parts.text).min(1)]);
  const name = z.string().optional();
  const call = object({ id: z.string(), type: z.literal("function"), function: object({ name: z.string(), arguments: z.string() }) });
  const assistant = object({
    role: z.literal("assistant"),
    content: z.union([z.string(), z.array(parts.said).min(1)]).nullish(),
    refusal: z.string().nullish(),
    audio: object({ id: z.string() }).nullish(),
    tool_calls: z.array(call).min(1).optional(),
    annotations: z.array(z.looseObject({})).optional(),
    name,
  }).refine(
    (said) => [said["content"], said["refusal"], said["tool_calls"], said["audio"]].some((value) => value !== undefined && value !== null),
    {
      path: ["content"],
      error: "expected a string, but got null",
    },
  );
  return z.discriminatedUnion("role", [
    object({ role: z.literal("system"), content: text, name }),
    object({ role: z.literal("developer"), content: text, name }),
    object({ role: z.literal("user"), content: z.union([z.string(), z.array(parts.any).min(1)]), name }),
    assistant,
    object({ role: z.literal("tool"), content: text, tool_call_id: z.string() }),
  ]);
}

function chatBodyOf(object: ObjectOf) {
  const toolName = z.string().regex(/^[\w-]{1,64}$/);
  const schema = z.looseObject({});
  const tool = object({
    type: z.literal("function"),
    function: object({ name: toolName, description: z.string().optional(), parameters: schema.optional(), strict: z.boolean().nullish() }),
  });
  const named = object({ type: z.literal("function"), function: object({ name: z.string() }) });
  const allowed = object({
    type: z.literal("allowed_tools"),
    allowed_tools: object({ mode: z.enum(["auto", "required"]), tools: z.array(named) }),
  });
  const format = z.discriminatedUnion("type", [
    object({ type: z.literal("text") }),
    object({ type: z.literal("json_object") }),
    object({
      type: z.literal("json_schema"),
      json_schema: object({ name: toolName, description: z.string().optional(), schema: schema.optional(), strict: z.boolean().nullish() }),
    }),
  ]);
  const penalty = z.number().min(-2).max(2).nullish();
  const limit = z.int().min(1).nullish();
  return object({
    model: z.string().min(1),
    messages: z.array(messageOf(object)).min(1),
    stream: z.boolean().nullish(),
    stream_options: object({ include_usage: z.boolean().optional(), include_obfuscation: z.boolean().optional() }).nullish(),
    temperature: z.number().min(0).max(2).nullish(),
    top_p: z.number().min(0).max(1).nullish(),
    presence_penalty: penalty,
    frequency_penalty: penalty,
    n: z.literal(1).nullish(),
    seed: z.int().nullish(),
    max_tokens: limit,
    max_completion_tokens: limit,
    stop: z.union([z.string(), z.array(z.string()).max(4)]).nullish(),
    tools: z.array(tool).min(1).max(128).optional(),
    tool_choice: z.union([z.enum(["none", "auto", "required"]), named, allowed]).optional(),
    parallel_tool_calls: z.boolean().optional(),
    response_format: format.nullish(),
    modalities: z.array(z.enum(["text", "audio"])).nullish(),
    audio: object({
      voice: z.union([z.string(), object({ id: z.string() })]),
      format: z.enum(["wav", "aac", "mp3", "flac", "opus", "pcm16"]),
    }).nullish(),
    reasoning_effort: z.enum(["none", "minimal", "low", "medium", "high", "xhigh", "max"]).nullish(),
    verbosity: z.enum(["low", "medium", "high"]).nullish(),
    logprobs: z.boolean().nullish(),
    top_logprobs: z.int().min(0).max(20).nullish(),
    logit_bias: z.record(z.string(), z.number().min(-100).max(100)).nullish(),
    user: z.string().optional(),
    safety_identifier: z.string().max(128).nullish(),
    prompt_cache_key: z.string().nullish(),
    metadata: z.record(z.string().max(64), z.string().max(512)).nullish(),
    store: z.boolean().nullish(),
    service_tier: z.enum(["auto", "default", "flex", "scale", "priority", "fast"]).nullish(),
  });
}

/** A request's body; fields that OpenAI does not know are let through. */
export const looseBody = chatBodyOf(z.looseObject);
/** The same, and such fields are refused. A strict object is a loose one that takes less; zod has no type for "either". */
export const strictBody = chatBodyOf(z.strictObject as unknown as ObjectOf);

/** A request that OpenAI would take. */
export type ChatBody = z.infer<typeof looseBody>;

/** The fields of a chat request that the stand-in knows; it echoes all others. */
export const KNOWN_FIELDS: ReadonlySet<string> = new Set(Object.keys(looseBody.shape));

/** The body of a request for a completion. */
export const completionBody = z.looseObject({
  model: z.string().min(1),
  prompt: z.union([z.string(), z.array(z.string()).min(1)]),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().optional() }).nullish(),
  max_tokens: z.int().min(1).nullish(),
});

/** A request that OpenAI's older completions would take. */
export type CompletionBody = z.infer<typeof completionBody>;
