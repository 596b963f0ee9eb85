import type { Store } from "@tutti/core";
import { COUNTED_APPROVALS_MAX } from "@tutti/core/wire";
import { approvalOf } from "../routes/approvals.ts";
import type { TailEntry } from "./log-tail.ts";
import type { Frames } from "./news.ts";

/** Approvals that one frame tells, as many as the console's list asks for; beyond it they are counted. */
const TOLD_MAX = 200;

/** What runs ask of people, read again only when the log says that it may have changed. */
export class ApprovalsNow {
  readonly #store: Pick<Store, "waits">;
  /** Runs that asked something when it was read last: whatever happens to them may answer it. */
  #asking = new Set<string>();

  constructor(store: Pick<Store, "waits">) {
    this.#store = store;
  }

  /** All of them; `undefined` when none of the events changes anything. */
  async read(entries: readonly TailEntry[] | undefined): Promise<Frames["approvals"] | undefined> {
    if (entries !== undefined && !entries.some((entry) => this.#mayChange(entry))) return undefined;
    const waits = await this.#store.waits({ kind: "approval", limit: COUNTED_APPROVALS_MAX });
    this.#asking = new Set(waits.map(({ runId }) => runId));
    return { approvals: waits.slice(0, TOLD_MAX).map(approvalOf), total: waits.length };
  }

  #mayChange({ event }: TailEntry): boolean {
    return this.#asking.has(event.runId) || (event.type === "step.waiting" && event.kind === "approval");
  }
}
