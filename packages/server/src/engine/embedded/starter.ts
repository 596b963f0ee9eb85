import {
  AppError,
  canonicalJson,
  enforce,
  type Action,
  type Decision,
  type Engine,
  type Event,
  type EventBody,
  type EventDraft,
  type Fork,
  type Json,
  type Principal,
  type RunLimits,
  type StartOptions,
  type Store,
  type Workflow,
} from "@tutti/core";
import { iso, type Clock } from "../clock.ts";
import { parseInput, timed, type EngineParts } from "../effects.ts";
import { derivedId, newRunId } from "../run-id.ts";
import { planFork } from "./fork.ts";
import { History, type ReceivedSignal } from "./history.ts";
import { numbered, toJson, type Continuation, type RunParts } from "./operation.ts";
import type { Payloads } from "./payloads.ts";
import type { RunsInMemory } from "./runs-in-memory.ts";
import { fieldOf, Taint } from "./taint.ts";
import type { Watchers } from "./watchers.ts";

/** What starting works with. */
export interface StarterParts {
  readonly store: Store;
  readonly engine: EngineParts;
  readonly clock: Clock;
  readonly payloads: Payloads;
  readonly watchers: Watchers;
  readonly runs: RunsInMemory;
  readonly peers: Pick<Engine, "start" | "signal"> | undefined;
}

type Started = { readonly runId: string };

interface NewRun {
  readonly workflow: Workflow;
  readonly input: Json;
  readonly options: StartOptions & { readonly runId: string };
}

/** What every log begins with, and the decision in it. */
interface Beginning {
  readonly bodies: readonly EventBody[];
  readonly action: Action;
  readonly decision: Decision;
  readonly limits: RunLimits | undefined;
  readonly taint: { readonly tainted?: readonly string[] };
}

/** The ways in which runs begin: started, forked, or going on from one that has ended. */
export class Starter {
  readonly #parts: StarterParts;
  readonly #starting = new Map<string, Promise<Started>>();

  constructor(parts: StarterParts) {
    this.#parts = parts;
  }

  async start(name: string, input: Json, asked: StartOptions): Promise<Started> {
    const { runs, clock } = this.#parts;
    // Children do not queue by themselves: their parents may hold the places they would wait for.
    const queue = asked.queue ?? (asked.parent === undefined ? runs.queues.placeFor(name, asked.principal) : undefined);
    const options = queue === undefined ? asked : { ...asked, queue };
    runs.admit(options.parent !== undefined || queue !== undefined);
    if (queue !== undefined) runs.queues.require(queue);
    const workflow = runs.findWorkflow(name, options.version);
    const parsed = await parseInput(workflow, input);
    const { runId } = options;
    if (runId === undefined) return this.#startNew({ workflow, input: parsed, options: { ...options, runId: newRunId(clock.nowMs()) } });
    // Two starts of one id at the same time are one start.
    const starting =
      this.#starting.get(runId) ??
      this.#startOnce({ workflow, input: parsed, options: { ...options, runId } }).finally(() => this.#starting.delete(runId));
    this.#starting.set(runId, starting);
    return starting;
  }

  async fork(runId: string, fork: Fork, principal: Principal): Promise<Started> {
    const { runs, payloads, clock } = this.#parts;
    runs.admit(false);
    // Forking under the same id again is the same fork.
    if (fork.runId !== undefined && (await this.#parts.store.run(fork.runId)) !== undefined) return { runId: fork.runId };
    const record = await runs.find(runId);
    const events: Event[] = [];
    for await (const event of runs.reader.events(runId)) events.push(event);
    const [first] = events;
    if (first?.type !== "run.started")
      throw new AppError("conflict", `wanted a run with steps to fork, got ${runId}, which was recorded in one piece`);
    const outputs = await Promise.all(
      Object.entries(fork.outputs ?? {}).map(async ([key, value]) => [key, await payloads.toJournal(toJson(value))] as const),
    );
    const kept = planFork(events, { ...fork, outputs: Object.fromEntries(outputs) });
    for (const event of kept) {
      if (event.type === "step.completed") await payloads.keep(event.output);
      else if (event.type === "signal.received") await payloads.keep(event.value);
    }
    await payloads.keep(first.input);
    const workflow = runs.findWorkflow(record.workflow);
    const input = fork.input === undefined ? await payloads.fromJournal(first.input) : await parseInput(workflow, fork.input);
    const forkId = fork.runId ?? newRunId(clock.nowMs());
    const origin = { type: "fork", runId } as const;
    const known = { ...fieldOf(first.tainted), ...(first.callsBefore && { callsBefore: first.callsBefore }) };
    const options = { principal, runId: forkId, origin, ...(first.limits && { limits: first.limits }), ...known };
    const { bodies, decision, action } = await this.#beginning({ workflow, input, options });
    enforce(action, decision);
    await this.#requireDurable(runs.journal(this.#numbered(forkId, [...bodies, ...kept]), "now"));
    // With peers, whoever takes the new run up is told by its first events.
    if (this.#parts.peers === undefined) await runs.activate(await runs.find(forkId));
    return { runId: forkId };
  }

  /** Ends a run and begins the one it goes on as, in one piece. */
  async goOn(run: RunParts, continuation: Continuation): Promise<void> {
    const { runs } = this.#parts;
    try {
      await this.#goOn(run, continuation);
    } catch (thrown) {
      const { code, message } = AppError.from(thrown);
      await runs.append(run.runId, [
        { type: "run.failed", code, message, ...continuation.usage, ...continuation.taint, ...continuation.calls.field },
      ]);
    }
  }

  async #goOn(run: RunParts, { input, signals, usage, taint, calls }: Continuation): Promise<void> {
    const { runs, peers } = this.#parts;
    const { runId, principal, parent, limits } = run;
    const nextRunId = derivedId(`${runId}/continued`);
    const workflow = runs.findWorkflow(run.workflow.name);
    const ended: EventBody = { type: "run.continued", nextRunId, ...usage, ...taint, ...calls.field };
    const origin = { type: "continued", runId } as const;
    const known = { ...taint, ...calls.onField };
    const options = { principal, runId: nextRunId, origin, ...(parent && { parent }), ...(limits && { limits }), ...known };
    if (peers !== undefined) {
      await peers.start(workflow.name, input, options);
      for (const [index, signal] of signals.entries())
        await peers.signal(nextRunId, { ...signal, id: signal.id ?? derivedId(`${runId}/carried/${index}`) }, principal);
      await runs.append(runId, [ended]);
      return;
    }
    const { bodies, action, decision } = await this.#beginning({ workflow, input: await parseInput(workflow, input), options });
    enforce(action, decision);
    const received = await Promise.all(signals.map((signal) => this.#receivedAgain(signal)));
    const next = this.#numbered(nextRunId, [...bodies, ...received]);
    if (await runs.append(runId, [ended], next)) await runs.activate(await runs.find(nextRunId));
  }

  async #receivedAgain({ name, value, id, tainted }: ReceivedSignal): Promise<EventBody> {
    return {
      type: "signal.received",
      name,
      value: await this.#parts.payloads.toJournal(value),
      ...(id !== undefined && { id }),
      ...fieldOf(tainted),
    };
  }

  /** Starts a run under an id the caller chose, or returns the one that has it, if it is the same. */
  async #startOnce(run: NewRun): Promise<Started> {
    const { store, payloads } = this.#parts;
    const existing = await store.run(run.options.runId);
    if (existing === undefined) return this.#startNew(run);
    const first = (await store.read(existing.id, { afterSeq: 0, limit: 1 }))[0];
    const isSame =
      first?.type === "run.started" &&
      first.workflow === run.workflow.name &&
      canonicalJson(await payloads.fromJournal(first.input)) === canonicalJson(run.input);
    if (isSame) return { runId: existing.id };
    throw new AppError(
      "conflict",
      `wanted a new run id or the same workflow and input again, got ${existing.id}, which is a run of "${existing.workflow}" with another input`,
    );
  }

  async #startNew(run: NewRun): Promise<Started> {
    const { runs, clock, watchers } = this.#parts;
    const { options, workflow, input } = run;
    const { runId, principal, parent, queue, onPart } = options;
    const { bodies, decision, action, limits, taint } = await this.#beginning(run);
    if (decision.effect !== "allow") {
      const failed: EventBody = { type: "run.failed", code: "denied", message: decision.reason };
      await runs.journal(this.#numbered(runId, [...bodies, failed]), "now");
      enforce(action, decision);
    }
    if (onPart !== undefined) watchers.watchParts(runId, onPart);
    if (queue !== undefined) return this.#startQueued(runId, queue, bodies);
    const startedAtMs = clock.nowMs();
    const { callsBefore } = options;
    const more = { ...(parent && { parent }), ...(limits && { limits }), ...taint, ...(callsBefore && { callsBefore }) };
    const parts: RunParts = { runId, principal, workflow, input, startedAtMs, ...more };
    const { execution } = runs.create({ parts, history: new History() });
    // The first step may begin while this is on its way to the disk: whatever it records comes after it.
    const durable = runs.append(runId, bodies);
    execution.run();
    await this.#requireDurable(durable);
    return { runId };
  }

  async #startQueued(runId: string, place: NonNullable<StartOptions["queue"]>, bodies: readonly EventBody[]): Promise<Started> {
    const { runs } = this.#parts;
    const { queue, key = "", priority = 0 } = place;
    const queued: EventBody = { type: "run.queued", queue, queueKey: key, priority };
    await this.#requireDurable(runs.journal(this.#numbered(runId, [...bodies, queued]), "now"));
    await runs.enqueue(await runs.find(runId));
    return { runId };
  }

  async #beginning({ workflow, input, options }: NewRun): Promise<Beginning> {
    const { engine, payloads, clock } = this.#parts;
    const { principal, parent, origin } = options;
    const action = timed(engine, { kind: "run.start", principal, resource: workflow.name }, iso(clock.nowMs()));
    const decision = engine.decide(action);
    const policyHash = engine.policyHash();
    const limits = tighter(workflow.limits, options.limits);
    const taint =
      engine.taintOf === undefined ? fieldOf(options.tainted) : await this.#taintOf(engine.taintOf, { workflow, input, options });
    const journaled = payloads.toJournal(input);
    const started: EventBody = {
      type: "run.started",
      workflow: workflow.name,
      version: workflow.version,
      input: journaled instanceof Promise ? await journaled : journaled,
      principal,
      ...(parent && { parent }),
      ...(options.isSpawned === true && { spawned: true as const }),
      ...(origin && { origin }),
      ...(limits && { limits }),
      ...taint,
      ...(options.callsBefore && { callsBefore: options.callsBefore }),
    };
    const decided: EventBody = { type: "policy.decided", key: "", action, decision, policyHash };
    return { bodies: [started, decided], action, decision, limits, taint };
  }

  /** What whoever starts it says, and what the host knows of the conversation that the input goes on with. */
  async #taintOf(taintOf: NonNullable<EngineParts["taintOf"]>, { workflow, input, options }: NewRun): Promise<Beginning["taint"]> {
    const known = await taintOf({ workflow: workflow.name, input, principal: options.principal });
    return new Taint(options.tainted, known).field;
  }

  #numbered(runId: string, bodies: readonly EventBody[]): readonly EventDraft[] {
    return numbered({ runId, afterSeq: 0, nowMs: this.#parts.clock.nowMs() }, bodies);
  }

  async #requireDurable(durable: Promise<boolean>): Promise<void> {
    if (await durable) return;
    throw new AppError("storage_unwritable", `the run could not be written: ${JSON.stringify(this.#parts.store.health())}`);
  }
}

/** The tighter of two bounds each. */
function tighter(own: RunLimits | undefined, asked: RunLimits | undefined): RunLimits | undefined {
  if (own === undefined || asked === undefined) return own ?? asked;
  const least = (a: number | undefined, b: number | undefined): number => Math.min(a ?? Infinity, b ?? Infinity);
  const all = {
    timeMs: least(own.timeMs, asked.timeMs),
    tokensMax: least(own.tokensMax, asked.tokensMax),
    costUsdMax: least(own.costUsdMax, asked.costUsdMax),
  };
  return Object.fromEntries(Object.entries(all).filter(([, bound]) => Number.isFinite(bound)));
}
