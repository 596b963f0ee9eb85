import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { sandboxConformance } from "../../packages/server/src/sandbox/conformance.ts";
import { jailConformance } from "../../packages/server/src/sandbox/jails/conformance.ts";
import { dockerBackend } from "../../packages/server/src/sandbox/docker/index.ts";
import { connectEngine } from "../../packages/server/src/sandbox/docker/engine.ts";
import { reap } from "../../packages/server/src/sandbox/docker/reap.ts";
import { openSandbox } from "../../packages/server/src/sandbox/index.ts";
import { checkBattery } from "./check-battery.ts";
import { startContainerEngine } from "./container-engine.ts";

// One real engine for all of them: it is what takes long.
const engine = await startContainerEngine();
const { socketPath, image } = engine;
const never = new AbortController().signal;
after(() => engine[Symbol.asyncDispose]());

sandboxConformance(dockerBackend, { languages: ["python", "shell"], options: { engineSocket: socketPath, image } });
jailConformance(dockerBackend, { engineSocket: socketPath, image });

describe("containers of a real engine", () => {
  const direct = connectEngine(socketPath);
  const list = async (): Promise<readonly unknown[]> =>
    (await direct.ask({ method: "GET", path: "/containers/json", query: { all: true } }, never)) as readonly unknown[];
  before(() => list());
  after(() => direct.close());

  test("docker holds every case of the battery that it has a language for", async () => {
    const { failed, notRun, exitCode } = await checkBattery(["--backend", "docker", "--socket", socketPath, "--image", image]);
    assert.deepEqual([...failed], []);
    assert.equal(exitCode, 0);
    assert.ok(
      notRun.every((id) => /^(ok-)?(js|ts)-/.test(id)),
      notRun.join(" "),
    );
  });

  test("after close no container is left, nor a volume", async () => {
    const sandbox = await openSandbox({ backends: ["docker"], level: "soft", engineSocket: socketPath, image, warmMax: 2 }, never);
    await Promise.all([1, 2, 3].map((n) => sandbox.run({ language: "python", code: `print(${n})` }, never)));
    await sandbox.close();
    assert.deepEqual(await list(), []);
    const volumes = (await direct.ask({ method: "GET", path: "/volumes" }, never)) as { readonly Volumes: readonly unknown[] | null };
    assert.deepEqual(volumes.Volumes ?? [], []);
  });

  test("a container whose process is gone is removed, one of a process that lives is not", async () => {
    const { hostname } = await import("node:os");
    const make = (owner: string): Promise<unknown> => {
      const json = { Image: image, Cmd: ["true"], Labels: { "tutti.sandbox.owner": owner } };
      return direct.ask({ method: "POST", path: "/containers/create", body: { json } }, never);
    };
    await make(`${hostname()}/1/0`);
    await make("another-machine/1/0");
    assert.equal(await reap(direct, never), 1);
    assert.equal((await list()).length, 1);
  });
});
