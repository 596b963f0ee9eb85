import { KNOWN_FIELDS, type ChatBody, type CompletionBody } from "./openai-body.ts";

/** What the stand-in answers. */
export type ScriptedReply =
  /** `pieces` come as one chunk each when the answer is streamed, after what was thought. */
  | { readonly type: "text"; readonly pieces: readonly string[]; readonly thoughts?: readonly string[] }
  | { readonly type: "refusal"; readonly pieces: readonly string[] }
  | { readonly type: "calls"; readonly calls: readonly { readonly id: string; readonly name: string; readonly arguments: string }[] }
  | {
      readonly type: "error";
      readonly status: number;
      readonly message: string;
      readonly code?: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** Any bytes at all; afterwards the answer ends, or falls silent, or its connection breaks. */
  | {
      readonly type: "raw";
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly chunks: readonly (string | Uint8Array)[];
      readonly ending: "end" | "silence" | "reset";
    };

/** Says what to answer; `index` counts calls from 0. */
export type Script = (body: ChatBody, index: number) => ScriptedReply;

/** Of those, what a model says. */
export type ScriptedAnswer = Extract<ScriptedReply, { readonly type: "text" | "refusal" | "calls" }>;

/** The default script: it says the last message back, word by word. */
export const echo: Script = (body) => {
  const content = body.messages.at(-1)?.content;
  const said = typeof content === "string" ? content : (content ?? []).map((part) => ("text" in part ? part.text : "")).join("");
  return { type: "text", pieces: `You said: ${said}`.split(/(?<= )/) };
};

/** The answer in one piece, as a `chat.completion`. */
export function answerBody(reply: ScriptedAnswer, body: ChatBody, index: number): object {
  const choices = [{ index: 0, message: messageOf(reply), logprobs: null, finish_reason: finishReason(reply) }];
  return { ...head(body, index, "chat.completion"), choices, usage: usageFor(reply, body), ...tail(body) };
}

function messageOf(reply: ScriptedAnswer): object {
  switch (reply.type) {
    case "text": {
      const message = { role: "assistant", content: reply.pieces.join(""), refusal: null, annotations: [] };
      return reply.thoughts === undefined ? message : { ...message, reasoning_content: reply.thoughts.join("") };
    }
    case "refusal":
      return { role: "assistant", content: null, refusal: reply.pieces.join(""), annotations: [] };
    case "calls": {
      const calls = reply.calls.map(({ id, ...target }) => ({ id, type: "function", function: target }));
      return { role: "assistant", content: null, refusal: null, tool_calls: calls };
    }
  }
}

/** The answer as `chat.completion.chunk`s: the role, what is said, why it ended, and the usage if it was asked for. */
export function answerChunks(reply: ScriptedAnswer, body: ChatBody, index: number): readonly object[] {
  const wantsUsage = body.stream_options?.include_usage === true;
  const chunk = (choices: readonly object[], usage: object | null): object => ({
    ...head(body, index, "chat.completion.chunk"),
    choices,
    ...(wantsUsage && { usage }),
    ...tail(body),
  });
  const delta = (fields: object, reason: string | null = null): object =>
    chunk([{ index: 0, delta: fields, logprobs: null, finish_reason: reason }], null);
  return [
    delta({ role: "assistant", content: reply.type === "text" ? "" : null, refusal: null }),
    ...deltasOf(reply).map((fields) => delta(fields)),
    delta({}, finishReason(reply)),
    ...(wantsUsage ? [chunk([], usageFor(reply, body))] : []),
  ];
}

function deltasOf(reply: ScriptedAnswer): readonly object[] {
  switch (reply.type) {
    case "text":
      return [...(reply.thoughts ?? []).map((text) => ({ reasoning_content: text })), ...reply.pieces.map((content) => ({ content }))];
    case "refusal":
      return reply.pieces.map((refusal) => ({ refusal }));
    case "calls":
      return callDeltas(reply.calls).map((call) => ({ tool_calls: [call] }));
  }
}

/** The answer as a `text_completion`, in one piece or, streamed, in several. */
export function completionBodies(reply: ScriptedAnswer, body: CompletionBody, index: number): readonly object[] {
  const pieces = reply.type === "calls" ? [""] : reply.pieces;
  const shared = { id: `cmpl-stand-in-${index}`, object: "text_completion", created: 1_700_000_000, model: body.model };
  const prompt = tokensIn(body.prompt);
  const usage = { prompt_tokens: prompt, completion_tokens: pieces.length, total_tokens: prompt + pieces.length };
  const choice = (text: string, reason: string | null): object => ({ text, index: 0, logprobs: null, finish_reason: reason });
  if (body.stream !== true) return [{ ...shared, choices: [choice(pieces.join(""), "stop")], usage }];
  const wantsUsage = body.stream_options?.include_usage === true;
  const streamed = [...pieces.map((text) => choice(text, null)), choice("", "stop")];
  return [
    ...streamed.map((item) => ({ ...shared, choices: [item], ...(wantsUsage && { usage: null }) })),
    ...(wantsUsage ? [{ ...shared, choices: [], usage }] : []),
  ];
}

/** The name first, then the arguments in two halves, as the real one cuts them anywhere. */
function callDeltas(calls: Extract<ScriptedAnswer, { readonly type: "calls" }>["calls"]): readonly object[] {
  return calls.flatMap((call, index) => {
    const middle = Math.floor(call.arguments.length / 2);
    return [
      { index, id: call.id, type: "function", function: { name: call.name, arguments: "" } },
      { index, function: { arguments: call.arguments.slice(0, middle) } },
      { index, function: { arguments: call.arguments.slice(middle) } },
    ];
  });
}

function head(body: ChatBody, index: number, object: string): object {
  return { id: `chatcmpl-stand-in-${index}`, object, created: 1_700_000_000, model: body.model };
}

/** Fields that no client knows, and those of the request that the stand-in does not know, sent back. */
function tail(body: ChatBody): object {
  const unknown = Object.fromEntries(Object.entries(body).filter(([name]) => !KNOWN_FIELDS.has(name)));
  return { system_fingerprint: "fp_stand_in", service_tier: "default", x_echo: unknown };
}

function finishReason(reply: ScriptedAnswer): string {
  return reply.type === "calls" ? "tool_calls" : "stop";
}

/** Words count as tokens of the prompt, pieces and calls as tokens of the answer. */
function usageFor(reply: ScriptedAnswer, body: ChatBody): object {
  const prompt = tokensIn(body.messages);
  const thoughts = reply.type === "text" ? (reply.thoughts ?? []).length : 0;
  const completion = thoughts + (reply.type === "calls" ? reply.calls.length : reply.pieces.length);
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: thoughts },
  };
}

function tokensIn(prompt: unknown): number {
  return JSON.stringify(prompt).split(" ").length;
}
