import { encodeSse } from "@tutti/core/wire";
import type { HttpContext } from "./env.ts";

/** A comment this often keeps proxies from closing a quiet stream. */
const HEARTBEAT_MS = 15_000;
const encoder = new TextEncoder();

/** One server-sent event, or a heartbeat. */
export type ServerEvent = { readonly event?: string; readonly id?: string; readonly data: string } | "heartbeat";

/** Makes a stream's source; `gone` aborts when the client has left. */
export type Source<T> = (gone: AbortSignal) => AsyncGenerator<T>;

/**
 * A response that sends events as they come and as fast as the client takes them. When the client leaves, the source is told; when what let
 * the client in no longer does, so is the source, and the response ends.
 */
export function sseResponse(ctx: HttpContext, source: Source<ServerEvent>): Response {
  return sseTextResponse(ctx, (gone) => encodeAll(source(gone)));
}

/** The same for events that are encoded already. */
export function sseTextResponse(ctx: HttpContext, source: Source<string>, headers: Readonly<Record<string, string>> = {}): Response {
  return textResponse(held(ctx, source), headers);
}

/** The same for a source that says itself why it ends when what let its client in no longer does. */
export function unheldSseResponse(source: Source<ServerEvent>): Response {
  return textResponse((gone) => encodeAll(source(gone)), {});
}

/** A stream that somebody else answered with, which ends when what let its client in no longer does; any other answer stays as it is. */
export function heldResponse(ctx: HttpContext, response: Response): Response {
  const { body, status, headers } = response;
  if (body === null || headers.get("content-type")?.startsWith("text/event-stream") !== true) return response;
  return new Response(
    bodyOf(
      held(ctx, (gone) => chunksOf(body, gone)),
      (chunk) => chunk,
    ),
    { status, headers },
  );
}

function textResponse(source: Source<string>, headers: Readonly<Record<string, string>>): Response {
  return new Response(
    bodyOf(source, (text) => encoder.encode(text)),
    { headers: { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store", "x-accel-buffering": "no", ...headers } },
  );
}

/** A program in a jail is let in by its door, which ends with the jail. */
function held<T>({ env: { door, incoming }, var: { stays } }: HttpContext, source: Source<T>): Source<T> {
  return door === undefined ? (gone) => hold(source, { gone, begin: (end) => stays.begin(incoming.headers, end) }) : source;
}

async function* hold<T>(
  source: Source<T>,
  { gone, begin }: { readonly gone: AbortSignal; readonly begin: (end: () => void) => Disposable },
): AsyncGenerator<T> {
  const over = new AbortController();
  gone.addEventListener("abort", () => over.abort());
  using _ = begin(() => over.abort());
  for await (const event of source(over.signal)) {
    if (over.signal.aborted) return;
    yield event;
    if (over.signal.aborted) return;
  }
}

async function* chunksOf(body: ReadableStream<Uint8Array>, gone: AbortSignal): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  // A read that waits hears it, and is told that there is no more.
  const cancel = (): void => void reader.cancel().catch(() => undefined);
  gone.addEventListener("abort", cancel);
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) yield read.value;
  } finally {
    cancel();
  }
}

function bodyOf<T>(source: Source<T>, encode: (one: T) => Uint8Array): ReadableStream<Uint8Array> {
  const gone = new AbortController();
  const all = source(gone.signal);
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await all.next();
      if (done === true) controller.close();
      else controller.enqueue(encode(value));
    },
    async cancel() {
      // A generator that waits for something hears `return` only afterwards, so it is told first.
      gone.abort();
      await all.return(undefined);
    },
  });
}

async function* encodeAll(source: AsyncGenerator<ServerEvent>): AsyncGenerator<string> {
  for await (const event of source) yield event === "heartbeat" ? ": heartbeat\n\n" : encodeSse(event);
}

/** Something to wait on that is rung from outside. A ring that comes while nobody waits is not lost. */
export class Bell {
  #isRung = false;
  #waiting: (() => void) | undefined;

  ring(): void {
    this.#isRung = true;
    this.#waiting?.();
  }

  /** Resolves with true when rung, with false when it is time for a heartbeat. */
  async wait(): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.#isRung) resolve();
    this.#waiting = resolve;
    const timer = setTimeout(resolve, HEARTBEAT_MS);
    await promise;
    clearTimeout(timer);
    const wasRung = this.#isRung;
    this.#isRung = false;
    return wasRung;
  }
}
