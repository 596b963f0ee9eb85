import { encodeSse } from "@tutti/core/wire";

/** A comment this often keeps proxies from closing a quiet stream. */
const HEARTBEAT_MS = 15_000;
const encoder = new TextEncoder();

/** One server-sent event, or a heartbeat. */
export type ServerEvent = { readonly event?: string; readonly id?: string; readonly data: string } | "heartbeat";

/** Makes a stream's source; `gone` aborts when the client has left. */
export type Source<T> = (gone: AbortSignal) => AsyncGenerator<T>;

/** A response that sends events as they come and as fast as the client takes them; when the client leaves, the source is told. */
export function sseResponse(source: Source<ServerEvent>): Response {
  return sseTextResponse((gone) => encodeAll(source(gone)));
}

/** The same for events that are encoded already. */
export function sseTextResponse(source: Source<string>, headers: Readonly<Record<string, string>> = {}): Response {
  const gone = new AbortController();
  const texts = source(gone.signal);
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await texts.next();
      if (done === true) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
    async cancel() {
      // A generator that waits for something hears `return` only afterwards, so it is told first.
      gone.abort();
      await texts.return(undefined);
    },
  });
  return new Response(body, {
    headers: { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store", "x-accel-buffering": "no", ...headers },
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
