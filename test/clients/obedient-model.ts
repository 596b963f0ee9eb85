import type { Script } from "../../packages/server/src/testing/openai-answers.ts";
import type { ChatBody } from "../../packages/server/src/testing/openai-body.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What the model says before anybody cuts it short. */
interface Speech {
  readonly thoughts: string;
  readonly text: string;
  readonly calls: readonly { readonly name: string; readonly input: unknown }[];
}

/**
 * A stand-in for a model that does what probes ask of one, in the wire format of OpenAI's chat completions: it counts, sums, remembers,
 * thinks, calls tools, follows schemas, and ends where it is told to. A word is a token.
 */
export const obedientModel: Script = (body) => {
  const speech = speechFor(body);
  // A prompt of the older completions comes as a turn and nothing else; its answer has another form.
  if (Object.keys(body).length === 2) return { type: "text", pieces: wordsIn(speech.text) };
  const cut = shorten(speech, body);
  return {
    type: "raw",
    status: 200,
    headers: { "content-type": body.stream === true ? "text/event-stream" : "application/json" },
    chunks: body.stream === true ? streamed(cut, body) : [JSON.stringify(whole(cut, body))],
    ending: "end",
  };
};

const wordsIn = (text: string): readonly string[] => text.match(/\s*\S+/g) ?? [];

const THOUGHT = "First I look at what is asked, and then I take it step by step. ";

function textOf(content: ChatBody["messages"][number]["content"]): string {
  if (typeof content === "string") return content;
  return (content ?? []).map((part) => ("text" in part ? part.text : "")).join(" ");
}

function speechFor(body: ChatBody): Speech {
  const said = textOf(body.messages.findLast(({ role }) => role === "user")?.content);
  const isThinking = body.reasoning_effort !== undefined && body.reasoning_effort !== "none";
  const thoughts = isThinking && /think|step by step/i.test(said) ? THOUGHT.repeat(said.includes("at length") ? 200 : 1) : "";
  const calls = callsFor(body, said);
  const text = calls.length > 0 ? "" : withWish(textFor(body, said), body);
  return { thoughts, text, calls };
}

function callsFor(body: ChatBody, said: string): Speech["calls"] {
  const { tools = [], tool_choice: choice = "auto" } = body;
  if (choice === "none" || body.messages.at(-1)?.role === "tool") return [];
  const named = typeof choice === "object" && choice.type === "function" ? choice.function.name : undefined;
  const wanted = tools.filter(({ function: tool }) => named === undefined || tool.name === named);
  const count = body.parallel_tool_calls !== false && said.includes("both") ? 2 : 1;
  return wanted.slice(0, count).map(({ function: tool }) => ({ name: tool.name, input: exampleOf(tool.parameters ?? {}) }));
}

/** The simplest value that a schema allows. */
function exampleOf(schema: Fields): unknown {
  const { type, properties = {}, enum: choices, const: only, items, required } = schema;
  if (only !== undefined) return only;
  if (Array.isArray(choices)) return choices[0];
  if (type === "integer" || type === "number") return schema["minimum"] ?? 4;
  if (type === "boolean") return true;
  if (type === "array") return [exampleOf((items ?? {}) as Fields)];
  if (type !== "object") return "Paris";
  const names = Array.isArray(required) ? required.map(String) : Object.keys(properties as Fields);
  return Object.fromEntries(names.map((name) => [name, exampleOf(((properties as Fields)[name] ?? {}) as Fields)]));
}

const ANSWERS: readonly (readonly [RegExp, (match: RegExpExecArray) => string])[] = [
  [/^Say exactly: (.*)/s, ([, text = ""]) => text],
  [/Count from 1 to (\d+)/, ([, last]) => Array.from({ length: Number(last) }, (_, index) => index + 1).join(" ")],
  [/(\d+) ([+*]) (\d+)/, ([, left, sign, right]) => String(sign === "+" ? Number(left) + Number(right) : Number(left) * Number(right))],
  [/capital of France/, () => "Paris"],
  [/essay/, () => "The sea is wide and deep and it never rests for long. ".repeat(30)],
  [/band name/, () => "Velvet Thunder"],
];

function textFor(body: ChatBody, said: string): string {
  const last = body.messages.at(-1);
  // It goes on with a word that was begun for it.
  if (last?.role === "assistant") return "is, of course.";
  const format = body.response_format;
  if (format?.type === "json_schema") return JSON.stringify(exampleOf(format.json_schema.schema ?? {}));
  if (format?.type === "json_object") return '{"name":"Ada","age":36}';
  const remembered = fromMemory(body, said);
  if (remembered !== undefined) return remembered;
  for (const [pattern, answer] of ANSWERS) {
    const match = pattern.exec(said);
    if (match !== null) return answer(match);
  }
  return `You said: ${said}`;
}

/** What was said earlier in the conversation is known. */
function fromMemory({ messages }: ChatBody, said: string): string | undefined {
  if (/what is my name/i.test(said)) return /my name is (\w+)/i.exec(JSON.stringify(messages))?.[1];
  const added = /Add (\d+) to your last answer/.exec(said)?.[1];
  if (added === undefined) return undefined;
  return String(Number(added) + Number(textOf(messages.findLast(({ role }) => role === "assistant")?.content)));
}

/** What the system prompt wants in place of the reply, or at its end. */
function withWish(text: string, { messages }: ChatBody): string {
  const system = textOf(messages.find(({ role }) => role === "system" || role === "developer")?.content);
  const only = /exactly the word "(\w+)"/.exec(system)?.[1];
  if (only !== undefined) return only;
  const word = /word ([A-Z]{3,})/.exec(system)?.[1];
  return word === undefined ? text : `${text} ${word}`;
}

/** What is left of it, and why it ended there. */
interface Cut extends Speech {
  readonly reason: "stop" | "length" | "tool_calls";
  /** The stop sequence that it met, as vLLM and others tell it. */
  readonly stopped?: string;
  readonly tokens: number;
}

function shorten(speech: Speech, body: ChatBody): Cut {
  const { calls } = speech;
  if (calls.length > 0) return { ...speech, reason: "tool_calls", tokens: calls.length };
  const stops = typeof body.stop === "string" ? [body.stop] : (body.stop ?? []);
  const stopped = stops.find((stop) => speech.text.includes(stop));
  const text = stopped === undefined ? speech.text : speech.text.slice(0, speech.text.indexOf(stopped));
  const max = body.max_completion_tokens ?? body.max_tokens ?? Infinity;
  const thoughts = wordsIn(speech.thoughts).slice(0, max);
  const words = wordsIn(text).slice(0, max - thoughts.length);
  const isCut = thoughts.length + words.length < wordsIn(speech.thoughts).length + wordsIn(text).length;
  const kept = { calls, thoughts: thoughts.join(""), tokens: thoughts.length + words.length };
  if (isCut) return { ...kept, text: words.join(""), reason: "length" };
  return { ...kept, text, reason: "stop", ...(stopped !== undefined && { stopped }) };
}

const head = (body: ChatBody, object: string): Fields => ({
  id: "chatcmpl-obedient",
  object,
  created: 1_700_000_000,
  model: body.model,
  system_fingerprint: "fp_obedient",
});

function usageOf({ tokens, thoughts }: Cut, body: ChatBody): Fields {
  const prompt = JSON.stringify(body.messages).split(" ").length;
  return {
    prompt_tokens: prompt,
    completion_tokens: tokens,
    total_tokens: prompt + tokens,
    prompt_tokens_details: { cached_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: wordsIn(thoughts).length },
  };
}

function logprobsOf(text: string, body: ChatBody): Fields | null {
  if (body.logprobs !== true) return null;
  const entry = (token: string): Fields => ({ token, logprob: -0.1, bytes: [...Buffer.from(token)] });
  const others = (token: string): readonly Fields[] => Array.from({ length: body.top_logprobs ?? 0 }, () => entry(token));
  return { content: wordsIn(text).map((token) => ({ ...entry(token), top_logprobs: others(token) })), refusal: null };
}

function whole(cut: Cut, body: ChatBody): Fields {
  const { text, thoughts, calls, reason, stopped } = cut;
  const message = {
    role: "assistant",
    content: calls.length > 0 ? null : text,
    refusal: null,
    ...(thoughts !== "" && { reasoning_content: thoughts }),
    ...(calls.length > 0 && { tool_calls: calls.map((call, index) => callOf(call, index)) }),
  };
  const choice = { index: 0, message, logprobs: logprobsOf(text, body), finish_reason: reason, ...(stopped && { stop_reason: stopped }) };
  return { ...head(body, "chat.completion"), choices: [choice], usage: usageOf(cut, body) };
}

const callOf = ({ name, input }: Speech["calls"][number], index: number): Fields => ({
  id: `call_${index}`,
  type: "function",
  function: { name, arguments: JSON.stringify(input) },
});

function streamed(cut: Cut, body: ChatBody): readonly string[] {
  const { text, thoughts, calls, reason, stopped } = cut;
  const wantsUsage = body.stream_options?.include_usage === true;
  const event = (fields: Fields): string => `data: ${JSON.stringify({ ...head(body, "chat.completion.chunk"), ...fields })}\n\n`;
  const piece = (delta: Fields, more: Fields = {}): string =>
    event({ choices: [{ index: 0, delta, logprobs: null, finish_reason: null, ...more }], ...(wantsUsage && { usage: null }) });
  return [
    piece({ role: "assistant", content: calls.length > 0 ? null : "" }),
    ...wordsIn(thoughts).map((word) => piece({ reasoning_content: word })),
    ...wordsIn(text).map((word) => piece({ content: word }, { logprobs: logprobsOf(word, body) })),
    ...calls.map((call, index) => piece({ tool_calls: [{ index, ...callOf(call, index) }] })),
    piece({}, { finish_reason: reason, ...(stopped && { stop_reason: stopped }) }),
    ...(wantsUsage ? [event({ choices: [], usage: usageOf(cut, body) })] : []),
    "data: [DONE]\n\n",
  ];
}
