import type { Json } from "@tutti/core";

/** What a client is told, or that this is all, with the code that a WebSocket is closed with. */
type Told =
  | { readonly type: "frame"; readonly id: string }
  | { readonly type: "subscribed" | "reset" | "ended" | "error" | "heartbeat" }
  | { readonly type: "closed"; readonly code: number; readonly reason: string };

/** Replies that wait for a stream's client. Feeds are made as frames are taken, so what waits is bounded by theirs. */
export class ReplyQueue {
  readonly #waiting: Told[] = [];
  #isClosed = false;
  #wake: () => void = () => undefined;

  add(reply: Json): void {
    const told = reply as unknown as Told;
    // Whoever does not take what waits learns nothing from a sign of life behind it.
    if (this.#isClosed || (told.type === "heartbeat" && this.#waiting.length > 0)) return;
    this.#waiting.push(told);
    this.#wake();
  }

  /** Nothing follows but the reason, if there is somebody to tell it. */
  close(reason?: { readonly code: number; readonly reason: string }): void {
    if (this.#isClosed) return;
    if (reason !== undefined) this.#waiting.push({ type: "closed", ...reason });
    this.#isClosed = true;
    this.#wake();
  }

  async *replies(): AsyncGenerator<Told> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next !== undefined) yield next;
      else if (this.#isClosed) return;
      else {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#wake = resolve;
        await promise;
      }
    }
  }
}
