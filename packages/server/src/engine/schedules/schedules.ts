import { AppError, canonicalJson, parse, type Engine, type Json, type Principal, type Store } from "@tutti/core";
import { newRunId } from "../run-id.ts";
import { NamedRuns, type NamedRun } from "../supervisor/named-runs.ts";
import { anchored, scheduleSchema, type ScheduleSpec } from "./schedule-spec.ts";
import { newSchedule, type ScheduleState } from "./schedule-state.ts";
import { inputOf, SCHEDULE, type ScheduleCommand } from "./schedule-workflow.ts";
import { jitterOf, nextTicks } from "./ticks.ts";

/** Ticks that one look ahead may ask for. */
export const PREVIEW_MAX = 1_000;
/** How long the end of a schedule is waited for. */
const UNWIND_MS = 5_000;

/** A schedule as people see it. Times are ISO 8601 in UTC. */
export interface ScheduleView extends ScheduleSpec {
  readonly runId: string;
  /** "broken": its run is paused, because its workflow changed under it. */
  readonly status: "active" | "paused" | "broken";
  readonly paused: { readonly reason: string; readonly since: string } | null;
  /** When the next tick starts, its jitter included. */
  readonly nextAt: string | null;
  readonly last: {
    readonly at: string;
    readonly why: string;
    readonly runId: string;
    readonly status: string;
    readonly error?: { readonly code: string; readonly message: string };
  } | null;
  readonly active: readonly { readonly at: string; readonly runId: string }[];
  readonly queued: number;
  readonly counts: ScheduleState["counts"];
  readonly misses: readonly { readonly at: string; readonly reason: string }[];
}

/** What schedules need. */
export interface SchedulesParts {
  readonly engine: Engine;
  readonly store: Store;
  /** Rejects when there is no workflow or agent of that name, or it does not take that input. */
  readonly checkStart: (workflow: string, input: Json) => Promise<void>;
  readonly nowMs?: () => number;
}

/** The schedules there are. Each is one run of `tutti.schedule`; this finds them by name and speaks to them. */
export class Schedules {
  readonly #engine: Engine;
  readonly #named: NamedRuns;
  readonly #checkStart: SchedulesParts["checkStart"];
  readonly #nowMs: () => number;

  constructor({ engine, store, checkStart, nowMs = Date.now }: SchedulesParts) {
    this.#engine = engine;
    this.#checkStart = checkStart;
    this.#nowMs = nowMs;
    this.#named = new NamedRuns({
      engine,
      store,
      workflow: SCHEDULE,
      what: "schedule",
      nameOf: (input) => (input as ScheduleState).spec.name,
    });
  }

  /** All schedules, by name. */
  async list(): Promise<readonly ScheduleView[]> {
    return Promise.all((await this.#named.list()).map((named) => this.#view(named)));
  }

  async show(name: string): Promise<ScheduleView> {
    return this.#view(await this.#named.find(name));
  }

  /** Whose each schedule is: the ids of the principals that made them, by its name. */
  async owners(): Promise<ReadonlyMap<string, string>> {
    return new Map((await this.#named.list()).map(({ name, run }) => [name, run.principalId]));
  }

  /** Makes a schedule; `conflict` when the name is taken. */
  async create(input: unknown, principal: Principal): Promise<ScheduleView> {
    const { spec, nowMs } = await this.#read(input);
    const runId = await this.#named.start(spec.name, (id) => newSchedule(id, spec, nowMs), principal);
    return this.#viewOf(newSchedule(runId, spec, nowMs), { runId, isBroken: false });
  }

  /** Gives a schedule other settings, from now on. What is under way goes on. */
  async update(name: string, input: unknown, principal: Principal): Promise<ScheduleView> {
    const { spec } = await this.#read(input);
    if (spec.name !== name)
      throw new AppError("invalid_input", `wanted the settings of "${name}", got those of "${spec.name}"; a schedule keeps its name`);
    const named = await this.#named.find(name);
    await this.#tell(named, { do: "update", spec }, principal);
    return { ...(await this.#view(named)), ...spec, nextAt: this.#nextAt(named.run.id, spec) };
  }

  /** Makes a schedule or gives it these settings: for what is declared in files and plugins. Nothing happens when nothing changed. */
  async declare(input: unknown, principal: Principal): Promise<"created" | "updated" | "unchanged"> {
    const wanted = await parse(scheduleSchema, input, "the schedule");
    const found = await this.#named.get(wanted.name);
    if (found === undefined) {
      await this.create(wanted, principal);
      return "created";
    }
    const { spec } = await this.#stateOf(found);
    if (canonicalJson(unanchored(spec, wanted)) === canonicalJson(wanted)) return "unchanged";
    await this.update(wanted.name, wanted, principal);
    return "updated";
  }

  /** Starts no more ticks until it is resumed. Ticks of that time are not made up for. */
  async pause(name: string, reason: string, principal: Principal): Promise<ScheduleView> {
    const named = await this.#named.find(name);
    await this.#tell(named, { do: "pause", reason }, principal);
    const since = new Date(this.#nowMs()).toISOString();
    return { ...(await this.#view(named)), status: "paused", paused: { reason, since }, nextAt: null };
  }

  async resume(name: string, principal: Principal): Promise<ScheduleView> {
    const named = await this.#named.find(name);
    await this.#tell(named, { do: "resume" }, principal);
    const view = await this.#view(named);
    return { ...view, status: "active", paused: null, nextAt: this.#nextAt(named.run.id, view) };
  }

  /** A tick of its own, now, under the same rule for overlaps as any other. Returns the id of the run that it starts. */
  async trigger(name: string, principal: Principal): Promise<string> {
    const runId = newRunId(this.#nowMs());
    await this.#tell(await this.#named.find(name), { do: "trigger", runId }, principal);
    return runId;
  }

  /** Ends a schedule. The runs it has started go on. */
  async delete(name: string, reason: string, principal: Principal): Promise<void> {
    const { run } = await this.#named.find(name);
    await this.#engine.cancel(run.id, reason, principal);
    // The name is free once the run has unwound, which ends in an error that says so.
    await this.#engine.result(run.id, AbortSignal.timeout(UNWIND_MS)).catch(() => undefined);
  }

  /** When a schedule that may not exist yet would be due next, without jitter. */
  async preview(input: unknown, count: number): Promise<readonly string[]> {
    const { spec, nowMs } = await this.#read(input, async () => {});
    return nextTicks(spec, nowMs, Math.min(count, PREVIEW_MAX)).map(iso);
  }

  /** When it is due next, without jitter. */
  async next(name: string, count: number): Promise<readonly string[]> {
    const { spec } = await this.#stateOf(await this.#named.find(name));
    return nextTicks(spec, this.#nowMs(), Math.min(count, PREVIEW_MAX)).map(iso);
  }

  /** Settings as people gave them, checked, with every default in place. */
  async #read(input: unknown, check = this.#checkStart): Promise<{ readonly spec: ScheduleSpec; readonly nowMs: number }> {
    const nowMs = this.#nowMs();
    const spec = anchored(await parse(scheduleSchema, input, "the schedule"), nowMs);
    await check(spec.workflow, inputOf(spec, { atMs: nowMs }));
    if (nextTicks(spec, nowMs, 1).length === 0)
      throw new AppError("invalid_input", `wanted a schedule with a time to come, got ${canonicalJson(spec.when)}, which never comes`);
    return { spec, nowMs };
  }

  #tell({ run }: NamedRun, command: ScheduleCommand, principal: Principal): Promise<void> {
    return this.#engine.signal(run.id, { name: "command", value: command }, principal);
  }

  /** What a schedule knows now; of one that cannot go on, what it knew when its run began. */
  async #stateOf({ run, input }: NamedRun): Promise<ScheduleState> {
    if (run.status === "paused") return input as ScheduleState;
    return (await this.#engine.query(run.id, "state")) as ScheduleState;
  }

  async #view(named: NamedRun): Promise<ScheduleView> {
    return this.#viewOf(await this.#stateOf(named), { runId: named.run.id, isBroken: named.run.status === "paused" });
  }

  #viewOf(state: ScheduleState, { runId, isBroken }: { readonly runId: string; readonly isBroken: boolean }): ScheduleView {
    const { id, spec, paused, active, queue, counts, last, misses } = state;
    const status = paused === null ? "active" : "paused";
    return {
      ...spec,
      runId,
      status: isBroken ? "broken" : status,
      paused: paused && { reason: paused.reason, since: iso(paused.sinceMs) },
      nextAt: paused === null ? this.#nextAt(id, spec) : null,
      last: last && { at: iso(last.atMs), why: last.why, runId: last.runId, status: last.status, ...(last.error && { error: last.error }) },
      active: active.map(({ atMs, runId: activeId }) => ({ at: iso(atMs), runId: activeId })),
      queued: queue.length,
      counts,
      misses: misses.map(({ atMs, reason }) => ({ at: iso(atMs), reason })),
    };
  }

  #nextAt(id: string, spec: ScheduleSpec): string | null {
    const [tickMs] = nextTicks(spec, this.#nowMs(), 1);
    return tickMs === undefined ? null : iso(tickMs + jitterOf(id, tickMs, spec.jitterMs));
  }
}

/** The settings without the beginning that an interval was given because none was declared. */
function unanchored(spec: ScheduleSpec, wanted: ScheduleSpec): ScheduleSpec {
  if (!("everyMs" in spec.when) || !("everyMs" in wanted.when) || wanted.when.from !== undefined) return spec;
  return { ...spec, when: { everyMs: spec.when.everyMs } };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
