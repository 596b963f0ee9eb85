import { AppError, type Engine, type Event, type Json, type Principal, type RunRecord, type Store } from "@tutti/core";
import { Payloads } from "../embedded/payloads.ts";
import { DEAD_LETTER, type DeadLetter, type Retry } from "./dead-letter.ts";

/** A letter's log is short; more of it than this is not shown. */
const EVENTS_MAX = 1_000;
const WAITING = ["queued", "running", "waiting", "paused"] as const;
const ENDED = ["completed", "failed", "cancelled"] as const;

/** A dead letter as people see it. */
export interface DeadLetterView extends DeadLetter {
  readonly id: string;
  readonly since: string;
  readonly status: "waiting" | "retrying" | "retried" | "dismissed";
  /** How often it was tried, and the run of the newest attempt. */
  readonly attempts: number;
  /** What people said of it in the end. */
  readonly outcome?: Json;
}

/** The list of dead letters: a reading of the runs of `tutti.dead-letter`. */
export class DeadLetters {
  readonly #engine: Engine;
  readonly #store: Store;
  readonly #payloads: Payloads;

  constructor(parts: { readonly engine: Engine; readonly store: Store }) {
    this.#engine = parts.engine;
    this.#store = parts.store;
    this.#payloads = new Payloads(parts.store);
  }

  /** Newest first; those that wait, unless all are wanted. */
  async list(filter: {
    readonly limit: number;
    readonly beforeId?: string;
    readonly isEnded?: boolean;
  }): Promise<readonly DeadLetterView[]> {
    const { limit, beforeId, isEnded = false } = filter;
    const statuses = isEnded ? ENDED : WAITING;
    const runs = await this.#store.runs({ workflow: DEAD_LETTER, statuses, limit, ...(beforeId !== undefined && { beforeId }) });
    return Promise.all(runs.map((run) => this.#view(run)));
  }

  async show(id: string): Promise<DeadLetterView> {
    return this.#view(await this.#find(id));
  }

  /** Tries again: from the step that failed, or anew. The letter is gone once that succeeds. */
  async retry(id: string, retry: Omit<Retry, "by">, principal: Principal): Promise<DeadLetterView> {
    const letter = await this.#waiting(id);
    const from = retry.from ?? (letter.runId === undefined ? "start" : "step");
    if (from === "step" && letter.runId === undefined)
      throw new AppError("unsupported", `wanted a dead letter with a run to go on with, got ${id} without; retry it from the start`);
    if (from === "start" && letter.workflow === undefined)
      throw new AppError("unsupported", `wanted a dead letter with a workflow to start, got ${id} without; dismiss it`);
    await this.#engine.signal(id, { name: "retry", value: { ...retry, from, by: principal.id } }, principal);
    return { ...letter, status: "retrying" };
  }

  async dismiss(id: string, reason: string, principal: Principal): Promise<DeadLetterView> {
    const letter = await this.#waiting(id);
    await this.#engine.signal(id, { name: "dismiss", value: { reason, by: principal.id } }, principal);
    return { ...letter, status: "dismissed" };
  }

  async #find(id: string): Promise<RunRecord> {
    const run = await this.#store.run(id);
    if (run?.workflow === DEAD_LETTER) return run;
    throw new AppError("not_found", `wanted a dead letter, got "${id}", which is none; \`tutti dead-letters list\` shows them`);
  }

  async #waiting(id: string): Promise<DeadLetterView> {
    const letter = await this.show(id);
    if (letter.status === "waiting") return letter;
    throw new AppError("conflict", `wanted a dead letter that waits, got ${id}, which is ${letter.status}`);
  }

  async #view(run: RunRecord): Promise<DeadLetterView> {
    const events = await this.#store.read(run.id, { afterSeq: 0, limit: EVENTS_MAX });
    const [first] = events;
    if (first?.type !== "run.started")
      throw new AppError("storage_corrupt", `wanted the log of ${run.id} to begin with its start, got none`);
    const letter = (await this.#payloads.fromJournal(first.input)) as DeadLetter;
    return { ...letter, id: run.id, since: run.startedAt, ...readAnswers(letter, events) };
  }
}

/** What people answered and what came of it, as the log tells. */
function readAnswers(
  { error, attempts = 1, runId }: DeadLetter,
  events: readonly Event[],
): Pick<DeadLetterView, "status" | "attempts" | "error" | "outcome"> & { readonly runId?: string } {
  let view = { status: "waiting" as DeadLetterView["status"], attempts, error, ...(runId !== undefined && { runId }) };
  for (const event of events) {
    if (event.type === "step.completed" && event.kind === "signal" && event.name === "retry") view = { ...view, status: "retrying" };
    if (event.type === "step.completed" && event.kind === "step" && typeof event.output === "string")
      view = { ...view, runId: event.output };
    if (event.type === "step.failed" && event.retryAt === null && event.kind !== "signal")
      view = { ...view, status: "waiting", attempts: view.attempts + 1, error: { code: event.code, message: event.message } };
    if (event.type === "run.completed") return { ...view, ...outcomeOf(event.output) };
  }
  return view;
}

function outcomeOf(output: Json): Pick<DeadLetterView, "status" | "outcome"> {
  const isDismissed = typeof output === "object" && output !== null && "outcome" in output && output.outcome === "dismissed";
  return { status: isDismissed ? "dismissed" : "retried", outcome: output };
}
