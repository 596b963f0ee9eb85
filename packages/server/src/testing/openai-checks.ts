import { z } from "zod";

const textPart = z.looseObject({ type: z.literal("text"), text: z.string() });
const anyPart = z.union([
  textPart,
  z.looseObject({ type: z.literal("image_url"), image_url: z.looseObject({ url: z.string() }) }),
  z.looseObject({ type: z.literal("input_audio"), input_audio: z.looseObject({ data: z.string(), format: z.string() }) }),
  z.looseObject({ type: z.literal("file"), file: z.looseObject({ file_data: z.string().optional(), file_id: z.string().optional() }) }),
]);
const text = z.union([z.string(), z.array(textPart).min(1)]);
const call = z.looseObject({
  id: z.string(),
  type: z.literal("function"),
  function: z.looseObject({ name: z.string(), arguments: z.string() }),
});

const assistant = z
  .looseObject({ role: z.literal("assistant"), content: text.nullish(), tool_calls: z.array(call).min(1).optional() })
  .refine(({ content, tool_calls: calls }) => (content !== undefined && content !== null) || calls !== undefined, {
    path: ["content"],
    error: "expected a string, but got null",
  });

const message = z.discriminatedUnion("role", [
  z.looseObject({ role: z.literal("system"), content: text }),
  z.looseObject({ role: z.literal("developer"), content: text }),
  z.looseObject({ role: z.literal("user"), content: z.union([z.string(), z.array(anyPart).min(1)]) }),
  assistant,
  z.looseObject({ role: z.literal("tool"), content: text, tool_call_id: z.string() }),
]);

const tool = z.looseObject({
  type: z.literal("function"),
  function: z.looseObject({
    name: z.string().regex(/^[\w-]{1,64}$/),
    description: z.string().optional(),
    parameters: z.looseObject({}).optional(),
  }),
});

const chatBody = z.looseObject({
  model: z.string().min(1),
  messages: z.array(message).min(1),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().optional() }).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  n: z.literal(1).nullish(),
  max_tokens: z.int().min(1).nullish(),
  max_completion_tokens: z.int().min(1).nullish(),
  stop: z.union([z.string(), z.array(z.string()).max(4)]).nullish(),
  tools: z.array(tool).min(1).max(128).optional(),
  tool_choice: z.union([z.enum(["none", "auto", "required"]), z.looseObject({ type: z.string() })]).optional(),
  response_format: z.looseObject({ type: z.enum(["text", "json_object", "json_schema"]) }).nullish(),
});

/** A request that OpenAI would take. */
export type ChatBody = z.infer<typeof chatBody>;

/** The fields of a chat request that the stand-in knows; it echoes all others. */
export const KNOWN_FIELDS: ReadonlySet<string> = new Set(Object.keys(chatBody.shape));

/** What OpenAI's error object says. */
export interface Refusal {
  readonly message: string;
  readonly code: string | null;
  readonly param: string | null;
}

/** The request, or why OpenAI would refuse it. Written apart from Tutti's own codec, so that the two cannot be wrong together. */
export function checkChatBody(bytes: Buffer): { readonly body: ChatBody } | { readonly refusal: Refusal } {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString("utf8"));
  } catch {
    return { refusal: { message: "We could not parse the JSON body of your request.", code: null, param: null } };
  }
  const checked = chatBody.safeParse(value);
  if (!checked.success) return { refusal: refusalFor(checked.error) };
  const { stream, stream_options: streamOptions, messages } = checked.data;
  if (stream !== true && streamOptions !== undefined && streamOptions !== null) {
    return {
      refusal: { message: "The 'stream_options' parameter is only allowed when 'stream' is enabled.", code: null, param: "stream_options" },
    };
  }
  const orphan = findOrphan(messages);
  if (orphan !== undefined) {
    return {
      refusal: {
        message: "Messages with role 'tool' must be a response to a preceding message with 'tool_calls'.",
        code: null,
        param: `messages[${orphan}].role`,
      },
    };
  }
  return { body: checked.data };
}

/** The place of a tool turn whose call nobody made. */
function findOrphan(messages: ChatBody["messages"]): number | undefined {
  const asked = new Set<string>();
  for (const [index, item] of messages.entries()) {
    if (item.role === "assistant") for (const { id } of item.tool_calls ?? []) asked.add(id);
    if (item.role === "tool" && !asked.has(item.tool_call_id)) return index;
  }
  return undefined;
}

function refusalFor(error: z.ZodError): Refusal {
  const [issue] = error.issues;
  const path = (issue?.path ?? []).reduce<string>(
    (text, part) => (typeof part === "number" ? `${text}[${part}]` : text === "" ? String(part) : `${text}.${String(part)}`),
    "",
  );
  if (issue?.code === "invalid_type" && issue.input === undefined && !path.includes("[")) {
    return { message: `Missing required parameter: '${path}'.`, code: "missing_required_parameter", param: path };
  }
  return {
    message: `Invalid value for '${path}': ${issue?.message ?? "unknown"}.`,
    code: "invalid_type",
    param: path === "" ? null : path,
  };
}
