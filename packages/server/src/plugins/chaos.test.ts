import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdtemp, readdir, realpath, rm, writeFile } from "node:fs/promises";
import { availableParallelism, getPriority, tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import type { Json } from "@tutti/core";
import { PluginRunner, type RunnerState } from "./index.ts";
import { usageOf } from "./limits.ts";
import { behind, findWall, gapsOf } from "./wall.ts";

const principal = { id: "tester", tenant: "default", roles: [] };
const NEVER = new AbortController().signal;

/** A plugin of one module under test: its runner, and what was told of it. */
interface Bench extends AsyncDisposable {
  readonly runner: PluginRunner;
  readonly said: readonly (readonly [method: string, params: Json])[];
  call(tool: string, signal?: AbortSignal): Promise<Json>;
  /** Resolves with the next state of that kind. */
  next<S extends RunnerState["status"]>(status: S): Promise<Extract<RunnerState, { readonly status: S }>>;
}

/** Starts a plugin whose tools are given as source code. */
async function start(tools: Readonly<Record<string, string>>, timing: Readonly<Record<string, number>> = {}): Promise<Bench> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "tutti-plugin-")));
  const entry = join(folder, "index.mjs");
  const list = Object.entries(tools).map(
    ([name, run]) => `{ name: "${name}", description: "a test", effect: "read", parameters: {}, run: ${run} }`,
  );
  await writeFile(entry, `import { writeSync } from "node:fs";\nexport const init = (host) => ({ tools: [${list.join(",\n")}] });\n`);
  const said: (readonly [string, Json])[] = [];
  const waiting = new Map<string, (state: RunnerState) => void>();
  const runner = await PluginRunner.start(
    {
      spec: {
        name: "chaos",
        folder,
        entry,
        settings: {},
        memoryMb: 160,
        reads: [],
        writes: [],
        timing: { hangMs: 2_000, watchMs: 100, callMs: 60_000, ...timing },
      },
      services: { ask: async (_, params) => params, tell: (method, params) => void said.push([method, params]) },
      listener: (state) => {
        waiting.get(state.status)?.(state);
        waiting.delete(state.status);
      },
    },
    NEVER,
  );
  return {
    runner,
    said,
    call: (tool, signal = NEVER) => runner.call({ tool, input: null, idempotencyKey: "run/0", principal }, signal),
    next: (status) => new Promise((resolve) => waiting.set(status, resolve as (state: RunnerState) => void)),
    async [Symbol.asyncDispose]() {
      await runner.stop(0);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Calls a tool that ends its process, and waits until the next one answers. */
async function endsAndComesBack(bench: Bench, tool: string): Promise<Extract<RunnerState, { readonly status: "restarting" }>> {
  const [restarting, running] = [bench.next("restarting"), bench.next("running")];
  const failed = bench.call(tool);
  await assert.rejects(failed, { code: "upstream", message: /ended under way|channel was broken/ });
  const state = await restarting;
  await running;
  assert.equal(await bench.call("fine"), "fine");
  return state;
}

const FINE = `() => "fine"`;

test("a tool that throws fails its call with its message, and the plugin lives on", async () => {
  await using bench = await start({
    fine: FINE,
    bad: `() => { throw new Error("no luck"); }`,
    coded: `() => { throw Object.assign(new Error("not you"), { code: "denied" }); }`,
  });
  await assert.rejects(bench.call("bad"), { code: "upstream", message: "no luck" });
  await assert.rejects(bench.call("coded"), { code: "denied", message: "not you" });
  assert.equal(await bench.call("fine"), "fine");
  assert.equal(bench.runner.restarts, 0);
});

test("a tool that never returns is given up at its time limit, and at once when the caller goes", async () => {
  await using bench = await start({ fine: FINE, never: `() => new Promise(() => {})` }, { callMs: 300 });
  await assert.rejects(bench.call("never"), { code: "timeout", message: /"never" of the plugin chaos did not end within 300 ms/ });
  const gone = new AbortController();
  const called = bench.call("never", gone.signal);
  gone.abort();
  await assert.rejects(called, { code: "cancelled" });
  assert.equal(await bench.call("fine"), "fine");
});

test("a cancelled call reaches the tool's signal", async () => {
  await using bench = await start({
    fine: FINE,
    listening: `(input, { signal }) => new Promise((resolve) => signal.addEventListener("abort", () => { host.log("info", "stopped"); resolve(1); }))`,
  });
  const gone = new AbortController();
  const called = bench.call("listening", gone.signal);
  assert.equal(await bench.call("fine"), "fine");
  gone.abort();
  await assert.rejects(called, { code: "cancelled" });
  assert.equal(await bench.call("fine"), "fine");
  assert.deepEqual(bench.said, [["log", { level: "info", message: "stopped" }]]);
});

test("a call that outlasts its plugin's last moments ends with it, and says so", async () => {
  await using bench = await start({ fine: FINE, never: `() => new Promise(() => {})` });
  const called = assert.rejects(bench.call("never"), { code: "upstream", message: /ended under way: it was stopped$/ });
  assert.equal(await bench.call("fine"), "fine");
  await bench.runner.stop(0);
  await called;
  await assert.rejects(bench.call("fine"), { code: "not_found" });
});

test("a plugin that has started goes on answering when others want every processor", async () => {
  await using bench = await start({ fine: FINE }, { hangMs: 30_000 });
  const { residentMb: _, pid } = (await usageOf(bench.runner.state.status === "running" ? bench.runner.state.pid : 0)) ?? {
    residentMb: 0,
    pid: 0,
  };
  const threads = await readdir(`/proc/${pid}/task`);
  assert.deepEqual(new Set(threads.map((thread) => getPriority(Number(thread)))), new Set([19]));
  const others = Array.from({ length: 2 * availableParallelism() }, () =>
    spawn(process.execPath, ["-e", "for (;;);"], { stdio: "ignore" }),
  );
  try {
    for (let call = 0; call < 10; call += 1) assert.equal(await bench.call("fine"), "fine");
    assert.equal(bench.runner.restarts, 0);
  } finally {
    for (const other of others) other.kill("SIGKILL");
  }
});

test("calls that are given up and go on all the same end the process before they pile up", async () => {
  await using bench = await start({ fine: FINE, never: `() => new Promise(() => {})` }, { callMs: 200 });
  const restarting = bench.next("restarting");
  await Promise.allSettled(Array.from({ length: 40 }, () => bench.call("never")));
  const { end } = await restarting;
  assert.equal(end.how, "hang");
  assert.match(end.message, /more than 32 calls/);
});

test("a tool that spins is ended, and the plugin starts again", async () => {
  await using bench = await start({ fine: FINE, spin: `() => { for (;;); }` });
  const { end } = await endsAndComesBack(bench, "spin");
  assert.equal(end.how, "hang");
});

test("a tool that allocates without end is ended, on the heap and beside it", async () => {
  await using bench = await start({
    fine: FINE,
    heap: `() => { const kept = []; for (;;) kept.push(new Array(1000).fill(kept.length)); }`,
    buffers: `async () => { const kept = []; for (;;) { kept.push(Buffer.alloc(1 << 23, 1)); await null; } }`,
  });
  assert.equal((await endsAndComesBack(bench, "heap")).end.how, "memory");
  const { end } = await endsAndComesBack(bench, "buffers");
  assert.match(`${end.how} ${end.message}`, /memory|Failed to allocate/);
});

test("what a plugin prints without end is kept up to a bound only, and its process is ended", async () => {
  await using bench = await start({
    fine: FINE,
    flood: `() => { for (;;) process.stdout.write("x".repeat(65536)); }`,
    block: `() => { for (;;) writeSync(1, "y".repeat(65536)); }`,
  });
  assert.match((await endsAndComesBack(bench, "flood")).end.how, /memory|hang/);
  const blocked = bench.next("restarting");
  await assert.rejects(bench.call("block"), { code: "upstream" });
  await blocked;
  assert.ok(bench.runner.output.length <= 131_072);
});

test("a promise that is rejected late is told, and harms nobody", async () => {
  await using bench = await start({ fine: FINE, late: `() => { void Promise.reject(new Error("too late")); return 1; }` });
  assert.equal(await bench.call("late"), 1);
  assert.equal(await bench.call("fine"), "fine");
  assert.deepEqual(bench.said, [["late", { message: "too late" }]]);
  assert.equal(bench.runner.restarts, 0);
});

test("a plugin that throws where nobody catches, or exits, starts again and says why", async () => {
  await using bench = await start({
    fine: FINE,
    exit: `() => process.exit(3)`,
    later: `() => new Promise(() => setTimeout(() => { throw new Error("later"); }, 1))`,
  });
  assert.match((await endsAndComesBack(bench, "exit")).end.message, /exit 3/);
  const { end } = await endsAndComesBack(bench, "later");
  assert.equal(end.how, "thrown");
  assert.match(end.message, /later/);
});

test("garbage on the channel, an answer to nothing and a message without end each end the process", async () => {
  await using bench = await start({
    fine: FINE,
    garbage: `() => { writeSync(3, "what is this?\\n"); return new Promise(() => {}); }`,
    forged: `() => { writeSync(3, '{"jsonrpc":"2.0","id":999999,"result":1}\\n'); return new Promise(() => {}); }`,
    giant: `async () => { const part = "z".repeat(65536); for (;;) { try { writeSync(3, part); } catch { await new Promise(setImmediate); } } }`,
  });
  for (const [tool, why] of [
    ["garbage", /no JSON-RPC/],
    ["forged", /answer to nothing/],
    // An answer to a ping may end the line before it is too long.
    ["giant", /message of more than 1048576 bytes|no JSON-RPC/],
  ] as const) {
    const { end } = await endsAndComesBack(bench, tool);
    assert.equal(end.how, "protocol", tool);
    assert.match(end.message, why);
  }
});

test("an answer that is too large fails its call alone", async () => {
  await using bench = await start({
    fine: FINE,
    large: `() => "x".repeat(3_000_000)`,
    cycle: `() => { const a = {}; a.a = a; return a; }`,
  });
  await assert.rejects(bench.call("large"), { code: "too_large" });
  await assert.rejects(bench.call("cycle"), { code: "internal" });
  assert.equal(await bench.call("fine"), "fine");
});

test("requests without end are refused beyond a bound and answered one by one", async () => {
  await using bench = await start({
    fine: FINE,
    many: `async () => (await Promise.allSettled(Array.from({ length: 300 }, () => host.storage.get("x")))).filter(({ status }) => status === "fulfilled").length`,
  });
  const answered = Number(await bench.call("many"));
  assert.ok(answered >= 64 && answered <= 300, String(answered));
});

test("a plugin that crashes in a loop stays down and says so", async () => {
  await using bench = await start({ fine: FINE, exit: `() => process.exit(9)` });
  const down = bench.next("crash loop");
  for (let crash = 1; crash <= 5; crash += 1) {
    const back = bench.next("running");
    await assert.rejects(bench.call("exit"));
    if (crash < 5) await back;
  }
  const { end } = await down;
  assert.match(end.message, /exit 9/);
  await assert.rejects(bench.call("fine"), { code: "crash_loop" });
});

test("a plugin has no network, no processes and no files but its own", async () => {
  const tryImport = (module: string): string =>
    `async () => { try { await import("${module}"); return "open"; } catch (error) { return error.code ?? error.message; } }`;
  await using bench = await start({
    net: tryImport("node:net"),
    http: tryImport("https"),
    child: tryImport("node:child_process"),
    builtin: `() => { try { process.getBuiltinModule("node:net"); return "open"; } catch (error) { return error.code; } }`,
    files: `async () => { const { readFileSync } = await import("node:fs"); try { readFileSync("/etc/hostname"); return "open"; } catch (error) { return error.code; } }`,
    environment: `() => Object.keys(process.env).toSorted().join()`,
    fetch: `() => typeof fetch`,
  });
  for (const tool of ["net", "http", "child", "builtin"]) assert.equal(await bench.call(tool), "denied", tool);
  assert.equal(await bench.call("files"), "ERR_ACCESS_DENIED");
  assert.equal(await bench.call("fetch"), "undefined");
  assert.doesNotMatch(JSON.stringify(await bench.call("environment")), /TUTTI|HOME|PATH/);
});

test("a plugin does not reach Node's inside by another name", async () => {
  const tryImport = (module: string): string =>
    `async () => { try { await import("${module}"); return "open"; } catch (error) { return error.code ?? error.message; } }`;
  const refusing = (code: string): string => `() => { try { ${code}; return "open"; } catch (error) { return error.code; } }`;
  await using bench = await start({
    client: tryImport("node:_http_client"),
    wrap: tryImport("_tls_wrap"),
    module: tryImport("node:module"),
    trace: tryImport("node:trace_events"),
    path: tryImport("node:path"),
    kill: refusing("process.kill(process.pid, 0)"),
    debug: refusing("process._debugProcess(1)"),
    binding: refusing('process.binding("tcp_wrap")'),
    open: refusing('process.dlopen({}, "/x.node")'),
  });
  for (const tool of ["client", "wrap", "module", "trace", "kill", "debug", "binding", "open"])
    assert.equal(await bench.call(tool), "denied", tool);
  assert.equal(await bench.call("path"), "open");
});

test("a plugin is behind a wall: it sees no other process, no network and no files but its own", async () => {
  // Bubblewrap is there wherever these tests run.
  assert.deepEqual(await findWall(), { kind: "namespaces" });
  await using bench = await start({
    pids: `() => [process.pid, process.ppid]`,
    status: `async () => (await import("node:os")).networkInterfaces()`,
  });
  const [pid = 0, parent = 0] = (await bench.call("pids")) as readonly number[];
  assert.ok(pid < 10 && parent < pid, `wanted the small numbers of an own space, got ${pid} and ${parent}`);
  assert.ok(Object.keys((await bench.call("status")) as object).every((name) => name === "lo"));
});

test("behind the wall a program without Node's permission model harms nobody either", async () => {
  const wall = await findWall();
  const folder = await realpath(await mkdtemp(join(tmpdir(), "tutti-plugin-")));
  const program = `
    const said = {};
    try { process.kill(${process.pid}, 0); said.kill = "open"; } catch (error) { said.kill = error.code; }
    try { require("node:fs").writeFileSync("x", ""); said.write = "open"; } catch (error) { said.write = error.code; }
    try { require("node:fs").readFileSync("/etc/hostname"); said.read = "open"; } catch (error) { said.read = error.code; }
    require("node:net").connect(${process.debugPort}, "192.0.2.1").on("error", (error) => { said.net = error.code; console.log(JSON.stringify(said)); });`;
  const { file, args } = behind(wall, { file: process.execPath, args: ["-e", program] }, { reads: [folder], writes: [], folder });
  const { stdout } = await promisify(execFile)(file, [...args]);
  assert.deepEqual(JSON.parse(stdout), { kill: "ESRCH", write: "EROFS", read: "ENOENT", net: "ENETUNREACH" });
  await rm(folder, { recursive: true });
});

test("what does not hold without namespaces is said", () => {
  assert.deepEqual(gapsOf({ kind: "namespaces" }), []);
  assert.match(gapsOf({ kind: "none" }).join(), /can end Tutti/);
});

test("an entry that does not start is refused with why, and leaves no process", async () => {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "tutti-plugin-")));
  const entry = join(folder, "index.mjs");
  const spec = {
    name: "broken",
    folder,
    entry,
    settings: {},
    memoryMb: 160,
    reads: [],
    writes: [],
    timing: { startMs: 20_000, hangMs: 4_000, watchMs: 100 },
  };
  const services = { ask: async () => null, tell: () => undefined };
  const cases: readonly (readonly [source: string, why: RegExp])[] = [
    ["export const nothing = 1;", /wanted an entry that exports init\(host\), got one with nothing/],
    ["export const init = () => { throw new Error('not today'); };", /not today/],
    ["export const init = () => ({ workflows: [] });", /got workflows as code; write them as graphs/],
    ["export const init = () => ({ tools: [{ name: 'a b', run() {} }] });", /tools\.0\.name: wanted 1 to 64 letters/],
    ["export const init = () => { for (;;); };", /has not answered/],
    ["this is no JavaScript", /Unexpected|does not start|ended/],
  ];
  for (const [source, why] of cases) {
    await writeFile(entry, source);
    await assert.rejects(PluginRunner.start({ spec, services, listener: () => undefined }, NEVER), { message: why }, source);
  }
  await rm(folder, { recursive: true });
});
