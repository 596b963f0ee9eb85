import { AppError } from "@tutti/core";

/** One message of a server. A tool that has more to say should give a link to it. */
export const MESSAGE_BYTES_MAX = 8 * 1_048_576;
const LINE_FEED = 0x0a;

/**
 * `fetch`, but a server cannot fill the memory with what it answers: no body, and no event of a stream, is larger than a message may be.
 * Redirects are left to the caller.
 */
export async function boundedFetch(url: string | URL, init?: RequestInit): Promise<Response> {
  const response = await fetch(url, init);
  if (response.body === null) return response;
  const isStream = response.headers.get("content-type")?.includes("text/event-stream") === true;
  const body = response.body.pipeThrough(isStream ? eventBound() : bodyBound());
  return new Response(body, { status: response.status, statusText: response.statusText, headers: response.headers });
}

function bodyBound(): TransformStream<Uint8Array, Uint8Array> {
  let bytes = 0;
  return new TransformStream({
    transform(chunk, controller) {
      bytes += chunk.length;
      if (bytes > MESSAGE_BYTES_MAX) controller.error(tooLarge());
      else controller.enqueue(chunk);
    },
  });
}

/** Counts from one blank line to the next, which is where an event ends. */
function eventBound(): TransformStream<Uint8Array, Uint8Array> {
  let bytes = 0;
  let isBlank = false;
  return new TransformStream({
    transform(chunk, controller) {
      for (const byte of chunk) {
        bytes += 1;
        if (byte === LINE_FEED) {
          if (isBlank) bytes = 0;
          isBlank = true;
        } else if (byte !== 0x0d) isBlank = false;
        if (bytes > MESSAGE_BYTES_MAX) return controller.error(tooLarge());
      }
      controller.enqueue(chunk);
    },
  });
}

function tooLarge(): AppError {
  return new AppError("too_large", `wanted a message of at most ${MESSAGE_BYTES_MAX} bytes from the server, got a larger one`);
}
