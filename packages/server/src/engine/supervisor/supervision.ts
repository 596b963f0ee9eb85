import { AppError, parse, type Engine, type Principal, type Store } from "@tutti/core";
import type { SchedulesParts } from "../schedules/schedules.ts";
import { NamedRuns, type NamedRun } from "./named-runs.ts";
import { stuckSteps, type StuckStep } from "./stuck.ts";
import { SUPERVISOR, supervisorSchema, type SupervisorInput } from "./supervisor-input.ts";
import type { SupervisorState } from "./supervisor-workflow.ts";

/** How many of a run's newest events are looked at for steps that are stuck. */
const RECENT_EVENTS = 200;

/** Supervised work as people see it. Times are ISO 8601 in UTC. */
export interface SupervisedView extends Omit<SupervisorInput, "carried"> {
  /** The run of the supervisor itself. */
  readonly supervisorId: string;
  readonly status: SupervisorState["status"] | "broken";
  readonly since: string;
  /** The run that is watched over, or the last one. */
  readonly runId: string | null;
  readonly restarts: number;
  /** Failures that count towards a crash loop. */
  readonly failures: number;
  readonly error: SupervisorState["error"];
  readonly restartAt: string | null;
  readonly stuck: readonly StuckStep[];
}

/** What supervision needs. */
export type SupervisionParts = Pick<SchedulesParts, "engine" | "store" | "checkStart">;

/** The work under supervision: a reading of the runs of `tutti.supervisor`. */
export class Supervision {
  readonly #engine: Engine;
  readonly #store: Store;
  readonly #named: NamedRuns;
  readonly #checkStart: SupervisionParts["checkStart"];

  constructor(parts: SupervisionParts) {
    const { engine, store } = parts;
    this.#engine = engine;
    this.#store = store;
    this.#checkStart = parts.checkStart;
    this.#named = new NamedRuns({
      engine,
      store,
      workflow: SUPERVISOR,
      what: "supervised workflow",
      nameOf: (input) => (input as SupervisorInput).name,
    });
  }

  /** All of it, by name. */
  async list(): Promise<readonly SupervisedView[]> {
    return Promise.all((await this.#named.list()).map((named) => this.#view(named)));
  }

  async show(name: string): Promise<SupervisedView> {
    return this.#view(await this.#named.find(name));
  }

  /** Starts a workflow under supervision; `conflict` when the name is taken. */
  async start(input: unknown, principal: Principal): Promise<SupervisedView> {
    const { carried: _, ...wanted } = await parse(supervisorSchema, input, "the supervised workflow");
    await this.#checkStart(wanted.workflow, wanted.input);
    await this.#named.start(wanted.name, () => wanted, principal);
    return this.show(wanted.name);
  }

  /** Ends a pause after a crash loop, or a wait. */
  async resume(name: string, principal: Principal): Promise<SupervisedView> {
    const named = await this.#named.find(name);
    const { status } = await this.#view(named);
    // A signal is kept until somebody waits for it: given too early, it would end the next pause before anybody has looked.
    if (status !== "crash loop" && status !== "waiting to restart")
      throw new AppError("conflict", `wanted supervised work that waits, got "${name}", which is ${status}`);
    await this.#engine.signal(named.run.id, { name: "resume", value: null }, principal);
    return this.#view(named);
  }

  /** Cancels the work and ends its supervision. */
  async stop(name: string, reason: string, principal: Principal): Promise<SupervisedView> {
    const named = await this.#named.find(name);
    await this.#engine.signal(named.run.id, { name: "stop", value: { reason } }, principal);
    return { ...(await this.#view(named)), status: "stopping" };
  }

  async #view({ run, input }: NamedRun): Promise<SupervisedView> {
    const { name, workflow, input: workInput, policy } = input as SupervisorInput;
    const settings = { name, workflow, input: workInput, policy, supervisorId: run.id };
    if (run.status === "paused")
      return {
        ...settings,
        status: "broken",
        since: run.startedAt,
        runId: null,
        restarts: 0,
        failures: 0,
        error: null,
        restartAt: null,
        stuck: [],
      };
    const state = (await this.#engine.query(run.id, "state")) as SupervisorState;
    return {
      ...settings,
      status: state.status,
      since: state.sinceMs === null ? run.startedAt : new Date(state.sinceMs).toISOString(),
      runId: state.runId,
      restarts: state.restarts,
      failures: state.failuresAtMs.length,
      error: state.error,
      restartAt: state.restartAtMs === null ? null : new Date(state.restartAtMs).toISOString(),
      stuck: state.status === "running" && state.runId !== null ? await this.#stuckIn(state.runId) : [],
    };
  }

  async #stuckIn(runId: string): Promise<readonly StuckStep[]> {
    const run = await this.#store.run(runId);
    if (run === undefined) return [];
    return stuckSteps(await this.#store.read(runId, { afterSeq: Math.max(0, run.events - RECENT_EVENTS), limit: RECENT_EVENTS }));
  }
}
