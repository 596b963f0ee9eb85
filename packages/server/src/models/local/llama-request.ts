import type { ChatHistoryItem, ChatModelFunctions } from "node-llama-cpp";
import { AppError, type Json } from "@tutti/core";
import type { Message, ModelRequest, Sampling, ToolSpec } from "@tutti/core/model";
import { grammarSchemaOf, type GrammarOption, type GrammarSchema } from "./grammar-schema.ts";

/** A request as the process of a model takes it: plain data. */
export interface LlamaAsk {
  readonly history: readonly ChatHistoryItem[];
  /** Tools that it may call, in the words that the model was trained on. */
  readonly functions?: ChatModelFunctions;
  readonly callsMax?: number;
  /** What the answer has to be, letter by letter. */
  readonly grammar?: { readonly type: "json" } | { readonly type: "schema"; readonly schema: GrammarSchema };
  /** `choice`: the answer is JSON that holds either a call or the answer. */
  readonly outcome: "text" | "choice";
  readonly outputTokensMax?: number;
  readonly thoughtTokensMax?: number;
  readonly showsThoughts: boolean;
  readonly sampling: Sampling;
}

/** Translates a request; throws `unsupported` for what a GGUF model cannot be asked, and `invalid_input` for what makes no sense. */
export function llamaAskOf(request: ModelRequest): LlamaAsk {
  const { sampling = {}, reasoning, outputTokensMax, parallelCalls } = request;
  const thoughtTokensMax = reasoning?.effort === "none" ? 0 : reasoning?.tokensMax;
  return {
    ...manner(request),
    ...(parallelCalls === false && { callsMax: 1 }),
    ...(outputTokensMax !== undefined && { outputTokensMax }),
    ...(thoughtTokensMax !== undefined && { thoughtTokensMax }),
    showsThoughts: reasoning?.isShown !== false,
    sampling,
  };
}

type Manner = Pick<LlamaAsk, "history" | "functions" | "grammar" | "outcome">;

/** Which of the four ways: text, text with tools, JSON, or a choice between calls and JSON. */
function manner(request: ModelRequest): Manner {
  const { format, messages } = request;
  const tools = toolsOf(request);
  const isForced = tools.length > 0 && (request.toolChoice === "required" || typeof request.toolChoice === "object");
  const schema = format?.type === "schema" ? format.schema : {};
  if (isForced || (tools.length > 0 && format !== undefined)) {
    const answers: readonly GrammarOption[] = isForced
      ? []
      : [{ schema, inside: (answer) => ({ type: "object", properties: { answer } }) }];
    const grammar = { type: "schema", schema: grammarSchemaOf([...tools.map(callOption), ...answers]) } as const;
    return { history: historyOf(messages, choiceAdvice(tools, isForced ? undefined : schema)), grammar, outcome: "choice" };
  }
  if (format !== undefined) {
    const grammar =
      format.type === "json" ? ({ type: "json" } as const) : ({ type: "schema", schema: grammarSchemaOf([{ schema }]) } as const);
    return { history: historyOf(messages, jsonAdvice(format.type === "json" ? undefined : schema)), grammar, outcome: "text" };
  }
  const history = historyOf(messages, undefined);
  return tools.length === 0 ? { history, outcome: "text" } : { history, functions: functionsOf(tools), outcome: "text" };
}

function toolsOf({ tools = [], toolChoice }: ModelRequest): readonly ToolSpec[] {
  if (toolChoice === "none") return [];
  if (typeof toolChoice !== "object") {
    if (toolChoice === "required" && tools.length === 0)
      throw new AppError("invalid_input", "wanted tools, because a call is required, got none; name at least one");
    return tools;
  }
  const chosen = tools.filter(({ name }) => name === toolChoice.name);
  if (chosen.length > 0) return chosen;
  throw new AppError("invalid_input", `wanted the chosen tool among the tools, got "${toolChoice.name}", which is not`);
}

function functionsOf(tools: readonly ToolSpec[]): ChatModelFunctions {
  return Object.fromEntries(
    tools.map(({ name, description, parameters }) => [
      name,
      { description, params: grammarSchemaOf([{ schema: inputSchema(parameters) }]) },
    ]),
  );
}

function callOption({ name, parameters }: ToolSpec): GrammarOption {
  return {
    schema: inputSchema(parameters),
    inside: (input) => ({ type: "object", properties: { call: { const: name }, arguments: input } }),
  };
}

/** A tool's input is an object; one of which nothing is said is empty. */
function inputSchema(parameters: Json): Json {
  const said = Object.entries(typeof parameters === "object" && parameters !== null ? parameters : {});
  const isSaid = said.some(([keyword, value]) => SAYS_MORE.has(keyword) && JSON.stringify(value) !== "{}" && value !== false);
  return isSaid ? parameters : { type: "object", additionalProperties: false };
}

const SAYS_MORE = new Set(["properties", "additionalProperties", "$ref", "anyOf", "oneOf", "allOf"]);

function choiceAdvice(tools: readonly ToolSpec[], answer: unknown): string {
  const list = tools.map(({ name, description, parameters }) => `- ${name}: ${description} Its arguments: ${JSON.stringify(parameters)}`);
  const either = `Answer with nothing but JSON: {"call": "name of the tool", "arguments": {…}} calls a tool`;
  const or = answer === undefined ? "." : `; {"answer": …} answers, with JSON of this schema: ${JSON.stringify(answer)}`;
  return `You can call these tools:\n${list.join("\n")}\n${either}${or}`;
}

function jsonAdvice(schema: unknown): string {
  return `Answer with nothing but JSON${schema === undefined ? "." : ` of this schema: ${JSON.stringify(schema)}`}`;
}

/** A conversation as the library has it: what an assistant said, what it called and what came of it are one turn. */
function historyOf(messages: readonly Message[], advice: string | undefined): readonly ChatHistoryItem[] {
  const results = new Map(messages.filter(({ role }) => role === "tool").map((message) => [message.callId, resultOf(message)]));
  const [first, ...rest] = messages;
  const isTold = first?.role === "system";
  const told = [...(isTold ? [textOf(first)] : []), ...(advice === undefined ? [] : [advice])].join("\n\n");
  const items: ChatHistoryItem[] = told === "" ? [] : [{ type: "system", text: told }];
  for (const message of isTold ? rest : messages) {
    if (message.role === "system") items.push({ type: "system", text: textOf(message) });
    else if (message.role === "user") items.push({ type: "user", text: textOf(message) });
    else if (message.role === "assistant") addAnswer(items, message, results);
  }
  return items;
}

/** Chat templates have no word for a failure. */
function resultOf(message: Message): string {
  return message.isError ? `The call failed: ${textOf(message)}` : textOf(message);
}

function addAnswer(items: ChatHistoryItem[], message: Message, results: ReadonlyMap<string | undefined, string>): void {
  const text = textOf(message);
  const calls = (message.calls ?? []).map(({ id, name, input }, index) => ({
    type: "functionCall" as const,
    name,
    params: input,
    result: results.get(id) ?? null,
    ...(index === 0 && { startsNewChunk: true }),
  }));
  const response = [...(text === "" ? [] : [text]), ...calls];
  const last = items.at(-1);
  if (last?.type === "model") items[items.length - 1] = { type: "model", response: [...last.response, ...response] };
  else items.push({ type: "model", response });
}

function textOf({ content, parts = [] }: Message): string {
  for (const { type } of parts) {
    if (type === "image" || type === "audio" || type === "file")
      throw new AppError("unsupported", `wanted text for a model in a GGUF file, got ${type}; ask a model that takes ${type}s`);
  }
  return content;
}
