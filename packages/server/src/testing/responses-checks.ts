import { z } from "zod";
import type { Refusal } from "./openai-checks.ts";

const annotations = z.array(z.looseObject({ type: z.string() }));
const inputText = z.strictObject({ type: z.literal("input_text"), text: z.string() });
const outputText = z.strictObject({
  type: z.literal("output_text"),
  text: z.string(),
  annotations: annotations.optional(),
  logprobs: z.array(z.unknown()).optional(),
});
const refusalPart = z.strictObject({ type: z.literal("refusal"), refusal: z.string() });
const inputImage = z
  .strictObject({
    type: z.literal("input_image"),
    image_url: z.string().nullish(),
    file_id: z.string().nullish(),
    detail: z.enum(["low", "high", "auto", "original"]).nullish(),
  })
  .refine((part) => Boolean(part.image_url) !== Boolean(part.file_id), { error: "one of image_url and file_id is required" });
const inputFile = z.strictObject({
  type: z.literal("input_file"),
  file_id: z.string().nullish(),
  file_url: z.string().optional(),
  file_data: z.string().optional(),
  filename: z.string().optional(),
});
const inputContent = z.union([z.string(), z.array(z.union([inputText, inputImage, inputFile])).min(1)]);
const status = z.enum(["in_progress", "completed", "incomplete"]).nullish();
const itemId = z.string().nullish();

const message = z.union([
  z.strictObject({
    type: z.literal("message").optional(),
    id: itemId,
    status,
    role: z.enum(["user", "system", "developer"]),
    content: inputContent,
  }),
  z.strictObject({
    type: z.literal("message").optional(),
    id: itemId,
    status,
    role: z.literal("assistant"),
    phase: z.enum(["commentary", "final_answer"]).nullish(),
    content: z.union([z.string(), z.array(z.union([outputText, refusalPart])).min(1)]),
  }),
]);
const callId = z.string().min(1).max(64);
const item = z.union([
  message,
  z.strictObject({
    type: z.literal("function_call"),
    id: itemId,
    status,
    call_id: callId,
    name: z.string().regex(/^[\w-]{1,64}$/),
    namespace: z.string().optional(),
    arguments: z.string(),
  }),
  z.strictObject({ type: z.literal("function_call_output"), id: itemId, status, call_id: callId, output: inputContent }),
  z.strictObject({ type: z.literal("custom_tool_call"), id: itemId, status, call_id: callId, name: z.string(), input: z.string() }),
  z.strictObject({ type: z.literal("custom_tool_call_output"), id: itemId, call_id: callId, output: inputContent }),
  z.strictObject({
    type: z.literal("reasoning"),
    id: z.string().regex(/^rs_/).optional(),
    status,
    summary: z.array(z.strictObject({ type: z.literal("summary_text"), text: z.string() })),
    content: z.array(z.strictObject({ type: z.literal("reasoning_text"), text: z.string() })).nullish(),
    encrypted_content: z
      .string()
      .regex(/^gAAAA/, { error: "the encrypted content could not be verified" })
      .nullish(),
  }),
  z.strictObject({ type: z.literal("item_reference"), id: z.string() }),
]);

const tool = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("function"),
    name: z.string().regex(/^[\w-]{1,64}$/),
    description: z.string().nullish(),
    parameters: z.looseObject({}).nullish(),
    strict: z.boolean().nullish(),
  }),
  z.strictObject({ type: z.literal("custom"), name: z.string(), description: z.string().optional(), format: z.looseObject({}).optional() }),
  z.looseObject({ type: z.literal("web_search") }),
  z.strictObject({
    type: z.literal("namespace"),
    name: z.string().regex(/^[\w-]{1,64}$/),
    description: z.string(),
    tools: z.array(z.looseObject({ type: z.enum(["function", "custom"]), name: z.string() })),
  }),
]);

const responsesBody = z.strictObject({
  model: z.string().min(1),
  input: z.union([z.string(), z.array(item)]).optional(),
  instructions: z.string().nullish(),
  previous_response_id: z.string().nullish(),
  include: z.array(z.string()).nullish(),
  max_output_tokens: z.int().min(16).nullish(),
  max_tool_calls: z.int().nullish(),
  metadata: z.record(z.string().max(64), z.string().max(512)).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  prompt_cache_key: z.string().nullish(),
  reasoning: z.strictObject({ effort: z.string().nullish(), summary: z.enum(["auto", "concise", "detailed"]).nullish() }).nullish(),
  safety_identifier: z.string().max(64).nullish(),
  service_tier: z.string().nullish(),
  store: z.boolean().nullish(),
  client_metadata: z.record(z.string(), z.string()).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.strictObject({ include_obfuscation: z.boolean().optional() }).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  text: z
    .strictObject({
      verbosity: z.string().nullish(),
      format: z
        .discriminatedUnion("type", [
          z.strictObject({ type: z.literal("text") }),
          z.strictObject({ type: z.literal("json_object") }),
          z.strictObject({
            type: z.literal("json_schema"),
            name: z.string().regex(/^[\w-]{1,64}$/),
            schema: z.looseObject({}),
            strict: z.boolean().nullish(),
            description: z.string().optional(),
          }),
        ])
        .optional(),
    })
    .nullish(),
  tool_choice: z.union([z.enum(["none", "auto", "required"]), z.looseObject({ type: z.string() })]).nullish(),
  tools: z.array(tool).nullish(),
  top_logprobs: z.int().nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  truncation: z.enum(["auto", "disabled"]).nullish(),
  user: z.string().nullish(),
});

/** A request that OpenAI would take. */
export type ResponsesBody = z.infer<typeof responsesBody>;

/** The request, or why OpenAI would refuse it. Written apart from Tutti's own codec, so that the two cannot be wrong together. */
export function checkResponsesBody(bytes: Buffer): { readonly body: ResponsesBody } | { readonly refusal: Refusal } {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString("utf8"));
  } catch {
    return { refusal: { message: "We could not parse the JSON body of your request.", code: null, param: null } };
  }
  const checked = responsesBody.safeParse(value);
  if (!checked.success) return { refusal: refusalFor(checked.error) };
  const orphan = orphanIn(checked.data);
  if (orphan !== undefined && typeof checked.data.previous_response_id !== "string") {
    return { refusal: { message: `No tool call found for function call output with call_id ${orphan}.`, code: null, param: "input" } };
  }
  return { body: checked.data };
}

function orphanIn({ input }: ResponsesBody): string | undefined {
  if (!Array.isArray(input)) return undefined;
  const calls = new Set(
    input.flatMap((entry) => (entry.type === "function_call" || entry.type === "custom_tool_call" ? [entry.call_id] : [])),
  );
  for (const entry of input)
    if ((entry.type === "function_call_output" || entry.type === "custom_tool_call_output") && !calls.has(entry.call_id))
      return entry.call_id;
  return undefined;
}

function refusalFor(error: z.ZodError): Refusal {
  const [issue] = error.issues;
  if (issue?.code === "unrecognized_keys") {
    const param = [...issue.path, issue.keys[0]].join(".");
    return { message: `Unknown parameter: '${param}'.`, code: "unknown_parameter", param };
  }
  const param =
    issue?.path
      .map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`))
      .join("")
      .slice(1) ?? null;
  return { message: `Invalid value for '${param}': ${issue?.message}.`, code: "invalid_value", param };
}
