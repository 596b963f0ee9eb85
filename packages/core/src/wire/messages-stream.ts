import type { Json } from "../json.ts";
import type { ModelPart, ReasoningPart, ToolCall } from "../model.ts";
import type { AnswerHead, StreamEncoder, WireError } from "./codec.ts";
import { inputObject } from "./messages-blocks.ts";
import {
  callSeal,
  callStart,
  encodeMessagesError,
  encodeUsage,
  hiddenBlock,
  inWords,
  isHidden,
  messageHead,
  stopFields,
} from "./messages-reply.ts";
import { encodeCitation } from "./messages-citations.ts";
import { sealThought } from "./messages-seal.ts";

type Fields = { readonly [key: string]: Json };
type Delta = Extract<ModelPart, { type: "call.delta" }>;
type Finish = Extract<ModelPart, { type: "finish" }>;

/** The block that is being written. `isCited`: more text is not what the citations are about. */
type OpenBlock =
  | { readonly type: "text"; isCited: boolean }
  | { readonly type: "thinking"; readonly id: string | undefined }
  | { readonly type: "call"; readonly id: string; readonly callIndex: number; text: string };

/** Writes a streamed answer as `POST /v1/messages` has it: blocks one after another, in the order of the parts. */
export function messagesStreamEncoder(head: AnswerHead): StreamEncoder {
  const stream = new MessagesStream(head);
  return {
    push: (part) => stream.begin() + stream.push(part),
    fail: (error: WireError) => event("error", encodeMessagesError(error) as Fields),
  };
}

class MessagesStream {
  readonly #head: AnswerHead;
  #isBegun = false;
  #open: OpenBlock | undefined;
  /** The number of blocks that have begun. */
  #blocks = 0;
  /** Calls that were written already, by their deltas. */
  readonly #written = new Set<string>();
  /** No more than an answer may hold, which is bounded where it is read. */
  readonly #waiting: ModelPart[] = [];
  #hasCalls = false;
  #refusal = "";

  constructor(head: AnswerHead) {
    this.#head = head;
  }

  begin(): string {
    if (this.#isBegun) return "";
    this.#isBegun = true;
    // How many tokens the request had is known at the end; Anthropic's clients take the last count they are told.
    const stop = { stop_reason: null, stop_sequence: null, stop_details: null };
    const usage = encodeUsage({ inputTokens: 0, outputTokens: 0 });
    return event("message_start", { message: { ...messageHead(this.#head), content: [], ...stop, usage } }) + event("ping", {});
  }

  /** Blocks cannot be interleaved: what comes before the arguments of a call are whole waits for them. */
  push(part: ModelPart): string {
    if (this.#mustWait(part)) {
      this.#waiting.push(part);
      return "";
    }
    let text =
      part.type === "finish"
        ? this.#waiting
            .splice(0)
            .map((item) => this.#write(item))
            .join("")
        : "";
    text += this.#write(part);
    for (let [next] = this.#waiting; next !== undefined && !this.#mustWait(next); [next] = this.#waiting) {
      this.#waiting.shift();
      text += this.#write(next);
    }
    return text;
  }

  #mustWait(part: ModelPart): boolean {
    const open = this.#open;
    if (open?.type !== "call" || part.type === "finish") return false;
    if (part.type === "call.delta" && part.index === open.callIndex) return false;
    if (part.type === "call" && part.call.id === open.id) return false;
    return !isWhole(open.text);
  }

  #write(part: ModelPart): string {
    switch (part.type) {
      case "text":
        return this.#text(part.text);
      case "refusal":
        this.#refusal += part.text;
        return "";
      case "citation": {
        const opened = this.#open?.type === "text" ? "" : this.#start({ type: "text", isCited: false }, TEXT);
        if (this.#open?.type === "text") this.#open.isCited = true;
        return opened + this.#delta({ type: "citations_delta", citation: encodeCitation(part.citation) });
      }
      case "reasoning":
        return this.#thought(part);
      case "audio":
        return this.#text(inWords(part.transcript === undefined ? {} : { transcript: part.transcript }));
      case "image":
        return this.#text(inWords(part));
      case "call.delta":
        return this.#callDelta(part);
      case "call":
        return this.#call(part.call);
      case "finish":
        return this.#finish(part);
    }
  }

  #text(text: string): string {
    if (text === "") return "";
    const isSame = this.#open?.type === "text" && !this.#open.isCited;
    return (isSame ? "" : this.#start({ type: "text", isCited: false }, TEXT)) + this.#delta({ type: "text_delta", text });
  }

  #thought(part: ReasoningPart): string {
    if (isHidden(part) && !this.#isOpenThought(part)) return this.#whole(hiddenBlock(part));
    let text = "";
    if (!this.#isOpenThought(part)) text += this.#start({ type: "thinking", id: part.id }, THINKING);
    if (part.text !== "") text += this.#delta({ type: "thinking_delta", thinking: part.text });
    const signature = sealThought(part);
    return signature === "" ? text : text + this.#delta({ type: "signature_delta", signature }) + this.#stop();
  }

  #isOpenThought(part: ReasoningPart): boolean {
    return part.isRedacted !== true && this.#open?.type === "thinking" && this.#open.id === part.id;
  }

  #callDelta({ index, id, name, text }: Delta): string {
    const open = this.#open;
    if (open?.type === "call" && open.callIndex === index) {
      open.text += text;
      return text === "" ? "" : this.#delta({ type: "input_json_delta", partial_json: text });
    }
    if (this.#written.has(id)) return "";
    this.#written.add(id);
    this.#hasCalls = true;
    const begun = this.#start({ type: "call", id, callIndex: index, text }, callStart({ id, name }));
    return text === "" ? begun : begun + this.#delta({ type: "input_json_delta", partial_json: text });
  }

  #call(call: ToolCall): string {
    this.#hasCalls = true;
    if (this.#written.has(call.id)) {
      const closed = this.#open?.type === "call" && this.#open.id === call.id ? this.#stop() : "";
      return (
        closed +
        callSeal(call)
          .map((block) => this.#whole(block))
          .join("")
      );
    }
    this.#written.add(call.id);
    const sealed = callSeal(call).map((block) => this.#whole(block));
    const begun = this.#start({ type: "call", id: call.id, callIndex: -1, text: "" }, callStart(call));
    const input = this.#delta({ type: "input_json_delta", partial_json: JSON.stringify(inputObject(call.input)) });
    return sealed.join("") + begun + input + this.#stop();
  }

  #finish({ reason, usage, stopSequence }: Finish): string {
    // A refusal of Anthropic's stands beside the answer; one that is the answer is said.
    const isFiltered = reason === "content_filter";
    const said = isFiltered ? "" : this.#text(this.#refusal);
    const stop = { reason, stopSequence, refusal: isFiltered ? this.#refusal : "", hasCalls: this.#hasCalls };
    const delta = { ...stopFields(stop), container: null };
    return `${said}${this.#stop()}${event("message_delta", { delta, usage: encodeUsage(usage) })}${event("message_stop", {})}`;
  }

  #start(block: OpenBlock, fields: Fields): string {
    const closed = this.#stop();
    this.#open = block;
    this.#blocks += 1;
    return closed + event("content_block_start", { index: this.#blocks - 1, content_block: fields });
  }

  #delta(delta: Fields): string {
    return event("content_block_delta", { index: this.#blocks - 1, delta });
  }

  #stop(): string {
    if (this.#open === undefined) return "";
    this.#open = undefined;
    return event("content_block_stop", { index: this.#blocks - 1 });
  }

  #whole(fields: Fields): string {
    const closed = this.#stop();
    this.#blocks += 1;
    const index = this.#blocks - 1;
    return `${closed}${event("content_block_start", { index, content_block: fields })}${event("content_block_stop", { index })}`;
  }
}

const TEXT: Fields = { type: "text", text: "" };
const THINKING: Fields = { type: "thinking", thinking: "", signature: "" };

/** No name or value of these has a line break that JSON would not escape. */
function event(type: string, fields: Fields): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
}

function isWhole(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
