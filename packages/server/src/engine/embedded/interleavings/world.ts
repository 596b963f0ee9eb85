import { createHash } from "node:crypto";
import {
  AppError,
  verifyChain,
  type Event,
  type EventDraft,
  type Json,
  type Principal,
  type QueueConfig,
  type StartOptions,
  type Workflow,
} from "@tutti/core";
import { EmbeddedEngine } from "../embedded-engine.ts";
import { traceOf, type Disk, type Write } from "./disk.ts";
import { MemoryStore } from "./memory-store.ts";
import { Stage, type BegunAction } from "./stage.ts";
import { VirtualClock } from "./virtual-clock.ts";

/** Turns a dry run may take before it counts as stuck. */
const REPLAY_TURNS_MAX = 1000;
const RUNS_ACTIVE_MAX = 100;

/** How a run ended, as its client was told. */
export type Told = { readonly ok: true; readonly output: Json } | { readonly ok: false; readonly code: string };

/** Something a client does once, at any moment after the run began; it does it again when a crash kept the answer from it. */
export interface Act {
  readonly name: string;
  readonly runId: string;
  readonly send: (engine: EmbeddedEngine) => Promise<void>;
  /** Whether an event is what must be on disk when the act is acknowledged. */
  readonly isMark: (event: EventDraft) => boolean;
}

/** A run that a client starts and waits for. */
export interface ScopeRun {
  readonly runId: string;
  readonly workflow: string;
  readonly input: Json;
  readonly options?: Pick<StartOptions, "limits" | "queue">;
}

/** What is explored: workflows, who starts them, what else may happen, and what must come of it. */
export interface Scope {
  readonly name: string;
  readonly workflows: (stage: Stage) => readonly Workflow[];
  readonly runs: readonly ScopeRun[];
  readonly queues?: readonly QueueConfig[];
  readonly acts?: readonly Act[];
  /**
   * The runs do the same and know nothing of one another: states that differ only in which run is which are one. All that waits for the disk
   * is written in one transaction, and all that waits for a turn gets it in the same one, as it is with SQLite and Node; without this each
   * has its own.
   */
  readonly isSymmetric?: boolean;
  /** Whether an action may fail, by the step's name. */
  readonly mayFail?: (name: string) => boolean;
  /** Timers due later than this after the beginning fire only when nothing else can happen; sooner ones at any moment. */
  readonly horizonMs: number;
  /** Infinity: as many as there may be; memory that a replay rebuilt then counts as memory that was never lost. */
  readonly crashesMax: number;
  /** Why an ending is wrong; `undefined` when it is right. */
  readonly wrong: (runId: string, told: Told, events: readonly Event[]) => string | undefined;
  readonly makeStore?: (disk: Disk) => MemoryStore;
}

/** What a crash leaves: the disk, what clients know, and the time. */
export interface Image {
  readonly disk: Disk;
  readonly nowMs: number;
  readonly acked: ReadonlySet<string>;
  readonly crashes: number;
}

export const START_MS = Date.parse("2026-01-01T00:00:00.000Z");
export const OWNER: Principal = { id: "owner", tenant: "default", roles: ["owner"] };

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** Lets all that follows from what happened happen: an engine over virtual parts waits for nothing but promises. */
const settle = (): Promise<void> => new Promise(setImmediate);

/** One life of a server between two crashes, in which nothing happens unless it is chosen. */
export class World {
  readonly #scope: Scope;
  readonly #image: Image;
  readonly #clock: VirtualClock;
  readonly #store: MemoryStore;
  readonly #stage: Stage;
  readonly #engine: EmbeddedEngine;
  readonly #told = new Map<string, Told>();
  readonly #sent = new Set<string>();
  readonly #acked: Set<string>;
  readonly #turns = new Map<string, number>();
  readonly #recorded = new Map<string, number>();
  readonly #never = new AbortController();
  /** What was found wrong first. */
  violation: string | undefined;

  constructor(scope: Scope, image: Image) {
    this.#scope = scope;
    this.#image = image;
    const disk = image.disk.clone();
    this.#clock = new VirtualClock(image.nowMs);
    this.#store = scope.makeStore?.(disk) ?? new MemoryStore(disk);
    this.#acked = new Set(image.acked);
    this.#stage = new Stage((action) => this.#checkAction(action));
    const workflows = scope.workflows(this.#stage).map((workflow) => this.#owned(workflow));
    this.#engine = new EmbeddedEngine({
      store: this.#store,
      clock: this.#clock,
      runsActiveMax: RUNS_ACTIVE_MAX,
      queues: scope.queues,
      parts: {
        workflow: (name) => workflows.find((known) => known.name === name),
        tool: () => undefined,
        model: () => undefined,
        decide: () => ({ effect: "allow", reason: "a test", rule: "test" }),
        policyHash: () => "",
      },
    });
    this.#engine.subscribe(({ runId, seq, type }) => {
      if (this.#disk.draftsOf(runId).length < seq) this.#fail(`${type} of ${runId} was told before it was durable`);
    });
  }

  /** What a start of the server does, and what its clients do then. */
  async boot(): Promise<void> {
    if (this.#disk.runIds.length > 0)
      void this.#engine.recover().catch((error: unknown) => this.#fail(`recovery failed: ${String(error)}`));
    await settle();
    for (const run of this.#scope.runs) void this.#clock.as(run.runId, () => this.#follow(run));
    await settle();
  }

  /** All that can happen next. */
  get choices(): readonly string[] {
    const { mayFail = () => false, acts = [], horizonMs } = this.#scope;
    const choices = this.#actions.flatMap((action) =>
      mayFail(action.slice(action.indexOf(" ") + 1)) ? [`does ${action}`, `fails ${action}`] : [`does ${action}`],
    );
    if (this.#store.outstanding.length > 0) choices.push("commit");
    if (this.#clock.turnOwners.length > 0) choices.push("turn");
    const [timer] = this.#clock.timers;
    const isSoon = timer !== undefined && timer.atMs <= START_MS + horizonMs;
    if (isSoon || (choices.length === 0 && timer !== undefined && this.#told.size < this.#scope.runs.length)) choices.push("timer");
    for (const { name, runId } of acts)
      if (!this.#sent.has(name) && !this.#acked.has(name) && this.#disk.draftsOf(runId).length > 0) choices.push(`act ${name}`);
    return choices;
  }

  /** Has one of the choices happen, and all that follows from it. */
  async choose(choice: string): Promise<void> {
    const [kind, rest] = [choice.slice(0, choice.indexOf(" ")), choice.slice(choice.indexOf(" ") + 1)];
    const atOnceMax = this.#scope.isSymmetric === true ? Infinity : 1;
    if (choice === "commit") for (let left = Math.min(atOnceMax, this.#store.outstanding.length); left > 0; left -= 1) this.#store.commit();
    else if (choice === "turn") await this.#giveTurns(Math.min(atOnceMax, this.#clock.turnOwners.length));
    else if (choice === "timer") this.#clock.fireTimer();
    else if (kind === "act") this.#send(rest);
    else this.#stage.end(rest, kind === "does");
    await settle();
  }

  /** The state as a text: two with the same text go on in the same ways. */
  get key(): string {
    const runIds = [...new Set([...this.#scope.runs.map(({ runId }) => runId), ...this.#disk.runIds])];
    const local = runIds.map((runId) => this.#localKey(runId));
    const { turnOwners, timers } = this.#clock;
    const queues = [
      this.#store.outstanding.map((write) => `${runOf(write)} ${contentOf(write)}`).join("\n"),
      turnOwners.join(),
      timers.map(({ owner, atMs }) => `${owner}@${atMs - START_MS}`).join(),
    ];
    const common = `${this.#clock.nowMs() - START_MS} ${[...this.#sent].join()} ${[...this.#acked].join()} ${this.#image.crashes}`;
    return [...(this.#scope.isSymmetric === true ? local.toSorted() : [...local, ...queues]), common].join("\n");
  }

  /** What crashes here may leave, on disks that still change: writes on their way may have reached the disk, in order, without anybody having been told. */
  get images(): readonly Image[] {
    const { crashesMax, acts = [] } = this.#scope;
    if (this.#image.crashes >= crashesMax) return [];
    const rest = {
      nowMs: this.#clock.nowMs(),
      acked: new Set(this.#acked),
      crashes: crashesMax === Infinity ? 0 : this.#image.crashes + 1,
    };
    const images: Image[] = [{ disk: this.#disk, ...rest }];
    // Without acts the disk is all that a crash leaves: one with more on it is left by a crash right after the commit.
    for (const write of acts.length === 0 ? [] : this.#store.outstanding) {
      const next = (images.at(-1)?.disk ?? this.#disk).clone();
      next.write(write);
      images.push({ disk: next, ...rest });
    }
    return images;
  }

  /** What must hold when nothing can happen any more. */
  async checkEnd(): Promise<void> {
    for (const { runId } of this.#scope.runs) {
      const told = this.#told.get(runId);
      const wrong = told === undefined ? "nobody was told how it ended" : this.#scope.wrong(runId, told, this.#disk.eventsOf(runId));
      if (wrong !== undefined) this.#fail(`${runId}: ${wrong}`);
    }
    for (const runId of this.#disk.runIds) await this.#checkLog(runId);
    const [wait] = this.#disk.waits({ limit: 1 });
    if (wait !== undefined) this.#fail(`${wait.runId} has ended and still waits for ${wait.kind} "${wait.name}"`);
  }

  get #disk(): Disk {
    return this.#store.disk;
  }

  /** Actions that can end; of runs that are alike, one stands for all. */
  get #actions(): readonly string[] {
    const { open } = this.#stage;
    if (this.#scope.isSymmetric !== true) return open;
    const byState = new Map(open.map((action) => [`${this.#localKey(ownerOf(action))} ${action.slice(action.indexOf("/"))}`, action]));
    return [...byState.values()];
  }

  #fail(violation: string): void {
    this.violation ??= violation;
  }

  /** A workflow whose turns and timers are known as its run's. */
  #owned(workflow: Workflow): Workflow {
    const run: Workflow["run"] = (ctx, input) => {
      this.#stage.begin(ctx.runId);
      this.#recorded.set(ctx.runId, endsOf(this.#disk.draftsOf(ctx.runId)).length);
      return this.#clock.as(ctx.runId, () => workflow.run(ctx, input));
    };
    return { ...workflow, run };
  }

  async #follow({ runId, workflow, input, options }: ScopeRun): Promise<void> {
    try {
      if (this.#disk.draftsOf(runId).length === 0) {
        await this.#engine.start(workflow, input, { runId, principal: OWNER, ...options });
        if (this.#disk.draftsOf(runId).length === 0) this.#fail(`the start of ${runId} was told before it was durable`);
      }
      const output = await this.#engine.result(runId, this.#never.signal);
      this.#told.set(runId, { ok: true, output });
    } catch (thrown) {
      this.#told.set(runId, { ok: false, code: AppError.from(thrown).code });
    }
    if (!this.#disk.hasEnded(runId)) this.#fail(`the end of ${runId} was told before it was durable`);
  }

  #send(name: string): void {
    const act = this.#scope.acts?.find((known) => known.name === name);
    this.#sent.add(name);
    if (act !== undefined) void this.#clock.as(act.runId, () => this.#acknowledge(act));
  }

  async #acknowledge(act: Act): Promise<void> {
    try {
      await act.send(this.#engine);
      if (!this.#disk.runIds.some((runId) => this.#disk.draftsOf(runId).some(act.isMark)))
        this.#fail(`"${act.name}" was acknowledged before it was durable`);
    } catch {
      // Refused is answered too: the run may have ended before.
    }
    this.#acked.add(act.name);
  }

  async #giveTurns(count: number): Promise<void> {
    for (let left = count; left > 0; left -= 1) {
      const [owner = ""] = this.#clock.turnOwners;
      this.#turns.set(owner, (this.#turns.get(owner) ?? 0) + 1);
      this.#clock.giveTurn();
      // What waits for promises comes before the next one's turn.
      await settle();
    }
  }

  #localKey(runId: string): string {
    const seen = this.#stage.seenBy(runId);
    const told = this.#told.get(runId);
    const replayLeft = Math.max(0, (this.#recorded.get(runId) ?? 0) - seen.length);
    const open = this.#stage.open.filter((action) => action.startsWith(`${runId}/`)).map((action) => action.slice(runId.length));
    const { turnOwners, timers } = this.#clock;
    return [
      this.#disk.traceOf(runId),
      replayLeft,
      seen.join(),
      open.toSorted().join(),
      this.#turns.get(runId) ?? 0,
      told === undefined ? "" : JSON.stringify(told),
      ...this.#store.outstanding.filter((write) => runOf(write) === runId).map(contentOf),
      turnOwners.filter((owner) => owner === runId).length,
      timers.filter(({ owner }) => owner === runId).map(({ atMs }) => atMs - START_MS),
    ].join("|");
  }

  /** A step that is durable must not be done again, and none may begin before all that its branch had seen is durable. */
  #checkAction({ runId, key, attempt, known }: BegunAction): void {
    const ends = endsOf(this.#disk.draftsOf(runId));
    if (ends.some((event) => event.key === key))
      this.#fail(`attempt ${attempt} of step ${key} of ${runId} began although its end is durable`);
    const missing = firstMissing(known, ends);
    if (missing !== undefined) this.#fail(`step ${key} of ${runId} began before the end of "${missing}" was durable`);
  }

  /** What must hold at any moment, beside what is checked as it happens: results reach a workflow in the order of its log. */
  check(): void {
    for (const { runId } of this.#scope.runs) {
      const written = this.#store.outstanding.flatMap((write) => (write.type === "append" ? write.events : []));
      const ends = endsOf([...this.#disk.draftsOf(runId), ...written.filter((event) => event.runId === runId)]);
      const missing = firstMissing(this.#stage.seenBy(runId), ends);
      if (missing !== undefined) this.#fail(`${runId} saw "${missing}" too early: ${this.#stage.seenBy(runId).join(", ")}`);
    }
  }

  /** All that is written, for whoever looks at a violation. */
  get log(): readonly string[] {
    const written = this.#store.outstanding.flatMap((write) => (write.type === "append" ? write.events : []));
    const events = [...this.#disk.log(0).map(({ event }) => event), ...written];
    return events.map((event) => `${event.runId} ${event.seq} ${event.type} ${"key" in event ? event.key : ""}`);
  }

  async #checkLog(runId: string): Promise<void> {
    const record = this.#disk.record(runId);
    const events = this.#disk.eventsOf(runId);
    if (record?.endedAt == null) this.#fail(`${runId} is ${record?.status} for ever`);
    if (!verifyChain(events, record?.head ?? "", sha256).valid) this.#fail(`the chain of ${runId} does not verify`);
    const keys = endsOf(events).map(({ key }) => key);
    if (new Set(keys).size < keys.length) this.#fail(`${runId} has a step that ended twice: ${keys.join(", ")}`);
    if (events.filter(({ type }) => type === "run.started").length !== 1) this.#fail(`${runId} was started twice`);
    let verdict: Awaited<ReturnType<EmbeddedEngine["replay"]>> | undefined;
    void this.#clock.as(runId, () => this.#engine.replay(runId)).then((found) => (verdict = found));
    for (let turn = 0; turn < REPLAY_TURNS_MAX && verdict === undefined; turn += 1) {
      this.#clock.giveTurn();
      await settle();
    }
    if (verdict?.matches !== true) this.#fail(`${runId} does not replay: ${verdict?.reason ?? "it got stuck"}`);
  }
}

type StepEnd = Extract<EventDraft, { readonly type: "step.completed" | "step.failed" }>;

/** The ends of steps among events, in order. */
function endsOf(events: readonly EventDraft[]): readonly StepEnd[] {
  return events.filter(
    (event): event is StepEnd => event.type === "step.completed" || (event.type === "step.failed" && event.retryAt === null),
  );
}

/** The first name that is not among the ends in its order; ends that nobody saw may stand between. Failures ("!") may have no end: a branch was closed. */
function firstMissing(names: readonly string[], ends: readonly StepEnd[]): string | undefined {
  let at = 0;
  for (const name of names.filter((seen) => !seen.endsWith("!"))) {
    while (at < ends.length && ends[at]?.name !== name) at += 1;
    if (at === ends.length) return name;
    at += 1;
  }
  return undefined;
}

function ownerOf(action: string): string {
  return action.slice(0, action.indexOf("/"));
}

function contentOf(write: Write): string {
  return write.type === "park" ? "park" : write.events.map(traceOf).join();
}

function runOf(write: Write): string {
  return write.type === "park" ? write.runId : (write.events[0]?.runId ?? "");
}
