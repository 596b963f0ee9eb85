import type { History } from "./history.ts";

/** Ends of steps of which no tool knew anything: they were refused, or never well formed. */
const UNCALLED: ReadonlySet<string> = new Set(["denied", "invalid_input", "not_found"]);

/** Calls by tool. */
export type Calls = Readonly<Record<string, number>>;

/** What a run begins with: the calls of the runs above it, and of those it goes on from. */
export interface CallsBefore {
  readonly above: Calls;
  readonly own: Calls;
}

/**
 * How often a run has called each tool. A call counts from the decision that let it go on or be asked about, so that of two at once the
 * second sees the first. After a crash and in a fork, which has no decisions of its own yet, the log says the same again.
 * Calls of the runs above count as they were when this one began, and calls of a child when it has ended: a limit is one of the whole tree.
 */
export class CallCounts {
  readonly #counts = new Map<string, number>();
  readonly #toolByKey = new Map<string, string>();

  readonly #above: Calls;

  constructor({ calls, records, childCalls }: History, { above, own }: CallsBefore = { above: {}, own: {} }) {
    this.#above = above;
    for (const made of [own, ...childCalls]) this.addAll(made);
    for (const [key, tool] of calls) this.add(key, tool);
    for (const record of records) {
      if (record.type !== "step" || record.kind !== "tool") continue;
      if (record.outcome.ok || !UNCALLED.has(record.outcome.code)) this.add(record.key, record.name);
    }
  }

  /** Counts the call of the step at `key`; the same step again, after a crash, is the same call. */
  add(key: string, tool: string): void {
    if (this.#toolByKey.has(key)) return;
    this.#toolByKey.set(key, tool);
    this.#counts.set(tool, (this.#counts.get(tool) ?? 0) + 1);
  }

  /** Counts what another run has called in this one's place. */
  addAll(calls: Calls): void {
    for (const [tool, count] of Object.entries(calls)) this.#counts.set(tool, (this.#counts.get(tool) ?? 0) + count);
  }

  /** Calls by tool before the step at `key`, which does not count itself. */
  before(key: string): Calls {
    const own = this.#toolByKey.get(key);
    const totals = new Map(Object.entries(this.#above));
    for (const [tool, count] of this.#counts) totals.set(tool, (totals.get(tool) ?? 0) + count - (tool === own ? 1 : 0));
    return Object.fromEntries([...totals].filter(([, count]) => count > 0));
  }

  /** For the end: this run's calls and its children's; nothing when there were none. */
  get field(): { readonly calls?: Calls } {
    return this.#counts.size === 0 ? {} : { calls: Object.fromEntries(this.#counts) };
  }

  /** What a child of the step at `key` begins with. */
  belowField(key: string): { readonly callsBefore?: CallsBefore } {
    // The call by which the child was started is one already.
    const above = this.before(key);
    const tool = this.#toolByKey.get(key);
    const all = tool === undefined ? above : { ...above, [tool]: (above[tool] ?? 0) + 1 };
    return Object.keys(all).length === 0 ? {} : { callsBefore: { above: all, own: {} } };
  }

  /** What the run that this one goes on as begins with. */
  get onField(): { readonly callsBefore?: CallsBefore } {
    const isNone = this.#counts.size === 0 && Object.keys(this.#above).length === 0;
    return isNone ? {} : { callsBefore: { above: this.#above, own: Object.fromEntries(this.#counts) } };
  }
}
