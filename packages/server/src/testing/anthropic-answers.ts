import type { MessagesBody } from "./anthropic-checks.ts";

/** A block of an answer. `pieces` come as one delta each when the answer is streamed. */
export type ScriptedBlock =
  | { readonly type: "text"; readonly pieces: readonly string[]; readonly citations?: readonly object[] }
  | { readonly type: "thinking"; readonly pieces: readonly string[]; readonly signature: string }
  | { readonly type: "redacted_thinking"; readonly data: string }
  | { readonly type: "tool_use"; readonly id: string; readonly name: string; readonly input: unknown };

/** What the stand-in answers. */
export type MessagesReply =
  | {
      readonly type: "message";
      readonly blocks: readonly ScriptedBlock[];
      readonly stopReason?: string;
      readonly stopSequence?: string;
      readonly explanation?: string;
      /** Beside those that follow from the request and the blocks. */
      readonly usage?: Readonly<Record<string, unknown>>;
      /** Where a streamed answer stops: with an error event, by breaking off, or in silence. Left out: it ends. */
      readonly ending?: { readonly error: { readonly type: string; readonly message: string } } | "reset" | "silence";
    }
  | {
      readonly type: "error";
      readonly status: number;
      readonly message: string;
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
export type MessagesScript = (body: MessagesBody, index: number) => MessagesReply;

type MessageReply = Extract<MessagesReply, { readonly type: "message" }>;

/** The default script: it says the last text back, word by word. */
export const echoMessages: MessagesScript = (body) => {
  const content = body.messages.at(-1)?.content ?? "";
  const said = typeof content === "string" ? content : content.map((block) => (block.type === "text" ? block.text : "")).join("");
  return { type: "message", blocks: [{ type: "text", pieces: `You said: ${said}`.split(/(?<= )/) }] };
};

/** How many tokens the stand-in finds in a request: words count as tokens. */
export function countTokens(body: Pick<MessagesBody, "messages" | "system" | "tools">): number {
  return JSON.stringify([body.system, body.messages, body.tools]).split(/\s+/).length;
}

/** The answer in one piece. */
export function messageBody(reply: MessageReply, body: MessagesBody, index: number): object {
  const content = reply.blocks.map(wholeBlock);
  return { ...head(body, index), content, ...stopOf(reply), usage: usageOf(reply, body) };
}

/** The events of a streamed answer, up to where the script stops it. */
export function messageEvents(reply: MessageReply, body: MessagesBody, index: number): readonly string[] {
  const none = { stop_reason: null, stop_sequence: null, stop_details: null };
  const usage = usageOf(reply, body);
  const start = event("message_start", { message: { ...head(body, index), content: [], ...none, usage: { ...usage, output_tokens: 1 } } });
  const events = [start, event("ping", {}), ...reply.blocks.flatMap(blockEvents)];
  if (reply.ending === "reset" || reply.ending === "silence") return events.slice(0, -1);
  if (reply.ending !== undefined) return [...events, event("error", { error: { details: null, ...reply.ending.error } })];
  return [...events, event("message_delta", { delta: { ...stopOf(reply), container: null }, usage }), event("message_stop", {})];
}

function head(body: MessagesBody, index: number): object {
  return { id: `msg_stand_in_${index}`, type: "message", role: "assistant", model: body.model, container: null };
}

function stopOf({ blocks, stopReason, stopSequence, explanation }: MessageReply): object {
  const natural = blocks.some(({ type }) => type === "tool_use") ? "tool_use" : "end_turn";
  return {
    stop_reason: stopReason ?? natural,
    stop_sequence: stopSequence ?? null,
    stop_details: stopReason === "refusal" ? { type: "refusal", category: null, explanation: explanation ?? null } : null,
  };
}

/** Pieces count as tokens. */
function usageOf({ blocks, usage }: MessageReply, body: MessagesBody): object {
  const pieces = blocks.reduce((count, block) => count + ("pieces" in block ? block.pieces.length : 1), 0);
  return {
    input_tokens: countTokens(body),
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
    output_tokens: pieces,
    service_tier: "standard",
    ...usage,
  };
}

function wholeBlock(block: ScriptedBlock): object {
  switch (block.type) {
    case "text":
      return { type: "text", text: block.pieces.join(""), citations: block.citations ?? null };
    case "thinking":
      return { type: "thinking", thinking: block.pieces.join(""), signature: block.signature };
    case "redacted_thinking":
    case "tool_use":
      return block;
  }
}

function blockEvents(block: ScriptedBlock, index: number): readonly string[] {
  const { begin, deltas } = streamed(block);
  return [
    event("content_block_start", { index, content_block: begin }),
    ...deltas.map((delta) => event("content_block_delta", { index, delta })),
    event("content_block_stop", { index }),
  ];
}

function streamed(block: ScriptedBlock): { readonly begin: object; readonly deltas: readonly object[] } {
  switch (block.type) {
    case "text": {
      const cited = (block.citations ?? []).map((citation) => ({ type: "citations_delta", citation }));
      return {
        begin: { type: "text", text: "", ...(cited.length > 0 && { citations: [] }) },
        deltas: [...block.pieces.map((text) => ({ type: "text_delta", text })), ...cited],
      };
    }
    case "thinking":
      return {
        begin: { type: "thinking", thinking: "", signature: "" },
        deltas: [
          ...block.pieces.map((thinking) => ({ type: "thinking_delta", thinking })),
          { type: "signature_delta", signature: block.signature },
        ],
      };
    case "redacted_thinking":
      return { begin: block, deltas: [] };
    case "tool_use": {
      // The real one begins with an empty piece, and cuts the rest anywhere.
      const text = JSON.stringify(block.input);
      const middle = Math.floor(text.length / 2);
      const pieces = text === "{}" ? [""] : ["", text.slice(0, middle), text.slice(middle)];
      return { begin: { ...block, input: {} }, deltas: pieces.map((piece) => ({ type: "input_json_delta", partial_json: piece })) };
    }
  }
}

function event(type: string, fields: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
}
