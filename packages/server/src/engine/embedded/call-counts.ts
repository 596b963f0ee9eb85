import type { History } from "./history.ts";

/** How often a run has called each tool. Calls that policy refused or that are waited for do not count. */
export class CallCounts {
  readonly #counts = new Map<string, number>();

  constructor({ records }: History) {
    for (const record of records) if (record.type === "step" && record.kind === "tool") this.add(record.name);
  }

  add(tool: string): void {
    this.#counts.set(tool, (this.#counts.get(tool) ?? 0) + 1);
  }

  get byTool(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }
}
