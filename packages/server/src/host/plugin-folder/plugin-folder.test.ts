import assert from "node:assert/strict";
import { createServer } from "node:http";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, open, readdir, rename, rm, symlink } from "node:fs/promises";
import { url } from "node:inspector";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Json, Tool } from "@tutti/core";
import { entry, manifest, openDesk, saying } from "../../testing/plugin-desk.ts";

test("a plugin is found, shown, enabled, called, disabled and removed", async () => {
  await using desk = await openDesk();
  await desk.write("demo", saying("one"));
  const found = await desk.show("demo");
  assert.equal(found.status, "off");
  assert.deepEqual(found["wants"], ["let anybody call its own tool say", "use 160 MB of memory"]);
  assert.equal((await desk.call("say")).status, 404);
  assert.equal((await desk.enable("demo")).status, 200);
  assert.equal((await desk.call("say")).output, "one");
  const list = (await (await desk.app.fetch("/v1/health/components")).json()) as {
    readonly components: readonly { readonly name: string; readonly status: string }[];
  };
  assert.equal(list.components.find(({ name }) => name === "plugin demo")?.status, "ok");
  await desk.app.fetch("/v1/plugins/demo/disable", {});
  assert.equal((await desk.show("demo")).status, "off");
  assert.equal((await desk.call("say")).error?.code, "not_found");
  const removed = await fetch(new URL("/v1/plugins/demo", desk.app.url), {
    method: "DELETE",
    headers: { authorization: `Bearer ${desk.app.token}` },
  });
  assert.equal(removed.status, 200);
  assert.deepEqual(await readdir(desk.dir), []);
});

test("a changed plugin takes the place of the old one, and one that does not load leaves the old one and says so", async () => {
  await using desk = await openDesk();
  await desk.write("demo", saying("one"));
  await desk.enable("demo");
  await desk.write("demo", saying("two"));
  assert.equal((await desk.show("demo")).status, "loaded");
  assert.equal((await desk.call("say")).output, "two");
  await desk.write("demo", { "index.ts": "export const init = () => { throw new Error('half written'); };" });
  const failed = await desk.show("demo");
  assert.equal(failed.status, "failed");
  assert.match(String(failed.problem), /half written/);
  assert.equal((await desk.call("say")).output, "two");
  await desk.write("demo", { "tutti.plugin.json": "{ broken" });
  assert.match(String((await desk.show("demo")).problem), /tutti\.plugin\.json:1:/);
  assert.equal((await desk.call("say")).output, "two");
  await desk.write("demo", saying("three"));
  assert.equal((await desk.show("demo")).problem, null);
  assert.equal((await desk.call("say")).output, "three");
});

test("what is saved is loaded by itself, and what happens is published", async () => {
  await using desk = await openDesk();
  await desk.write("demo", saying("one"));
  await desk.enable("demo");
  const seen = Promise.withResolvers<void>();
  using _listening = desk.app.app.engine.subscribe((event) => {
    if (event.type === "run.recorded" && event.name === "plugin.reloaded") seen.resolve();
  });
  await desk.write("demo", saying("two"));
  await seen.promise;
  assert.equal((await desk.call("say")).output, "two");
});

test("a file that is written in place is seen within seconds", async () => {
  await using desk = await openDesk();
  await desk.write("demo", saying("one"));
  await desk.enable("demo");
  // The watch knows the folder by now, and what follows is written into the same file.
  await desk.show("demo");
  const seen = Promise.withResolvers<void>();
  using _listening = desk.app.app.engine.subscribe((event) => {
    if (event.type === "run.recorded" && event.name === "plugin.reloaded") seen.resolve();
  });
  const file = await open(join(desk.dir, "demo", "index.ts"), "r+");
  await file.truncate();
  await file.writeFile(entry(`() => "two"`));
  await file.close();
  await seen.promise;
  assert.equal((await desk.call("say")).output, "two");
});

test("SIGUSR1 opens no debugger in Tutti", async () => {
  await using desk = await openDesk();
  process.kill(process.pid, "SIGUSR1");
  for (let look = 0; look < 20; look += 1) {
    await desk.show("demo");
    assert.equal(url(), undefined);
  }
});

test("a plugin that asks for more waits for a new grant, while the old one goes on", async () => {
  await using desk = await openDesk();
  await desk.write("demo", saying("one"));
  await desk.enable("demo");
  const wide = manifest({ permissions: { offers: ["say"], memoryMb: 160, network: ["evil.example"] } });
  await desk.write("demo", { "tutti.plugin.json": wide, "index.ts": entry(`() => "two"`) });
  const asking = await desk.show("demo");
  assert.equal(asking.status, "asks");
  assert.deepEqual(asking.asks, ["send requests to evil.example"]);
  assert.equal((await desk.call("say")).output, "one");
  const stale = await desk.app.fetch("/v1/plugins/demo/enable", { shown: ["let anybody call its own tool say", "use 160 MB of memory"] });
  assert.equal(stale.status, 409);
  assert.equal((await desk.enable("demo")).status, 200);
  assert.equal((await desk.call("say")).output, "two");
});

test("what was enabled is loaded at the next start", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "tutti-data-"));
  {
    await using desk = await openDesk({ dataDir });
    await desk.write("demo", saying("one"));
    await desk.enable("demo");
    await rename(join(desk.dir, "demo"), join(dataDir, "demo"));
  }
  await using again = await openDesk({ dataDir });
  assert.equal((await again.call("say")).status, 404);
  await rename(join(dataDir, "demo"), join(again.dir, "demo"));
  assert.equal((await again.show("demo")).status, "loaded");
  assert.equal((await again.call("say")).output, "one");
  await again[Symbol.asyncDispose]();
  await rm(dataDir, { recursive: true, force: true });
});

test("a run under way keeps the version it began with; new ones get the new one", async () => {
  await using desk = await openDesk();
  const slow = (word: string): string => entry(`async ({ at }) => { if (at) await host.fetch(at); return "${word}"; }`);
  const arrived = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const gate = createServer((_, response) => {
    arrived.resolve();
    void release.promise.then(() => response.end("go"));
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => gate.once("listening", resolve));
  const host = `127.0.0.1:${(gate.address() as AddressInfo).port}`;
  const granted = manifest({ permissions: { offers: ["say"], memoryMb: 160, network: [host] } });
  await desk.write("demo", { "tutti.plugin.json": granted, "index.ts": slow("old") });
  await desk.enable("demo");
  const underWay = desk.call("say", { at: `http://${host}/` });
  await arrived.promise;
  await desk.write("demo", { "index.ts": slow("new") });
  assert.equal((await desk.show("demo")).status, "loaded");
  assert.equal((await desk.call("say")).output, "new");
  release.resolve();
  assert.equal((await underWay).output, "old");
  gate.close();
});

test("host services are held to what was granted", async () => {
  await using desk = await openDesk({ pluginOptions: [{ name: "demo", settings: { word: "set" }, secrets: { KEY: "s3cret" } }] });
  const permissions = { offers: ["say"], memoryMb: 160, secrets: ["KEY"], tools: ["echo"], network: ["api.example.com"] };
  const asks = {
    settings: "host.settings.word",
    secret: `await host.secret("KEY")`,
    other: `await host.secret("OTHER")`,
    tool: `await host.call("echo", { text: "hi" })`,
    denied: `await host.call("safe_calc", { expression: "1+1" })`,
    elsewhere: `(await host.fetch("http://169.254.169.254/")).status`,
    local: `(await host.fetch("http://127.0.0.1:1/")).status`,
    model: `await host.generate("gpt", { messages: [{ role: "user", content: "hi" }] })`,
    stored: `(await host.storage.set("a", { b: 1 }), await host.storage.get("a"))`,
    missing: `(await host.storage.get("none")) ?? "none"`,
    full: `await host.storage.set("big", "x".repeat(300000))`,
    emitted: `(await host.emit("done", { a: 1 }), "emitted")`,
  };
  const cases = Object.entries(asks).map(([name, code]) => `${name}: async () => ${code}`);
  await desk.write("demo", {
    "tutti.plugin.json": manifest({ permissions }),
    "index.ts": `export const init = (host) => { const asks = { ${cases.join(", ")} };
      return { tools: [{ name: "say", description: "Asks.", effect: "read", parameters: {}, run: async ({ ask }) => { try { return { ok: await asks[ask]() }; } catch (error) { return { code: error.code }; } } }] }; };`,
  });
  assert.equal((await desk.enable("demo")).status, 200);
  const wanted: Readonly<Record<keyof typeof asks, Json>> = {
    settings: { ok: "set" },
    secret: { ok: "s3cret" },
    other: { code: "denied" },
    tool: { ok: { text: "hi" } },
    denied: { code: "denied" },
    elsewhere: { code: "denied" },
    local: { code: "denied" },
    model: { code: "denied" },
    stored: { ok: { b: 1 } },
    missing: { ok: "none" },
    full: { code: "too_large" },
    emitted: { ok: "emitted" },
  };
  for (const [ask, result] of Object.entries(wanted)) assert.deepEqual((await desk.call("say", { ask })).output, result, ask);
});

test("agents and graphs of a plugin are data: they need no process, and come and go with it", async () => {
  await using desk = await openDesk();
  const agent = (description: string): string => `name: demo-agent\ndescription: ${description}\ninstructions: Be brief.\n`;
  await desk.write("demo", {
    "tutti.plugin.json": manifest({ entry: undefined, permissions: {}, agents: ["agent.yaml"] }),
    "agent.yaml": agent("First."),
  });
  await desk.enable("demo");
  const described = async (): Promise<unknown> => {
    const { agents } = (await (await desk.app.fetch("/v1/agents")).json()) as {
      readonly agents: readonly { readonly name: string; readonly description: string }[];
    };
    return agents.map(({ name, description }) => `${name}: ${description}`);
  };
  assert.deepEqual(await described(), ["demo-agent: First."]);
  assert.equal((await desk.show("demo"))["process"], null);
  await desk.write("demo", { "agent.yaml": agent("Second.") });
  await desk.show("demo");
  assert.deepEqual(await described(), ["demo-agent: Second."]);
  await rm(join(desk.dir, "demo"), { recursive: true });
  assert.equal((await desk.app.fetch("/v1/plugins/demo")).status, 404);
  assert.deepEqual(await described(), []);
});

test("manifests, names and folders that are not right are refused with their place", async () => {
  await using desk = await openDesk({ plugins: ["holly"] });
  await desk.write("bad", {
    "tutti.plugin.json": `{\n  "name": "Bad",\n  "version": "1.0.0",\n  "description": "x",\n  "entry": "../../evil.ts",\n  "permision": {}\n}`,
  });
  const { problem } = await desk.show("bad");
  assert.match(String(problem), /name must be lower-case letters.*\(tutti\.plugin\.json:2:\d+\)/);
  assert.match(String(problem), /entry must be a relative path inside the plugin's folder \(tutti\.plugin\.json:5:\d+\)/);
  assert.match(String(problem), /permision is no key of a manifest \(tutti\.plugin\.json:6:\d+\)/);
  await desk.write("holly", { "tutti.plugin.json": manifest({ name: "holly", entry: undefined, permissions: {} }) });
  assert.equal((await desk.enable("holly")).status, 500);
  assert.match(String((await desk.show("holly")).problem), /in Tutti's own process has/);
  await desk.write("linked", { "tutti.plugin.json": manifest({ name: "linked", entry: undefined, permissions: {} }) });
  await symlink("/etc", join(desk.dir, "linked", "etc"));
  await desk.enable("linked");
  assert.match(String((await desk.show("linked")).problem), /etc, which is a link/);
  await desk.write("greedy", {
    "tutti.plugin.json": manifest({ name: "greedy", permissions: { offers: ["echo"] } }),
    "index.ts": entry("() => 1").replace('"say"', '"echo"'),
  });
  await desk.enable("greedy");
  assert.match(String((await desk.show("greedy")).problem), /"echo", which built-in has already/);
  assert.deepEqual((await desk.call("echo", { text: "still ours" })).output, { text: "still ours" });
});

test("a folder without a manifest is being copied, and is not looked at before it has one", async () => {
  await using desk = await openDesk();
  await desk.write("demo", { "index.ts": entry("() => 1") });
  assert.equal((await desk.app.fetch("/v1/plugins/demo")).status, 404);
  await desk.write("demo", { "tutti.plugin.json": manifest() });
  assert.equal((await desk.show("demo")).status, "off");
});

test("enabling is decided by policy, and is in the log with what was granted", async () => {
  await using desk = await openDesk();
  await desk.write("demo", saying("one"));
  const decided: Json[] = [];
  using _listening = desk.app.app.engine.subscribe((event) => {
    if (event.type === "run.recorded" && event.action.kind === "plugin.enable") decided.push(event.action.input ?? null);
  });
  const stranger = { id: "stranger", tenant: "default", roles: [] };
  await assert.rejects(desk.app.app.folder.enable("demo", { principal: stranger }), { code: "denied" });
  assert.equal((await desk.show("demo")).status, "off");
  await desk.enable("demo");
  assert.equal((decided.at(-1) as { readonly permissions: { readonly offers: Json } }).permissions.offers instanceof Array, true);
});

test("what a plugin asks for during a call has read what the caller has read", async () => {
  let seen: (tainted: readonly string[] | undefined) => void = () => undefined;
  const run: Tool["run"] = async (_, { tainted }) => {
    seen(tainted);
    return 1;
  };
  const probe: Tool = { name: "probe", description: "Is called.", effect: "read", parameters: {}, run };
  await using desk = await openDesk({ toolsAllow: ["probe"], inlinePlugins: [{ name: "probing", tools: [probe] }] });
  const permissions = { offers: ["say"], memoryMb: 160, tools: ["probe"] };
  await desk.write("demo", {
    "tutti.plugin.json": manifest({ permissions }),
    "index.ts": entry(`async ({ later, quick }) => {
      if (later) setTimeout(() => void host.call("probe", {}), 300);
      else { await host.emit("done", {}); await host.call("probe", {}); }
      return 1;
    }`),
  });
  assert.equal((await desk.enable("demo")).status, 200);
  const { engine } = desk.app.app;
  const principal = { id: "tester", tenant: "default", roles: ["owner"] };
  const nested = async (input: Json, tainted: readonly string[]): Promise<unknown> => {
    const called = Promise.withResolvers<unknown>();
    seen = called.resolve;
    const { runId } = await engine.start("tutti.tool-call", { tool: "say", input }, { principal, tainted });
    await engine.result(runId, new AbortController().signal);
    return called.promise;
  };
  assert.deepEqual(await nested({}, []), []);
  assert.deepEqual(await nested({}, ["web_fetch"]), ["web_fetch"]);
  const [event] = (await desk.app.app.store.log({ afterPosition: 0, limit: 100, only: "emits" })).slice(-1);
  assert.match(JSON.stringify(event), /"tuttitaint":"web_fetch"/);
  assert.deepEqual(await nested({}, []), []);
  // A timer goes off when the call has ended: nobody can say what it is about.
  assert.deepEqual(await nested({ later: true }, []), ["plugin:demo"]);
});

test("a plugin under which Tutti ended twice in a row is not loaded before somebody enables it", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "tutti-data-"));
  const dir = join(dataDir, "plugin-copies", ".marks");
  {
    await using desk = await openDesk({ dataDir });
    await desk.write("demo", saying("one"));
    await desk.enable("demo");
    await cp(desk.dir, join(dataDir, "kept"), { recursive: true });
  }
  // A process that ends while it loads the plugin, as Tutti would.
  const marks = new URL("./marks.ts", import.meta.url).href;
  const program = `const { Marks } = await import(${JSON.stringify(marks)});
    await new Marks(${JSON.stringify(dir)}).during("demo", async () => { process.kill(process.pid, "SIGKILL"); await new Promise(() => setInterval(() => {}, 1000)); });`;
  for (let life = 0; life < 2; life += 1) await once(spawn(process.execPath, ["--input-type=module", "-e", program]), "exit");
  await using again = await openDesk({ dataDir });
  await cp(join(dataDir, "kept", "demo"), join(again.dir, "demo"), { recursive: true });
  const held = await again.show("demo");
  assert.equal(held.status, "failed");
  assert.match(String(held.problem), /Tutti ended 2 times in a row.*tutti plugins enable demo/);
  assert.equal((await again.enable("demo")).status, 200);
  assert.equal((await again.call("say")).output, "one");
  await again[Symbol.asyncDispose]();
  await rm(dataDir, { recursive: true, force: true });
});
