import { AppError, type Event, type RunRecord, type Store, type Workflow } from "@tutti/core";
import { History } from "./history.ts";
import type { RunParts } from "./operation.ts";
import type { Payloads } from "./payloads.ts";
import { fieldOf } from "./taint.ts";

/** Events read at once when a run is loaded. */
const PAGE = 1000;

/** What a run's log says, and what the run is made of. */
export interface LoadedRun {
  readonly parts: RunParts;
  readonly history: History;
}

/** Reads runs' logs. */
export class LogReader {
  readonly #store: Store;
  readonly #payloads: Payloads;
  readonly #findWorkflow: (name: string, version: string) => Workflow;

  constructor(store: Store, payloads: Payloads, findWorkflow: (name: string, version: string) => Workflow) {
    this.#store = store;
    this.#payloads = payloads;
    this.#findWorkflow = findWorkflow;
  }

  /** All events of a run, as they stand in the log. */
  async *events(runId: string): AsyncGenerator<Event> {
    for (let afterSeq = 0; ;) {
      const page = await this.#store.read(runId, { afterSeq, limit: PAGE });
      yield* page;
      afterSeq += page.length;
      if (page.length < PAGE) return;
    }
  }

  /** A run's last event. */
  async last(record: RunRecord): Promise<Event | undefined> {
    return (await this.#store.read(record.id, { afterSeq: record.events - 1, limit: 1 }))[0];
  }

  /** A run with its large values in place, on the version it is pinned to while that is installed. */
  async load(record: RunRecord): Promise<LoadedRun> {
    const history = new History();
    let first: Event | undefined;
    for await (const event of this.events(record.id)) {
      first ??= event;
      history.add(event, await this.#payloads.valueOf(event));
    }
    if (first?.type !== "run.started")
      throw new AppError(
        "storage_corrupt",
        `wanted run.started first in the log of ${record.id}, got ${first?.type ?? "nothing"}; put back a backup with \`tutti restore\``,
      );
    const { principal, parent, limits, tainted, callsBefore, at } = first;
    const workflow = this.#findWorkflow(record.workflow, history.version ?? record.version);
    const input = await this.#payloads.fromJournal(first.input);
    const startedAtMs = Date.parse(at);
    const more = { ...(parent && { parent }), ...(limits && { limits }), ...fieldOf(tainted), ...(callsBefore && { callsBefore }) };
    const parts = { runId: record.id, principal, workflow, input, startedAtMs, ...more };
    return { parts, history };
  }
}
