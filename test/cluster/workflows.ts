import { appendFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { AppError, type Json, type RunContext, type Schema, type StepContext, type Workflow } from "@tutti/core";

const anything: Schema<Json> = { "~standard": { validate: (value: unknown) => ({ value }) } };
const STEP_MS = 15;

type Act = (step: StepContext) => Promise<void>;
type Step = (ctx: RunContext, name: string, value: Json) => Promise<Json>;

const flow = (name: string, run: Workflow["run"]): Workflow => ({ name, version: "1", input: anything, run });

/** Every primitive, in workflows whose outputs are the same however often their process is killed. Each action writes a line to a file. */
export function killedWorkflows(effectsFile: string): readonly Workflow[] {
  const act = async ({ idempotencyKey }: StepContext): Promise<void> => {
    appendFileSync(effectsFile, `${idempotencyKey} ${Date.now()}\n`);
    await pause(STEP_MS);
  };
  const step = (ctx: RunContext, name: string, value: Json): Promise<Json> =>
    ctx.step(name, async (own) => {
      await act(own);
      return value;
    });
  return [
    ...waitingWorkflows(step),
    ...endingWorkflows(act, step),
    flow("retries", async (ctx) => {
      const seen: Json[] = [];
      for (const name of ["a", "b", "c"])
        seen.push(
          await ctx.step(
            name,
            async (own) => {
              await act(own);
              if (own.attempt < 3) throw new Error("not yet");
              return `${name}${own.attempt}`;
            },
            { backoff: { delayMs: 10, delayMaxMs: 20 } },
          ),
        );
      return seen;
    }),
    flow("races", async (ctx) => {
      const winner = await ctx.race<Json>([
        async (own) => {
          await own.sleep(600_000);
          return "slow";
        },
        async (own) => [await step(own, "quick", "q"), await step(own, "quicker", "r")],
      ]);
      const all = await ctx.all([1, 2, 3, 4].map((item) => (own: RunContext) => step(own, `all ${item}`, item)));
      const mapped = await ctx.map(
        Array.from({ length: 12 }, (_, index) => index),
        async (own, item) => [await step(own, "one", item), await step(own, "two", item * item)],
        { concurrency: 3 },
      );
      return [winner, [...all], [...mapped], ctx.uuid().length, await ctx.patched("later")];
    }),
  ];
}

function waitingWorkflows(step: Step): readonly Workflow[] {
  return [
    flow("timers", async (ctx) => {
      const seen: Json[] = [];
      for (let round = 0; round < 6; round += 1) {
        seen.push(await step(ctx, `round ${round}`, round));
        await ctx.sleep(round === 3 ? 3000 : 150);
      }
      return seen;
    }),
    flow("signals", async (ctx) => {
      const seen: Json[] = [];
      for (let count = 0; count < 4; count += 1) {
        seen.push((await ctx.waitFor("word")) ?? null);
        seen.push(await step(ctx, `after ${count}`, count));
      }
      seen.push((await ctx.waitFor("word", { timeoutMs: 30 })) ?? "none");
      return seen;
    }),
    flow("waits for ever", async (ctx) => (await ctx.waitFor("never")) ?? null),
    flow("cancels", async (ctx) => {
      const runId = await ctx.spawn("waits for ever", null);
      await step(ctx, "between", null);
      await ctx.cancel(runId, "not needed");
      return ctx.join(runId).catch((error: unknown) => AppError.from(error).code);
    }),
  ];
}

function endingWorkflows(act: Act, step: Step): readonly Workflow[] {
  return [
    flow("child", async (ctx, input) => {
      await step(ctx, "first", 1);
      if (input === "fails") throw new AppError("invalid_input", "the child cannot");
      return [input, await step(ctx, "second", 2)];
    }),
    flow("children", async (ctx) => {
      const fails = await ctx.start("child", "fails").catch((error: unknown) => AppError.from(error).message);
      return [
        await ctx.start("child", "one"),
        fails,
        ...(await ctx.all(["two", "three"].map((input) => (own: RunContext) => own.start("child", input)))),
      ];
    }),
    flow("undoes", async (ctx) => {
      for (const name of ["a", "b", "c"]) await ctx.step(name, async (own) => (await act(own), name), { undo: (_output, own) => act(own) });
      throw new AppError("conflict", "undone in the end");
    }),
    flow("endless", async (ctx, input) => {
      const { round, words } = input as { readonly round: number; readonly words: readonly Json[] };
      const word = await step(ctx, "word", `w${round}`);
      return round === 4 ? [...words, word] : ctx.continueAsNew({ round: round + 1, words: [...words, word] });
    }),
    flow("large", async (ctx, input) => {
      const made = (await step(ctx, "make", "é".repeat(100_000))) as string;
      await step(ctx, "between", null);
      return { made: made.length, same: made === "é".repeat(100_000), input: (input as string).length, ends: made.slice(-3) };
    }),
  ];
}

/** The runs of the test. */
export const KILLED_RUNS: readonly { readonly workflow: string; readonly input: Json }[] = [
  { workflow: "retries", input: null },
  { workflow: "timers", input: null },
  { workflow: "signals", input: null },
  { workflow: "children", input: null },
  { workflow: "cancels", input: null },
  { workflow: "races", input: null },
  { workflow: "large", input: "x".repeat(200_000) },
  { workflow: "undoes", input: null },
  { workflow: "endless", input: { round: 0, words: [] } },
];

/** What is sent to the run of "signals". */
export const KILLED_WORDS: readonly Json[] = ["one", { two: 2 }, ["three"], "f".repeat(100_000)];
