import { AppError, type Engine, type Json, type Principal, type RunRecord, type Store } from "@tutti/core";
import { Payloads } from "../embedded/payloads.ts";
import { derivedId } from "../run-id.ts";

const UNFINISHED = ["queued", "running", "waiting", "paused"] as const;
const PAGE = 500;
/** Unfinished runs of one kind. Each name is looked up in all of them. */
const NAMED_MAX = 10_000;

/** What named runs are made of. `what` is what people call one: "schedule". */
export interface NamedRunsParts {
  readonly engine: Engine;
  readonly store: Store;
  readonly workflow: string;
  readonly what: string;
  readonly nameOf: (input: Json) => string;
}

/** An unfinished run that has a name, and what it was started with. */
export interface NamedRun {
  readonly name: string;
  readonly run: RunRecord;
  readonly input: Json;
}

/**
 * Unfinished runs by a name that stands in their input, one for each name. The list of them is the list of runs itself: a second table of
 * names could disagree with it. The first run's id is derived from the name, so that two nodes cannot give it to two runs.
 */
export class NamedRuns {
  readonly #parts: NamedRunsParts;
  readonly #payloads: Payloads;
  /** What a run was started with never changes. */
  readonly #inputs = new Map<string, Json>();
  #starting: Promise<unknown> = Promise.resolve();

  constructor(parts: NamedRunsParts) {
    this.#parts = parts;
    this.#payloads = new Payloads(parts.store);
  }

  /** All of them, by name. */
  async list(): Promise<readonly NamedRun[]> {
    const found = new Map<string, NamedRun>();
    let beforeId: string | undefined;
    for (;;) {
      const page = await this.#parts.store.runs({
        workflow: this.#parts.workflow,
        statuses: UNFINISHED,
        limit: PAGE,
        ...(beforeId !== undefined && { beforeId }),
      });
      for (const run of page) {
        const input = await this.#inputOf(run.id);
        const name = this.#parts.nameOf(input);
        // Newest first: where a run goes on as a new one, both may be there for a moment.
        if (!found.has(name)) found.set(name, { name, run, input });
      }
      beforeId = page.at(-1)?.id;
      if (page.length < PAGE || found.size >= NAMED_MAX) break;
    }
    this.#forgetEnded([...found.values()]);
    return [...found.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  async find(name: string): Promise<NamedRun> {
    const found = (await this.list()).find((named) => named.name === name);
    if (found !== undefined) return found;
    const { what } = this.#parts;
    throw new AppError("not_found", `wanted a ${what}, got "${name}", which is none; list them to see which there are`);
  }

  /** Starts the run that has a name from now on; `conflict` when another one has it. `inputFor` is told the run's id. */
  async start(name: string, inputFor: (runId: string) => Json, principal: Principal): Promise<string> {
    // One after the other, so that the second of two sees the first.
    const started = this.#starting.then(() => this.#startNow(name, inputFor, principal));
    this.#starting = started.catch(() => undefined);
    return started;
  }

  async #startNow(name: string, inputFor: (runId: string) => Json, principal: Principal): Promise<string> {
    const { engine, workflow, what } = this.#parts;
    const all = await this.list();
    if (all.length >= NAMED_MAX) throw new AppError("overloaded", `wanted fewer than ${NAMED_MAX} of them, got ${all.length}; delete some`);
    if (all.some((named) => named.name === name))
      throw new AppError("conflict", `wanted a new name for a ${what}, got "${name}", which is taken; delete that one first, or change it`);
    const runId = await this.#freeId(name);
    return (await engine.start(workflow, inputFor(runId), { principal, runId })).runId;
  }

  /** The first id of the name that no run has had. They are used in order, so it is found in a few steps, however many there were. */
  async #freeId(name: string): Promise<string> {
    const idOf = (generation: number): string => derivedId(`${this.#parts.workflow}/${name}/${generation}`);
    let used = -1;
    let free = 0;
    while ((await this.#parts.store.run(idOf(free))) !== undefined) {
      used = free;
      free = free * 2 + 1;
    }
    while (free - used > 1) {
      const middle = Math.floor((used + free) / 2);
      if ((await this.#parts.store.run(idOf(middle))) === undefined) free = middle;
      else used = middle;
    }
    return idOf(free);
  }

  async #inputOf(runId: string): Promise<Json> {
    const known = this.#inputs.get(runId);
    if (known !== undefined) return known;
    const [first] = await this.#parts.store.read(runId, { afterSeq: 0, limit: 1 });
    const input = first?.type === "run.started" ? await this.#payloads.fromJournal(first.input) : null;
    this.#inputs.set(runId, input);
    return input;
  }

  #forgetEnded(live: readonly NamedRun[]): void {
    const ids = new Set(live.map(({ run }) => run.id));
    for (const id of this.#inputs.keys()) if (!ids.has(id)) this.#inputs.delete(id);
  }
}
