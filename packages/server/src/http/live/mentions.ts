import { setImmediate as nextTurn } from "node:timers/promises";
import type { Event, RunRecord, Store } from "@tutti/core";
import { mentions, needleOf } from "../routes/run-search.ts";
import type { TailEntry } from "./log-tail.ts";

/** Runs of which it is kept whether the text was found; of others it is read again. */
const KEPT_MAX = 5_000;
/** Earlier events that are looked through when a run is met in the middle of its log. */
const EARLIER_MAX = 500;

/** Which runs a text stands in, for a feed: each run's events are looked at once, as they come. */
export class Mentions {
  readonly #store: Pick<Store, "read">;
  readonly #needle: string;
  readonly #found = new Map<string, boolean>();

  constructor(store: Pick<Store, "read">, text: string) {
    this.#store = store;
    this.#needle = needleOf(text);
  }

  /** Those of the runs in which the text stands, by now. */
  async among(runs: readonly RunRecord[], entries: readonly TailEntry[]): Promise<readonly RunRecord[]> {
    const events = Map.groupBy(
      entries.map(({ event }) => event),
      ({ runId }) => runId,
    );
    const those: RunRecord[] = [];
    for (const run of runs) if (await this.#isIn(run.id, events.get(run.id) ?? [])) those.push(run);
    return those;
  }

  async #isIn(runId: string, events: readonly Event[]): Promise<boolean> {
    const before = this.#found.get(runId);
    const isFound = before === true || events.some((event) => mentions(event, this.#needle));
    this.#keep(runId, isFound || (before === undefined && (await this.#isEarlier(runId, events))));
    return this.#found.get(runId) ?? false;
  }

  async #isEarlier(runId: string, events: readonly Event[]): Promise<boolean> {
    const earlier = Math.min((events[0]?.seq ?? 1) - 1, EARLIER_MAX);
    if (earlier === 0) return false;
    // Reading runs on the event loop: others get their turn.
    await nextTurn();
    return (await this.#store.read(runId, { afterSeq: 0, limit: earlier })).some((event) => mentions(event, this.#needle));
  }

  #keep(runId: string, isFound: boolean): void {
    this.#found.delete(runId);
    this.#found.set(runId, isFound);
    const [oldest] = this.#found.keys();
    if (this.#found.size > KEPT_MAX && oldest !== undefined) this.#found.delete(oldest);
  }
}
