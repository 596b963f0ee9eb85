/** Bounds of a subscription's deliveries. */
export interface WindowOptions {
  /** Deliveries under way at once. */
  readonly concurrency: number;
  /** Events read and not settled: how far the newest may be ahead of the oldest. */
  readonly capacity: number;
}

/** An event that may be delivered now. */
export interface Turn {
  readonly position: number;
  readonly key: string | undefined;
}

/** An event's way: it waits for its turn, it is under way, or it is held: not under way, but its key may not go on yet. */
type State = "waiting" | "underWay" | "held";

/**
 * Which events of a subscription may be delivered now: those of one key one after the other, different keys side by side. It also knows the
 * low water, the position up to which everything is settled, which is all that must survive a crash. Does no work itself.
 */
export class DeliveryWindow {
  readonly #options: WindowOptions;
  /** By position, which is also the order of reading. */
  readonly #open = new Map<number, { readonly key: string | undefined; state: State }>();
  /** Positions of a key in order; the first one has the turn. */
  readonly #lanes = new Map<string, number[]>();
  /** Positions whose turn has come, in order of that. */
  readonly #ready = new Set<number>();
  #underWay = 0;
  #read: number;

  constructor(options: WindowOptions, position: number) {
    this.#options = options;
    this.#read = position;
  }

  /** Up to which position the log has been read. */
  get read(): number {
    return this.#read;
  }

  /** Up to which position everything is settled. */
  get lowWater(): number {
    for (const oldest of this.#open.keys()) return oldest - 1;
    return this.#read;
  }

  /** Events read and not settled. */
  get size(): number {
    return this.#open.size;
  }

  get isFull(): boolean {
    return this.#open.size >= this.#options.capacity;
  }

  /** An event that nobody wants was read. */
  pass(position: number): void {
    this.#read = position;
  }

  /** An event that is wanted was read; without a key it waits for no other. */
  admit(position: number, key: string | undefined): void {
    this.#read = position;
    this.#open.set(position, { key, state: "waiting" });
    if (key === undefined) {
      this.#ready.add(position);
      return;
    }
    const lane = this.#lanes.get(key);
    if (lane !== undefined) {
      lane.push(position);
      return;
    }
    this.#lanes.set(key, [position]);
    this.#ready.add(position);
  }

  /** The next event to deliver; `undefined` when none may be now. */
  take(): Turn | undefined {
    if (this.#underWay >= this.#options.concurrency) return undefined;
    for (const position of this.#ready) {
      const entry = this.#open.get(position);
      this.#ready.delete(position);
      if (entry === undefined) continue;
      entry.state = "underWay";
      this.#underWay += 1;
      return { position, key: entry.key };
    }
    return undefined;
  }

  /** The delivery is over for now, but its key must not go on: it takes no part in the concurrency any more. */
  hold(position: number): void {
    const entry = this.#open.get(position);
    if (entry?.state !== "underWay") return;
    entry.state = "held";
    this.#underWay -= 1;
  }

  /** The event is done with; the next one of its key gets its turn. */
  settle(position: number): void {
    const entry = this.#open.get(position);
    if (entry === undefined) return;
    if (entry.state === "underWay") this.#underWay -= 1;
    this.#open.delete(position);
    this.#ready.delete(position);
    if (entry.key === undefined) return;
    const lane = this.#lanes.get(entry.key) ?? [];
    lane.shift();
    const [next] = lane;
    if (next === undefined) this.#lanes.delete(entry.key);
    else this.#ready.add(next);
  }
}
