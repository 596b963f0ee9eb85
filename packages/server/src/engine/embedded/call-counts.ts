import type { History } from "./history.ts";

/** Ends of steps of which no tool knew anything: they were refused, or never well formed. */
const UNCALLED: ReadonlySet<string> = new Set(["denied", "invalid_input", "not_found"]);

/**
 * How often a run has called each tool. A call counts from the decision that let it go on or be asked about, so that of two at once the
 * second sees the first. After a crash and in a fork, which has no decisions of its own yet, the log says the same again.
 */
export class CallCounts {
  readonly #counts = new Map<string, number>();
  readonly #toolByKey = new Map<string, string>();

  constructor({ calls, records }: History) {
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

  /** Calls by tool before the step at `key`, which does not count itself. */
  before(key: string): Readonly<Record<string, number>> {
    const own = this.#toolByKey.get(key);
    const counts = Array.from(this.#counts, ([tool, count]) => [tool, tool === own ? count - 1 : count] as const);
    return Object.fromEntries(counts.filter(([, count]) => count > 0));
  }
}
