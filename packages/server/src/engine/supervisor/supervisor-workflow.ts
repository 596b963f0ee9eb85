import { AppError, defineWorkflow, type Json, type RunContext } from "@tutti/core";
import { z } from "zod";
import { derivedId } from "../run-id.ts";
import { DEAD_LETTER, letterId, type DeadLetter } from "./dead-letter.ts";
import { consequenceOf, countedFailures, type Consequence, type RunEnd } from "./restart.ts";
import { SUPERVISOR, supervisorSchema, type SupervisorInput } from "./supervisor-input.ts";

/** After so many runs the supervisor goes on as a new run, so that its log stays short. */
const RUNS_PER_RUN = 100;

/** Where supervised work stands, as queries see it. */
export type SupervisorState = {
  readonly status: "running" | "waiting to restart" | "crash loop" | "stopping";
  /** `null` before it has begun. */
  readonly sinceMs: number | null;
  /** The run that is under way, or the last one. */
  readonly runId: string | null;
  readonly restarts: number;
  /** Failures that count towards a crash loop. */
  readonly failuresAtMs: readonly number[];
  readonly error: DeadLetter["error"] | null;
  readonly restartAtMs: number | null;
};

/** Why a wait was over. */
type Wake = "time" | "resume" | { readonly stop: string };

/**
 * Watches over a run: starts it again when its policy says so, later each time; stops when it fails too often, says why, and waits for the
 * signal `resume`. The signal `stop` cancels what it watches over.
 */
export const supervisorWorkflow = defineWorkflow<SupervisorInput, Json>({
  name: SUPERVISOR,
  version: "1",
  description: "Restarts a workflow when it fails",
  input: supervisorSchema,
  signals: { resume: z.unknown().transform(() => null), stop: z.object({ reason: z.string().max(2000) }) },
  async run(ctx, input) {
    const { policy } = input;
    const watched = new Watched(ctx, input);
    ctx.onQuery("state", () => watched.state);
    for (let runs = 0; runs < RUNS_PER_RUN; runs += 1) {
      const end = await watched.runOnce();
      if ("stop" in end) return watched.stopped(end.stop);
      const consequence: Consequence = await ctx.step("decide", () =>
        consequenceOf(end, { policy, failuresAtMs: watched.state.failuresAtMs }, Math.random()),
      );
      switch (consequence.type) {
        case "finish":
          return { outcome: end.type, runId: watched.state.runId, restarts: watched.state.restarts };
        case "give up":
          return watched.giveUp(end, consequence.why);
        case "pause":
        case "restart": {
          const stop = consequence.type === "pause" ? await watched.pause() : await watched.waitToRestart(consequence.delayMs);
          if (stop !== undefined) return watched.stopped(stop);
        }
      }
    }
    const { restarts, failuresAtMs } = watched.state;
    return ctx.continueAsNew({ ...input, carried: { restarts, failuresAtMs: [...failuresAtMs] } });
  },
});

/** The work under supervision, as far as it has come. */
class Watched {
  readonly #ctx: RunContext;
  readonly #input: SupervisorInput;
  #state: SupervisorState;

  constructor(ctx: RunContext, input: SupervisorInput) {
    this.#ctx = ctx;
    this.#input = input;
    const { restarts, failuresAtMs } = input.carried ?? { restarts: 0, failuresAtMs: [] };
    this.#state = { status: "running", sinceMs: null, runId: null, restarts, failuresAtMs, error: null, restartAtMs: null };
  }

  get state(): SupervisorState {
    return this.#state;
  }

  /** Runs it to its end, whichever that is, or until somebody wants it to stop. */
  async runOnce(): Promise<RunEnd | { readonly stop: string }> {
    const end = await this.#toItsEnd();
    if ("stop" in end || end.type !== "failed") return end;
    const nowMs = await this.#nowMs();
    const failuresAtMs = countedFailures([...this.#state.failuresAtMs, nowMs], this.#input.policy, nowMs);
    this.#state = { ...this.#state, failuresAtMs, error: { code: end.code, message: end.message } };
    return end;
  }

  /** The reason to stop, if somebody gave one before it was time. */
  async waitToRestart(delayMs: number): Promise<string | undefined> {
    const nowMs = await this.#nowMs();
    this.#state = { ...this.#state, status: "waiting to restart", sinceMs: nowMs, restartAtMs: nowMs + delayMs };
    return this.#restarted(await this.#waitUntil(nowMs + delayMs));
  }

  /** Waits for somebody to look. */
  async pause(): Promise<string | undefined> {
    const { name, workflow } = this.#input;
    const nowMs = await this.#nowMs();
    await this.#ctx.emit({
      name: "tutti.crash-loop",
      key: name,
      data: { name, workflow, supervisor: this.#ctx.runId, reason: this.#loop() },
    });
    this.#state = { ...this.#state, status: "crash loop", sinceMs: nowMs };
    const wake = await this.#waitUntil(undefined);
    this.#state = { ...this.#state, failuresAtMs: [] };
    return this.#restarted(wake);
  }

  /** Leaves a dead letter and fails as the run did. */
  async giveUp(end: RunEnd, why: Extract<Consequence, { readonly type: "give up" }>["why"]): Promise<never> {
    const failure = end.type === "failed" ? end : { code: "internal", message: "the run did not fail" };
    const error = why === "crash loop" ? { code: "crash_loop", message: this.#loop() } : { code: failure.code, message: failure.message };
    const { name, workflow, input } = this.#input;
    const { runId } = this.#state;
    const letter = {
      source: `supervisor/${name}`,
      workflow,
      input,
      error,
      attempts: this.#state.restarts + 1,
      ...(runId !== null && { runId }),
    };
    await this.#ctx.spawn(DEAD_LETTER, letter, { runId: letterId(runId ?? this.#ctx.runId) });
    throw AppError.revive(error.code, error.message);
  }

  async stopped(reason: string): Promise<Json> {
    const { runId, restarts } = this.#state;
    this.#state = { ...this.#state, status: "stopping" };
    if (runId !== null) {
      await this.#ctx.cancel(runId, reason);
      await this.#join(runId);
    }
    return { outcome: "stopped", reason, runId, restarts };
  }

  async #toItsEnd(): Promise<RunEnd | { readonly stop: string }> {
    const { workflow, input } = this.#input;
    const ctx = this.#ctx;
    const runId = derivedId(`${ctx.runId}/${this.#state.restarts}`);
    this.#state = { ...this.#state, status: "running", sinceMs: await this.#nowMs(), restartAtMs: null };
    try {
      await ctx.spawn(workflow, input, { runId });
    } catch (thrown) {
      this.#state = { ...this.#state, runId: null };
      return this.#failed(thrown);
    }
    this.#state = { ...this.#state, runId };
    return ctx.race<RunEnd | { readonly stop: string }>([(branch) => this.#join(runId, branch), stopOf]);
  }

  async #join(runId: string, ctx: RunContext = this.#ctx): Promise<RunEnd> {
    try {
      await ctx.join(runId);
      return { type: "completed" };
    } catch (thrown) {
      const end = this.#failed(thrown, ctx);
      return end.code === "cancelled" ? { type: "cancelled" } : end;
    }
  }

  #failed(thrown: unknown, ctx: RunContext = this.#ctx): Extract<RunEnd, { readonly type: "failed" }> {
    const { code, message } = AppError.from(thrown);
    if (ctx.signal.aborted || code === "concurrent_steps" || code === "workflow_changed") throw thrown;
    return { type: "failed", code, message };
  }

  #waitUntil(atMs: number | undefined): Promise<Wake> {
    const time = async (branch: RunContext): Promise<Wake> => {
      await branch.sleepUntil(new Date(atMs ?? 0));
      return "time";
    };
    const resume = async (branch: RunContext): Promise<Wake> => {
      await branch.waitFor("resume", { isQuiet: atMs !== undefined });
      return "resume";
    };
    return this.#ctx.race<Wake>([resume, stopOf, ...(atMs === undefined ? [] : [time])]);
  }

  #restarted(wake: Wake): string | undefined {
    if (typeof wake === "object") return wake.stop;
    this.#state = { ...this.#state, status: "running", restarts: this.#state.restarts + 1, restartAtMs: null };
    return undefined;
  }

  #loop(): string {
    const { failuresMax, withinMs } = this.#input.policy.crashLoop;
    const { code = "", message = "" } = this.#state.error ?? {};
    return `"${this.#input.workflow}" failed ${failuresMax} times within ${withinMs / 1000} s; the last time with ${code}: ${message}`;
  }

  async #nowMs(): Promise<number> {
    return (await this.#ctx.now()).getTime();
  }
}

async function stopOf(branch: RunContext): Promise<{ readonly stop: string }> {
  const { reason } = (await branch.waitFor("stop", { isQuiet: true })) as { readonly reason: string };
  return { stop: reason };
}
