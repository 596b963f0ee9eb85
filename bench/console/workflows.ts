import { setTimeout as delay } from "node:timers/promises";
import { defineWorkflow, type Json, type Schema } from "tutti";

const anything: Schema<Json> = { "~standard": { validate: (value: unknown) => ({ value }) } };
const STEPS = 10;
const STEP_MS = 200;
/** Steps that one stage does at once, and how many stages there are: ten thousand spans. */
const [STAGES, BRANCHES] = [100, 100];

/** A run as there are many: ten steps one after the other, each of which takes a while. */
export const order = defineWorkflow({
  name: "order",
  version: "1",
  input: anything,
  async run(ctx, input) {
    for (let step = 0; step < STEPS; step += 1)
      await ctx.step(`stage ${step}`, async () => {
        await delay(STEP_MS);
        return step;
      });
    return input;
  },
});

/** A run that is long to read: stages of a hundred steps at once. */
export const long = defineWorkflow({
  name: "long",
  version: "1",
  input: anything,
  async run(ctx) {
    const items = Array.from({ length: BRANCHES }, (_, index) => index);
    for (let stage = 0; stage < STAGES; stage += 1)
      await ctx.map(items, (branch, item) => branch.step(`resize ${stage}.${item}`, () => item), { concurrency: 10 });
    return STAGES * BRANCHES;
  },
});
