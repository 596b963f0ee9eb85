import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { SqliteStore } from "../../packages/server/src/store/index.ts";
import { EmbeddedEngine } from "../../packages/server/src/engine/index.ts";
import { driveKilledRuns } from "./drive.ts";
import { findRepeated } from "./repeated.ts";
import { kill } from "./restate-cluster.ts";
import { killedWorkflows } from "./workflows.ts";
import { startRestate, type RestateServer } from "../../packages/server/src/engine/restate/index.ts";

/** What is killed next, after so many more actions have begun. */
const KILLS: readonly { readonly victim: "worker" | "server"; readonly afterActions: number }[] = [
  { victim: "worker", afterActions: 5 },
  { victim: "server", afterActions: 6 },
  { victim: "worker", afterActions: 9 },
  { victim: "worker", afterActions: 4 },
  { victim: "server", afterActions: 8 },
  { victim: "worker", afterActions: 7 },
];

test("runs whose worker and whose Restate are killed in their midst end byte for byte as on the embedded engine, and no recorded step is done again", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tutti-kill-"));
  const expected = await outputsOnEmbedded(join(folder, "embedded"));
  const killing = new Killing(folder);
  const actual = await killing.run();
  assert.equal(actual, expected);
  const store = await SqliteStore.open(join(folder, "data"));
  const { repeated, resumed } = await findRepeated(store, await readFile(killing.effectsFile, "utf8"));
  await store.close();
  assert.deepEqual(repeated, []);
  assert.ok(resumed > 0, "some runs were under way when their worker was killed");
  await rm(folder, { recursive: true });
});

async function outputsOnEmbedded(folder: string): Promise<string> {
  const store = await SqliteStore.open(folder);
  const workflows = killedWorkflows(join(folder, "effects"));
  const engine = new EmbeddedEngine({
    store,
    runsActiveMax: 100,
    parts: {
      workflow: (name) => workflows.find((workflow) => workflow.name === name),
      tool: () => undefined,
      model: () => undefined,
      decide: () => ({ effect: "allow", reason: "a test", rule: "test" }),
      policyHash: () => "0".repeat(64),
    },
  });
  const outputs = JSON.stringify(await driveKilledRuns(engine));
  await engine.stop(1000);
  await store.close();
  return outputs;
}

/** One Restate server and one worker, which are killed and started again until the runs have ended. */
class Killing {
  readonly effectsFile: string;
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    this.effectsFile = join(folder, "effects");
  }

  async run(): Promise<string> {
    let server = await startRestate(join(this.#folder, "restate"));
    let worker = this.#startWorker(server);
    let seen = 0;
    for (const { victim, afterActions } of KILLS) {
      seen = await this.#actionsBeyond(seen + afterActions, worker.process);
      if (victim === "worker") {
        await kill(worker.process);
        worker = this.#startWorker(server);
      } else {
        await kill(server.process);
        server = await startRestate(join(this.#folder, "restate"), server.ports);
      }
    }
    const output = await worker.output;
    await server.stop();
    return output;
  }

  #startWorker({ address }: RestateServer): { readonly process: ChildProcess; readonly output: Promise<string> } {
    const program = join(import.meta.dirname, "worker.ts");
    const child = spawn(
      process.execPath,
      [program, join(this.#folder, "data"), address.urls[0] ?? "", address.adminUrls[0] ?? "", this.effectsFile],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    const output = new Promise<string>((resolve) => {
      const chunks: Buffer[] = [];
      child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
      child.stdout.on("end", () => resolve(Buffer.concat(chunks).toString()));
    });
    return { process: child, output };
  }

  /** Waits until so many actions have begun; a worker that is done has no more. */
  async #actionsBeyond(count: number, worker: ChildProcess): Promise<number> {
    for (;;) {
      const lines = (await readFile(this.effectsFile, "utf8").catch(() => "")).split("\n").length - 1;
      if (lines >= count || worker.exitCode !== null) return lines;
      await pause(5);
    }
  }
}
