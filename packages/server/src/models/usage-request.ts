const OPEN_BRACE = 0x7b;
const EVENT_END = Buffer.from("\n\n");
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
    const end = bytes.lastIndexOf(EVENT_END);
    if (end < 0 && bytes.length <= HELD_BYTES_MAX) {
      this.#held = bytes;
      return undefined;
    }
    const cut = end < 0 ? bytes.length : end + EVENT_END.length;
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
  const kept = events
    .toString("utf8")
    .split("\n\n")
    .filter((event) => !isUsageOnly(event));
  const text = kept.join("\n\n");
  return text === "" ? undefined : Buffer.from(text);
}

function isUsageOnly(event: string): boolean {
  return event.startsWith("data:") && /"choices":\s?\[\]/.test(event) && /"usage":\s?\{/.test(event);
}
