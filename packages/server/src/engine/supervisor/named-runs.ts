import { AppError, type Engine, type EventDraft, type Json, type Principal, type RunRecord, type Store } from "@tutti/core";
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
 * names could disagree with it. Names are looked up in memory: what stands there is read from that list once, then kept by what the engine
 * tells, and read again once another node has written. The first run's id is derived from the name, so that two nodes cannot give it to two
 * runs.
 */
export class NamedRuns {
  readonly #parts: NamedRunsParts;
  readonly #payloads: Payloads;
  /** What a run was started with never changes. */
  readonly #inputs = new Map<string, Json>();
  /** The newest run of each name, and the name of each run; one that has just begun has none yet. */
  readonly #ids = new Map<string, string>();
  readonly #names = new Map<string, string | undefined>();
  #reading: Promise<void> | undefined;
  /** Resolves once all that the engine has told of so far stands there. */
  #heard: Promise<unknown> = Promise.resolve();
  #isListening = false;
  readonly #starting = new Map<string, Promise<string>>();

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

  /** The run that has a name; `undefined` when none has. */
  async get(name: string): Promise<NamedRun | undefined> {
    await this.#know();
    const runId = this.#ids.get(name);
    if (runId === undefined) return undefined;
    const run = await this.#parts.store.run(runId);
    if (run !== undefined && run.endedAt === null) return { name, run, input: await this.#inputOf(runId) };
    // It has ended or gone on as another, and the word of that is still on its way here.
    this.#reading = undefined;
    return (await this.list()).find((named) => named.name === name);
  }

  /** As `get`; `not_found` when none has it. */
  async find(name: string): Promise<NamedRun> {
    const found = await this.get(name);
    if (found !== undefined) return found;
    const { what } = this.#parts;
    throw new AppError("not_found", `wanted a ${what}, got "${name}", which is none; list them to see which there are`);
  }

  /** Starts the run that has a name from now on; `conflict` when another one has it. `inputFor` is told the run's id. */
  async start(name: string, inputFor: (runId: string) => Json, principal: Principal): Promise<string> {
    // Those of one name one after the other, so that the second sees the first.
    const before = this.#starting.get(name) ?? Promise.resolve();
    const start = (): Promise<string> => this.#startNow(name, inputFor, principal);
    const started = before.then(start, start);
    this.#starting.set(name, started);
    return started.finally(() => {
      if (this.#starting.get(name) === started) this.#starting.delete(name);
    });
  }

  async #startNow(name: string, inputFor: (runId: string) => Json, principal: Principal): Promise<string> {
    const { engine, workflow, what } = this.#parts;
    const taken = `wanted a new name for a ${what}, got "${name}", which is taken; delete that one first, or change it`;
    if ((await this.get(name)) !== undefined) throw new AppError("conflict", taken);
    const { size } = this.#ids;
    if (size >= NAMED_MAX) throw new AppError("overloaded", `wanted fewer than ${NAMED_MAX} of them, got ${size}; delete some`);
    const { freeId, lastId } = await this.#idsOf(name);
    // Another node may have begun it just now.
    const last = lastId === undefined ? undefined : await this.#parts.store.run(lastId);
    if (last?.endedAt === null) throw new AppError("conflict", taken);
    return (await engine.start(workflow, inputFor(freeId), { principal, runId: freeId })).runId;
  }

  /**
   * The first id of the name that no run has had, and the one before it. They are used in order, so it is found in a few steps, however many
   * there were.
   */
  async #idsOf(name: string): Promise<{ readonly freeId: string; readonly lastId: string | undefined }> {
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
    return { freeId: idOf(free), lastId: used === -1 ? undefined : idOf(used) };
  }

  async #know(): Promise<void> {
    this.#reading ??= this.#read();
    const reading = this.#reading;
    await reading.catch((error: unknown) => {
      if (this.#reading === reading) this.#reading = undefined;
      throw error;
    });
    await this.#heard;
  }

  async #read(): Promise<void> {
    this.#listen();
    const before = [...this.#names.keys()];
    const all = await this.list();
    const live = new Set(all.map(({ run }) => run.id));
    for (const runId of before) if (!live.has(runId)) this.#remove(runId);
    // What the engine told of meanwhile is newer. Whatever ended meanwhile is found out when it is looked up.
    for (const { name, run } of all) if (!this.#ids.has(name)) this.#add(name, run.id);
  }

  #listen(): void {
    if (this.#isListening) return;
    this.#isListening = true;
    this.#parts.engine.subscribe((event) => this.#hear(event));
    this.#parts.store.changes(() => (this.#reading = undefined));
  }

  #hear(event: EventDraft): void {
    const { runId } = event;
    if (event.type === "run.started" && event.workflow === this.#parts.workflow) {
      this.#names.set(runId, undefined);
      // A large input stands in a file. In the order of events all the same, so that the newest run of a name is the last.
      this.#heard = this.#heard.then(() => this.#begun(runId, event.input)).catch(() => (this.#reading = undefined));
    } else if (isEnd(event) && this.#names.has(runId)) this.#remove(runId);
  }

  async #begun(runId: string, journaled: Json): Promise<void> {
    const input = await this.#payloads.fromJournal(journaled);
    if (!this.#names.has(runId)) return;
    this.#inputs.set(runId, input);
    this.#add(this.#parts.nameOf(input), runId);
  }

  #add(name: string, runId: string): void {
    this.#names.set(runId, name);
    this.#ids.set(name, runId);
  }

  #remove(runId: string): void {
    const name = this.#names.get(runId);
    this.#names.delete(runId);
    this.#inputs.delete(runId);
    if (name !== undefined && this.#ids.get(name) === runId) this.#ids.delete(name);
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

function isEnd({ type }: EventDraft): boolean {
  return type === "run.completed" || type === "run.failed" || type === "run.cancelled" || type === "run.continued";
}
