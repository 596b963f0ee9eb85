import { AppError } from "@tutti/core";
import { SseDecoder } from "@tutti/core/wire";

/** A server-sent event as it came. */
export type ServerEvent = ReturnType<SseDecoder["push"]>[number];

/** The server sends a heartbeat every 15 s; a stream that is silent for this long is dead. */
const SILENCE_MAX_MS = 45_000;
/** Values over 64 KiB stand in the blob store, but an event may hold several. */
const EVENT_CHARACTERS_MAX = 8 * 1_048_576;

/** A stream's events as they come. Ends with the stream; throws `timeout` when it falls silent. */
export async function* readServerEvents(body: ReadableStream<Uint8Array>, silenceMaxMs = SILENCE_MAX_MS): AsyncGenerator<ServerEvent> {
  const decoder = new SseDecoder({ eventCharsMax: EVENT_CHARACTERS_MAX });
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await within(reader.read(), silenceMaxMs);
      if (done) return;
      yield* decoder.push(value);
    }
  } finally {
    await reader.cancel().catch(() => {
      // The stream has failed already, and whoever reads it knows.
    });
  }
}

async function within<T>(promise: Promise<T>, ms: number): Promise<T> {
  const { promise: tooLate, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new AppError("timeout", `wanted something from the server every ${ms} ms, got silence`)), ms);
  try {
    return await Promise.race([promise, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
