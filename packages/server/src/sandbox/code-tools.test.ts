import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { startTestApp } from "../testing.ts";

const TOOLS = ["python_eval", "python_exec", "js_exec"];
const on = { sandbox: ["bubblewrap", "landlock"], sandboxLevel: "soft", toolsAllow: TOOLS } as const;

const executed = z.object({ runId: z.string(), output: z.record(z.string(), z.unknown()) });

test("code runs over HTTP, and the receipt and /health say where, under the same promises", async () => {
  await using app = await startTestApp(on);
  const before = z.object({ sandbox: z.object({ status: z.string() }) }).parse(await (await app.fetch("/health")).json());
  assert.equal(before.sandbox.status, "untested");
  const code = "print(6 * 7)\nopen('out.txt', 'w').write('made')";
  const { output, runId } = executed.parse(
    await (await app.fetch("/v1/tools/execute", { tool: "python_exec", input: { code, files: { "in.txt": "x" } } })).json(),
  );
  assert.equal(output["stdout"], "42\n");
  assert.deepEqual([output["reason"], output["exitCode"]], ["exit", 0]);
  assert.deepEqual(output["files"], [{ name: "out.txt", bytes: 4, text: "made" }]);
  const health = z.object({
    sandbox: z.object({ status: z.literal("ready"), promisesHash: z.string(), report: z.object({ backend: z.string() }) }),
  });
  const { sandbox } = health.parse(await (await app.fetch("/health")).json());
  const where = z.object({ backend: z.string(), promises: z.string() }).parse(output["sandbox"]);
  assert.deepEqual([where.backend, where.promises], [sandbox.report.backend, sandbox.promisesHash]);
  const events = await (await app.fetch(`/v1/runs/${runId}/events`)).text();
  assert.ok(events.includes(where.promises), "the run's log holds the hash");
});

test("an expression gives its value; TypeScript runs; a program that fails is an output, not an error", async () => {
  await using app = await startTestApp(on);
  const call = async (tool: string, input: unknown) =>
    executed.parse(await (await app.fetch("/v1/tools/execute", { tool, input })).json()).output;
  const value = await call("python_eval", { expression: "[2 ** 70, 'ä', {1, 2} == {2, 1}]" });
  assert.deepEqual([value["result"], value["value"]], ["[1180591620717411303424, 'ä', True]", [2 ** 70, "ä", true]]);
  const typed = await call("js_exec", {
    language: "typescript",
    code: "enum A { B = 41 }; const add = (n: number): number => n + 1; console.log(add(A.B))",
  });
  assert.equal(typed["stdout"], "42\n", String(typed["stderr"]));
  const failed = await call("python_exec", { code: "import socket\nsocket.socket()" });
  assert.equal(failed["exitCode"], 1);
  assert.match(JSON.stringify(failed["hint"]), /no network/);
  const endless = await call("js_exec", { code: "for (;;) {}", timeoutMs: 200 });
  assert.equal(endless["reason"], "timeout");
});

test("code execution is off until it is turned on, and denied until a policy allows it", async () => {
  await using off = await startTestApp({ toolsAllow: TOOLS });
  const refused = await off.fetch("/v1/tools/execute", { tool: "python_eval", input: { expression: "1" } });
  assert.match(await refused.text(), /TUTTI_SANDBOX=auto/);
  assert.deepEqual(((await (await off.fetch("/health")).json()) as { readonly sandbox: unknown }).sandbox, { status: "off" });
  await using denied = await startTestApp({ sandbox: "auto", sandboxLevel: "soft" });
  assert.equal((await denied.fetch("/v1/tools/execute", { tool: "python_eval", input: { expression: "1" } })).status, 403);
});

test("below the level that is set nothing runs, and the refusal says what each sandbox lacks", async () => {
  await using app = await startTestApp({ sandbox: ["landlock"], sandboxLevel: "hard", toolsAllow: TOOLS });
  const refused = await app.fetch("/v1/tools/execute", { tool: "python_eval", input: { expression: "1" } });
  assert.match(await refused.text(), /level .*hard.*landlock: promises .*soft.* at most/s);
});
