import { AppError, defineWorkflow, type Json, type Plugin, type Schema } from "@tutti/core";

const anything: Schema<Json> = { "~standard": { validate: (value: unknown) => ({ value: value as Json }) } };
const fields = (value: Json): { readonly [key: string]: Json } =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as { readonly [key: string]: Json }) : {};

/** A name that tries to be something else: markup, another direction of reading, a line of its own. */
export const HOSTILE = `<img src=x onerror="globalThis.hacked=1">\u202eevil\n[link](javascript:alert(1))`;

/** Steps of every kind: a retry, branches, a child run, a signal. What it gives depends on its input. */
const everything = defineWorkflow<Json, Json>({
  name: "everything",
  version: "1",
  description: "Steps of many kinds",
  input: anything,
  async run(ctx, input) {
    const loaded = await ctx.step("load", () => ({ customer: "Ada", lines: [1, 2, 3] }));
    await ctx.step(
      "send mail",
      ({ attempt }) => {
        if (attempt === 1) throw new AppError("upstream", "the mail server is busy");
        return "sent";
      },
      { backoff: { delayMs: 5, delayMaxMs: 5 } },
    );
    const sizes = await ctx.map(loaded.lines, (branch, line) => branch.step("resize", () => line * 100), { concurrency: 2 });
    const child = await ctx.start("small", { from: "everything" });
    const word = fields(input)["wait"] === true ? await ctx.waitFor("go") : null;
    return { sizes, child, word: word ?? null };
  },
});

const small = defineWorkflow<Json, Json>({
  name: "small",
  version: "1",
  input: anything,
  async run(ctx) {
    await ctx.step("first", () => 1);
    return ctx.step("second", () => 2);
  },
});

/** As many steps as asked for, at once. */
const wide = defineWorkflow<Json, Json>({
  name: "wide",
  version: "1",
  input: anything,
  async run(ctx, input) {
    const count = Number(fields(input)["count"] ?? 100);
    const items = Array.from({ length: count }, (_, index) => index);
    const done = await ctx.map(items, (branch, index) => branch.step(`page ${index % 50}`, () => index), { concurrency: 50 });
    return done.length;
  },
});

/** Asks a person, and says what they said. */
const asking = defineWorkflow<Json, Json>({
  name: "asking",
  version: "1",
  input: anything,
  async run(ctx) {
    const { approved, by, reason } = await ctx.approve({ question: "May the order be shipped?", detail: { order: 12, price: "9.50" } });
    return { approved, by, reason };
  },
});

/** Fails at its last step until its input says "good". */
const failing = defineWorkflow<Json, Json>({
  name: "failing",
  version: "1",
  input: anything,
  async run(ctx, input) {
    await ctx.step("prepare", () => ({ ready: true }));
    return ctx.step(
      "deliver",
      () => {
        if (fields(input)["good"] !== true) throw new AppError("upstream", "nobody is at home");
        return "delivered";
      },
      { attemptsMax: 2, backoff: { delayMs: 1, delayMaxMs: 1 } },
    );
  },
});

/** Names and values of strangers. */
const hostile = defineWorkflow<Json, Json>({
  name: "hostile",
  version: "1",
  input: anything,
  async run(ctx) {
    await ctx.step(HOSTILE, () => ({ [HOSTILE]: HOSTILE, html: "<script>globalThis.hacked = 1</script>" }));
    await ctx.step("שלום עולם – مرحبا", () => "مرحبا بالعالم");
    return { link: "javascript:globalThis.hacked=1", text: HOSTILE };
  },
});

/** Goes on, a step at a time, for as many signals as it is sent. */
const ticking = defineWorkflow<Json, Json>({
  name: "ticking",
  version: "1",
  input: anything,
  async run(ctx) {
    for (let turn = 1; ; turn += 1) {
      const value = await ctx.waitFor("tick");
      if (value === "stop") return turn;
      await ctx.step(`turn ${turn}`, () => turn);
    }
  },
});

/** Whether the code of `changing` is another one than it was: as after an upgrade. */
export const changes = { isChanged: false };

/** Takes another step after its signal once its code has changed. */
const changing = defineWorkflow<Json, Json>({
  name: "changing",
  version: "1",
  input: anything,
  async run(ctx) {
    await ctx.step(changes.isChanged ? "another first step" : "first step", () => 1);
    return (await ctx.waitFor("go")) ?? null;
  },
});

/** The workflows that the tests of run pages run. */
export const runWorkflows: Plugin = { name: "run-page", workflows: [everything, small, wide, asking, failing, hostile, ticking, changing] };
