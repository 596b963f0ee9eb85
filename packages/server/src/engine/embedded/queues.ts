import { AppError, type Engine, type Principal, type QueueConfig, type StartOptions } from "@tutti/core";
import { TokenBucket } from "@tutti/core/resilience";

/** Keys of a queue that are told to whoever looks. */
const KEYS_MAX = 20;

/** A run that waits for its turn. */
export interface Ticket {
  readonly runId: string;
  readonly queue: string;
  readonly key: string;
  readonly priority: number;
  readonly queuedAtMs: number;
}

/**
 * Who runs next. Pure but for its state; time is passed in. Within a queue smaller priorities go first; among equals keys take turns, so
 * that one tenant's thousand runs do not hold up another's one; within a key, first come, first served.
 */
export class Queues {
  readonly #queues = new Map<string, Queue>();
  readonly #queueOf = new Map<string, Queue>();

  constructor(configs: readonly QueueConfig[]) {
    for (const config of configs) this.#queues.set(config.name, new Queue(config));
  }

  /** The queue that runs of a workflow go through by themselves, if there is one. */
  placeFor(workflow: string, principal: Principal): StartOptions["queue"] {
    for (const queue of this.#queues.values()) {
      const { name, workflows, keyBy } = queue.status;
      if (workflows?.includes(workflow) !== true) continue;
      const keys = { tenant: principal.tenant, principal: principal.id, workflow };
      return { queue: name, ...(keyBy !== undefined && { key: keys[keyBy] }) };
    }
    return undefined;
  }

  /** Throws `overloaded` when the queue is full, `invalid_input` when there is none by that name. */
  require(place: NonNullable<StartOptions["queue"]>): void {
    const queue = this.#find(place.queue);
    const { queued, queuedMax } = queue.status;
    if (queued >= queuedMax)
      throw new AppError(
        "overloaded",
        `wanted a place in the queue "${place.queue}", got ${queued} runs waiting there, which is its bound; try again later or raise queuedMax`,
      );
  }

  /** Whether there is a queue by that name. */
  knows(name: string): boolean {
    return this.#queues.has(name);
  }

  enqueue(ticket: Ticket): void {
    const queue = this.#find(ticket.queue);
    this.#queueOf.set(ticket.runId, queue);
    queue.enqueue(ticket);
  }

  /** A run that has its place already, as after a restart. */
  hold(ticket: Ticket): void {
    const queue = this.#queues.get(ticket.queue);
    if (queue === undefined) return;
    this.#queueOf.set(ticket.runId, queue);
    queue.hold(ticket);
  }

  /** Gives up a run's place, in the row or among the running. */
  release(runId: string): void {
    this.#queueOf.get(runId)?.release(runId);
    this.#queueOf.delete(runId);
  }

  has(runId: string): boolean {
    return this.#queueOf.get(runId)?.isQueued(runId) ?? false;
  }

  /** How many are ahead in the row of the same queue; `undefined` when the run is not in one. */
  placeOf(runId: string): number | undefined {
    return this.#queueOf.get(runId)?.placeOf(runId);
  }

  /** The runs whose turn it is now; they hold their places from here on. */
  admit(nowMs: number): readonly Ticket[] {
    return [...this.#queues.values()].flatMap((queue) => queue.admit(nowMs));
  }

  /** When `admit` may give more without anybody leaving: a rate lets the next one through. */
  get nextAtMs(): number {
    return Math.min(Infinity, ...[...this.#queues.values()].map((queue) => queue.nextAtMs));
  }

  get status(): Engine["queues"] {
    return [...this.#queues.values()].map(({ status }) => status);
  }

  #find(name: string): Queue {
    const queue = this.#queues.get(name);
    if (queue !== undefined) return queue;
    const known = [...this.#queues.keys()].join(", ") || "none";
    throw new AppError(
      "invalid_input",
      `wanted the name of a queue, got "${name}"; there are: ${known}; define it in \`queues\` of tutti.yaml`,
    );
  }
}

class Queue {
  readonly #config: QueueConfig;
  readonly #bucket: TokenBucket | undefined;
  /** Rows by priority, then by key; the order of the keys is whose turn it is. */
  readonly #rows = new Map<number, Map<string, Ticket[]>>();
  readonly #queued = new Set<string>();
  readonly #running = new Map<string, string>();
  readonly #runningByKey = new Map<string, number>();
  /** When the rate lets the next one through; Infinity when the rate is not what holds it up. */
  nextAtMs = Infinity;

  constructor(config: QueueConfig) {
    this.#config = config;
    this.#bucket =
      config.ratePerSecond === undefined
        ? undefined
        : new TokenBucket({ perSecond: config.ratePerSecond, burst: Math.max(1, config.ratePerSecond) }, 0);
  }

  /** What takes a look at every ticket is only worked out when somebody asks for it: each start asks for the rest. */
  get status(): Engine["queues"][number] {
    const oldestAt = (): string | null => this.#oldestAt();
    const keys = (): Engine["queues"][number]["keys"] => this.#fullestKeys();
    return {
      ...this.#config,
      queued: this.#queued.size,
      running: this.#running.size,
      get oldestAt() {
        return oldestAt();
      },
      get keys() {
        return keys();
      },
    };
  }

  get #waiting(): readonly Ticket[] {
    return [...this.#rows.values()].flatMap((byKey) => [...byKey.values()].flat()).filter(({ runId }) => this.#queued.has(runId));
  }

  #oldestAt(): string | null {
    const oldestMs = this.#waiting.reduce((least, { queuedAtMs }) => Math.min(least, queuedAtMs), Infinity);
    return oldestMs === Infinity ? null : new Date(oldestMs).toISOString();
  }

  #fullestKeys(): Engine["queues"][number]["keys"] {
    const queuedByKey = new Map<string, number>();
    for (const { key } of this.#waiting) queuedByKey.set(key, (queuedByKey.get(key) ?? 0) + 1);
    return [...new Set([...queuedByKey.keys(), ...this.#runningByKey.keys()])]
      .map((key) => ({ key, queued: queuedByKey.get(key) ?? 0, running: this.#runningByKey.get(key) ?? 0 }))
      .toSorted((a, b) => b.queued - a.queued || b.running - a.running)
      .slice(0, KEYS_MAX);
  }

  isQueued(runId: string): boolean {
    return this.#queued.has(runId);
  }

  enqueue(ticket: Ticket): void {
    const byKey = this.#rows.get(ticket.priority) ?? new Map<string, Ticket[]>();
    this.#rows.set(ticket.priority, byKey);
    const row = byKey.get(ticket.key) ?? [];
    byKey.set(ticket.key, row);
    row.push(ticket);
    this.#queued.add(ticket.runId);
  }

  hold({ runId, key }: Ticket): void {
    if (this.#running.has(runId)) return;
    this.#running.set(runId, key);
    this.#runningByKey.set(key, (this.#runningByKey.get(key) ?? 0) + 1);
  }

  release(runId: string): void {
    const key = this.#running.get(runId);
    if (key !== undefined) {
      this.#running.delete(runId);
      const left = (this.#runningByKey.get(key) ?? 1) - 1;
      if (left === 0) this.#runningByKey.delete(key);
      else this.#runningByKey.set(key, left);
    }
    // A ticket in a row stays there and is passed over: looking for it would cost more.
    this.#queued.delete(runId);
  }

  placeOf(runId: string): number | undefined {
    if (!this.#queued.has(runId)) return undefined;
    const rows = [...this.#rows].toSorted(([a], [b]) => a - b).flatMap(([, byKey]) => [...byKey.values()].flat());
    return rows.filter((ticket) => this.#queued.has(ticket.runId)).findIndex((ticket) => ticket.runId === runId);
  }

  admit(nowMs: number): readonly Ticket[] {
    const admitted: Ticket[] = [];
    this.nextAtMs = Infinity;
    while (this.#running.size < this.#config.concurrency && this.#queued.size > 0) {
      const row = this.#nextRow();
      if (row === undefined) break;
      const rateWaitMs = this.#bucket?.take(nowMs) ?? 0;
      if (rateWaitMs > 0) {
        this.nextAtMs = nowMs + rateWaitMs;
        break;
      }
      const ticket = row();
      this.#queued.delete(ticket.runId);
      this.hold(ticket);
      admitted.push(ticket);
    }
    return admitted;
  }

  /** The row whose turn it is, as what takes its first ticket and sends the key to the end of the line. */
  #nextRow(): (() => Ticket) | undefined {
    const { concurrencyPerKey = Infinity } = this.#config;
    for (const [priority, byKey] of [...this.#rows].toSorted(([a], [b]) => a - b)) {
      for (const [key, row] of byKey) {
        while (row[0] !== undefined && !this.#queued.has(row[0].runId)) row.shift();
        const [ticket] = row;
        if (ticket === undefined) byKey.delete(key);
        else if ((this.#runningByKey.get(key) ?? 0) < concurrencyPerKey) return () => takeTurn(byKey, row, ticket);
      }
      if (byKey.size === 0) this.#rows.delete(priority);
    }
    return undefined;
  }
}

function takeTurn(byKey: Map<string, Ticket[]>, row: Ticket[], ticket: Ticket): Ticket {
  row.shift();
  byKey.delete(ticket.key);
  if (row.length > 0) byKey.set(ticket.key, row);
  return ticket;
}
