import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { sandboxConformance } from "../../packages/server/src/sandbox/conformance.ts";
import { jailConformance } from "../../packages/server/src/sandbox/jails/conformance.ts";
import { dockerBackend } from "../../packages/server/src/sandbox/docker/index.ts";
import { connectEngine } from "../../packages/server/src/sandbox/docker/engine.ts";
import { reap } from "../../packages/server/src/sandbox/docker/reap.ts";
import { openSandbox } from "../../packages/server/src/sandbox/index.ts";
import { startTestApp } from "../../packages/server/src/testing.ts";
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

  test("files that a program linked to each other all come back", async () => {
    const sandbox = await openSandbox({ backends: ["docker"], level: "soft", engineSocket: socketPath, image }, never);
    const { files } = await sandbox.run({ language: "shell", code: "echo same > a; ln a b; ln a c" }, never);
    await sandbox.close();
    const texts = Object.fromEntries(Object.entries(files).map(([name, content]) => [name, Buffer.from(content).toString()]));
    assert.deepEqual(texts, { a: "same\n", b: "same\n", c: "same\n" });
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

  test("an MCP server lives in a container without network, keeps its volume, and reaches Tutti through its door", async (context) => {
    const jailsDir = await mkdtemp(join(tmpdir(), "tutti-volumes-"));
    context.after(() => rm(jailsDir, { recursive: true, force: true }));
    await using app = await startTestApp({
      sandbox: ["docker"],
      sandboxLevel: "soft",
      sandboxOptions: { image },
      engineSocket: socketPath,
      jailsDir,
      toolsAllow: ["asker_ask"],
    });
    const program = await readFile(new URL("../mcp/jailed-asker.py", import.meta.url), "utf8");
    const setting = {
      name: "asker",
      command: "python3",
      args: ["-c", program],
      jail: { volumeBytes: 1_048_576 },
      door: { tools: ["echo"] },
    };
    const added = await app.fetch("/v1/mcp/servers", setting);
    assert.equal(added.status, 201, await added.clone().text());
    const approved = await app.fetch("/v1/mcp/servers/asker/approve", {});
    assert.equal(approved.status, 200, await approved.clone().text());
    const requests = [
      { method: "POST", path: "/v1/tools/execute", body: { tool: "echo", input: { text: "through the door" } } },
      { method: "POST", path: "/v1/tools/execute", body: { tool: "safe_calc", input: { expression: "1" } } },
      { tcp: Number(new URL(app.url).port) },
    ];
    const answered = await (await app.fetch("/v1/tools/execute", { tool: "asker_ask", input: { requests } })).text();
    assert.match(answered, /through the door/);
    assert.match(answered, /\\"status\\": 403/);
    assert.match(answered, /\\"connected\\": false/);
    assert.deepEqual(await readdir(jailsDir), ["asker"]);
  });
});
