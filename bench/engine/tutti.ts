import { defineWorkflow, openApp, type Json, type Schema } from "tutti";
import type { Subject } from "./subject.ts";

const anything: Schema<Json> = { "~standard": { validate: (value: unknown) => ({ value }) } };

/** The workflow that every subject runs. */
export const fiveSteps = defineWorkflow({
  name: "five-steps",
  version: "1",
  input: anything,
  async run(ctx, input) {
    let sum = Number(input);
    for (const name of ["one", "two", "three", "four", "five"]) sum = Number(await ctx.step(name, () => sum + 1));
    return sum;
  },
});

/** Tutti as a program uses it: policy, validated input, hashed events, a journal on disk. */
export async function open(dataDir: string): Promise<Subject> {
  const app = await openApp({ dataDir, plugins: [{ name: "bench", workflows: [fiveSteps] }] });
  return {
    name: "tutti",
    version: "this checkout",
    settings: "the embedded engine and store as they come: WAL, synchronous=FULL, group commit, hashed events, policy, validated input",
    async runWorkflow(input) {
      return Number((await app.run("five-steps", input)).output);
    },
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  };
}
