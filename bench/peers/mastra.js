import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createClient } from "@libsql/client";
import { Mastra } from "@mastra/core";
import { createStep, createWorkflow } from "@mastra/core/workflows";
import { LibSQLStore } from "@mastra/libsql";
import { z } from "zod";
import { versionOf } from "./version.js";

const shape = z.object({ sum: z.number() });

/**
 * A Mastra workflow of five steps with snapshots in LibSQL.
 * @param {string} folder
 */
export async function open(folder) {
  mkdirSync(folder, { recursive: true });
  const client = withFullSync(createClient({ url: `file:${join(folder, "mastra.db")}` }));
  const storage = new LibSQLStore({ id: "bench", client });
  const addOne = (/** @type {string} */ id) =>
    createStep({ id, inputSchema: shape, outputSchema: shape, execute: async ({ inputData }) => ({ sum: inputData.sum + 1 }) });
  const fiveSteps = createWorkflow({ id: "five-steps", inputSchema: shape, outputSchema: shape })
    .then(addOne("one"))
    .then(addOne("two"))
    .then(addOne("three"))
    .then(addOne("four"))
    .then(addOne("five"))
    .commit();
  const mastra = new Mastra({ storage, workflows: { fiveSteps }, logger: false });
  await storage.init();
  const workflow = mastra.getWorkflow("fiveSteps");
  return {
    name: "mastra",
    version: `core ${versionOf("@mastra/core")}, libsql ${versionOf("@mastra/libsql")}`,
    settings:
      "a LibSQL file with WAL and synchronous=FULL (Mastra itself would set NORMAL, which syncs at checkpoints only), a snapshot after every step",
    async runWorkflow(/** @type {number} */ input) {
      const run = await workflow.createRun();
      const result = await run.start({ inputData: { sum: input } });
      if (result.status !== "success") throw new Error(`a Mastra run ended as ${result.status}`);
      return result.result.sum;
    },
    async [Symbol.asyncDispose]() {
      client.close();
    },
  };
}

/** Every subject is as durable as the others: a step is on the disk, not only in the system's memory. @param {import("@libsql/client").Client} client */
function withFullSync(client) {
  const execute = client.execute.bind(client);
  client.execute = (/** @type {any} */ statement, /** @type {any[]} */ ...rest) =>
    execute(typeof statement === "string" ? statement.replace(/synchronous\s*=\s*NORMAL/, "synchronous = FULL") : statement, ...rest);
  return client;
}
