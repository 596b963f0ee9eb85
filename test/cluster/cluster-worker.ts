// A worker of the cluster test: told of a run by its parent process, it starts it and tells how it ended.
import { appendFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import type { Json, Schema, Workflow } from "@tutti/core";
import { RestateEngine } from "../../packages/server/src/engine/restate/index.ts";
import { openPostgresStore } from "../../packages/server/src/store/index.ts";

const [postgresUrl = "", urls = "", adminUrls = "", effectsFile = "", port = "0", publicUrl = ""] = process.argv.slice(2);
const owner = { id: "owner", tenant: "default", roles: ["owner"] };
const never = new AbortController().signal;
const anything: Schema<Json> = { "~standard": { validate: (value: unknown) => ({ value }) } };

const work: Workflow = {
  name: "work",
  version: "1",
  input: anything,
  async run(ctx, input) {
    process.send?.({ drives: ctx.runId });
    let sum = Number(input);
    for (let step = 0; step < 5; step += 1) {
      sum += await ctx.step(`step ${step}`, async ({ idempotencyKey }) => {
        appendFileSync(effectsFile, `${idempotencyKey} ${Date.now()}\n`);
        await pause(10);
        return step;
      });
    }
    return sum;
  },
};

const store = await openPostgresStore(postgresUrl);
const engine = await RestateEngine.open({
  store,
  runsActiveMax: 1000,
  publicUrl,
  restate: { urls: urls.split(","), adminUrls: adminUrls.split(","), service: "tutti" },
  endpoint: { host: "127.0.0.1", port: Number(port), identityKeys: [], log: () => undefined },
  parts: {
    workflow: (name) => (name === work.name ? work : undefined),
    tool: () => undefined,
    model: () => undefined,
    decide: () => ({ effect: "allow", reason: "a test", rule: "test" }),
    policyHash: () => "0".repeat(64),
  },
});
await engine.recover();

process.on("message", (message: { readonly runId: string; readonly input: number }) => void run(message));
process.send?.("ready");

async function run({ runId, input }: { readonly runId: string; readonly input: number }): Promise<void> {
  for (;;) {
    try {
      await engine.start("work", input, { principal: owner, runId });
      process.send?.({ runId, output: await engine.result(runId, never) });
      return;
    } catch (error) {
      // A node of the cluster is away: the start is safe to repeat, its id makes it one.
      process.stderr.write(`${String(error)}\n`);
      await pause(200);
    }
  }
}
