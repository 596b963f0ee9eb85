import type { Engine, Event, Store } from "@tutti/core";
import { Bell, type ServerEvent } from "./sse.ts";

/** Events read from the store at once. */
const PAGE = 200;

/** Live feeds: each reads its run from the store and is rung when there is more, so a slow client costs no memory and misses nothing. */
export class Feed {
  readonly #store: Store;
  readonly #bells = new Map<string, Set<Bell>>();

  constructor(engine: Engine, store: Store) {
    this.#store = store;
    const ring = ({ runId }: { readonly runId: string }): void => this.#bells.get(runId)?.forEach((bell) => bell.ring());
    engine.subscribe(ring);
    // Runs that other nodes drive are heard of through the store.
    store.changes(ring);
  }

  /** A run's events after `afterSeq`, then those to come, until the run has ended or the client is gone. */
  async *follow(runId: string, afterSeq: number, gone: AbortSignal): AsyncGenerator<ServerEvent> {
    for await (const page of this.pages(runId, afterSeq, gone)) {
      if (page === "heartbeat") yield page;
      else for (const event of page) yield { id: String(event.seq), event: event.type, data: JSON.stringify(event) };
    }
  }

  /** The same as they are read: what came meanwhile in one piece, never an empty one. */
  async *pages(runId: string, afterSeq: number, gone: AbortSignal): AsyncGenerator<readonly Event[] | "heartbeat"> {
    const bell = new Bell();
    using _ = this.#hang(runId, bell);
    gone.addEventListener("abort", () => bell.ring());
    for (let seq = afterSeq; !gone.aborted;) {
      const page = await this.#store.read(runId, { afterSeq: seq, limit: PAGE });
      const last = page.at(-1);
      if (last !== undefined) yield page;
      seq = last?.seq ?? seq;
      if (last === undefined ? await this.#hasEndedBefore(runId, seq) : isEnd(last)) return;
      if (page.length < PAGE && !(await bell.wait())) yield "heartbeat";
    }
  }

  /** A client that resumes after the last event of a run waits for nothing. */
  async #hasEndedBefore(runId: string, seq: number): Promise<boolean> {
    const run = await this.#store.run(runId);
    return run === undefined || (run.endedAt !== null && seq >= run.events);
  }

  #hang(runId: string, bell: Bell): Disposable {
    const bells = this.#bells.get(runId) ?? new Set();
    this.#bells.set(runId, bells.add(bell));
    return {
      [Symbol.dispose]: () => {
        bells.delete(bell);
        if (bells.size === 0) this.#bells.delete(runId);
      },
    };
  }
}

function isEnd({ type }: Event): boolean {
  return (
    type === "run.recorded" || type === "run.completed" || type === "run.continued" || type === "run.failed" || type === "run.cancelled"
  );
}
