import { defineWorkflow, type Json, type Schema } from "tutti";

const anything: Schema<Json> = { "~standard": { validate: (value: unknown) => ({ value }) } };

/** Sleeps until the moment that its input says, in ms since 1970. */
export const sleeper = defineWorkflow({
  name: "sleeper",
  version: "1",
  input: anything,
  async run(ctx, input) {
    const now = await ctx.now();
    await ctx.sleep(Math.max(0, Number(input) - now.getTime()));
    return "slept";
  },
});

/** Waits for a signal and returns its value. */
export const waiter = defineWorkflow({
  name: "waiter",
  version: "1",
  input: anything,
  async run(ctx) {
    return (await ctx.waitFor("go")) ?? null;
  },
});
