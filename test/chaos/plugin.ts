import { appendFileSync } from "node:fs";
import { AppError, type Json, type Plugin, type RunContext, type Schema, type StepContext, type Workflow } from "@tutti/core";

const anything: Schema<Json> = { "~standard": { validate: (value: unknown) => ({ value: value as Json }) } };
const EFFECT_MS_MAX = 8;

/** Long enough that the run leaves the memory, and short enough that somebody waits for it. */
const PARKED_MS = 4000;

/** Does one thing that can be seen from outside: a line in a file, with the step's idempotency key. */
async function act({ idempotencyKey }: StepContext): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, Math.random() * EFFECT_MS_MAX));
  appendFileSync(String(process.env["CHAOS_EFFECTS"]), `${idempotencyKey}\n`);
}

async function effect(ctx: RunContext, name: string, value: Json): Promise<Json> {
  return ctx.step(name, async (step) => {
    await act(step);
    return value;
  });
}

/** A step that is taken back when its run does not succeed. */
async function undoable(ctx: RunContext, name: string): Promise<Json> {
  const action = async (step: StepContext): Promise<Json> => {
    await act(step);
    return name;
  };
  return ctx.step(name, action, { undo: async (_output, step) => act(step) });
}

const flow = (name: string, run: (ctx: RunContext, input: Json) => Promise<Json>): Workflow => ({
  name,
  version: "1",
  input: anything,
  run,
});

async function steps(ctx: RunContext, input: Json): Promise<Json> {
  const n = Number(input);
  let sum = Number(await effect(ctx, "first", n));
  for (let index = 0; index < 3; index += 1) sum += Number(await effect(ctx, `row ${index}`, sum + index));
  const branches = await ctx.all([
    async (branch) => Number(await effect(branch, "left 1", n)) + Number(await effect(branch, "left 2", 1)),
    async (branch) => Number(await effect(branch, "right 1", n * 2)) + Number(await effect(branch, "right 2", 2)),
  ]);
  const mapped = await ctx.map([1, 2, 3, 4], async (branch, item) => Number(await effect(branch, `item ${item}`, item * n)), {
    concurrency: 2,
  });
  await ctx.sleep(5);
  const calc = await ctx.call("safe_calc", { expression: `${n} * 7` });
  const child = await ctx.start("chaos-child", n);
  const large = await ctx.step("large", () => "x".repeat(70_000));
  return { sum, branches: [...branches], mapped: [...mapped], calc, child, large: large.length };
}

/** The first two attempts fail, each after it has said how far it is. */
async function retries(ctx: RunContext, input: Json): Promise<Json> {
  const once = await ctx.step(
    "flaky",
    async (step) => {
      step.heartbeat(step.attempt);
      if (step.attempt < 3) throw new AppError("upstream", `attempt ${step.attempt} fails`);
      await act(step);
      return Number(input);
    },
    { attemptsMax: 100, backoff: { delayMs: 10, delayMaxMs: 20 }, heartbeatMs: 5000 },
  );
  const refused = await ctx.step("refused", () => Promise.reject(new AppError("not_found", "never"))).catch(codeOf);
  return [once, refused];
}

/** Another run is spawned, signalled, joined; ids and times are the same on every replay. */
async function others(ctx: RunContext, input: Json): Promise<Json> {
  const id = ctx.uuid();
  const spawned = await ctx.spawn("chaos-signals", null);
  for (const name of ["one", "two"]) await ctx.send(spawned, { name, value: [name, input] });
  const noted = await effect(ctx, "note the id", id);
  const at = await ctx.now();
  const patched = await ctx.patched("always");
  await ctx.emit({ name: "chaos.happened", data: input });
  return [await ctx.join(spawned), noted === id, Number.isFinite(at.getTime()), patched];
}

/** What cannot be done is taken back: the run fails, and so does its child before it. */
async function saga(ctx: RunContext): Promise<Json> {
  await undoable(ctx, "first");
  await undoable(ctx, "second");
  return ctx.start("chaos-failing-child", null);
}

/** Workflows that use every primitive and whose results do not depend on chance, so that a disturbed run must end like an undisturbed one. */
export const plugin: Plugin = {
  name: "chaos",
  workflows: [
    flow("chaos", steps),
    flow("chaos-child", async (ctx, input) => [await effect(ctx, "child 1", input), await effect(ctx, "child 2", Number(input) + 1)]),
    flow("chaos-retries", retries),
    flow("chaos-signals", async (ctx) => {
      const one = (await ctx.waitFor("one")) ?? null;
      await effect(ctx, "between", null);
      return [one, (await ctx.waitFor("two")) ?? null];
    }),
    flow("chaos-approval", async (ctx, input) => {
      const { approved } = await ctx.approve({ question: `Is ${Number(input)} right?` });
      return effect(ctx, "approved", approved);
    }),
    flow("chaos-others", others),
    flow("chaos-saga", saga),
    flow("chaos-failing-child", async (ctx) => {
      await undoable(ctx, "child's first");
      return ctx.step("fails", () => Promise.reject(new AppError("not_found", "the child fails")));
    }),
    flow("chaos-lives", async (ctx, input) => {
      const { life, sum } = input as { readonly life: number; readonly sum: number };
      const next = sum + Number(await effect(ctx, "life", life));
      return life < 3 ? ctx.continueAsNew({ life: life + 1, sum: next }) : next;
    }),
    flow("chaos-queued", (ctx, input) => effect(ctx, "queued", input)),
    flow("chaos-cancelled", async (ctx) => {
      for (let index = 0; index < 5; index += 1) await undoable(ctx, `step ${index}`);
      return ctx.race([(branch) => branch.sleep(10), async (branch) => void (await branch.waitFor("never"))]).then(() => "went through");
    }),
    flow("chaos-parked", async (ctx, input) => {
      await ctx.sleep(PARKED_MS);
      return effect(ctx, "woken", input);
    }),
    flow("chaos-tick", (ctx, input) => effect(ctx, "tick", input)),
  ],
};

function codeOf(error: unknown): string {
  return AppError.from(error).code;
}
