import type { Json } from "../json.ts";
import type { ModelPart, ReasoningPart, Reply } from "../model.ts";
import type { AnswerHead, StreamEncoder, WireError } from "./codec.ts";
import { callPrefix, customInput } from "./responses-calls.ts";
import { encodeItem, encodePiece, type MessagePiece, type OpenItem } from "./responses-items.ts";
import { encodeCitations } from "./responses-media.ts";
import { errorType, ResponseObject } from "./responses-object.ts";
import { fieldsIn } from "./responses-request.ts";
import { sealSignature } from "./responses-secrets.ts";
import { decodeTools, type ToolShape } from "./responses-tools.ts";
import { isObject } from "./shape.ts";

/** Writes a streamed answer as the events of the Responses format; the last text ends with `[DONE]`, as Open Responses wants. */
export function responsesStreamEncoder(head: AnswerHead): StreamEncoder {
  const writer = new ResponseWriter(head);
  return {
    push: (part) => writer.push(part).take(),
    fail: (error) => writer.fail(error).take(),
  };
}

/** Writes an answer in one piece: the stream's own final object. */
export function encodeResponse(reply: Reply, head: AnswerHead): Json {
  const writer = new ResponseWriter(head);
  for (const part of partsOf(reply)) writer.push(part);
  return writer.final;
}

function* partsOf(reply: Reply): Generator<ModelPart, void, undefined> {
  for (const part of reply.parts ?? [{ type: "text" as const, text: reply.content }]) {
    if (part.type === "text") {
      if (part.text !== "") yield { type: "text", text: part.text };
      for (const citation of part.citations ?? []) yield { type: "citation", citation };
    } else if (part.type === "refusal" || part.type === "reasoning") yield part;
    else if (part.type === "image") yield { type: "image", media: part.media };
    else if (part.type === "audio" && part.transcript !== undefined) yield { type: "text", text: part.transcript };
  }
  for (const call of reply.calls) yield { type: "call", call };
  yield { type: "finish", reason: reply.finishReason, usage: reply.usage };
}

type Reasoned = Extract<OpenItem, { type: "reasoning" }>;
type Called = Extract<OpenItem, { type: "call" }>;
type Said = Extract<OpenItem, { type: "message" }>;
type Finish = Extract<ModelPart, { type: "finish" }>;

/** One answer under way: the items so far, those still open, and the events that were not taken yet. */
class ResponseWriter {
  /** The response as it ended. */
  final: Json = null;
  readonly #head: AnswerHead;
  readonly #object: ResponseObject;
  readonly #shapes: ReadonlyMap<string, ToolShape>;
  readonly #wantsSummary: boolean;
  readonly #output: Json[] = [];
  readonly #calls = new Map<string, Called>();
  #open: Said | Reasoned | undefined;
  #events = "";
  #sequence = 0;
  #isBegun = false;

  constructor(head: AnswerHead) {
    this.#head = head;
    this.#object = new ResponseObject(head);
    this.#shapes = shapesIn(head.body);
    this.#wantsSummary = typeof fieldsIn(head.body, "reasoning").summary === "string";
  }

  /** The events since the last time. */
  take(): string {
    const events = this.#events;
    this.#events = "";
    return events;
  }

  push(part: ModelPart): this {
    this.#begin();
    switch (part.type) {
      case "text":
        this.#say("output_text", part.text);
        break;
      case "refusal":
        this.#say("refusal", part.text);
        break;
      case "citation":
        this.#cite(part);
        break;
      case "reasoning":
        this.#think(part);
        break;
      case "audio":
        // This format has no sound in an answer; what was said has a text.
        if (part.transcript !== undefined) this.#say("output_text", part.transcript);
        break;
      case "image":
        this.#draw(part);
        break;
      case "call.delta":
        this.#grow(this.#callOf(part), part.text);
        break;
      case "call":
        this.#endCall(part);
        break;
      case "finish":
        this.#finish(part);
        break;
    }
    return this;
  }

  fail(error: WireError): this {
    this.#begin();
    this.#closeAll("incomplete");
    const { code, message, param = null, status } = error;
    // OpenAI has the fields here, Open Responses one object of them; clients read the one they know.
    this.#emit("error", { code, message, param, error: { type: errorType(status), code, message, param } });
    const state = { status: "failed" as const, error, output: this.#output };
    this.final = this.#object.value(state);
    this.#emitResponse("response.failed", this.#object.text(state));
    this.#events += "data: [DONE]\n\n";
    return this;
  }

  #begin(): void {
    if (this.#isBegun) return;
    this.#isBegun = true;
    const text = this.#object.text({ status: "in_progress" });
    this.#emitResponse("response.created", text);
    this.#emitResponse("response.in_progress", text);
  }

  #emit(type: string, fields: { readonly [key: string]: Json }): void {
    this.#events += `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: this.#sequence, ...fields })}\n\n`;
    this.#sequence += 1;
  }

  #emitResponse(type: string, response: string): void {
    this.#events += `event: ${type}\ndata: {"type":"${type}","sequence_number":${this.#sequence},"response":${response}}\n\n`;
    this.#sequence += 1;
  }

  /** The events there are most of: made without an object in between. */
  #emitDelta(type: string, item: OpenItem, fields: string): void {
    this.#events += `event: ${type}\ndata: {"type":"${type}","sequence_number":${this.#sequence},"item_id":${JSON.stringify(item.id)},"output_index":${item.index},${fields}}\n\n`;
    this.#sequence += 1;
  }

  #emitOf(type: string, item: OpenItem, fields: { readonly [key: string]: Json }): void {
    this.#emit(type, { item_id: item.id, output_index: item.index, ...fields });
  }

  /** Puts an item into the output, and tells of it. */
  #add(item: OpenItem): void {
    const encoded = encodeItem(item, "in_progress");
    this.#output.push(encoded);
    this.#emit("response.output_item.added", { output_index: item.index, item: encoded });
  }

  #done(item: OpenItem, status: "completed" | "incomplete"): void {
    const encoded = encodeItem(item, status);
    this.#output[item.index] = encoded;
    this.#emit("response.output_item.done", { output_index: item.index, item: encoded });
  }

  #id(prefix: string): string {
    return `${prefix}${this.#head.id}_${this.#output.length}`;
  }

  #say(type: MessagePiece["type"], text: string): void {
    const { item, piece, place } = this.#pieceOf(type);
    piece.text += text;
    const delta = `"content_index":${place},"delta":${JSON.stringify(text)}`;
    if (type === "refusal") this.#emitDelta("response.refusal.delta", item, delta);
    else this.#emitDelta("response.output_text.delta", item, `${delta},"logprobs":[]`);
  }

  #cite({ citation }: Extract<ModelPart, { type: "citation" }>): void {
    const { item, piece, place } = this.#pieceOf("output_text");
    const [annotation] = encodeCitations([citation], piece.text.length);
    if (annotation === undefined) return;
    const annotation_index = piece.citations.length;
    piece.citations.push(citation);
    this.#emitOf("response.output_text.annotation.added", item, { content_index: place, annotation_index, annotation });
  }

  /** The open message's last piece, begun where there is none of that type. */
  #pieceOf(type: MessagePiece["type"]): { readonly item: Said; readonly piece: MessagePiece; readonly place: number } {
    const item = this.#message();
    const last = item.pieces.at(-1);
    if (last?.type === type) return { item, piece: last, place: item.pieces.length - 1 };
    if (last !== undefined) this.#donePiece(item, last);
    const piece: MessagePiece = { type, text: "", citations: [] };
    const place = item.pieces.push(piece) - 1;
    this.#emitOf("response.content_part.added", item, { content_index: place, part: encodePiece(piece) });
    return { item, piece, place };
  }

  #message(): Said {
    if (this.#open?.type === "message") return this.#open;
    this.#close("completed");
    const item: Said = { type: "message", id: this.#id("msg_"), index: this.#output.length, pieces: [] };
    this.#open = item;
    this.#add(item);
    return item;
  }

  #donePiece(item: Said, piece: MessagePiece): void {
    const content_index = item.pieces.length - 1;
    if (piece.type === "refusal") this.#emitOf("response.refusal.done", item, { content_index, refusal: piece.text });
    else this.#emitOf("response.output_text.done", item, { content_index, text: piece.text, logprobs: [] });
    this.#emitOf("response.content_part.done", item, { content_index, part: encodePiece(piece) });
  }

  #think(part: ReasoningPart): void {
    const item = this.#thought(part);
    const secret = sealSignature(part);
    if (part.text !== "") {
      const isFirst = item.text === "";
      if (isFirst && item.isSummary)
        this.#emitOf("response.reasoning_summary_part.added", item, { summary_index: 0, part: { type: "summary_text", text: "" } });
      else if (isFirst) this.#emitOf("response.content_part.added", item, { content_index: 0, part: { type: "reasoning_text", text: "" } });
      item.text += part.text;
      const delta = `"delta":${JSON.stringify(part.text)}`;
      if (item.isSummary) this.#emitDelta("response.reasoning_summary_text.delta", item, `"summary_index":0,${delta}`);
      else this.#emitDelta("response.reasoning_text.delta", item, `"content_index":0,${delta}`);
    }
    if (secret === undefined) return;
    item.secret = secret;
    // A signature comes with the last piece of a thought.
    this.#close("completed");
  }

  #thought(part: ReasoningPart): Reasoned {
    const own = part.id?.startsWith("rs_") === true ? part.id : undefined;
    if (this.#open?.type === "reasoning" && (own === undefined || own === this.#open.id)) return this.#open;
    this.#close("completed");
    const id = own ?? this.#id("rs_");
    const item: Reasoned = {
      type: "reasoning",
      id,
      index: this.#output.length,
      text: "",
      secret: undefined,
      isSummary: this.#wantsSummary,
    };
    this.#open = item;
    this.#add(item);
    return item;
  }

  #doneThought(item: Reasoned): void {
    if (item.text === "") return;
    const { text } = item;
    if (item.isSummary) {
      this.#emitOf("response.reasoning_summary_text.done", item, { summary_index: 0, text });
      this.#emitOf("response.reasoning_summary_part.done", item, { summary_index: 0, part: { type: "summary_text", text } });
      return;
    }
    this.#emitOf("response.reasoning_text.done", item, { content_index: 0, text });
    this.#emitOf("response.content_part.done", item, { content_index: 0, part: { type: "reasoning_text", text } });
  }

  #draw({ media }: Extract<ModelPart, { type: "image" }>): void {
    if (!("data" in media)) return;
    this.#close("completed");
    const item = { id: this.#id("ig_"), type: "image_generation_call", status: "completed", result: media.data };
    const output_index = this.#output.push(item) - 1;
    this.#emit("response.output_item.added", { output_index, item: { ...item, status: "in_progress", result: null } });
    this.#emit("response.output_item.done", { output_index, item });
  }

  #callOf({ id, name }: { readonly id: string; readonly name: string }): Called {
    const known = this.#calls.get(id);
    if (known !== undefined) return known;
    this.#close("completed");
    const shape = this.#shapes.get(name) ?? { type: "function", name };
    const item: Called = { type: "call", id: this.#id(callPrefix(shape)), index: this.#output.length, callId: id, shape, arguments: "" };
    this.#calls.set(id, item);
    this.#add(item);
    return item;
  }

  #grow(item: Called, text: string): void {
    item.arguments += text;
    // Other tools' inputs are not the arguments themselves: they are told of when they are whole.
    if (item.shape.type === "function" && text !== "")
      this.#emitDelta("response.function_call_arguments.delta", item, `"delta":${JSON.stringify(text)}`);
  }

  #endCall({ call }: Extract<ModelPart, { type: "call" }>): void {
    const item = this.#callOf(call);
    if (item.arguments === "") this.#grow(item, typeof call.input === "string" ? call.input : JSON.stringify(call.input));
    this.#doneCall(item, "completed");
  }

  #doneCall(item: Called, status: "completed" | "incomplete"): void {
    this.#calls.delete(item.callId);
    if (item.shape.type === "function") {
      this.#emitOf("response.function_call_arguments.done", item, { name: item.shape.name, arguments: item.arguments });
    } else if (item.shape.type === "custom") {
      const input = customInput(item.arguments);
      this.#emitOf("response.custom_tool_call_input.delta", item, { delta: input });
      this.#emitOf("response.custom_tool_call_input.done", item, { input });
    }
    this.#done(item, status);
  }

  /** Ends the message or the thought that is open. */
  #close(status: "completed" | "incomplete"): void {
    const item = this.#open;
    this.#open = undefined;
    if (item === undefined) return;
    if (item.type === "reasoning") this.#doneThought(item);
    else {
      const last = item.pieces.at(-1);
      if (last !== undefined) this.#donePiece(item, last);
    }
    this.#done(item, status);
  }

  #closeAll(status: "completed" | "incomplete"): void {
    this.#close(status);
    for (const item of this.#calls.values()) this.#doneCall(item, status);
  }

  #finish({ reason, usage }: Finish): void {
    const isCut = reason === "length" || reason === "content_filter";
    this.#closeAll(isCut ? "incomplete" : "completed");
    const output = this.#output;
    const state = isCut
      ? ({ status: "incomplete", reason: reason === "length" ? "max_output_tokens" : "content_filter", output, usage } as const)
      : ({ status: "completed", completedAt: Math.max(this.#head.createdAt, Math.floor(Date.now() / 1000)), output, usage } as const);
    this.final = this.#object.value(state);
    this.#emitResponse(`response.${state.status}`, this.#object.text(state));
    this.#events += "data: [DONE]\n\n";
  }
}

/** The tools' shapes; a body that is not right was refused before anything is written for it. */
function shapesIn(body: unknown): ReadonlyMap<string, ToolShape> {
  return isObject(body) ? decodeTools(body).shapes : NO_SHAPES;
}

const NO_SHAPES: ReadonlyMap<string, ToolShape> = new Map();
