import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { RunDetails } from "@tutti/client";
import type { Event, Json, RunRecord } from "@tutti/core";
import { GATED_PLUGIN, startGate, type Gate } from "../testing/gate.ts";
import { openWorkplace, type Workplace } from "../testing/tutti-process.ts";

const STEPS = ["first", "a1", "a2", "b1", "b2", "c1", "c2", "last"];

let place: Workplace;

before(async () => {
  place = await openWorkplace({ "package.json": '{"type": "module"}' });
  await mkdir(join(place.dir, "plugin"));
  await writeFile(join(place.dir, "plugin", "index.js"), GATED_PLUGIN);
});

after(() => place[Symbol.asyncDispose]());

interface RunDocument {
  readonly run: RunRecord;
  readonly url: string;
  readonly output?: Json;
  readonly error?: { readonly code: string };
  readonly receipt: { readonly valid: boolean };
}

const gatedArgs = (gate: Gate): readonly string[] => [
  "run",
  "plugin",
  "--workflow",
  "gated",
  "--input",
  JSON.stringify({ gate: gate.url }),
];

async function eventsOf(runId: string): Promise<readonly Event[]> {
  return (await place.json<RunDetails & { readonly events: readonly Event[] }>(["runs", "show", runId])).events;
}

const completed = (events: readonly Event[]): readonly string[] =>
  events.flatMap((event) => (event.type === "step.completed" ? [event.name] : []));

test("a workflow of a plugin's folder runs, and tells its steps, result, URL and receipt", async () => {
  await using gate = await startGate();
  const { stdout, stderr, code } = await place.run(gatedArgs(gate));
  assert.match(stdout, /^gated 1 {2}run ([0-9a-f-]{36})\n {2}✓ first {2}[\d.]+ m?s\n/);
  for (const step of STEPS) assert.match(stdout, new RegExp(`^ {2}✓ ${step} `, "m"));
  assert.match(
    stdout,
    /\nResult\n\[\n {2}"first",[^]*\n\nReceipt {2}\d+ events, head [0-9a-f]{16}… {2}✓ verified\nRun {6}http:\/\/127\.0\.0\.1:0\/v1\/runs\/[0-9a-f-]{36}/,
  );
  assert.deepEqual([stderr, code], ["", 0]);
  const document = JSON.parse((await place.run([...gatedArgs(gate), "--json"])).stdout) as RunDocument;
  assert.deepEqual([document.output, document.receipt.valid, document.run.status], [STEPS, true, "completed"]);
});

test("a run killed again and again goes on where it was, and no completed step is done again", async () => {
  await using gate = await startGate();
  const args = [...gatedArgs(gate), "--json"];
  let runId = "";
  let done: readonly string[] = [];
  for (const passing of [1, 2, 3]) {
    gate.pass(passing);
    const victim = place.start(args);
    await gate.held();
    victim.child.kill("SIGKILL");
    assert.equal((await victim.ended).signal, "SIGKILL");
    const { runs } = await place.json<{ readonly runs: readonly RunRecord[] }>([
      "runs",
      "list",
      "--workflow",
      "gated",
      "--status",
      "running",
    ]);
    assert.equal(runs.length, 1);
    runId = runs[0]?.id ?? "";
    const now = completed(await eventsOf(runId));
    assert.deepEqual(now.slice(0, done.length), done);
    done = now;
  }
  assert.ok(done.length >= 3, `only ${done.join(", ")} were done when the last process was killed`);
  const seen = gate.arrivals.length;
  gate.pass(Number.POSITIVE_INFINITY);
  const { stdout, code } = await place.run(gatedArgs(gate));
  assert.ok(stdout.startsWith(`Continuing run ${runId} after ${done.length} completed steps, the last was ${done.at(-1) ?? ""}`), stdout);
  assert.equal(code, 0);
  for (const step of done) assert.ok(!gate.arrivals.slice(seen).includes(step), `${step} was done again`);
  assert.deepEqual(completed(await eventsOf(runId)).toSorted(), STEPS.toSorted());
  assert.equal((await place.run(["receipt", runId])).code, 0);
});

test("--new starts another run beside an unfinished one, and another input is another run", async () => {
  await using gate = await startGate();
  gate.pass(1);
  const victim = place.start(gatedArgs(gate));
  await gate.held();
  victim.child.kill("SIGKILL");
  await victim.ended;
  gate.pass(Number.POSITIVE_INFINITY);
  assert.match((await place.run([...gatedArgs(gate), "--new"])).stdout, /^gated 1 {2}run /);
  assert.match((await place.run(["run", "gated", "--input", JSON.stringify({ gate: gate.url, other: true })])).stdout, /^gated 1 {2}run /);
  assert.match((await place.run(["run", "gated", "--input", JSON.stringify({ gate: gate.url })])).stdout, /^Continuing run /);
});

test("Ctrl-C leaves the run to be continued and ends with 130", async () => {
  await using gate = await startGate();
  gate.pass(1);
  const started = place.start(gatedArgs(gate), { env: { TUTTI_SHUTDOWN_GRACE_MS: "0" } });
  await gate.held();
  started.child.kill("SIGINT");
  const { stderr, code } = await started.ended;
  assert.match(stderr, /^Stopped\. The same command goes on where the run was\.\ntutti: .* \[cancelled\]\n$/);
  assert.equal(code, 130);
  gate.pass(Number.POSITIVE_INFINITY);
  assert.match((await place.run(gatedArgs(gate))).stdout, /^Continuing run [^]*✓ verified/);
});

test("a run that fails says why in one line and ends with 1", async () => {
  const { stdout, stderr, code } = await place.run(["run", "plugin", "--workflow", "failing"]);
  assert.match(stderr, /^tutti: .*it broke.* \[\w+\]\n$/);
  assert.match(stdout, /✗ break failed \(attempt 1\)[^]*✓ verified/);
  assert.equal(code, 1);
  const json = await place.run(["run", "failing", "--json"]);
  assert.deepEqual([json.stderr, json.code, (JSON.parse(json.stdout) as RunDocument).run.status], ["", 1, "failed"]);
});

test("what is to be run must be there, and be one thing", async () => {
  const cases: readonly (readonly [args: readonly string[], line: RegExp, code: number])[] = [
    [["run", "nothing"], /^tutti: wanted a workflow or agent called "nothing".*\[not_found\]\n$/, 1],
    [["run", "./nothing"], /^tutti: wanted a plugin's folder or module, got .*nothing, which is not there \[not_found\]\n$/, 1],
    [
      ["run", "plugin"],
      /^tutti: wanted one workflow of the plugin "gated", got no choice; choose with --workflow: gated, failing, waiting, hostile.*\[usage\]\n$/,
      2,
    ],
    [["run", "plugin", "--workflow", "other"], /got "other"; choose with --workflow: gated/, 2],
    [["run", ".."], /^tutti: .*\[(denied|not_found|invalid_input)\]\n$/, 1],
    [["run", "gated", "--detach"], /^tutti: wanted a running Tutti to leave the run to, got none.*\[unsupported\]\n$/, 1],
  ];
  for (const [args, line, wantedCode] of cases) {
    const { stderr, code } = await place.run(args);
    assert.match(stderr, line);
    assert.equal(code, wantedCode, args.join(" "));
  }
});

test("a workflow that has changed pauses its unfinished run, and --new starts over", async () => {
  await using other = await openWorkplace({ "package.json": '{"type": "module"}' });
  await using gate = await startGate();
  await mkdir(join(other.dir, "plugin"));
  await writeFile(join(other.dir, "plugin", "index.js"), GATED_PLUGIN);
  gate.pass(1);
  const victim = other.start(gatedArgs(gate));
  await gate.held();
  victim.child.kill("SIGKILL");
  await victim.ended;
  gate.pass(Number.POSITIVE_INFINITY);
  await writeFile(join(other.dir, "plugin", "index.js"), GATED_PLUGIN.replace('"first"', '"renamed"'));
  for (let attempt = 1; attempt <= 2; attempt += 1) {
    const { stdout, stderr, code } = await other.run(gatedArgs(gate));
    assert.match(stdout, /^Continuing run /);
    assert.match(stderr, /^tutti: .*; --new starts another run \[workflow_changed\]\n$/);
    assert.equal(code, 1);
  }
  assert.equal((await other.run([...gatedArgs(gate), "--new"])).code, 0);
});

test("nothing that a workflow names or returns can act on the terminal", async () => {
  const { runId } = { runId: (await place.json<RunDocument>(["run", "plugin", "--workflow", "hostile"])).run.id };
  for (const args of [
    ["runs", "show", runId],
    ["runs", "watch", runId],
    ["receipt", runId],
    ["receipt", runId, "--full"],
    ["runs", "show", runId, "--json"],
    ["run", "hostile", "--new"],
  ]) {
    const { stdout, stderr } = await place.run(args);
    assert.ok(stdout.includes("evil"), args.join(" "));
    assert.doesNotMatch(stdout + stderr, /[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u202E]/, args.join(" "));
  }
});
