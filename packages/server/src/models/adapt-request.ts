import { hash } from "node:crypto";
import { AppError, type Json } from "@tutti/core";
import type { ContentPart, Message, ModelRequest, OutputFormat, Reasoning, Sampling, ToolSpec } from "@tutti/core/model";
import { adaptSchema, type SchemaDialect } from "./adapt-schema.ts";

/** What a provider that speaks OpenAI's chat format does otherwise than OpenAI, as data. */
export interface Quirks {
  /** Fields of the body that it knows by another name. */
  readonly renamed?: Readonly<Record<string, string>>;
  /** Fields of the body that it refuses; all of them are hints. */
  readonly without?: readonly string[];
  /** Which thoughts of earlier turns it wants back: what they say, or with their signatures. Left out: none. */
  readonly thoughts?: "text" | "signed";
  /** It refuses a turn of its own without a thought. */
  readonly wantsThoughts?: true;
  /** It cannot call tools. */
  readonly hasNoTools?: true;
  /** It cannot be made to call a tool; the prompt has to ask for it. */
  readonly isNeverForced?: true;
  /** It knows refusals from answers; for others they are text. */
  readonly hasRefusals?: true;
  /** The schemas of tools and answers that it understands. */
  readonly schemas?: SchemaDialect;
  /** It has no `strict` for tools and answers. */
  readonly isNeverStrict?: true;
  /** The most it can be held to: JSON, or nothing at all. What is wanted beyond that, the prompt asks for. */
  readonly format?: "json" | "text";
  /** System turns may only stand before all others. */
  readonly hasSystemFirst?: true;
  /** The user's turns and the model's have to take turns. */
  readonly alternates?: true;
  /** Ids of tool calls have just so many letters and digits. */
  readonly callIdChars?: number;
  /** It draws its tokens in its own way, and refuses to be told another. */
  readonly drawsAlone?: true;
  /** The highest temperature it takes. */
  readonly temperatureMax?: number;
  /** The words for how much to think that it knows. Left out: low, medium, high. Empty: it cannot be told. */
  readonly efforts?: readonly NonNullable<Reasoning["effort"]>[];
  /** How much to think can be said in tokens. */
  readonly thinksInTokens?: true;
}

/** The request as a provider with these quirks wants it; before it is written in the provider's format. */
export function adaptRequest(request: ModelRequest, quirks: Quirks): ModelRequest {
  const { messages, tools, toolChoice, format, reasoning, sampling, ...same } = request;
  const formed = format === undefined ? {} : adaptFormat(format, quirks, messages);
  const tooled = tools === undefined ? {} : adaptTools(tools, toolChoice, quirks);
  const words = [tooled.words, formed.words].filter((text) => text !== undefined).join(" ");
  const effort = reasoning === undefined ? undefined : adaptReasoning(reasoning, quirks);
  return {
    ...same,
    messages: adaptMessages(words === "" ? messages : withWords(messages, words), quirks),
    ...(tooled.tools !== undefined && { tools: tooled.tools }),
    ...(tooled.choice !== undefined && { toolChoice: tooled.choice }),
    ...(formed.format !== undefined && { format: formed.format }),
    ...(effort !== undefined && { reasoning: effort }),
    ...(sampling !== undefined && { sampling: adaptSampling(sampling, quirks) }),
  };
}

/** Where an answer stops is no matter of how it is drawn. */
function adaptSampling(sampling: Sampling, { drawsAlone, temperatureMax = Infinity }: Quirks): Sampling {
  const { seed, stop, temperature } = sampling;
  if (drawsAlone) return { ...(seed !== undefined && { seed }), ...(stop !== undefined && { stop }) };
  return temperature === undefined || temperature <= temperatureMax ? sampling : { ...sampling, temperature: temperatureMax };
}

/** The body of a request, written in OpenAI's format, as a provider with these quirks wants it. */
export function adaptBody(body: Json, { renamed = {}, without = [] }: Quirks): Json {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return body;
  const fields = Object.entries(body).map(([name, value]): [string, Json] => [renamed[name] ?? name, value]);
  return Object.fromEntries(fields.filter(([name]) => !without.includes(name)));
}

interface Tooled {
  readonly tools?: readonly ToolSpec[];
  readonly choice?: NonNullable<ModelRequest["toolChoice"]>;
  readonly words?: string;
}

function adaptTools(tools: readonly ToolSpec[], choice: ModelRequest["toolChoice"], quirks: Quirks): Tooled {
  if (quirks.hasNoTools && tools.length > 0)
    throw new AppError("unsupported", `wanted a request without tools, got ${tools.length}; ask a model that can call them`);
  const adapted = tools.map((tool) => adaptTool(tool, quirks));
  if (choice === undefined) return { tools: adapted };
  if (!quirks.isNeverForced || choice === "auto" || choice === "none") return { tools: adapted, choice };
  if (choice === "required") return { tools: adapted, words: "Answer by calling one of the tools." };
  return { tools: adapted.filter(({ name }) => name === choice.name), words: `Answer by calling the tool "${choice.name}".` };
}

function adaptTool(tool: ToolSpec, { schemas, isNeverStrict }: Quirks): ToolSpec {
  const { strict, ...same } = tool;
  return {
    ...same,
    ...(schemas !== undefined && { parameters: adaptSchema(tool.parameters, schemas) }),
    ...(strict !== undefined && !isNeverStrict && { strict }),
  };
}

/** What the provider is held to, and the words that ask for the rest. */
function adaptFormat(
  format: OutputFormat,
  { format: most, schemas, isNeverStrict }: Quirks,
  messages: readonly Message[],
): { readonly format?: OutputFormat; readonly words?: string } {
  if (format.type === "json") {
    // OpenAI and others refuse to be held to JSON by a prompt that never mentions it.
    const isMentioned = messages.some(({ content }) => /json/i.test(content));
    return { ...(most !== "text" && { format }), ...((most === "text" || !isMentioned) && { words: ANY_JSON }) };
  }
  if (most !== undefined) {
    const words = `${ANY_JSON} It must fit this JSON Schema:\n${JSON.stringify(format.schema)}`;
    return { words, ...(most === "json" && { format: { type: "json" } }) };
  }
  const { strict, ...same } = format;
  const schema = schemas === undefined ? format.schema : adaptSchema(format.schema, schemas);
  return { format: { ...same, schema, ...(strict !== undefined && !isNeverStrict && { strict }) } };
}

const ANY_JSON = "Answer with one JSON value and nothing else.";

function withWords(messages: readonly Message[], words: string): readonly Message[] {
  const [first, ...others] = messages;
  if (first?.role !== "system") return [{ role: "system", content: words }, ...messages];
  return [{ role: "system", content: `${first.content}\n\n${words}` }, ...others];
}

const EFFORTS = ["none", "minimal", "low", "medium", "high", "xhigh", "max"] as const;
/** Up to how many tokens of thinking are "low", and up to how many "medium". */
const LOW_TOKENS_MAX = 4_096;
const MEDIUM_TOKENS_MAX = 16_384;

/** How much to think, in the words that the provider knows; it is a hint, so the nearest will do. */
function adaptReasoning(reasoning: Reasoning, { efforts = ["low", "medium", "high"], thinksInTokens }: Quirks): Reasoning | undefined {
  if (thinksInTokens) return reasoning;
  const wanted = reasoning.effort ?? effortOf(reasoning.tokensMax);
  if (wanted === undefined) return undefined;
  const effort = efforts.includes(wanted) ? wanted : nearest(wanted, efforts);
  return effort === undefined ? undefined : { effort };
}

function effortOf(tokensMax: number | undefined): Reasoning["effort"] {
  if (tokensMax === undefined) return undefined;
  if (tokensMax <= LOW_TOKENS_MAX) return "low";
  return tokensMax <= MEDIUM_TOKENS_MAX ? "medium" : "high";
}

function nearest(wanted: NonNullable<Reasoning["effort"]>, efforts: NonNullable<Quirks["efforts"]>): Reasoning["effort"] {
  // Not thinking at all is another thing than thinking little: who cannot be told so is told nothing.
  if (wanted === "none") return undefined;
  const place = EFFORTS.indexOf(wanted);
  const known = EFFORTS.filter((effort) => effort !== "none" && efforts.includes(effort));
  return known.toReversed().find((effort) => EFFORTS.indexOf(effort) <= place) ?? known[0];
}

function adaptMessages(messages: readonly Message[], quirks: Quirks): readonly Message[] {
  let adapted = messages.map((message) => adaptMessage(message, quirks));
  if (quirks.hasSystemFirst) adapted = systemFirst(adapted);
  return quirks.alternates ? alternating(adapted) : adapted;
}

function adaptMessage(message: Message, quirks: Quirks): Message {
  const { callIdChars } = quirks;
  const { parts: given, calls, callId, ...same } = message;
  const parts = quirks.wantsThoughts && message.role === "assistant" ? withThought(message) : given;
  if (parts === undefined && (callIdChars === undefined || (calls === undefined && callId === undefined))) return message;
  const shortened = (id: string): string => (callIdChars === undefined ? id : shortId(id, callIdChars));
  return {
    ...same,
    ...(parts !== undefined && { parts: parts.flatMap((part) => adaptPart(part, quirks)) }),
    ...(calls !== undefined && { calls: calls.map((call) => ({ ...call, id: shortened(call.id) })) }),
    ...(callId !== undefined && { callId: shortened(callId) }),
  };
}

/** Another model's turn has no thought; the shortest that is taken for one is a space. */
function withThought(message: Message): readonly ContentPart[] {
  const parts = partsOf(message);
  const hasThought = parts.some((part) => part.type === "reasoning" && part.text !== "");
  return hasThought ? parts : [{ type: "reasoning", text: " " }, ...parts];
}

function adaptPart(part: ContentPart, { thoughts, hasRefusals }: Quirks): readonly ContentPart[] {
  if (part.type === "refusal") return hasRefusals ? [part] : [{ type: "text", text: part.text }];
  if (part.type !== "reasoning" || thoughts === "signed") return [part];
  return thoughts === "text" && part.text !== "" ? [{ type: "reasoning", text: part.text }] : [];
}

/** The same id always becomes the same, so that calls and results still find each other. */
function shortId(id: string, chars: number): string {
  return id.length === chars && /^[a-zA-Z0-9]+$/.test(id) ? id : hash("sha256", id, "hex").slice(0, chars);
}

function systemFirst(messages: readonly Message[]): Message[] {
  const system = messages.filter(({ role }) => role === "system").map(({ content }) => content);
  const others = messages.filter(({ role }) => role !== "system");
  return system.length === 0 ? others : [{ role: "system", content: system.join("\n\n") }, ...others];
}

/** Turns of the same side that follow each other, as one. */
function alternating(messages: readonly Message[]): readonly Message[] {
  const turns: Message[] = [];
  for (const message of messages) {
    const last = turns.at(-1);
    const isJoined = last !== undefined && last.role === message.role && (message.role === "user" || message.role === "assistant");
    if (isJoined) turns[turns.length - 1] = joinTurns(last, message);
    else turns.push(message);
  }
  return turns;
}

function joinTurns(first: Message, second: Message): Message {
  const content = [first.content, second.content].filter((text) => text !== "").join("\n\n");
  const calls = [...(first.calls ?? []), ...(second.calls ?? [])];
  const hasParts = first.parts !== undefined || second.parts !== undefined;
  return {
    role: first.role,
    content,
    ...(hasParts && { parts: [...partsOf(first), ...partsOf(second)] }),
    ...(calls.length > 0 && { calls }),
  };
}

function partsOf({ content, parts }: Message): readonly ContentPart[] {
  return parts ?? (content === "" ? [] : [{ type: "text", text: content }]);
}
