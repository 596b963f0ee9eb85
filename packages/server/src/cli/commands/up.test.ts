import assert from "node:assert/strict";
import { createServer } from "node:net";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, stat, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import type { RunRecord } from "@tutti/core";
import { GATED_PLUGIN, startGate } from "../testing/gate.ts";
import { openWorkplace, type Started, type Workplace } from "../testing/tutti-process.ts";

interface Announcement {
  readonly url: string;
  readonly pid: number;
  readonly dataDir: string;
  readonly signInUrl: string;
  readonly token?: string;
}

async function openPlace(): Promise<Workplace> {
  const place = await openWorkplace({ "package.json": '{"type": "module"}' });
  await mkdir(join(place.dir, "plugin"));
  await writeFile(join(place.dir, "plugin", "index.js"), GATED_PLUGIN);
  return place;
}

async function announced(server: Started): Promise<Announcement> {
  return JSON.parse(await server.printed("}\n")) as Announcement;
}

test("up tells where it is, what is on and off, and the token once", async () => {
  await using place = await openPlace();
  const first = place.start(["up"], { env: { TUTTI_TOKEN: "" } });
  const banner = await first.printed("tutti chat holly");
  assert.match(
    banner,
    /^Tutti \d+\.\d+\.\d+ {2}http:\/\/127\.0\.0\.1:\d+\n {2}admin {2}http:\/\/127\.0\.0\.1:\d+\/admin\/\n {2}docs {3}http:\/\/127\.0\.0\.1:\d+\/docs\n {2}data {3}\/.*\.tutti\n {2}token {2}tutti_\S+ {2}\(shown this once/,
  );
  assert.match(banner, /\n {2}on {5}agents: holly\n/);
  assert.match(banner, /\n {2}off {4}models - set TUTTI_MODEL_BASE_URL /);
  const token = /tutti_\S+/.exec(banner)?.[0] ?? "";
  const url = /http:\S+/.exec(banner)?.[0] ?? "";
  const answer = await fetch(`${url}/v1/agents`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal(answer.status, 200);
  assert.equal((await stat(join(place.dir, ".tutti", "server.json"))).mode & 0o777, 0o600);
  first.child.kill("SIGTERM");
  const { stderr, code } = await first.ended;
  assert.match(stderr, /"graceMs":10000,"msg":"stopping: /);
  assert.equal(code, 0);
  assert.ok(!existsSync(join(place.dir, ".tutti", "server.json")));
  const second = place.start(["up", "--json"], { env: { TUTTI_TOKEN: "" } });
  assert.equal((await announced(second)).token, undefined);
  second.child.kill("SIGTERM");
  await second.ended;
});

test("up gives a link that signs a browser in once, and open gives another", async () => {
  await using place = await openPlace();
  const server = place.start(["up", "--json"]);
  const { url, signInUrl } = await announced(server);
  const opened = await place.json<{ readonly signInUrl: string }>(["open"]);
  for (const link of [signInUrl, opened.signInUrl]) {
    const [page, code] = link.split("#code=");
    assert.equal(page, `${url}/admin/`);
    const signIn = (): Promise<Response> =>
      fetch(`${url}/v1/session`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ code }) });
    assert.deepEqual([(await signIn()).status, (await signIn()).status], [201, 401]);
  }
  server.child.kill("SIGTERM");
  await server.ended;
  const nobody = await place.run(["open"]);
  assert.deepEqual([nobody.code, /start `tutti up` first/.test(nobody.stderr)], [2, true]);
});

test("a new token takes the old one's place at once", async () => {
  await using place = await openPlace();
  const server = place.start(["up", "--json"], { env: { TUTTI_TOKEN: "" } });
  const { url, token: old } = await announced(server);
  const rotated = await place.json<{ readonly token: string }>(["token", "rotate"], { env: { TUTTI_TOKEN: "" } });
  const statusOf = async (token = ""): Promise<number> =>
    (await fetch(`${url}/v1/runs`, { headers: { authorization: `Bearer ${token}` } })).status;
  assert.deepEqual([await statusOf(old), await statusOf(rotated.token)], [401, 200]);
  server.child.kill("SIGTERM");
  await server.ended;
});

test("a command before the first start makes no token: the first `up` does, and tells it", async () => {
  await using place = await openPlace();
  const { stdout, stderr } = await place.run(["runs", "list", "--json"], { env: { TUTTI_TOKEN: "" } });
  assert.deepEqual([JSON.parse(stdout), stderr], [{ runs: [], nextBefore: null }, ""]);
  const server = place.start(["up", "--json"], { env: { TUTTI_TOKEN: "" } });
  const { url, token } = await announced(server);
  assert.equal((await fetch(`${url}/v1/runs`, { headers: { authorization: `Bearer ${token}` } })).status, 200);
  server.child.kill("SIGTERM");
  await server.ended;
});

test("commands use the server that runs on their data folder, and a detached run goes on in it", async () => {
  await using place = await openPlace();
  await using gate = await startGate();
  const server = place.start(["up", "--json"]);
  const { url, pid, dataDir } = await announced(server);
  assert.deepEqual([pid, dataDir], [server.child.pid, join(place.dir, ".tutti")]);
  gate.pass(2);
  const args = ["run", "plugin", "--workflow", "gated", "--input", JSON.stringify({ gate: gate.url })];
  const detached = await place.json<{ readonly run: RunRecord; readonly url: string }>([...args, "--detach"]);
  assert.equal(detached.url, `${url}/v1/runs/${detached.run.id}`);
  await gate.held();
  const watching = place.start(["runs", "watch", detached.run.id, "--json"]);
  await watching.printed('"step.completed"');
  gate.pass(Number.POSITIVE_INFINITY);
  const { stdout, code } = await watching.ended;
  const types = stdout
    .trimEnd()
    .split("\n")
    .map((line) => (JSON.parse(line) as { readonly type: string }).type);
  assert.deepEqual([types[0], types.at(-1), code], ["run.started", "run.completed", 0]);
  server.child.kill("SIGTERM");
  await server.ended;
});

test("a run that waits is listed, cancelled, and ends with its reason", async () => {
  await using place = await openPlace();
  const server = place.start(["up", "--json"]);
  await announced(server);
  const { run } = await place.json<{ readonly run: RunRecord }>(["run", "plugin", "--workflow", "waiting", "--detach"]);
  assert.match(
    (await place.run(["runs", "list", "--status", "waiting,running"])).stdout,
    new RegExp(`^RUN .*\n${run.id} +(waiting|running) .* waiting\n$`),
  );
  assert.match((await place.run(["runs", "show", run.id])).stdout, /◁ go[^]*waiting {2}for the signal go\n/);
  assert.match((await place.run(["runs", "cancel", run.id, "--reason", "enough"])).stdout, new RegExp(`^run ${run.id} cancelled\n$`));
  const shown = await place.run(["runs", "show", run.id]);
  assert.match(shown.stdout, /\ncancelled {2}enough \[cancelled\]\n$/);
  const again = await place.run(["runs", "cancel", run.id]);
  assert.match(again.stderr, /^tutti: .*\[conflict\]\n$/);
  assert.equal(again.code, 1);
  server.child.kill("SIGTERM");
  await server.ended;
});

test("a killed server's runs go on when it is started again", async () => {
  await using place = await openPlace();
  await using gate = await startGate();
  const victim = place.start(["up", "--json"]);
  await announced(victim);
  gate.pass(3);
  const { run } = await place.json<{ readonly run: RunRecord }>([
    "run",
    "plugin",
    "--workflow",
    "gated",
    "--detach",
    "--input",
    JSON.stringify({ gate: gate.url }),
  ]);
  await gate.held();
  victim.child.kill("SIGKILL");
  await victim.ended;
  assert.match((await place.run(["runs", "watch", run.id])).stderr, /^Nobody is running it now: start `tutti up`/);
  gate.pass(Number.POSITIVE_INFINITY);
  const server = place.start(["up", "--json"]);
  await announced(server);
  assert.match((await place.run(["runs", "watch", run.id])).stdout, /▸ goes on[^]*✓ completed\n$/);
  server.child.kill("SIGTERM");
  await server.ended;
});

test("a second Tutti on the same port or the same data folder is refused in one line", async () => {
  await using place = await openPlace();
  const blocker = createServer().listen(0, "127.0.0.1");
  await once(blocker, "listening");
  const port = String((blocker.address() as AddressInfo).port);
  const taken = await place.run(["up", "--port", port]);
  assert.match(
    taken.stderr,
    new RegExp(`^tutti: wanted to listen on 127\\.0\\.0\\.1:${port}, got an address in use; .* \\[port_in_use\\]\n$`),
  );
  assert.deepEqual([taken.stdout, taken.code], ["", 1]);
  blocker.close();
  const server = place.start(["up", "--json"]);
  await announced(server);
  const second = await place.run(["up"]);
  assert.match(second.stderr, /^tutti: .* \[storage_in_use\]\n$/);
  assert.equal(second.code, 1);
  server.child.kill("SIGTERM");
  await server.ended;
});

test("up ends when the launcher that started it is gone", async () => {
  await using place = await openPlace();
  const server = place.start(["up", "--json"], { hasIpc: true });
  await announced(server);
  server.child.disconnect();
  assert.equal((await server.ended).code, 0);
});

test("a second signal ends up at once, and nothing is lost", async () => {
  await using place = await openPlace();
  await using gate = await startGate();
  const server = place.start(["up", "--json"], { env: { TUTTI_SHUTDOWN_GRACE_MS: "60000" } });
  await announced(server);
  gate.pass(1);
  const args = ["run", "plugin", "--workflow", "gated", "--input", JSON.stringify({ gate: gate.url })];
  await place.json([...args, "--detach"]);
  await gate.held();
  server.child.kill("SIGTERM");
  await server.printed("stopping: ", "stderr");
  server.child.kill("SIGTERM");
  assert.equal((await server.ended).code, 130);
  gate.pass(Number.POSITIVE_INFINITY);
  assert.match((await place.run(args)).stdout, /^Continuing run /);
});
