import type { Event, Json, RunContext, Schema, Workflow } from "@tutti/core";
import type { Stage } from "./stage.ts";
import { OWNER, type Act, type Scope, type ScopeRun, type Told } from "./world.ts";

const anything: Schema<Json> = { "~standard": { validate: (value: unknown) => ({ value: value as Json }) } };
const flow = (name: string, run: (ctx: RunContext, input: Json) => Promise<Json>): Workflow => ({
  name,
  version: "1",
  input: anything,
  run,
});
const one = (workflow: string, more: Partial<ScopeRun> = {}): ScopeRun => ({ runId: workflow, workflow, input: null, ...more });
const codeOf = (error: unknown): string => (error as { readonly code: string }).code;

/** Right when the outcome, as a text, is one of these. */
const oneOf =
  (...right: readonly string[]) =>
  (_runId: string, told: Told): string | undefined => {
    const got = told.ok ? JSON.stringify(told.output) : told.code;
    return right.includes(got) ? undefined : `ended with ${got}, wanted ${right.join(" or ")}`;
  };

const signal = (runId: string, value: string, actName = value): Act => ({
  name: actName,
  runId,
  send: (engine) => engine.signal(runId, { name: "go", value, id: value }, OWNER),
  isMark: (event) => event.type === "signal.received" && event.id === value,
});
const cancel = (runId: string): Act => ({
  name: "cancel",
  runId,
  send: (engine) => engine.cancel(runId, "enough", OWNER),
  isMark: (event) => event.runId === runId && event.type === "cancel.requested",
});

/** Runs of a few steps each, whose last step may fail. */
export function stepsScope(size: { readonly runs: number; readonly steps: number }, more: Partial<Scope> = {}): Scope {
  const names = Array.from({ length: size.steps }, (_, index) => `step ${index}`);
  const good = names.slice(0, -1);
  return {
    name: `${size.runs} runs of ${size.steps} steps`,
    workflows: (stage) => [
      flow("steps", async (ctx) => {
        const results: Json[] = [];
        for (const name of names) results.push(await stage.step(ctx, name).catch(codeOf));
        return results;
      }),
    ],
    runs: Array.from({ length: size.runs }, (_, index) => one("steps", { runId: `r${index}` })),
    mayFail: (name) => name === names.at(-1),
    horizonMs: 0,
    crashesMax: Infinity,
    wrong: oneOf(JSON.stringify(names), JSON.stringify([...good, "not_found"])),
    ...more,
  };
}

const base = { horizonMs: 0, crashesMax: 2 } as const;

/** Small scopes, one for each thing that a workflow can do beside steps. */
export const smallScopes: readonly Scope[] = [
  stepsScope({ runs: 2, steps: 2 }, { name: "2 runs of 2 steps, every write and turn by itself", crashesMax: 2 }),
  {
    ...base,
    name: "a step that is tried again, and time passing at any moment",
    workflows: (stage) => [
      flow("retry", async (ctx) => [
        await stage.step(ctx, "flaky", { attemptsMax: 2, backoff: { delayMs: 40, delayMaxMs: 40 } }).catch(codeOf),
        await stage.step(ctx, "after"),
      ]),
    ],
    runs: [one("retry")],
    mayFail: (name) => name === "flaky",
    horizonMs: 300,
    wrong: oneOf('["flaky","after"]', '["upstream","after"]'),
  },
  {
    ...base,
    name: "signals, waited for with and without a timeout",
    workflows: (stage) => [
      flow("signals", async (ctx) => [
        (await stage.saw(ctx, "go", ctx.waitFor("go", { timeoutMs: 50 }))) ?? "none",
        await stage.step(ctx, "between"),
        (await stage.saw(ctx, "go", ctx.waitFor("go"))) ?? "none",
      ]),
    ],
    runs: [one("signals")],
    acts: [signal("signals", "first"), signal("signals", "second")],
    horizonMs: 60,
    crashesMax: 1,
    wrong: (_runId, told, events) => {
      const came = events.flatMap((event) => (event.type === "signal.received" ? [event.value] : []));
      if (new Set(came).size < came.length) return `a signal was taken twice: ${JSON.stringify(came)}`;
      const [taken, other = "nothing"] = came;
      return oneOf(JSON.stringify([taken, "between", other]), JSON.stringify(["none", "between", taken]))("", told);
    },
  },
  {
    ...base,
    name: "a signal that is sent twice at the same time",
    workflows: (stage) => [
      flow("twice", async (ctx) => [
        (await stage.saw(ctx, "go", ctx.waitFor("go"))) ?? "none",
        (await stage.saw(ctx, "go", ctx.waitFor("go"))) ?? "none",
      ]),
    ],
    runs: [one("twice")],
    acts: [signal("twice", "one"), signal("twice", "one", "one again"), signal("twice", "two")],
    crashesMax: 1,
    wrong: oneOf('["one","two"]', '["two","one"]'),
  },
  {
    ...base,
    name: "timers of two runs",
    workflows: (stage) => [
      flow("timer", async (ctx, input) => {
        await stage.saw(ctx, "sleep", ctx.sleep(Number(input)));
        return stage.step(ctx, "after");
      }),
    ],
    runs: [one("timer", { input: 20 }), one("timer", { runId: "later", input: 30 })],
    horizonMs: 60,
    crashesMax: 1,
    wrong: oneOf('"after"'),
  },
  {
    ...base,
    name: "a race of two branches and a timer",
    workflows: (stage) => [
      flow("race", async (ctx) => {
        const won = await ctx.race<Json>([
          (branch) => stage.step(branch, "left"),
          async (branch) => [await stage.step(branch, "right"), await stage.step(branch, "right again")],
          (branch) => stage.saw(branch, "sleep", branch.sleep(20)).then(() => "time"),
        ]);
        return [won, await stage.step(ctx, "after")];
      }),
    ],
    runs: [one("race")],
    horizonMs: 60,
    wrong: oneOf('["left","after"]', '[["right","right again"],"after"]', '["time","after"]'),
  },
  {
    ...base,
    name: "branches that share a variable, one of which may fail",
    workflows: (stage) => [
      flow("branches", async (ctx) => {
        const order: string[] = [];
        const branch = (name: string) => async (inner: RunContext) => {
          for (const place of [1, 2]) order.push(await stage.step(inner, `${name}${place}`));
        };
        const failed = await ctx.all([branch("a"), branch("b")]).then(() => "none", codeOf);
        return [...order, failed];
      }),
    ],
    runs: [one("branches")],
    mayFail: (name) => name === "b2",
    wrong: (_runId, told) => (told.ok && Array.isArray(told.output) && told.output.length >= 2 ? undefined : "ended without what it did"),
  },
  {
    ...base,
    name: "a child that may fail, and a run that is spawned and joined",
    workflows: (stage) => [
      flow("parent", async (ctx) => {
        const spawned = await stage.saw(ctx, "spawned", ctx.spawn("spawned", null, { runId: "spawned" }));
        const child = await stage.saw(ctx, "child", ctx.start("child", null)).catch(codeOf);
        return [child, await stage.saw(ctx, "spawned", ctx.join(spawned)).catch(codeOf)];
      }),
      flow("child", (ctx) => stage.step(ctx, "child step")),
      flow("spawned", (ctx) => stage.step(ctx, "spawned step")),
    ],
    runs: [one("parent")],
    mayFail: (name) => name === "child step",
    crashesMax: 1,
    wrong: oneOf('["child step","spawned step"]', '["not_found","spawned step"]'),
  },
  {
    ...base,
    name: "a signal from one run to another, which ends with it",
    workflows: (stage) => [
      flow("receiver", async (ctx) => (await ctx.waitFor("go")) ?? "none"),
      flow("sender", async (ctx) => {
        await stage.saw(ctx, "receiver", ctx.spawn("receiver", null, { runId: "receiver" }));
        await stage.saw(ctx, "go", ctx.send("receiver", { name: "go", value: "went" }));
        return stage.saw(ctx, "receiver", ctx.join("receiver"));
      }),
    ],
    runs: [one("sender")],
    crashesMax: 1,
    wrong: oneOf('"went"'),
  },
  {
    ...base,
    name: "undo after a failure, where undoing may fail too",
    workflows: (stage) => [undoable(stage, "undo", true)],
    runs: [one("undo")],
    mayFail: (name) => name === "third" || name === "undo second",
    wrong: (_runId, told, events) => oneOf('"third"', "not_found", "compensation_failed")("", told) ?? notUndone(events),
  },
  {
    ...base,
    name: "cancel at every point, with undo",
    workflows: (stage) => [undoable(stage, "cancel", true)],
    runs: [one("cancel")],
    acts: [cancel("cancel")],
    wrong: (_runId, told, events) => oneOf('"third"', "cancelled")("", told) ?? notUndone(events),
  },
  {
    ...base,
    name: "cancel at every point, of a parent, its child and a wait",
    workflows: (stage) => [
      flow("parent", (ctx) => stage.saw(ctx, "child", ctx.start("child", null))),
      flow("child", async (ctx) => [await stage.step(ctx, "child step"), (await ctx.waitFor("never")) ?? "none"]),
    ],
    runs: [one("parent")],
    acts: [cancel("parent")],
    wrong: oneOf("cancelled"),
  },
  {
    ...base,
    name: "a race that a child loses: it is cancelled",
    workflows: (stage) => [
      flow("racer", (ctx) => ctx.race<Json>([(branch) => branch.start("child", null), (branch) => stage.step(branch, "step")])),
      flow("child", async (ctx) => (await ctx.waitFor("never")) ?? "none"),
    ],
    runs: [one("racer")],
    wrong: oneOf('"step"'),
  },
  {
    ...base,
    name: "a race that a signal may win: who lost it leaves the signal to the next who waits",
    workflows: (stage) => [
      flow("racer", async (ctx) => {
        const won = await ctx.race<Json>([
          async (branch) => (await branch.waitFor("go")) ?? "none",
          (branch) => stage.step(branch, "step"),
        ]);
        return won === "step" ? [won, (await ctx.waitFor("go")) ?? "none"] : [won];
      }),
    ],
    runs: [one("racer")],
    acts: [signal("racer", "went")],
    wrong: oneOf('["step","went"]', '["went"]'),
  },
  {
    ...base,
    name: "a run that goes on as a new one, with a signal on its way",
    workflows: (stage) => [
      flow("chain", async (ctx, input) => {
        await stage.step(ctx, `life ${Number(input)}`);
        if (Number(input) < 2) return ctx.continueAsNew(Number(input) + 1);
        return (await ctx.waitFor("go")) ?? "none";
      }),
    ],
    runs: [one("chain", { input: 0 })],
    acts: [signal("chain", "went")],
    wrong: oneOf('"went"'),
  },
  {
    ...base,
    name: "a parent whose child goes on as a new run, and is undone because what follows fails",
    workflows: (stage) => [
      flow("parent", async (ctx) => {
        await ctx.start("lives", 0, { undo: async (_output, step) => void (await stage.act(step, "undo lives", [])) });
        return stage.step(ctx, "last");
      }),
      flow("lives", (ctx, life) => (life === 0 ? ctx.continueAsNew(1) : stage.step(ctx, "second life"))),
    ],
    runs: [one("parent")],
    mayFail: (name) => name === "last",
    wrong: (_runId, told, events) => {
      const isUndone = events.some((event) => event.type === "step.completed" && event.kind === "undo");
      return (
        oneOf('"last"', "not_found")("", told) ?? (isUndone === told.ok ? "the child was undone, or not, where it must not be" : undefined)
      );
    },
  },
  {
    ...base,
    name: "a map of three items, two at a time, cancelled at every point",
    workflows: (stage) => [flow("map", (ctx) => ctx.map(["a", "b", "c"], (branch, item) => stage.step(branch, item), { concurrency: 2 }))],
    runs: [one("map")],
    acts: [cancel("map")],
    crashesMax: 1,
    wrong: oneOf('["a","b","c"]', "cancelled"),
  },
  {
    ...base,
    name: "a sleeping run that leaves the memory and comes back when its time has come",
    workflows: (stage) => [
      flow("sleeper", async (ctx) => {
        await stage.saw(ctx, "sleep", ctx.sleep(5000));
        return "slept";
      }),
    ],
    runs: [one("sleeper")],
    horizonMs: 5030,
    crashesMax: 1,
    wrong: oneOf('"slept"'),
  },
  {
    ...base,
    name: "a waiting run that leaves the memory and comes back for a signal or in the end for its time",
    workflows: (stage) => [flow("waiter", async (ctx) => (await stage.saw(ctx, "go", ctx.waitFor("go", { timeoutMs: 9000 }))) ?? "none")],
    runs: [one("waiter")],
    acts: [signal("waiter", "went")],
    horizonMs: 9010,
    crashesMax: 1,
    wrong: oneOf('"went"', '"none"'),
  },
  {
    ...base,
    name: "a run that leaves the memory and comes back when another ends",
    workflows: (stage) => [
      flow("worker", (ctx) => stage.step(ctx, "work")),
      flow("joiner", (ctx) => stage.saw(ctx, "worker", ctx.join("worker"))),
    ],
    runs: [one("worker"), one("joiner")],
    horizonMs: 3000,
    crashesMax: 1,
    wrong: oneOf('"work"'),
  },
  {
    ...base,
    name: "a queue of one place",
    workflows: (stage) => [flow("queued", (ctx) => stage.step(ctx, "step"))],
    queues: [{ name: "narrow", concurrency: 1, queuedMax: 10 }],
    runs: ["first", "second"].map((runId) => one("queued", { runId, options: { queue: { queue: "narrow" } } })),
    wrong: oneOf('"step"'),
  },
  {
    ...base,
    name: "a deadline that may come at any moment, with undo",
    workflows: (stage) => [undoable(stage, "deadline", false)],
    runs: [one("deadline", { options: { limits: { timeMs: 50 } } })],
    horizonMs: 60,
    wrong: (_runId, told, events) => oneOf('"third"', "deadline_exceeded")("", told) ?? notUndone(events),
  },
  {
    ...base,
    name: "an approval that is answered, or not in time",
    workflows: (stage) => [
      flow("approval", async (ctx) => {
        const { approved, by } = await stage.saw(ctx, "Ship?", ctx.approve({ question: "Ship?", timeoutMs: 50, otherwise: "refuse" }));
        return [approved, by];
      }),
    ],
    runs: [one("approval")],
    acts: [
      {
        name: "yes",
        runId: "approval",
        send: (engine) => engine.answer("approval", { key: "0", approved: true, reason: "fine" }, OWNER),
        isMark: ({ type }) => type === "approval.answered",
      },
    ],
    horizonMs: 60,
    wrong: oneOf('[true,"owner"]', '[false,"timeout"]'),
  },
];

/** Three steps, the first two with an undo handler. */
function undoable(stage: Stage, name: string, isUndoHeld: boolean): Workflow {
  const undo = (step: string) => async (_output: Json, context: Parameters<Stage["act"]>[0]) => {
    if (isUndoHeld) await stage.act(context, `undo ${step}`, []);
  };
  return flow(name, async (ctx) => {
    await stage.step(ctx, "first", { undo: undo("first") });
    await stage.step(ctx, "second", { undo: undo("second") });
    return stage.step(ctx, "third");
  });
}

/** What was done and not taken back, in a run that did not succeed. */
function notUndone(events: readonly Event[]): string | undefined {
  if (events.at(-1)?.type === "run.completed") return undefined;
  const ended = (kind: string): readonly string[] =>
    events.flatMap((event) =>
      (event.type === "step.completed" || (event.type === "step.failed" && event.retryAt === null && kind === "undo")) &&
      event.kind === kind
        ? [event.name]
        : [],
    );
  const done = ended("step").filter((name) => name !== "third");
  const undone = ended("undo").map((name) => name.replace("undo ", ""));
  return JSON.stringify(done.toReversed()) === JSON.stringify(undone) ? undefined : `did ${done.join(", ")} and undid ${undone.join(", ")}`;
}
