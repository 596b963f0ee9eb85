import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { createLogger } from "../telemetry/index.ts";
import { createCodeSandbox } from "./code-sandbox.ts";
import { configFrom, type Config } from "./config/index.ts";

const logger = createLogger({ logLevel: "silent", logFormat: "json", destination: process.stderr });
const make = (values: Partial<Config>) => createCodeSandbox(configFrom(values, process.cwd()));

test("a sandbox is tested without anybody asking, and what it promises is known then", async () => {
  const sandbox = make({ sandbox: ["bubblewrap"], sandboxLevel: "soft" });
  assert.equal(sandbox.state().status, "untested");
  sandbox.testSoon(logger, 0);
  while (sandbox.state().status === "untested") await setImmediate();
  await sandbox.get();
  const state = sandbox.state();
  assert.ok(state.status === "ready");
  assert.equal(state.report.promises.length, 10);
  await sandbox.close();
});

test("where code execution is off nothing is tested, and where nothing can be had the reason is known", async () => {
  const off = make({});
  off.testSoon(logger, 0);
  const none = make({ sandbox: ["docker"], engineSocket: "/nonexistent/docker.sock" });
  none.testSoon(logger, 0);
  while (none.state().status !== "unavailable") await setImmediate();
  assert.equal(off.state().status, "off");
  const state = none.state();
  assert.match(state.status === "unavailable" ? state.reason : "", /is it running/);
  await Promise.all([off.close(), none.close()]);
});

test("jails are had from the first sandbox that has them where code runs in one that has none", async () => {
  const both = make({ sandbox: ["landlock", "bubblewrap"], sandboxLevel: "soft" });
  assert.equal((await both.get()).report.backend, "landlock");
  assert.equal((await both.getForJails()).report.backend, "bubblewrap");
  await both.close();
  const one = make({ sandbox: ["landlock"], sandboxLevel: "soft" });
  await assert.rejects(one.getForJails(), { code: "unsupported", message: /landlock: has no jails/ });
  await one.close();
});
