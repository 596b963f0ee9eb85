import type { IncomingHttpHeaders } from "node:http";
import type { App } from "../host/index.ts";

/** How often it is asked whether those who stay may still. */
const ASK_MS = 1_000;

/** What goes on for as long as somebody is let in. */
interface Stay {
  readonly headers: IncomingHttpHeaders;
  readonly end: () => void;
}

/**
 * Streams and sockets outlast the request that was let in. Each is ended when what let it in no longer does: a session that was ended, a
 * token that was changed or a key that was revoked, on this node at once, on whichever other within a second.
 */
export class Stays {
  readonly #authenticate: App["authenticate"];
  readonly #stays = new Set<Stay>();
  #timer: NodeJS.Timeout | undefined;

  constructor({ authenticate, sessions }: Pick<App, "authenticate" | "sessions">) {
    this.#authenticate = authenticate;
    sessions.onEnd(() => this.#askAgain());
  }

  /** Somebody stays until the result is disposed of. `end` may be called more than once. */
  begin(headers: IncomingHttpHeaders, end: () => void): Disposable {
    const stay = { headers, end };
    this.#stays.add(stay);
    this.#timer ??= setInterval(() => this.#askAgain(), ASK_MS).unref();
    return {
      [Symbol.dispose]: () => {
        this.#stays.delete(stay);
        if (this.#stays.size === 0) this.close();
      },
    };
  }

  /** Asks nobody any more. */
  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #askAgain(): void {
    for (const { headers, end } of this.#stays) if (!this.#isIn(headers)) end();
  }

  #isIn(headers: IncomingHttpHeaders): boolean {
    try {
      this.#authenticate(headers);
      return true;
    } catch {
      return false;
    }
  }
}
