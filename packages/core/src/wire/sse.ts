import { AppError } from "../error.ts";
import { createUtf8Decoder } from "./utf8.ts";

/** One server-sent event. `id` is the last one the stream has set so far (WHATWG HTML, "Server-sent events", 9.2.6). */
export interface SseEvent {
  readonly event?: string;
  readonly data: string;
  readonly id?: string;
  readonly retryMs?: number;
}

/** The most characters one event may hold unless the caller says otherwise. */
const EVENT_CHARS_MAX = 1024 * 1024;
const LINE_BREAK = /\r\n|\r|\n/g;

/** Turns chunks of bytes or text, cut anywhere, into events. An unfinished event at the end of the stream is dropped, as the standard says. */
export class SseDecoder {
  readonly #eventCharsMax: number;
  readonly #decodeUtf8 = createUtf8Decoder();
  #endedWithCr = false;
  /** The line that has not ended yet. */
  #line = "";
  #data: string | undefined;
  #dataChars = 0;
  #event = "";
  #id = "";
  #retryMs: number | undefined;

  constructor(options: { readonly eventCharsMax?: number } = {}) {
    this.#eventCharsMax = options.eventCharsMax ?? EVENT_CHARS_MAX;
  }

  /** The events that this chunk completes. */
  push(chunk: Uint8Array | string): readonly SseEvent[] {
    const text = this.#unread(this.#decodeUtf8(chunk));
    const events: SseEvent[] = [];
    let start = 0;
    for (const { 0: lineBreak, index } of text.matchAll(LINE_BREAK)) {
      this.#readLine(this.#line + text.slice(start, index), events);
      this.#line = "";
      start = index + lineBreak.length;
    }
    this.#line += text.slice(start);
    this.#bound(this.#line.length);
    return events;
  }

  /** The text without the LF of a CRLF that was cut in two. */
  #unread(text: string): string {
    if (text === "") return text;
    const isCut = this.#endedWithCr && text.startsWith("\n");
    this.#endedWithCr = text.endsWith("\r");
    return isCut ? text.slice(1) : text;
  }

  #readLine(line: string, events: SseEvent[]): void {
    if (line === "") {
      this.#dispatch(events);
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    this.#readField(name, value);
  }

  #readField(name: string, value: string): void {
    if (name === "data") {
      this.#dataChars += value.length + 1;
      this.#bound(this.#dataChars);
      this.#data = this.#data === undefined ? value : `${this.#data}\n${value}`;
    } else if (name === "event") {
      this.#event = value;
    } else if (name === "id") {
      if (!value.includes("\0")) this.#id = value;
    } else if (name === "retry" && /^[0-9]{1,15}$/.test(value)) {
      this.#retryMs = Number(value);
    }
  }

  #dispatch(events: SseEvent[]): void {
    if (this.#data !== undefined) {
      events.push({
        ...(this.#event !== "" && { event: this.#event }),
        data: this.#data,
        ...(this.#id !== "" && { id: this.#id }),
        ...(this.#retryMs !== undefined && { retryMs: this.#retryMs }),
      });
      this.#retryMs = undefined;
    }
    this.#data = undefined;
    this.#dataChars = 0;
    this.#event = "";
  }

  #bound(chars: number): void {
    if (chars <= this.#eventCharsMax) return;
    throw new AppError("too_large", `wanted server-sent events of at most ${this.#eventCharsMax} characters, got a longer one`);
  }
}

/** An event as text. Line breaks in `data` become several data lines; in `event` and `id`, where the format has no place for them, they throw. */
export function encodeSse(event: SseEvent): string {
  let text = "";
  if (event.event !== undefined) text += `event: ${oneLine("event", event.event)}\n`;
  if (event.id !== undefined) text += `id: ${oneLine("id", event.id)}\n`;
  if (event.retryMs !== undefined) text += `retry: ${Math.round(event.retryMs)}\n`;
  if (!/[\r\n]/.test(event.data)) return `${text}data: ${event.data}\n\n`;
  for (const line of event.data.split(LINE_BREAK)) text += `data: ${line}\n`;
  return `${text}\n`;
}

function oneLine(field: string, value: string): string {
  if (!/[\r\n\0]/.test(value)) return value;
  throw new AppError("invalid_input", `wanted one line as the ${field} of a server-sent event, got ${JSON.stringify(value)}`);
}
