import type { Json } from "../json.ts";
import type { ModelRequest, Reasoning } from "../model.ts";
import { assistantBlocks, callBlock, resultBlock, userBlocks, type Block } from "./messages-blocks.ts";
import { closedSchema, isOpenSchema } from "./messages-schema.ts";
import { messagesTraits, nearestEffort, type MessagesTraits } from "./messages-traits.ts";
import { arrangeTurns, callsOf, isSomething, type Conversation, type Turn } from "./messages-turns.ts";
import { isObject, misfit, unsupported } from "./shape.ts";

type Fields = { readonly [key: string]: Json };

/** What a thought may cost where the client said only how hard to think. */
const BUDGET_TOKENS = { minimal: 1_024, low: 4_096, medium: 12_288, high: 24_576, xhigh: 32_768, max: 49_152 } as const;
/** Anthropic's least budget, and the share of an answer that thoughts may take where both do not fit. */
const BUDGET_TOKENS_MIN = 1_024;
const BUDGET_SHARE_MAX = 0.8;
/** A conversation has to begin with the user. */
const BEGINNING: Block = { type: "text", text: "(The assistant begins.)" };
const ANY_JSON = "Answer with one JSON value and nothing else: no words around it, no code fence.";

/**
 * Writes a request for a streamed answer as Anthropic wants it: the system apart, turns in order, results directly after their calls, a
 * limit of tokens always. What this model would refuse is left out when it is a hint and thrown as `unsupported` when it is not.
 */
export function encodeMessagesRequest(model: string, request: ModelRequest, traits: MessagesTraits = messagesTraits(model)): Json {
  if (request.speech !== undefined) throw unsupported("modalities", "text, which is all that Anthropic's models give", "audio");
  const conversation = arrangeTurns(request.messages);
  const { system, messages } = encodeTurns(conversation, request, traits);
  const maxTokens = Math.max(1, Math.min(request.outputTokensMax ?? traits.outputTokensMax, limitOf(model, traits)));
  const thinking = thinkingOf(request, conversation, { traits, maxTokens });
  const config = { ...thinking.config, ...formatOf(request, traits) };
  return {
    model,
    max_tokens: maxTokens,
    ...(system !== "" && { system }),
    messages,
    ...encodeTools(request, conversation, traits),
    ...(thinking.fields !== undefined && { thinking: thinking.fields }),
    ...(Object.keys(config).length > 0 && { output_config: config }),
    ...encodeSampling(request, traits, thinking.fields !== undefined && thinking.fields.type !== "disabled"),
    ...(request.user !== undefined && { metadata: { user_id: request.user } }),
    stream: true,
  };
}

/** Where the table knows the model, more than its most is brought down to it; of others nobody knows it. */
function limitOf(model: string, traits: MessagesTraits): number {
  return model.includes("claude") ? traits.outputTokensMax : Number.POSITIVE_INFINITY;
}

interface Encoded {
  readonly system: string;
  readonly messages: readonly Json[];
}

function encodeTurns(conversation: Conversation, request: ModelRequest, traits: MessagesTraits): Encoded {
  const system = [...conversation.system];
  const messages: Fields[] = [];
  const ids = new CallIds();
  for (const turn of conversation.turns) {
    const content = turn.role === "user" ? userContent(turn, ids) : assistantContent(turn, ids);
    if (content.length > 0) messages.push({ role: turn.role, content });
    if (turn.role === "assistant" || turn.system.length === 0) continue;
    // The midst of a conversation is a place for the system only in newer models, and only after the user.
    const said = turn.system.filter(isSomething).join("\n\n");
    if (traits.hasSystemTurns && content.length > 0 && said !== "") messages.push({ role: "system", content: said });
    else system.push(said);
  }
  system.push(formatInWords(request.format));
  const words = system.filter(isSomething).join("\n\n");
  if (messages.length === 0 && words === "") throw misfit("messages", "at least one turn with something in it", request.messages);
  if (messages.length === 0) return { system: "", messages: [{ role: "user", content: [{ type: "text", text: words }] }] };
  const first = messages[0]?.role === "user" ? [] : [{ role: "user", content: [BEGINNING] }];
  return { system: words, messages: [...first, ...messages] };
}

function userContent(turn: Extract<Turn, { role: "user" }>, ids: CallIds): readonly Block[] {
  return [...turn.results.map((result) => resultBlock(result, ids.find(result.callId ?? ""))), ...turn.said.flatMap(userBlocks)];
}

function assistantContent(turn: Extract<Turn, { role: "assistant" }>, ids: CallIds): readonly Block[] {
  ids.nextTurn();
  const blocks = turn.said.flatMap((message) => [
    ...assistantBlocks(message),
    ...(message.calls ?? []).map((call) => callBlock(call, ids.add(call.id))),
  ]);
  return trimEnd(blocks);
}

/** An answer that is to be continued may not end with white space. */
function trimEnd(blocks: readonly Block[]): readonly Block[] {
  const last = blocks.at(-1);
  return last?.type === "text" && typeof last.text === "string" ? [...blocks.slice(0, -1), { ...last, text: last.text.trimEnd() }] : blocks;
}

/** Anthropic wants ids of letters, digits, `_` and `-`, each once in a conversation; other providers have other ideas. */
class CallIds {
  readonly #used = new Set<string>();
  #ofTurn = new Map<string, string>();

  nextTurn(): void {
    this.#ofTurn = new Map();
  }

  add(id: string): string {
    const plain = clean(id);
    let unique = plain;
    for (let count = 2; this.#used.has(unique); count += 1) unique = `${plain}_${count}`;
    this.#used.add(unique);
    this.#ofTurn.set(id, unique);
    return unique;
  }

  /** The id of the call that a result answers; Anthropic refuses a result that answers none. */
  find(id: string): string {
    return this.#ofTurn.get(id) ?? clean(id);
  }
}

function clean(id: string): string {
  return id === "" ? "call" : id.replaceAll(/[^\w-]/g, "_");
}

function encodeTools(request: ModelRequest, conversation: Conversation, traits: MessagesTraits): Fields {
  const tools = (request.tools ?? []).map((tool): Fields => {
    const isStrict = tool.strict === true && traits.hasSchemas && !isOpenSchema(tool.parameters);
    const parameters = isObject(tool.parameters) ? (tool.parameters as Fields) : {};
    return {
      name: tool.name,
      ...(tool.description !== "" && { description: tool.description }),
      input_schema: isStrict ? closedSchema({ type: "object", ...parameters }) : { type: "object", ...parameters },
      ...(isStrict && { strict: true }),
    };
  });
  if (tools.length > 0) return { tools, ...encodeChoice(request, traits) };
  // A conversation with calls in it is refused when it has no tools: they are named, and forbidden.
  const called = new Set(conversation.turns.flatMap(callsOf).map(({ name }) => name));
  if (called.size === 0) return {};
  return { tools: [...called].map((name) => ({ name, input_schema: { type: "object" } })), tool_choice: { type: "none" } };
}

function encodeChoice({ toolChoice = "auto", parallelCalls }: ModelRequest, traits: MessagesTraits): Fields {
  const one = parallelCalls === false && { disable_parallel_tool_use: true };
  if (toolChoice === "auto") return one === false ? {} : { tool_choice: { type: "auto", ...one } };
  if (toolChoice === "none") return { tool_choice: { type: "none" } };
  if (!traits.canForceTools) throw unsupported("tool_choice", "a model that can be made to call a tool", toolChoice);
  return { tool_choice: toolChoice === "required" ? { type: "any", ...one } : { type: "tool", name: toolChoice.name, ...one } };
}

interface Thinking {
  readonly fields?: { readonly type: string; readonly [key: string]: Json };
  readonly config: Fields;
}

/** How much to think is a hint: it is left out where the model, its limit or a forced tool leaves no room for it. */
function thinkingOf(
  request: ModelRequest,
  conversation: Conversation,
  { traits, maxTokens }: { readonly traits: MessagesTraits; readonly maxTokens: number },
): Thinking {
  const { reasoning, toolChoice } = request;
  if (reasoning === undefined) return { config: {} };
  const effort = nearestEffort(reasoning.effort ?? effortOf(reasoning.tokensMax), traits);
  const config = effort === undefined ? {} : { effort };
  if (traits.thinking === "never") return { config };
  if (reasoning.effort === "none") return traits.canRest ? { fields: { type: "disabled" }, config: {} } : { config };
  if (toolChoice === "required" || typeof toolChoice === "object") return { config };
  if (traits.thinking === "budget") return { ...budgeted(reasoning, conversation, maxTokens), config };
  const display = reasoning.isShown === true ? "summarized" : "omitted";
  return { fields: { type: "adaptive", ...(reasoning.isShown !== undefined && { display }) }, config };
}

function budgeted(reasoning: Reasoning, conversation: Conversation, maxTokens: number): Pick<Thinking, "fields"> {
  const level = reasoning.effort === undefined || reasoning.effort === "none" ? "medium" : reasoning.effort;
  const budget = budgetOf(reasoning.tokensMax ?? BUDGET_TOKENS[level], maxTokens);
  if (budget < BUDGET_TOKENS_MIN || !goesOnThinking(conversation)) return {};
  return { fields: { type: "enabled", budget_tokens: budget } };
}

/** The effort that a number of tokens stands for. */
function effortOf(tokensMax: number | undefined): "low" | "medium" | "high" | "max" | undefined {
  if (tokensMax === undefined) return undefined;
  if (tokensMax <= BUDGET_TOKENS.low) return "low";
  if (tokensMax <= BUDGET_TOKENS.medium) return "medium";
  return tokensMax <= BUDGET_TOKENS.xhigh ? "high" : "max";
}

function budgetOf(wanted: number, maxTokens: number): number {
  return wanted < maxTokens ? wanted : Math.floor(maxTokens * BUDGET_SHARE_MAX);
}

/** With a budget, a turn that goes on after tool calls has to have begun with a signed thought. */
function goesOnThinking({ turns }: Conversation): boolean {
  const last = turns.at(-1);
  const asked = turns.at(-2);
  if (last?.role !== "user" || last.results.length === 0 || asked?.role !== "assistant") return true;
  const [first] = asked.said.flatMap(assistantBlocks);
  return first?.type === "thinking" || first?.type === "redacted_thinking";
}

/** What the format has no field for is said in words: any JSON at all, and schemas with objects that a grammar could not leave open. */
function formatInWords(format: ModelRequest["format"]): string {
  if (format === undefined) return "";
  if (format.type === "json") return ANY_JSON;
  if (!isInWords(format)) return "";
  return `${ANY_JSON} It has to fit this JSON Schema: ${JSON.stringify(format.schema)}`;
}

function isInWords(format: Extract<ModelRequest["format"], { type: "schema" }>): boolean {
  return format.strict !== true && isOpenSchema(format.schema);
}

function formatOf({ format }: ModelRequest, traits: MessagesTraits): Fields {
  if (format?.type !== "schema" || isInWords(format)) return {};
  if (isOpenSchema(format.schema)) throw unsupported("response_format", "a strict schema whose objects are all closed", format.name);
  if (!traits.hasSchemas) throw unsupported("response_format", "a model whose answers can be held to a schema", format.name);
  return { format: { type: "json_schema", schema: closedSchema(format.schema) } };
}

function encodeSampling({ sampling = {} }: ModelRequest, traits: MessagesTraits, isThinking: boolean): Fields {
  const { temperature, topP, topK, stop = [] } = sampling;
  const stops = stop.length > 0 && { stop_sequences: stop };
  if (stop.some((text) => !isSomething(text))) throw unsupported("stop", "stop sequences that hold more than white space", stop.join(", "));
  if (traits.sampling === "none" || isThinking) return { ...stops };
  const hasOne = traits.sampling === "one" && temperature !== undefined;
  return {
    // OpenAI's scale goes to 2, Anthropic's to 1.
    ...(temperature !== undefined && { temperature: Math.min(temperature, 1) }),
    ...(topP !== undefined && !hasOne && { top_p: topP }),
    ...(topK !== undefined && { top_k: topK }),
    ...stops,
  };
}
