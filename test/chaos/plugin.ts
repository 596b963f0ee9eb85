import { appendFileSync } from "node:fs";
import type { Json, Plugin, RunContext, Schema } from "@tutti/core";

const anything: Schema<Json> = { "~standard": { validate: (value: unknown) => ({ value }) } };

/** Does one thing that can be seen from outside: a line in a file, with the step's idempotency key. */
function effect(ctx: RunContext, name: string, value: Json): Promise<Json> {
  return ctx.step(name, async ({ idempotencyKey }) => {
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 8));
    appendFileSync(String(process.env["CHAOS_EFFECTS"]), `${idempotencyKey}\n`);
    return value;
  });
}

/** Workflows that use every primitive whose result does not depend on chance, so that a disturbed run must end like an undisturbed one. */
export const plugin: Plugin = {
  name: "chaos",
  workflows: [
    {
      name: "chaos",
      version: "1",
      input: anything,
      async run(ctx, input) {
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
      },
    },
    {
      name: "chaos-child",
      version: "1",
      input: anything,
      run: async (ctx, input) => [await effect(ctx, "child 1", input), await effect(ctx, "child 2", Number(input) + 1)],
    },
  ],
};
