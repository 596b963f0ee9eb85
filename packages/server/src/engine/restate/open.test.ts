import assert from "node:assert/strict";
import { connect } from "node:http2";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Store } from "@tutti/core";
import { SqliteStore } from "../../store/index.ts";
import { freePort } from "../../testing/free-port.ts";
import { flow, never, owner } from "../conformance/setup.ts";
import { openRestate, type RestateSettings } from "./open.ts";

const greet = flow("greet", (ctx, input) => ctx.step("hello", () => `Hello, ${input as string}`));

const parts = {
  workflow: (name: string) => (name === greet.name ? greet : undefined),
  tool: () => undefined,
  model: () => undefined,
  decide: () => ({ effect: "allow", reason: "a test", rule: "test" }) as const,
  policyHash: () => "0".repeat(64),
};

const settings = (dataDir: string): RestateSettings => ({
  engine: "restate-local",
  restateUrls: [],
  restateAdminUrls: [],
  restateIdentityKey: undefined,
  restateListenHost: "127.0.0.1",
  restateListenPort: 0,
  restateWorkerUrl: undefined,
  dataDir,
  runsActiveMax: 100,
  queues: [],
});

test("a local Restate comes and goes with the engine, keeps its runs in the data folder, and only it may drive them", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "tutti-restate-local-"));
  const store = await SqliteStore.open(dataDir);
  const messages: string[] = [];
  const sources = { store, parts, log: (_level: string, message: string) => void messages.push(message) };
  const first = await openRestate(settings(dataDir), sources);
  const { runId } = await first.start("greet", "Ada", { principal: owner });
  assert.equal(await first.result(runId, never), "Hello, Ada");
  await first.stop(1000);
  const restateListenPort = await freePort();
  const again = await openRestate({ ...settings(dataDir), restateListenPort }, sources);
  const other = await again.start("greet", "Grace", { principal: owner });
  assert.equal(await again.result(other.runId, never), "Hello, Grace");
  assert.equal(await again.result(runId, never), "Hello, Ada");
  assert.equal(await statusOfUnsigned(restateListenPort), 401);
  await again.stop(1000);
  await store.close();
  await rm(dataDir, { recursive: true });
});

test("an engine on Restate without a cluster says what it needs", async () => {
  const sources = { store: {} as Store, parts, log: () => undefined };
  await assert.rejects(openRestate({ ...settings("."), engine: "restate" }, sources), { code: "invalid_config", message: /restateUrl/ });
});

/** What somebody gets who would drive runs and is not Restate. */
async function statusOfUnsigned(port: number): Promise<number> {
  const session = connect(`http://127.0.0.1:${port}`);
  const request = session.request({
    ":method": "POST",
    ":path": "/invoke/tutti/run",
    "content-type": "application/vnd.restate.invocation.v5",
  });
  request.end();
  const status = await new Promise<number>((resolve, reject) => {
    request.once("response", (headers) => resolve(Number(headers[":status"])));
    request.once("error", reject);
  });
  session.destroy();
  return status;
}
