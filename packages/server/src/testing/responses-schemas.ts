import { z } from "zod";

// What Open Responses 2026-04-24 and OpenAI's API description 2.3.0 both say of responses and their events, as schemas.

const status = z.enum(["in_progress", "completed", "incomplete"]);
const annotation = z.strictObject({
  type: z.literal("url_citation"),
  url: z.string(),
  title: z.string(),
  start_index: z.int().min(0),
  end_index: z.int().min(0),
});
const outputText = z.strictObject({
  type: z.literal("output_text"),
  text: z.string(),
  annotations: z.array(annotation),
  logprobs: z.array(z.unknown()),
});
const refusal = z.strictObject({ type: z.literal("refusal"), refusal: z.string() });
const summaryText = z.strictObject({ type: z.literal("summary_text"), text: z.string() });
const reasoningText = z.strictObject({ type: z.literal("reasoning_text"), text: z.string() });
const id = z.string().min(1);

const outputItemSchema = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("message"),
    id,
    status,
    role: z.literal("assistant"),
    content: z.array(z.union([outputText, refusal])),
    phase: z.enum(["commentary", "final_answer"]).optional(),
  }),
  z.strictObject({
    type: z.literal("function_call"),
    id,
    status,
    call_id: id,
    name: id,
    arguments: z.string(),
    namespace: z.string().optional(),
  }),
  z.strictObject({ type: z.literal("custom_tool_call"), id, status, call_id: id, name: id, input: z.string() }),
  z.strictObject({
    type: z.literal("reasoning"),
    id,
    status: status.optional(),
    summary: z.array(summaryText),
    content: z.array(reasoningText).optional(),
    encrypted_content: z.string().optional(),
  }),
]);

const usageSchema = z.strictObject({
  input_tokens: z.int().min(0),
  input_tokens_details: z.strictObject({ cached_tokens: z.int().min(0), cache_write_tokens: z.int().min(0) }),
  output_tokens: z.int().min(0),
  output_tokens_details: z.strictObject({ reasoning_tokens: z.int().min(0) }),
  total_tokens: z.int().min(0),
});

const tool = z.union([
  z.looseObject({
    type: z.literal("function"),
    name: z.string(),
    description: z.string().nullable(),
    parameters: z.looseObject({}).nullable(),
    strict: z.boolean().nullable(),
  }),
  z.looseObject({ type: z.string().refine((type) => type !== "function") }),
]);

const choice = z.enum(["none", "auto", "required"]);
const format = z.union([
  z.strictObject({ type: z.enum(["text", "json_object"]) }),
  z.strictObject({
    type: z.literal("json_schema"),
    name: z.string(),
    description: z.string().nullable(),
    schema: z.looseObject({}),
    strict: z.boolean(),
  }),
]);

/** A response object, with every field that must be there. */
export const responseSchema = z.looseObject({
  id: z.string().regex(/^resp_/),
  object: z.literal("response"),
  created_at: z.int(),
  completed_at: z.int().nullable(),
  status: z.enum(["completed", "failed", "in_progress", "cancelled", "queued", "incomplete"]),
  incomplete_details: z.strictObject({ reason: z.enum(["max_output_tokens", "content_filter"]) }).nullable(),
  model: z.string(),
  previous_response_id: z.string().nullable(),
  instructions: z.string().nullable(),
  output: z.array(outputItemSchema),
  error: z.strictObject({ code: z.string(), message: z.string() }).nullable(),
  tools: z.array(tool),
  tool_choice: z.union([
    choice,
    z.strictObject({ type: z.enum(["function", "custom"]), name: z.string() }),
    z.strictObject({ type: z.literal("allowed_tools"), mode: choice, tools: z.array(z.looseObject({ type: z.string() })) }),
  ]),
  truncation: z.enum(["auto", "disabled"]),
  parallel_tool_calls: z.boolean(),
  text: z.strictObject({ format, verbosity: z.enum(["low", "medium", "high"]).optional() }),
  top_p: z.number(),
  presence_penalty: z.number(),
  frequency_penalty: z.number(),
  top_logprobs: z.int(),
  temperature: z.number(),
  reasoning: z.looseObject({ effort: z.string().nullable(), summary: z.string().nullable() }).nullable(),
  usage: usageSchema.nullable(),
  max_output_tokens: z.int().nullable(),
  max_tool_calls: z.int().nullable(),
  store: z.boolean(),
  background: z.boolean(),
  service_tier: z.string(),
  metadata: z.record(z.string(), z.string()),
  safety_identifier: z.string().nullable(),
  prompt_cache_key: z.string().nullable(),
});

/** A response, as far as tests look into it. */
export type ResponseObject = z.infer<typeof responseSchema>;

const common = { sequence_number: z.int().min(0), stream_id: z.string().optional() };
const ofItem = { ...common, item_id: id, output_index: z.int().min(0), obfuscation: z.string().optional() };
const ofContent = { ...ofItem, content_index: z.int().min(0) };
const ofSummary = { ...ofItem, summary_index: z.int().min(0) };
const ofResponse = { ...common, response: responseSchema };
const logprobs = z.array(z.unknown());

const event = <T extends string, S extends z.ZodRawShape>(
  type: T,
  shape: S,
): z.ZodObject<S & { type: z.ZodLiteral<`response.${T}`> }, z.core.$strict> =>
  z.strictObject({ type: z.literal(`response.${type}` as const), ...shape });

/** A streamed event. What is not one of these is an event that clients do not know. */
export const eventSchema = z.discriminatedUnion("type", [
  event("created", ofResponse),
  event("queued", ofResponse),
  event("in_progress", ofResponse),
  event("completed", ofResponse),
  event("incomplete", ofResponse),
  event("failed", ofResponse),
  event("output_item.added", { ...common, output_index: z.int().min(0), item: outputItemSchema }),
  event("output_item.done", { ...common, output_index: z.int().min(0), item: outputItemSchema }),
  event("content_part.added", { ...ofContent, part: z.union([outputText, refusal, reasoningText]) }),
  event("content_part.done", { ...ofContent, part: z.union([outputText, refusal, reasoningText]) }),
  event("output_text.delta", { ...ofContent, delta: z.string(), logprobs }),
  event("output_text.done", { ...ofContent, text: z.string(), logprobs }),
  event("output_text.annotation.added", { ...ofContent, annotation_index: z.int().min(0), annotation }),
  event("refusal.delta", { ...ofContent, delta: z.string() }),
  event("refusal.done", { ...ofContent, refusal: z.string() }),
  event("reasoning_text.delta", { ...ofContent, delta: z.string() }),
  event("reasoning_text.done", { ...ofContent, text: z.string() }),
  event("reasoning_summary_part.added", { ...ofSummary, part: summaryText }),
  event("reasoning_summary_part.done", { ...ofSummary, part: summaryText }),
  event("reasoning_summary_text.delta", { ...ofSummary, delta: z.string() }),
  event("reasoning_summary_text.done", { ...ofSummary, text: z.string() }),
  event("function_call_arguments.delta", { ...ofItem, delta: z.string() }),
  event("function_call_arguments.done", { ...ofItem, name: z.string().optional(), arguments: z.string() }),
  event("custom_tool_call_input.delta", { ...ofItem, delta: z.string() }),
  event("custom_tool_call_input.done", { ...ofItem, input: z.string() }),
  z.looseObject({
    type: z.literal("error"),
    error: z.strictObject({ type: z.string(), code: z.string(), message: z.string(), param: z.string().nullable() }),
  }),
]);

/** One event, as far as tests look into it. */
export type ResponseEvent = z.infer<typeof eventSchema>;

/** What `POST /v1/responses/compact` answers. */
export const compactionSchema = z.strictObject({
  id,
  object: z.literal("response.compaction"),
  created_at: z.int(),
  output: z
    .array(
      z.union([
        z.strictObject({
          type: z.literal("message"),
          id,
          status,
          role: z.enum(["user", "assistant"]),
          content: z.array(z.looseObject({ type: z.string() })),
        }),
        z.strictObject({ type: z.literal("compaction"), id, encrypted_content: z.string().min(1) }),
      ]),
    )
    .min(1),
  usage: usageSchema,
});
