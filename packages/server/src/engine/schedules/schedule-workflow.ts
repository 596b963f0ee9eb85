import { setTimeout as delay } from "node:timers/promises";
import { AppError, defineWorkflow, type Branch, type Json, type RunContext } from "@tutti/core";
import { z } from "zod";
import { derivedId } from "../run-id.ts";
import { DEAD_LETTER, letterId, type DeadLetter } from "../supervisor/dead-letter.ts";
import { SUPERVISOR, type SupervisorInput } from "../supervisor/supervisor-input.ts";
import { scheduleSchema, type ScheduleSpec } from "./schedule-spec.ts";
import {
  judgeTick,
  planTicks,
  stateSchema,
  withEnded,
  withMisses,
  withStarted,
  type ActiveTick,
  type Plan,
  type ScheduleState,
  type Tick,
  type TickEnd,
} from "./schedule-state.ts";
import { nextTick } from "./ticks.ts";

/** The workflow's name. */
export const SCHEDULE = "tutti.schedule";

/** After so many turns the run goes on as a new one. A sleeping schedule costs no memory, so each tick and each look reads its log again. */
const TURNS_PER_RUN = 20;
/** A run that has ended says so within a few milliseconds of being asked; one that is silent for so long is still going. */
const SILENCE_MS = 100;

/** Tutti's own workflows are no schedule's to start, and a signal does not come through the door that says so. */
const settingsSchema = scheduleSchema.refine(({ workflow }) => !workflow.startsWith("tutti."), {
  path: ["workflow"],
  error: "a workflow or an agent of your own",
});

/** What people tell a schedule. `runId` of a trigger is the run that it starts. */
const commandSchema = z.discriminatedUnion("do", [
  z.object({ do: z.literal("pause"), reason: z.string().max(2000) }),
  z.object({ do: z.literal("resume") }),
  z.object({ do: z.literal("trigger"), runId: z.uuid() }),
  z.object({ do: z.literal("update"), spec: settingsSchema }),
]);

/** A command to a schedule. */
export type ScheduleCommand = z.output<typeof commandSchema>;

/** Why a schedule looks up: a tick's time has come, somebody told it something, or a tick's run has ended. */
type Happening =
  | { readonly type: "time" }
  | { readonly type: "command"; readonly command: ScheduleCommand }
  | { readonly type: "ended"; readonly tick: ActiveTick; readonly end: TickEnd };

/**
 * A schedule: one run without an end that starts a run for every tick. The id of a tick's run is derived from the schedule and the tick's
 * time, so starting it twice, after a crash or from another node, is starting it once.
 */
export const scheduleWorkflow = defineWorkflow<ScheduleState, Json>({
  name: SCHEDULE,
  version: "1",
  description: "Starts a workflow at given times",
  input: stateSchema,
  signals: { command: commandSchema },
  async run(ctx, carried) {
    let state = carried;
    ctx.onQuery("state", () => state);
    for (let turn = 0; turn < TURNS_PER_RUN; turn += 1) {
      const nowMs = (await ctx.now()).getTime();
      const looked = state;
      // In a step, because another machine may know another calendar: zones change their rules.
      const plan: Plan = await ctx.step("look at the clock", () => planTicks(looked, nowMs));
      state = await takeTicks(ctx, state, plan);
      if (isOver(state, plan)) return { ...state.counts };
      state = await react(ctx, state, await nextHappening(ctx, state, plan.wakeMs));
    }
    return ctx.continueAsNew(state);
  },
});

/** Whether nothing can happen any more: no tick comes, and no run is under way. A paused schedule can be resumed. */
function isOver({ paused, active }: ScheduleState, { wakeMs }: Plan): boolean {
  return paused === null && wakeMs === null && active.length === 0;
}

async function takeTicks(ctx: RunContext, before: ScheduleState, plan: Plan): Promise<ScheduleState> {
  let state = withMisses({ ...before, cursorMs: plan.cursorMs }, plan.missed);
  if (plan.missed.length > 0) await tellMissed(ctx, state.spec, plan);
  if (plan.due.length > 0) state = await makeRoom(ctx, state);
  for (const { atMs, why } of plan.due) state = await takeTick(ctx, state, { atMs, why, runId: tickRunId(state.id, atMs) });
  return state;
}

/**
 * Hears of the runs that have ended, until there is room for a tick. When looks take longer than the time between ticks, the time of the
 * next one has always come before anybody listens for ends: a run that is long over would be in the way of every tick.
 */
async function makeRoom(ctx: RunContext, before: ScheduleState): Promise<ScheduleState> {
  let state = before;
  while (judgeTick(state) !== "start") {
    const silence = async (branch: RunContext): Promise<Happening> => {
      await branch.step("hear who has ended", ({ signal }) => delay(SILENCE_MS, undefined, { signal }));
      // Written after it, in the row of all that the store has to do: under load, that takes longer than the answer to a question.
      await branch.now();
      return { type: "time" };
    };
    const happening = await ctx.race<Happening>([...endsOf(state), silence]);
    if (happening.type !== "ended") break;
    state = await afterEnd(ctx, state, happening);
  }
  return state;
}

function tickRunId(scheduleId: string, atMs: number): string {
  return derivedId(`${scheduleId}/${new Date(atMs).toISOString()}`);
}

async function tellMissed(ctx: RunContext, { name, catchUp }: ScheduleSpec, { missed, hasMore }: Plan): Promise<void> {
  const first = new Date(missed[0]?.atMs ?? 0).toISOString();
  const last = new Date(missed.at(-1)?.atMs ?? 0).toISOString();
  await ctx.emit({
    name: "tutti.schedule.missed",
    key: name,
    data: { schedule: name, count: missed.length, hasMore, first, last, catchUp },
  });
}

async function takeTick(ctx: RunContext, state: ScheduleState, tick: Tick): Promise<ScheduleState> {
  const verdict = judgeTick(state);
  switch (verdict) {
    case "start":
      return startTick(ctx, state, tick);
    case "queue":
      return { ...state, queue: [...state.queue, tick] };
    case "replace": {
      for (const active of state.active) await stopRun(ctx, active);
      const replaced = withMisses(
        state,
        state.queue.map(({ atMs }) => ({ atMs, reason: "replaced" })),
      );
      return { ...replaced, queue: [tick] };
    }
    case "late":
    case "overlap":
    case "queue full":
    case "replaced":
    case "too many":
      return withMisses(state, [{ atMs: tick.atMs, reason: verdict }]);
  }
}

async function startTick(ctx: RunContext, state: ScheduleState, tick: Tick): Promise<ScheduleState> {
  const { spec } = state;
  const input = inputOf(spec, tick);
  const supervised: SupervisorInput | undefined = spec.supervise && {
    name: `${spec.name}@${new Date(tick.atMs).toISOString()}`,
    workflow: spec.workflow,
    input,
    // A tick that waited for somebody to look would hold back those that come.
    policy: { ...spec.supervise, crashLoop: { ...spec.supervise.crashLoop, action: "fail" } },
  };
  try {
    await ctx.spawn(supervised === undefined ? spec.workflow : SUPERVISOR, supervised ?? input, { runId: tick.runId });
    return withStarted(state, { ...tick, isSupervised: supervised !== undefined });
  } catch (thrown) {
    const error = ownFailure(ctx, thrown);
    await bury(ctx, { source: `schedule/${spec.name}`, workflow: spec.workflow, input, error }, tick.runId);
    return withEnded(state, tick, { status: "failed", error });
  }
}

/** The workflow's input, with the tick's time where it is wanted. */
export function inputOf({ input, tickField }: ScheduleSpec, { atMs }: Pick<Tick, "atMs">): ScheduleSpec["input"] {
  if (tickField === undefined || typeof input !== "object" || input === null || Array.isArray(input)) return input;
  return { ...input, [tickField]: new Date(atMs).toISOString() };
}

async function stopRun(ctx: RunContext, { runId, isSupervised }: ActiveTick): Promise<void> {
  const reason = "the schedule's next tick takes its place";
  try {
    // A supervisor stops what it supervises; cancelled, it would only look away.
    if (isSupervised) await ctx.send(runId, { name: "stop", value: { reason } });
    else await ctx.cancel(runId, reason);
  } catch (thrown) {
    // It ended by itself meanwhile, and its end is on its way here.
    ownFailure(ctx, thrown);
  }
}

function nextHappening(ctx: RunContext, state: ScheduleState, wakeMs: number | null): Promise<Happening> {
  const isQuiet = wakeMs !== null || state.active.length > 0;
  const command = async (branch: RunContext): Promise<Happening> => ({
    type: "command",
    command: (await branch.waitFor("command", { isQuiet })) as ScheduleCommand,
  });
  const time = async (branch: RunContext): Promise<Happening> => {
    await branch.sleepUntil(new Date(wakeMs ?? 0));
    return { type: "time" };
  };
  return ctx.race<Happening>([command, ...endsOf(state), ...(wakeMs === null ? [] : [time])]);
}

function endsOf({ active }: ScheduleState): readonly Branch<Happening>[] {
  return active.map((tick) => async (branch) => ({ type: "ended", tick, end: await endOf(branch, tick) }));
}

async function endOf(ctx: RunContext, { runId }: Tick): Promise<TickEnd> {
  try {
    await ctx.join(runId);
    return { status: "completed" };
  } catch (thrown) {
    const error = ownFailure(ctx, thrown);
    return error.code === "cancelled" ? { status: "cancelled", error } : { status: "failed", error };
  }
}

async function react(ctx: RunContext, state: ScheduleState, happening: Happening): Promise<ScheduleState> {
  switch (happening.type) {
    case "time":
      return state;
    case "command":
      return obey(ctx, state, happening.command);
    case "ended":
      return afterEnd(ctx, state, happening);
  }
}

async function obey(ctx: RunContext, state: ScheduleState, command: ScheduleCommand): Promise<ScheduleState> {
  const nowMs = (await ctx.now()).getTime();
  switch (command.do) {
    case "pause":
      return { ...state, paused: state.paused ?? { reason: command.reason, sinceMs: nowMs } };
    case "resume":
      return state.paused === null ? state : { ...state, paused: null, cursorMs: Math.max(state.cursorMs, nowMs) };
    case "trigger":
      return takeTick(ctx, await makeRoom(ctx, state), { atMs: nowMs, why: "manual", runId: command.runId });
    case "update":
      return update(ctx, state, { spec: command.spec, nowMs });
  }
}

/** Other settings. Whoever sent them may not have come through the door that checks them, and time has passed since. */
async function update(
  ctx: RunContext,
  state: ScheduleState,
  { spec, nowMs }: { readonly spec: ScheduleSpec; readonly nowMs: number },
): Promise<ScheduleState> {
  const { name } = state.spec;
  const why = await ctx.step("check the settings", () => {
    if (spec.name !== name) return `a schedule keeps its name, got "${spec.name}"`;
    return nextTick(spec, nowMs) === undefined ? "their time never comes" : null;
  });
  if (why === null) return { ...state, spec, cursorMs: Math.max(state.cursorMs, nowMs) };
  await ctx.emit({ name: "tutti.schedule.refused", key: name, data: { schedule: name, why } });
  return state;
}

async function afterEnd(
  ctx: RunContext,
  before: ScheduleState,
  { tick, end }: Extract<Happening, { readonly type: "ended" }>,
): Promise<ScheduleState> {
  const { spec } = before;
  // A supervisor buries its own dead.
  if (end.status === "failed" && !tick.isSupervised)
    await bury(
      ctx,
      { source: `schedule/${spec.name}`, runId: tick.runId, workflow: spec.workflow, input: inputOf(spec, tick), error: errorOf(end) },
      tick.runId,
    );
  return startQueued(ctx, withEnded(before, tick, end));
}

/** Starts the ticks that wait, as long as nothing is under way: one that cannot be started must not hold up the next. */
async function startQueued(ctx: RunContext, before: ScheduleState): Promise<ScheduleState> {
  let state = before;
  for (let [next, ...queue] = state.queue; next !== undefined && state.active.length === 0; [next, ...queue] = state.queue)
    state = await startTick(ctx, { ...state, queue }, next);
  return state;
}

function errorOf({ error }: TickEnd): DeadLetter["error"] {
  return error ?? { code: "internal", message: "the run failed" };
}

/** Leaves a dead letter, one for each run that failed. */
async function bury(ctx: RunContext, letter: DeadLetter, runId: string): Promise<void> {
  await ctx.spawn(DEAD_LETTER, letter, { runId: letterId(runId) });
}

/** An error that is about another run; what is about this one is thrown on. */
function ownFailure(ctx: RunContext, thrown: unknown): { readonly code: string; readonly message: string } {
  const { code, message } = AppError.from(thrown);
  if (ctx.signal.aborted || code === "concurrent_steps" || code === "workflow_changed") throw thrown;
  return { code, message };
}
