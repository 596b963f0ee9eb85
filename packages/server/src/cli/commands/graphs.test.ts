import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createClient } from "@tutti/client";
import type { RunRecord } from "@tutti/core";
import { openWorkplace, type Workplace } from "../testing/tutti-process.ts";

const GOOD = `name: sum
description: Adds and asks
input: { type: object, properties: { n: { type: number } }, required: [n] }
nodes:
  add: { type: tool, tool: safe_calc, input: { expression: "\${ string(input.n) } + 1" } }
  odd: { type: condition, if: "\${ input.n % 2 == 1 }" }
  left: { type: transform, value: "\${ nodes.add.output.result } is even" }
  right: { type: map, items: [1, 2], do: { nodes: { one: { type: transform, value: "\${ item }" } } } }
edges:
  - { from: add, to: odd }
  - { from: odd, to: left, case: true }
  - { from: odd, to: right, case: false }
`;

const GATED = `name: gated
nodes: { gate: { type: wait, signal: go }, end: { type: transform, value: old } }
edges: [{ from: gate, to: end }]
`;

let place: Workplace;

before(async () => {
  place = await openWorkplace({
    "good.yaml": GOOD,
    "bad.yaml": GOOD.replace("to: odd", "to: add\\u001b").replace("safe_calc", "safe_cal"),
    "gated.yaml": GATED,
    "changes.yaml": "changes:\n  - { do: replace, id: end, node: { type: transform, value: new } }\n",
  });
});

after(() => place[Symbol.asyncDispose]());

describe("tutti graphs", () => {
  test("check says that a graph can run, or everything that is wrong with it and where", async () => {
    assert.match((await place.run(["graphs", "check", "good.yaml"])).stdout, /✓ good\.yaml can run: 4 nodes, 3 edges\n/);
    const { stdout, code } = await place.run(["graphs", "check", "bad.yaml"]);
    assert.equal(code, 1);
    assert.match(
      stdout,
      /^bad\.yaml:5:28 {2}wanted a tool that is installed, got "safe_cal", which is none; did you mean "safe_calc"\?\n {4}5 \| {3}add: [^\n]*\n {6}\| +\^\n/,
    );
    assert.match(stdout, /bad\.yaml:10:22 {2}wanted a node/);
    assert.match(stdout, /\n✗ 3 problems\n$/);
    assert.doesNotMatch(stdout, /[\u0000-\u0009\u000B-\u001F\u007F-\u009F]/);
    assert.equal((await place.run(["graphs", "check", "nowhere.yaml"])).code, 2);
  });

  test("show draws a graph", async () => {
    const { stdout } = await place.run(["graphs", "show", "good.yaml"]);
    assert.deepEqual(stdout.trimEnd().split("\n"), [
      "sum 1  Adds and asks",
      "",
      "●    add    tool safe_calc",
      "●    odd    condition ${ input.n % 2 == 1 }  (true → left, false → right)",
      "├─╮",
      "● │  left   transform",
      "  ●  right  map of 1 nodes",
      "",
      "inside right",
      "●  one  transform",
    ]);
    assert.match((await place.run(["graphs", "show", "good.yaml"], { env: { LANG: "C" } })).stdout, /\* {4}odd [^]*\+-\+\n\* \| {2}left/);
  });

  test("run runs a graph and shows where each node came to stand", async () => {
    const { stdout, code } = await place.run(["graphs", "run", "good.yaml", "--input", '{"n": 3}']);
    assert.equal(code, 0);
    assert.match(
      stdout,
      /✓ completed {2}odd [^]*✓ completed {2}left [^]*– skipped {4}right [^]*Result\n\{\n {2}"left": "4 is even"\n\}\n$/,
    );
    const refused = await place.run(["graphs", "run", "good.yaml", "--input", "{}"]);
    assert.match(refused.stderr, /n: .*\[invalid_input\]/);
  });

  test("amend changes a run that waits, and says why it does not change one that has ended", async () => {
    await using other = await openWorkplace({
      "gated.yaml": GATED,
      "changes.yaml": "changes:\n  - { do: replace, id: end, node: { type: transform, value: new } }\n  - { do: remove, id: gate }\n",
    });
    const server = other.start(["up"]);
    await server.printed("http://127.0.0.1:");
    const { run } = await other.json<{ readonly run: RunRecord }>(["graphs", "run", "gated.yaml", "--detach"]);
    const past = await other.run(["graphs", "amend", run.id, "changes.yaml"]);
    assert.match(past.stderr, /^tutti: changes\.yaml:2:3: gate has begun and cannot be taken out any more; put it back \[conflict\]\n/);
    assert.match(
      (await other.run(["graphs", "show", run.id])).stdout,
      /… waiting {4}gate {2}wait for go {2}waits for the signal go\n● {2}· pending {4}end /,
    );
    await other.run(["runs", "cancel", run.id]);
    assert.match((await other.run(["graphs", "amend", run.id, "changes.yaml"])).stderr, /which is cancelled; start a new run \[conflict\]/);
    server.child.kill("SIGTERM");
    await server.ended;
  });

  test("an amendment that was taken is there after the server was killed", async () => {
    await using other = await openWorkplace({
      "gated.yaml": GATED,
      "changes.yaml": "changes:\n  - { do: replace, id: end, node: { type: transform, value: new } }\n",
    });
    const first = other.start(["up"]);
    await first.printed("http://127.0.0.1:");
    const { run } = await other.json<{ readonly run: RunRecord }>(["graphs", "run", "gated.yaml", "--detach"]);
    assert.match(
      (await other.run(["graphs", "amend", run.id, "changes.yaml"])).stdout,
      /^✓ run [-0-9a-f]+ is amended\n {2}replaced {5}end\n$/,
    );
    first.child.kill("SIGKILL");
    await first.ended;
    const second = other.start(["up"]);
    const [url = ""] = /http:\/\/127\.0\.0\.1:\d+/.exec(await second.printed("http://127.0.0.1:")) ?? [];
    const client = createClient({ baseUrl: url, token: "a-token-for-tests-only" });
    await client.signalRun(run.id, { name: "go", value: null });
    for await (const _ of client.watchRun({ runId: run.id, afterSeq: 0 }));
    assert.equal((await client.run(run.id)).output, "new");
    second.child.kill("SIGTERM");
    await second.ended;
  });

  test("a saved graph has a history, its versions are told apart, and it runs by its name until the name is given up", async () => {
    assert.match((await place.run(["graphs", "list"])).stdout, /tutti graphs save NAME FILE/);
    await writeFile(join(place.dir, "sum2.yaml"), GOOD.replace("is even", "is not odd"));
    await place.json(["graphs", "save", "sum", "good.yaml", "--message", "a beginning"]);
    const { stdout } = await place.run(["graphs", "save", "sum", "sum2.yaml", "--if-version", "1"]);
    assert.match(stdout, /^✓ sum is saved as version 2 {2}[0-9a-f]{12}\n$/);
    assert.match((await place.run(["graphs", "list"])).stdout, /\nsum {2,}2 /);
    assert.match((await place.run(["graphs", "history", "sum"])).stdout, /\nsum .* 2 [^]*\nsum .* 1 .* a beginning\n$/);
    assert.match((await place.run(["graphs", "diff", "sum"])).stdout, /^sum {2}1 → 2\n {2}replaced +left\n$/);
    const details = await place.json<{ readonly output: unknown }>(["graphs", "run", "sum", "--input", '{"n": 1}']);
    assert.match(JSON.stringify(details.output), /2 is not odd/);
    assert.equal((await place.run(["graphs", "save", "sum", "bad.yaml"])).code, 1);
    const late = await place.run(["graphs", "save", "sum", "good.yaml", "--if-version", "1"]);
    assert.deepEqual([late.code, /\[conflict\]/.test(late.stderr)], [1, true]);
    await place.json(["graphs", "delete", "sum"]);
    assert.equal((await place.run(["graphs", "history", "sum"])).code, 1);
  });
});
