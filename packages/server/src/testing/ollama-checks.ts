import { z } from "zod";

/** A model on the stand-in's disk. */
export interface OllamaModel {
  readonly name: string;
  readonly digest: string;
  readonly capabilities: readonly string[];
  readonly contextTokens?: number;
  /** `PARAMETER num_ctx` of its Modelfile. */
  readonly numCtx?: number;
}

const part = z.union([
  z.looseObject({ type: z.literal("text"), text: z.string() }),
  z.looseObject({ type: z.literal("image_url"), image_url: z.union([z.string(), z.looseObject({ url: z.string() })]) }),
]);
const message = z
  .looseObject({
    role: z.string(),
    content: z.union([z.string(), z.array(part)]).nullish(),
    tool_calls: z.array(z.looseObject({ id: z.string(), function: z.looseObject({ name: z.string(), arguments: z.string() }) })).optional(),
    tool_call_id: z.string().optional(),
  })
  .refine(({ content, tool_calls: calls }) => typeof content === "string" || Array.isArray(content) || calls !== undefined);

/** Fields that Ollama knows; it ignores all others, `tool_choice` and `max_completion_tokens` among them. */
const chatBody = z.looseObject({
  model: z.string().min(1),
  messages: z.array(message).min(1),
  stream: z.boolean().optional(),
  stream_options: z.looseObject({ include_usage: z.boolean().optional() }).nullish(),
  max_tokens: z.int().nullish(),
  seed: z.int().nullish(),
  stop: z.union([z.string(), z.array(z.string())]).nullish(),
  temperature: z.number().nullish(),
  frequency_penalty: z.number().nullish(),
  presence_penalty: z.number().nullish(),
  top_p: z.number().nullish(),
  response_format: z
    .union([
      z.looseObject({ type: z.enum(["text", "json_object"]) }),
      z.looseObject({ type: z.literal("json_schema"), json_schema: z.looseObject({ schema: z.looseObject({}) }) }),
    ])
    .nullish(),
  tools: z
    .array(z.looseObject({ type: z.literal("function"), function: z.looseObject({ name: z.string(), parameters: z.looseObject({}) }) }))
    .optional(),
  reasoning_effort: z.string().nullish(),
});

/** A chat request that Ollama would take. */
export type OllamaChatBody = z.infer<typeof chatBody>;

type Checked = { readonly body: OllamaChatBody } | { readonly status: number; readonly refusal: string };

/** The request, or why Ollama would refuse it. Written apart from Tutti's own codec, so that the two cannot be wrong together. */
export function checkOllamaChat(value: unknown, model: OllamaModel | undefined): Checked {
  const checked = chatBody.safeParse(value);
  if (!checked.success) return { status: 400, refusal: `json: cannot unmarshal: ${checked.error.issues[0]?.path.join(".") ?? ""}` };
  const { data: body } = checked;
  if (model === undefined) return { status: 404, refusal: `model "${body.model}" not found, try pulling it first` };
  if (!model.capabilities.includes("completion")) return { status: 400, refusal: `"${body.model}" does not support chat` };
  if ((body.tools?.length ?? 0) > 0 && !model.capabilities.includes("tools"))
    return { status: 400, refusal: `registry.ollama.ai/library/${body.model} does not support tools` };
  const effort = body.reasoning_effort;
  if (typeof effort === "string" && !["high", "medium", "low", "none"].includes(effort))
    return { status: 400, refusal: `invalid reasoning value: '${effort}' (must be "high", "medium", "low", or "none")` };
  return pictureProblem(body) ?? { body };
}

function pictureProblem({ messages }: OllamaChatBody): Checked | undefined {
  for (const item of messages.flatMap(({ content }) => (Array.isArray(content) ? content : []))) {
    if (item.type !== "image_url") continue;
    const url = typeof item.image_url === "string" ? item.image_url : item.image_url.url;
    if (!/^data:(image\/(jpeg|jpg|png|webp))?;base64,/.test(url)) return { status: 400, refusal: "invalid image input" };
  }
  return undefined;
}
