import {
  AppError,
  canonicalJson,
  enforce,
  type Engine,
  type Event,
  type EventBody,
  type EventDraft,
  type Json,
  type ModelPart,
  type Principal,
  type RecordedRun,
  type RecordedStep,
  type Replay,
  type RunRecord,
  type StartOptions,
  type Store,
  type Workflow,
} from "@tutti/core";
import { parseInput, type EngineParts } from "../effects.ts";
import { newRunId } from "../run-id.ts";
import { Execution } from "./execution.ts";
import { History } from "./history.ts";
import { numbered, toJson, type ExecutionHost, type RunParts } from "./operation.ts";
import { Payloads } from "./payloads.ts";
import { recordRun } from "./recorded-run.ts";
import { Results } from "./results.ts";

/** Events read at once when a run is loaded. */
const PAGE = 1000;
const UNFINISHED = ["running", "waiting", "paused"] as const;

/** What an embedded engine is made of. `runsActiveMax` bounds the runs in memory; child runs may exceed it, or parents could wait for ever. */
export interface EmbeddedEngineOptions {
  readonly store: Store;
  readonly parts: EngineParts;
  readonly runsActiveMax: number;
}

interface Active {
  readonly execution: Execution;
  seq: number;
}

/** The engine in this process: runs are executions in memory over a journal in the store. */
export class EmbeddedEngine implements Engine {
  readonly #store: Store;
  readonly #parts: EngineParts;
  readonly #runsActiveMax: number;
  readonly #payloads: Payloads;
  readonly #active = new Map<string, Active>();
  readonly #starting = new Map<string, Promise<{ readonly runId: string }>>();
  readonly #loading = new Map<string, Promise<boolean>>();
  readonly #results: Results;
  readonly #listeners = new Set<(event: EventDraft) => void>();
  readonly #partListeners = new Map<string, Set<(part: ModelPart) => void>>();
  #isStopping = false;

  constructor(options: EmbeddedEngineOptions) {
    this.#store = options.store;
    this.#parts = options.parts;
    this.#runsActiveMax = options.runsActiveMax;
    this.#payloads = new Payloads(options.store);
    this.#results = new Results(this.#payloads);
  }

  async start(name: string, input: Json, options: StartOptions): Promise<{ readonly runId: string }> {
    this.#admit(options);
    const workflow = this.#findWorkflow(name);
    const parsed = await parseInput(workflow, input);
    const { runId } = options;
    if (runId === undefined) return this.#startNew(workflow, parsed, { ...options, runId: newRunId(Date.now()) });
    // Two starts of one id at the same time are one start.
    const starting =
      this.#starting.get(runId) ?? this.#startOnce(workflow, parsed, { ...options, runId }).finally(() => this.#starting.delete(runId));
    this.#starting.set(runId, starting);
    return starting;
  }

  async result(runId: string, signal: AbortSignal): Promise<Json> {
    if (this.#active.has(runId)) return this.#results.wait(runId, signal);
    const record = await this.#find(runId);
    const [last] = await this.#store.read(runId, { afterSeq: record.events - 1, limit: 1 });
    const waiting = this.#results.wait(runId, signal);
    if (last !== undefined) this.#results.settle(last);
    return waiting;
  }

  async signal(runId: string, signal: { readonly name: string; readonly value: Json }, principal: Principal): Promise<void> {
    const { execution } = await this.#activate(runId);
    const value = toJson(signal.value);
    const journaled = await this.#payloads.toJournal(value);
    await this.#control(runId, principal, (decided, isAllowed) =>
      this.#append(runId, isAllowed ? [decided, { type: "signal.received", name: signal.name, value: journaled }] : [decided]),
    );
    execution.deliverSignal(signal.name, value);
  }

  async cancel(runId: string, reason: string, principal: Principal): Promise<void> {
    await this.#activateOnce(await this.#find(runId));
    const active = this.#active.get(runId);
    if (active === undefined) return this.#cancelPaused(runId, reason, principal);
    await this.#control(runId, principal, (decided, isAllowed) =>
      this.#append(runId, isAllowed ? [decided, { type: "cancel.requested", reason }] : [decided]),
    );
    active.execution.cancel(reason);
    // The replay may have found meanwhile that the workflow changed: then there is nobody left to unwind.
    if (!this.#active.has(runId) && (await this.#find(runId)).endedAt === null) await this.#cancelPaused(runId, reason, principal);
  }

  async replay(runId: string): Promise<Replay> {
    const { parts, history } = await this.#load(await this.#find(runId));
    const host: ExecutionHost = {
      append: () => Promise.resolve(true),
      toJournal: (value) => value,
      onPart: () => undefined,
      onSettled: () => undefined,
    };
    const execution = this.#execution(parts, history, { host, mode: "dry" });
    execution.run();
    return execution.verdict;
  }

  async recover(runId?: string): Promise<number> {
    if (runId !== undefined) return (await this.#activateOnce(await this.#find(runId))) ? 1 : 0;
    let count = 0;
    let beforeId: string | undefined;
    for (;;) {
      const page = await this.#store.runs({ statuses: UNFINISHED, limit: PAGE, ...(beforeId === undefined ? {} : { beforeId }) });
      for (const record of page) if (await this.#activateOnce(record)) count += 1;
      beforeId = page.at(-1)?.id;
      if (page.length < PAGE) return count;
    }
  }

  record(step: RecordedStep, principal: Principal): RecordedRun {
    this.#admit({ principal });
    const runId = newRunId(Date.now());
    return recordRun({
      runId,
      step,
      principal,
      engine: this.#parts,
      append: (body) => void this.#journal(numbered(runId, 0, [body]), "soon"),
    });
  }

  subscribe(listener: (event: EventDraft) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  watchParts(runId: string, listener: (part: ModelPart) => void): Disposable {
    const listeners = this.#partListeners.get(runId) ?? new Set();
    this.#partListeners.set(runId, listeners.add(listener));
    return {
      [Symbol.dispose]: () => {
        listeners.delete(listener);
        if (listeners.size === 0) this.#partListeners.delete(runId);
      },
    };
  }

  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    const executions = [...this.#active.values()].map(({ execution }) => execution);
    const halted = Promise.all(executions.map((execution) => execution.halt()));
    const timedOut = Promise.withResolvers<void>();
    const timer = setTimeout(timedOut.resolve, graceMs);
    await Promise.race([halted, timedOut.promise]);
    clearTimeout(timer);
    for (const execution of executions) execution.abandon();
    this.#active.clear();
    this.#results.fail(new AppError("cancelled", "Tutti stopped before the run ended; it goes on at the next start"));
  }

  #admit(options: StartOptions): void {
    if (this.#isStopping) throw new AppError("overloaded", "Tutti is stopping and takes no new runs; try again when it is back");
    if (options.parent !== undefined) return;
    const health = this.#store.health();
    if (!health.ok) throw new AppError(health.code, health.message);
    if (this.#active.size >= this.#runsActiveMax)
      throw new AppError(
        "overloaded",
        `wanted fewer than ${this.#runsActiveMax} runs at once, got ${this.#active.size}; try again later or raise runsActiveMax`,
      );
  }

  #findWorkflow(name: string): Workflow {
    const workflow = this.#parts.workflow(name);
    if (workflow === undefined)
      throw new AppError(
        "not_found",
        `wanted a workflow or agent called "${name}", got none by that name; \`GET /v1/workflows\` lists them`,
      );
    return workflow;
  }

  /** Starts a run under an id the caller chose, or returns the one that has it, if it is the same. */
  async #startOnce(
    workflow: Workflow,
    input: Json,
    options: StartOptions & { readonly runId: string },
  ): Promise<{ readonly runId: string }> {
    const existing = await this.#store.run(options.runId);
    if (existing === undefined) return this.#startNew(workflow, input, options);
    const first = (await this.#store.read(existing.id, { afterSeq: 0, limit: 1 }))[0];
    const isSame =
      first?.type === "run.started" &&
      first.workflow === workflow.name &&
      canonicalJson(await this.#payloads.fromJournal(first.input)) === canonicalJson(input);
    if (!isSame)
      throw new AppError(
        "conflict",
        `wanted a new run id or the same workflow and input again, got ${existing.id}, which is a run of "${existing.workflow}" with another input`,
      );
    return { runId: existing.id };
  }

  async #startNew(
    workflow: Workflow,
    input: Json,
    options: StartOptions & { readonly runId: string },
  ): Promise<{ readonly runId: string }> {
    const { runId, principal, parent, onPart } = options;
    const action = { kind: "run.start", principal, resource: workflow.name } as const;
    const decision = this.#parts.decide(action);
    const journaled = this.#payloads.toJournal(input);
    const started: EventBody = {
      type: "run.started",
      workflow: workflow.name,
      version: workflow.version,
      input: journaled instanceof Promise ? await journaled : journaled,
      principal,
      ...(parent && { parent }),
    };
    const decided: EventBody = { type: "policy.decided", key: "", action, decision, policyHash: this.#parts.policyHash() };
    const active = this.#create({ runId, principal, workflow, input }, new History(), onPart);
    if (decision.effect !== "allow") {
      await this.#append(runId, [started, decided, { type: "run.failed", code: "denied", message: decision.reason }]);
      this.#active.delete(runId);
      enforce(action, decision);
    }
    // The first step may begin while this is on its way to the disk: whatever it records comes after it.
    const durable = this.#append(runId, [started, decided]);
    active.execution.run();
    if (!(await durable)) throw new AppError("storage_unwritable", `the run could not be written: ${JSON.stringify(this.#store.health())}`);
    return { runId };
  }

  #create(parts: RunParts, history: History, onPart?: (part: ModelPart) => void): Active {
    const host: ExecutionHost = {
      append: (bodies) => this.#append(parts.runId, bodies),
      toJournal: (value) => this.#payloads.toJournal(value),
      onPart: (part) => {
        onPart?.(part);
        for (const listener of this.#partListeners.get(parts.runId) ?? []) listener(part);
      },
      onSettled: () => void this.#active.delete(parts.runId),
    };
    const active = { execution: this.#execution(parts, history, { host, mode: "live" }), seq: history.lastSeq };
    this.#active.set(parts.runId, active);
    return active;
  }

  #execution(parts: RunParts, history: History, options: { readonly host: ExecutionHost; readonly mode: "live" | "dry" }): Execution {
    const { principal } = parts;
    return new Execution(parts, history, {
      ...options,
      engine: this.#parts,
      children: {
        start: async (workflow, input, child) => {
          await this.start(workflow, input, { principal, ...child });
          await this.recover(child.runId);
        },
        result: (runId) => this.result(runId, NEVER),
        cancel: (runId, reason) => this.cancel(runId, reason, principal).catch(() => undefined),
      },
    });
  }

  /** Journals events of a run in memory; false when the store is gone for good. */
  #append(runId: string, bodies: readonly EventBody[]): Promise<boolean> {
    const active = this.#active.get(runId);
    if (active === undefined) return Promise.resolve(false);
    const afterSeq = active.seq;
    active.seq += bodies.length;
    return this.#journal(numbered(runId, afterSeq, bodies), "now");
  }

  async #journal(events: readonly EventDraft[], when: "now" | "soon"): Promise<boolean> {
    try {
      await this.#store.append(events, when);
    } catch {
      // The store's health says why; the run stays unfinished and goes on at the next start.
      return false;
    }
    for (const event of events) this.#publish(event);
    return true;
  }

  #publish(event: EventDraft): void {
    for (const listener of this.#listeners) listener(event);
    this.#results.settle(event);
  }

  async #find(runId: string): Promise<RunRecord> {
    const record = await this.#store.run(runId);
    if (record === undefined)
      throw new AppError("not_found", `wanted a run, got "${runId}", which is none; \`tutti runs list\` shows them`);
    return record;
  }

  /** Decides whether somebody may steer a run, and journals the decision with what they did through `append`. */
  async #control(runId: string, principal: Principal, append: (decided: EventBody, isAllowed: boolean) => Promise<boolean>): Promise<void> {
    const action = { kind: "run.control", principal, resource: runId } as const;
    const decision = this.#parts.decide(action);
    await append({ type: "policy.decided", key: "", action, decision, policyHash: this.#parts.policyHash() }, decision.effect === "allow");
    enforce(action, decision);
  }

  /** A run that cannot go on, because its workflow changed or is gone, has nothing to unwind. */
  async #cancelPaused(runId: string, reason: string, principal: Principal): Promise<void> {
    const record = await this.#find(runId);
    if (record.endedAt !== null) throw new AppError("conflict", `wanted an unfinished run, got ${runId}, which is ${record.status}`);
    const ended: readonly EventBody[] = [
      { type: "cancel.requested", reason },
      { type: "run.cancelled", reason },
    ];
    await this.#control(runId, principal, (decided, isAllowed) =>
      this.#journal(numbered(runId, record.events, isAllowed ? [decided, ...ended] : [decided]), "now"),
    );
  }

  /** A run that can be steered: unfinished, and in memory. */
  async #activate(runId: string): Promise<Active> {
    const record = await this.#find(runId);
    await this.#activateOnce(record);
    const active = this.#active.get(runId);
    if (active === undefined) throw new AppError("conflict", `wanted an unfinished run, got ${runId}, which is ${record.status}`);
    return active;
  }

  #activateOnce(record: RunRecord): Promise<boolean> {
    if (this.#active.has(record.id) || record.endedAt !== null || this.#isStopping) return Promise.resolve(false);
    const loading = this.#loading.get(record.id) ?? this.#resume(record).finally(() => this.#loading.delete(record.id));
    this.#loading.set(record.id, loading);
    return loading;
  }

  async #resume(record: RunRecord): Promise<boolean> {
    if (this.#parts.workflow(record.workflow) === undefined) return this.#pauseMissing(record);
    const { parts, history } = await this.#load(record);
    // A log that has ended has ended, whatever the list of runs says.
    if (this.#active.has(record.id) || history.end !== undefined) return false;
    const { execution } = this.#create(parts, history);
    execution.run();
    return true;
  }

  /** A run whose workflow is not installed any more waits until it is; the next start looks again. */
  async #pauseMissing(record: RunRecord): Promise<boolean> {
    if (record.status === "paused") return false;
    const message = `the workflow "${record.workflow}" is not installed; add its plugin again, or cancel the run`;
    await this.#store.append([
      { type: "run.paused", code: "not_found", message, runId: record.id, seq: record.events + 1, at: new Date().toISOString() },
    ]);
    return false;
  }

  async #load(record: RunRecord): Promise<{ readonly parts: RunParts; readonly history: History }> {
    const history = new History();
    let first: Event | undefined;
    for (;;) {
      const page = await this.#store.read(record.id, { afterSeq: history.lastSeq, limit: PAGE });
      first ??= page[0];
      for (const event of page) history.add(event, await this.#payloads.valueOf(event));
      if (page.length < PAGE) break;
    }
    if (first?.type !== "run.started")
      throw new AppError(
        "storage_corrupt",
        `wanted run.started first in the log of ${record.id}, got ${first?.type ?? "nothing"}; put back a backup with \`tutti restore\``,
      );
    return {
      parts: {
        runId: record.id,
        principal: first.principal,
        workflow: this.#findWorkflow(record.workflow),
        input: await this.#payloads.fromJournal(first.input),
      },
      history,
    };
  }
}

const NEVER = new AbortController().signal;
