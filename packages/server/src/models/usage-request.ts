const OPEN_BRACE = 0x7b;
/** Servers end lines as they like (WHATWG HTML, "Server-sent events"). */
const EVENT_ENDS = ["\n\n", "\r\n\r\n", "\r\r"].map((end) => Buffer.from(end));
const BETWEEN_EVENTS = /(\r\n\r\n|\n\n|\r\r)/;
const FIELD = Buffer.from('"stream_options":{"include_usage":true},');
/** An event that has not ended after so many bytes is passed on as it is. */
const HELD_BYTES_MAX = 1024 * 1024;

/** A chat request's JSON bytes with OpenAI's wish for usage at the end of a stream put first. They are known to be an object with a `model`. */
export function askForUsage(body: Buffer): Buffer {
  const open = body.indexOf(OPEN_BRACE) + 1;
  return Buffer.concat([body.subarray(0, open), FIELD, body.subarray(open)]);
}

/** Takes the event that only tells the usage out of a chat stream: a client that did not ask for it may not expect a chunk without choices. */
export class UsageEventFilter {
  #held: Buffer | undefined;

  /** What of the stream can go on to the client now. */
  push(chunk: Buffer): Buffer | undefined {
    const bytes = this.#held === undefined ? chunk : Buffer.concat([this.#held, chunk]);
    const end = lastEventEnd(bytes);
    if (end === 0 && bytes.length <= HELD_BYTES_MAX) {
      this.#held = bytes;
      return undefined;
    }
    const cut = end === 0 ? bytes.length : end;
    this.#held = cut < bytes.length ? bytes.subarray(cut) : undefined;
    return withoutUsage(bytes.subarray(0, cut));
  }

  /** What is left when the stream has ended. */
  end(): Buffer | undefined {
    return this.#held;
  }
}

function withoutUsage(events: Buffer): Buffer | undefined {
  // Almost every piece has no such event; looking for it is all that they cost.
  if (!events.includes('"choices":[]') && !events.includes('"choices": []')) return events;
  // Events and what stands between them, in turn.
  const pieces = events.toString("utf8").split(BETWEEN_EVENTS);
  const text = pieces.filter((_, index) => !isUsageOnly(pieces[index - (index % 2)] ?? "")).join("");
  return text === "" ? undefined : Buffer.from(text);
}

/** The place after the last event that has ended; 0 when none has. */
function lastEventEnd(bytes: Buffer): number {
  return Math.max(
    ...EVENT_ENDS.map((end) => {
      const at = bytes.lastIndexOf(end);
      return at < 0 ? 0 : at + end.length;
    }),
  );
}

function isUsageOnly(event: string): boolean {
  return event.startsWith("data:") && /"choices":\s?\[\]/.test(event) && /"usage":\s?\{/.test(event);
}
