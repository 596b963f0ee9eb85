import { z } from "zod";

const cacheControl = z.strictObject({ type: z.literal("ephemeral"), ttl: z.enum(["5m", "1h"]).optional() }).nullish();
const text = z.strictObject({
  type: z.literal("text"),
  text: z.string().regex(/\S/, "text content blocks must contain non-whitespace text"),
  cache_control: cacheControl,
  citations: z.array(z.looseObject({ type: z.string() })).nullish(),
});
const mediaSource = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("base64"),
    media_type: z.enum(["image/jpeg", "image/png", "image/gif", "image/webp"]),
    data: z.base64().min(1),
  }),
  z.strictObject({ type: z.literal("url"), url: z.url({ protocol: /^https?$/ }) }),
  z.strictObject({ type: z.literal("file"), file_id: z.string().min(1) }),
]);
const image = z.strictObject({ type: z.literal("image"), source: mediaSource, cache_control: cacheControl });
const documentSource = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("base64"), media_type: z.literal("application/pdf"), data: z.base64().min(1) }),
  z.strictObject({ type: z.literal("text"), media_type: z.literal("text/plain"), data: z.string() }),
  z.strictObject({ type: z.literal("content"), content: z.union([z.string(), z.array(z.union([text, image]))]) }),
  z.strictObject({ type: z.literal("url"), url: z.url({ protocol: /^https?$/ }) }),
  z.strictObject({ type: z.literal("file"), file_id: z.string().min(1) }),
]);
const citations = z.strictObject({ enabled: z.boolean().optional() }).nullish();
const document = z.strictObject({
  type: z.literal("document"),
  source: documentSource,
  title: z.string().min(1).nullish(),
  context: z.string().nullish(),
  citations,
  cache_control: cacheControl,
});
const searchResult = z.strictObject({
  type: z.literal("search_result"),
  source: z.string(),
  title: z.string(),
  content: z.array(text).min(1),
  citations,
  cache_control: cacheControl,
});
const toolId = z.string().regex(/^[a-zA-Z0-9_-]+$/);
const toolName = z.string().regex(/^[a-zA-Z0-9_-]{1,128}$/);
const toolResult = z.strictObject({
  type: z.literal("tool_result"),
  tool_use_id: toolId,
  content: z.union([z.string(), z.array(z.discriminatedUnion("type", [text, image, document, searchResult]))]).optional(),
  is_error: z.boolean().optional(),
  cache_control: cacheControl,
});
const toolUse = z.strictObject({
  type: z.literal("tool_use"),
  id: toolId,
  name: toolName,
  input: z.record(z.string(), z.json()),
  caller: z.looseObject({}).optional(),
  cache_control: cacheControl,
});
const thinkingBlock = z.strictObject({ type: z.literal("thinking"), thinking: z.string(), signature: z.string() });
const redacted = z.strictObject({ type: z.literal("redacted_thinking"), data: z.string().min(1) });

const userContent = z.union([
  z.string().min(1),
  z.array(z.discriminatedUnion("type", [text, image, document, searchResult, toolResult])).min(1),
]);
const assistantContent = z.union([
  z.string().min(1),
  z.array(z.discriminatedUnion("type", [text, thinkingBlock, redacted, toolUse])).min(1),
]);
const message = z.discriminatedUnion("role", [
  z.strictObject({ role: z.literal("user"), content: userContent }),
  z.strictObject({ role: z.literal("assistant"), content: assistantContent }),
  z.strictObject({ role: z.literal("system"), content: z.union([z.string().min(1), z.array(text).min(1)]) }),
]);

const customTool = z.strictObject({
  type: z.literal("custom").nullish(),
  name: toolName,
  description: z.string().optional(),
  input_schema: z.looseObject({ type: z.literal("object") }),
  strict: z.boolean().optional(),
  cache_control: cacheControl,
  allowed_callers: z.array(z.string()).optional(),
  defer_loading: z.boolean().optional(),
  eager_input_streaming: z.boolean().nullish(),
  input_examples: z.array(z.looseObject({})).optional(),
});
/** Tools of Anthropic's own have a type with a date in it. */
const serverTool = z.looseObject({ type: z.string().regex(/_20\d{6}$/), name: z.string() });

const isParallel = { disable_parallel_tool_use: z.boolean().optional() };
const toolChoice = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("auto"), ...isParallel }),
  z.strictObject({ type: z.literal("any"), ...isParallel }),
  z.strictObject({ type: z.literal("tool"), name: z.string(), ...isParallel }),
  z.strictObject({ type: z.literal("none") }),
]);
const display = z.enum(["summarized", "omitted"]).nullish();
const thinking = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("enabled"), budget_tokens: z.int().min(1_024), display }),
  z.strictObject({ type: z.literal("adaptive"), display }),
  z.strictObject({ type: z.literal("disabled") }),
]);

const countBody = z.strictObject({
  model: z.string().min(1),
  messages: z.array(message).min(1),
  system: z.union([z.string(), z.array(text)]).optional(),
  tools: z.array(z.union([customTool, serverTool])).optional(),
  tool_choice: toolChoice.optional(),
  thinking: thinking.optional(),
  output_config: z
    .strictObject({
      effort: z.enum(["low", "medium", "high", "xhigh", "max"]).nullish(),
      format: z.strictObject({ type: z.literal("json_schema"), schema: z.looseObject({}) }).nullish(),
    })
    .optional(),
  cache_control: cacheControl,
});
const messagesBody = z.strictObject({
  ...countBody.shape,
  max_tokens: z.int().min(1),
  stream: z.boolean().optional(),
  metadata: z.strictObject({ user_id: z.string().max(256).nullish() }).optional(),
  stop_sequences: z.array(z.string().regex(/\S/, "each stop sequence must contain non-whitespace")).optional(),
  temperature: z.number().min(0).max(1).optional(),
  top_p: z.number().min(0).max(1).optional(),
  top_k: z.int().min(0).optional(),
  service_tier: z.enum(["auto", "standard_only"]).optional(),
  container: z.union([z.string(), z.looseObject({})]).nullish(),
  context_management: z.looseObject({}).nullish(),
  diagnostics: z.looseObject({}).nullish(),
  inference_geo: z.string().nullish(),
  mcp_servers: z.array(z.looseObject({})).optional(),
  speed: z.enum(["standard", "fast"]).nullish(),
});

/** A request that Anthropic would take. */
export type MessagesBody = z.infer<typeof messagesBody>;
type CountBody = z.infer<typeof countBody>;

/** The request, or why Anthropic would refuse it. Written apart from Tutti's own codec, so that the two cannot be wrong together. */
export function checkMessages(bytes: Buffer): { readonly body: MessagesBody } | { readonly refusal: string } {
  const checked = check(messagesBody, bytes);
  if ("refusal" in checked) return checked;
  const refusal = wrongOrder(checked.body) ?? wrongThinking(checked.body) ?? wrongSchemas(checked.body);
  return refusal === undefined ? checked : { refusal };
}

/** The same for `POST /v1/messages/count_tokens`. */
export function checkCount(bytes: Buffer): { readonly body: CountBody } | { readonly refusal: string } {
  const checked = check(countBody, bytes);
  if ("refusal" in checked) return checked;
  const refusal = wrongOrder(checked.body);
  return refusal === undefined ? checked : { refusal };
}

function check<Body>(schema: z.ZodType<Body>, bytes: Buffer): { readonly body: Body } | { readonly refusal: string } {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString("utf8"));
  } catch {
    return { refusal: "The request body is not valid JSON" };
  }
  const checked = schema.safeParse(value);
  if (checked.success) return { body: checked.data };
  const [issue] = checked.error.issues;
  const path = (issue?.path ?? []).join(".");
  if (issue?.code === "unrecognized_keys")
    return { refusal: `${[path, issue.keys[0]].filter(Boolean).join(".")}: Extra inputs are not permitted` };
  if (issue?.code === "invalid_type" && issue.input === undefined) return { refusal: `${path}: Field required` };
  return { refusal: `${path}: ${issue?.message ?? "invalid"}` };
}

type Message = CountBody["messages"][number];
type Block = Exclude<Message["content"], string>[number];

function blocksOf(item: Message | undefined): readonly Block[] {
  return item === undefined || typeof item.content === "string" ? [] : item.content;
}

/** Every call is answered in the next turn, and every answer has its call. */
function wrongOrder({ messages, tools }: CountBody): string | undefined {
  if (messages[0]?.role !== "user") return 'messages: first message must use the "user" role';
  const seen = new Set<string>();
  for (const [index, item] of messages.entries()) {
    const refusal =
      wrongSystem(messages, index) ??
      wrongResults(item, messages[index - 1], index) ??
      wrongCalls(item, index, { seen, next: messages[index + 1] });
    if (refusal !== undefined) return refusal;
  }
  const last = messages.at(-1);
  const words = last?.role === "assistant" ? lastText(last) : undefined;
  if (words !== undefined && words !== words.trimEnd()) return "messages: final assistant content cannot end with trailing whitespace";
  if (seen.size > 0 && (tools ?? []).length === 0) return "Requests which include `tool_use` or `tool_result` blocks must define tools";
  return undefined;
}

function wrongSystem(messages: readonly Message[], index: number): string | undefined {
  if (messages[index]?.role !== "system") return undefined;
  const isPlaced = messages[index - 1]?.role === "user" && messages[index + 1]?.role !== "user";
  return isPlaced ? undefined : `messages.${index}: a system message must follow a user message and be last or before an assistant message`;
}

function wrongResults(item: Message, before: Message | undefined, index: number): string | undefined {
  const asked = new Set(blocksOf(before).flatMap((block) => (block.type === "tool_use" ? [block.id] : [])));
  let isBehind = false;
  for (const block of blocksOf(item)) {
    if (block.type !== "tool_result") {
      isBehind = true;
      continue;
    }
    if (!asked.delete(block.tool_use_id))
      return `messages.${index}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${block.tool_use_id}. Each \`tool_result\` block must have a corresponding \`tool_use\` block in the previous message.`;
    if (isBehind) return `messages.${index}: \`tool_result\` blocks must come before other content`;
  }
  return undefined;
}

function wrongCalls(
  item: Message,
  index: number,
  { seen, next }: { readonly seen: Set<string>; readonly next: Message | undefined },
): string | undefined {
  const answered = new Set(blocksOf(next).flatMap((block) => (block.type === "tool_result" ? [block.tool_use_id] : [])));
  for (const block of blocksOf(item)) {
    if (block.type !== "tool_use") continue;
    if (seen.has(block.id)) return `messages.${index}: \`tool_use\` ids must be unique`;
    if (!answered.has(block.id))
      return `messages.${index}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${block.id}`;
    seen.add(block.id);
  }
  return undefined;
}

function lastText(item: Message): string | undefined {
  if (typeof item.content === "string") return item.content;
  const last = item.content.at(-1);
  return last?.type === "text" ? last.text : undefined;
}

function wrongThinking(body: MessagesBody): string | undefined {
  const { thinking: mode, max_tokens: maxTokens, temperature, top_k: topK, tool_choice: choice, messages } = body;
  if (mode === undefined || mode.type === "disabled") return undefined;
  if (mode.type === "enabled" && mode.budget_tokens >= maxTokens) return "`max_tokens` must be greater than `thinking.budget_tokens`";
  if (temperature !== undefined && temperature !== 1) return "`temperature` may only be set to 1 when thinking is enabled";
  if (topK !== undefined) return "`top_k` must be unset when thinking is enabled";
  if (choice?.type === "any" || choice?.type === "tool") return "Thinking may not be enabled when tool_choice forces tool use.";
  return mode.type === "enabled" ? wrongLoop(messages) : undefined;
}

/** With a budget, a turn that goes on after tool calls has to have begun with a thought. */
function wrongLoop(messages: readonly Message[]): string | undefined {
  const [first] = blocksOf(messages.at(-2));
  const isLoop = blocksOf(messages.at(-1)).some(({ type }) => type === "tool_result");
  if (!isLoop || first?.type === "thinking" || first?.type === "redacted_thinking") return undefined;
  return `messages.${messages.length - 2}.content.0.type: Expected \`thinking\` or \`redacted_thinking\`, but found \`${first?.type}\``;
}

/** What its grammars do not take. */
const UNKNOWN_KEYWORDS = [
  "minimum",
  "maximum",
  "multipleOf",
  "minLength",
  "maxLength",
  "maxItems",
  "oneOf",
  "not",
  "pattern",
  "patternProperties",
];

function wrongSchemas({ output_config: config, tools = [] }: MessagesBody): string | undefined {
  const format = wrongSchema(config?.format?.schema, "output_config.format.schema");
  if (format !== undefined) return format;
  for (const [index, tool] of tools.entries()) {
    const { input_schema: schema, strict } = tool as { readonly input_schema?: unknown; readonly strict?: boolean };
    const refusal = strict === true ? wrongSchema(schema, `tools.${index}.custom.input_schema`) : undefined;
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function wrongSchema(schema: unknown, path: string): string | undefined {
  if (typeof schema !== "object" || schema === null || Array.isArray(schema)) return undefined;
  const fields = schema as Readonly<Record<string, unknown>>;
  const unknown = UNKNOWN_KEYWORDS.find((keyword) => keyword in fields);
  if (unknown !== undefined) return `${path}: property '${unknown}' is not supported`;
  if (fields.type === "object" && fields.additionalProperties !== false)
    return `${path}: For 'object' type, 'additionalProperties' must be explicitly set to false`;
  const inner = [...Object.values((fields.properties ?? {}) as object), fields.items, ...((fields.anyOf ?? []) as unknown[])];
  return inner.map((item) => wrongSchema(item, path)).find((refusal) => refusal !== undefined);
}
