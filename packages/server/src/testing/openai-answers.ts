import { KNOWN_FIELDS, type ChatBody } from "./openai-checks.ts";

/** What the stand-in answers. */
export type ScriptedReply =
  /** `pieces` come as one chunk each when the answer is streamed. */
  | { readonly type: "text"; readonly pieces: readonly string[] }
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

type Answer = Extract<ScriptedReply, { readonly type: "text" | "calls" }>;

/** The default script: it says the last message back, word by word. */
export const echo: Script = (body) => {
  const content = body.messages.at(-1)?.content;
  const said = typeof content === "string" ? content : (content ?? []).map((part) => ("text" in part ? part.text : "")).join("");
  return { type: "text", pieces: `You said: ${said}`.split(/(?<= )/) };
};

/** The answer in one piece, as a `chat.completion`. */
export function answerBody(reply: Answer, body: ChatBody, index: number): object {
  const message =
    reply.type === "text"
      ? { role: "assistant", content: reply.pieces.join(""), refusal: null, annotations: [] }
      : {
          role: "assistant",
          content: null,
          refusal: null,
          tool_calls: reply.calls.map(({ id, ...target }) => ({ id, type: "function", function: target })),
        };
  const choices = [{ index: 0, message, logprobs: null, finish_reason: finishReason(reply) }];
  return { ...head(body, index, "chat.completion"), choices, usage: usageFor(reply, body), ...tail(body) };
}

/** The answer as `chat.completion.chunk`s: the role, what is said, why it ended, and the usage if it was asked for. */
export function answerChunks(reply: Answer, body: ChatBody, index: number): readonly object[] {
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
    ...(reply.type === "text"
      ? reply.pieces.map((content) => delta({ content }))
      : callDeltas(reply.calls).map((call) => delta({ tool_calls: [call] }))),
    delta({}, finishReason(reply)),
    ...(wantsUsage ? [chunk([], usageFor(reply, body))] : []),
  ];
}

/** The name first, then the arguments in two halves, as the real one cuts them anywhere. */
function callDeltas(calls: Extract<Answer, { readonly type: "calls" }>["calls"]): readonly object[] {
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

function finishReason(reply: Answer): string {
  return reply.type === "text" ? "stop" : "tool_calls";
}

/** Words count as tokens. */
function usageFor(reply: Answer, body: ChatBody): object {
  const prompt = JSON.stringify(body.messages).split(" ").length;
  const completion = reply.type === "text" ? reply.pieces.length : reply.calls.length;
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0 },
  };
}
