import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AppError, type Engine, type Event, type Json, type Principal, type RunContext, type Store, type Workflow } from "@tutti/core";
import type { Clock } from "../clock.ts";
import { parseInput } from "../effects.ts";
import { EmbeddedEngine } from "../embedded/embedded-engine.ts";
import { Schedules } from "../schedules/schedules.ts";
import { scheduleWorkflow } from "../schedules/schedule-workflow.ts";
import { deadLetterWorkflow } from "./dead-letter-workflow.ts";
import { DeadLetters } from "./dead-letters.ts";
import { Supervision } from "./supervision.ts";
import { supervisorWorkflow } from "./supervisor-workflow.ts";

/** Looks for something that does not come; several seconds' worth. */
const LOOKS_MAX = 400;

/** Who does everything in these tests. */
export const owner: Principal = { id: "owner", tenant: "default", roles: ["owner"] };

/** A workflow that takes anything. */
export const flow = (name: string, run: (ctx: RunContext, input: Json) => Promise<Json>): Workflow => ({
  name,
  version: "1",
  input: { "~standard": { validate: (value: unknown) => ({ value }) } },
  run,
});

/** An engine with schedules, supervision and dead letters over a data folder. */
export interface Bench extends AsyncDisposable {
  readonly dataDir: string;
  readonly engine: Engine;
  readonly store: Store;
  readonly schedules: Schedules;
  readonly supervision: Supervision;
  readonly deadLetters: DeadLetters;
  /** All events of a run. */
  events(runId: string): Promise<readonly Event[]>;
  /** What `look` finds, once it finds something: it looks again after every event. */
  until<T>(look: () => Promise<T | undefined | null | false>): Promise<T>;
  /** Stops, and opens again on the same folder; `meanwhile` happens in between. */
  reopen(meanwhile?: () => void): Promise<Bench>;
}

/** What a bench is made of. */
interface BenchOptions {
  readonly workflows: readonly Workflow[];
  readonly clock?: HandClock;
  readonly dataDir?: string;
}

/** Opens a bench; its folder is removed at the end unless it was given. */
export type OpenBench = (options: BenchOptions) => Promise<Bench>;

/** How benches are opened over one kind of store. */
export function benchOn(openStore: (dataDir: string) => Promise<Store>): OpenBench {
  return async (options) => {
    const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), "tutti-schedules-")));
    return open(options, dataDir, openStore);
  };
}

async function open(options: BenchOptions, dataDir: string, openStore: (dataDir: string) => Promise<Store>): Promise<Bench> {
  const store = await openStore(dataDir);
  const workflows = [
    ...options.workflows,
    scheduleWorkflow,
    supervisorWorkflow,
    deadLetterWorkflow({ engine: () => engine }),
  ] as Workflow[];
  const engine: EmbeddedEngine = new EmbeddedEngine({
    store,
    runsActiveMax: 1_000,
    clock: options.clock,
    parts: {
      workflow: (name) => workflows.find((workflow) => workflow.name === name),
      tool: () => undefined,
      model: () => undefined,
      decide: () => ({ effect: "allow", reason: "a test", rule: "test" }),
      policyHash: () => "0".repeat(64),
    },
  });
  const close = async (): Promise<void> => {
    // A clock that stands would let it wait for ever.
    const ticking = setInterval(() => options.clock?.set(options.clock.nowMs()), 1);
    await engine.stop(options.clock === undefined ? 1_000 : 0);
    clearInterval(ticking);
    await store.close();
  };
  let isOpen = true;
  const checkStart = async (name: string, input: Json): Promise<void> => {
    const found = workflows.find((workflow) => workflow.name === name);
    if (found === undefined) throw new AppError("not_found", `wanted a workflow, got "${name}"`);
    await parseInput(found, input);
  };
  const { clock } = options;
  const parts = { engine, store, checkStart, ...(clock !== undefined && { nowMs: () => clock.nowMs() }) };
  return {
    dataDir,
    engine,
    store,
    schedules: new Schedules(parts),
    supervision: new Supervision(parts),
    deadLetters: new DeadLetters(parts),
    events: (runId) => store.read(runId, { afterSeq: 0, limit: 1_000 }),
    async until(look) {
      for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
        const happened = Promise.withResolvers<void>();
        using _ = engine.subscribe(() => happened.resolve());
        const found = await look();
        if (found !== undefined && found !== null && found !== false) return found;
        // What is derived from events may come a moment after them.
        const timer = setTimeout(happened.resolve, 20);
        await happened.promise;
        clearTimeout(timer);
      }
      throw new Error(`wanted what ${String(look)} looks for, got nothing in ${LOOKS_MAX} looks`);
    },
    async reopen(meanwhile = () => undefined) {
      await close();
      isOpen = false;
      meanwhile();
      const again = await open(options, dataDir, openStore);
      await again.engine.recover();
      return again;
    },
    async [Symbol.asyncDispose]() {
      if (!isOpen) return;
      await close();
      if (options.dataDir === undefined) await rm(dataDir, { recursive: true });
    },
  };
}

/** A clock that stands until it is set; then all that was due until then happens, in order. */
export class HandClock implements Clock {
  #nowMs: number;
  readonly #timers = new Set<{ readonly atMs: number; readonly action: () => void }>();

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  after(ms: number, action: () => void): () => void {
    const timer = { atMs: this.#nowMs + ms, action };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  turn(action: () => void): void {
    setImmediate(action);
  }

  random(): number {
    return 0.5;
  }

  set(nowMs: number): void {
    this.#nowMs = nowMs;
    // Those that it sets itself while it is set wait for the next time.
    for (const timer of [...this.#timers].toSorted((a, b) => a.atMs - b.atMs)) {
      if (timer.atMs > nowMs || !this.#timers.delete(timer)) continue;
      timer.action();
    }
  }
}
