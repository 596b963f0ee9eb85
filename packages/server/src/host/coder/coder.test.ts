import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestApp, type TestApp } from "../../testing.ts";
import { startOpenAiUpstream } from "../../testing/openai-upstream.ts";
import type { CoderOutput } from "./coder-workflow.ts";

const TESTS = [
  "import unittest",
  "from solution import fib",
  "class Fib(unittest.TestCase):",
  "    def test_small(self):",
  "        self.assertEqual([fib(n) for n in range(7)], [0, 1, 1, 2, 3, 5, 8])",
].join("\n");
const GOOD = "def fib(n):\n    a, b = 0, 1\n    for _ in range(n):\n        a, b = b, a + b\n    return a\n";
const BAD = "def fib(n):\n    return n\n";
const answer = (code: string, tests = TESTS): string => JSON.stringify({ code, tests });

/** An app whose default model says these things, one after the other, and whose policy lets the coder run Python. */
async function coding(says: readonly string[], overrides: Parameters<typeof startTestApp>[0] = {}) {
  const stack = new AsyncDisposableStack();
  const seen: string[] = [];
  const upstream = stack.use(
    await startOpenAiUpstream((body) => {
      const { content } = body.messages.at(-1) ?? {};
      seen.push(typeof content === "string" ? content : JSON.stringify(content));
      return { type: "text", pieces: [says[seen.length - 1] ?? "nothing more"] };
    }),
  );
  const app = stack.use(
    await startTestApp({
      modelBaseUrl: upstream.baseUrl,
      model: "test-model",
      toolsAllow: ["python_exec"],
      taintExceptions: [{ id: "coder", tools: ["python_exec"], after: ["python_exec"], workflows: ["coder"] }],
      sandbox: "auto",
      sandboxLevel: "soft",
      ...overrides,
    }),
  );
  return { app, seen, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

interface QueryAnswer {
  readonly status: number;
  readonly body: { readonly runId: string; readonly output: CoderOutput; readonly code?: string; readonly detail?: string };
}

async function query(app: TestApp, body: unknown): Promise<QueryAnswer> {
  const response = await app.fetch("/query", body);
  return { status: response.status, body: (await response.json()) as QueryAnswer["body"] };
}

test("generate_code answers with code that the sandbox has run and its tests", async () => {
  await using world = await coding([answer(GOOD)]);
  const { status, body } = await query(world.app, { intent: "generate_code", text: "Write fib(n)." });
  assert.equal(status, 200, JSON.stringify(body));
  const { passed, code, exitCode, stdout, stderr, tests, attempts } = body.output;
  assert.deepEqual(
    { passed, code, exitCode, stdout, tests: { ...tests, code: "" } },
    { passed: true, code: GOOD, exitCode: 0, stdout: "", tests: { code: "", ran: 1, failed: 0 } },
  );
  assert.match(stderr, /test_small.*ok/s);
  assert.equal(attempts.length, 1);
});

test("what fails is shown to the model, which mends it; the attempts are told", async () => {
  await using world = await coding(["Sure, here you are!", answer(BAD), `\`\`\`json\n${answer(GOOD)}\n\`\`\``]);
  const { body } = await query(world.app, { intent: "generate_code", text: "Write fib(n)." });
  assert.equal(body.output.passed, true);
  assert.deepEqual(
    body.output.attempts.map(({ passed, reason, tests }) => [passed, reason, tests]),
    [
      [false, "answer", null],
      [false, "exit", { ran: 1, failed: 1 }],
      [true, "exit", { ran: 1, failed: 0 }],
    ],
  );
  assert.match(world.seen[1] ?? "", /could not be read: wanted one JSON object/);
  assert.match(world.seen[2] ?? "", /tests did not pass.*FAIL: test_small/s);
});

test("the repairs are bounded: the last attempt is the answer, with what went wrong", async () => {
  await using world = await coding([answer(BAD), answer("import sys\nsys.exit(3)"), answer(GOOD, "x = 1"), answer(GOOD)]);
  const { body } = await query(world.app, { intent: "generate_code", text: "Write fib(n)." });
  assert.equal(world.seen.length, 3);
  assert.partialDeepStrictEqual(body.output, { passed: false, exitCode: 1, tests: { ran: 0, failed: 0 } });
  assert.deepEqual(
    body.output.attempts.map(({ exitCode }) => exitCode),
    [1, 3, 1],
  );
});

test("an answer that is never code with tests is an error that says so, and runs nothing", async () => {
  await using world = await coding(["no", '{"code": "x = 1"}', '{"code": "x", "tests": "y", "more": 1}']);
  const { status, body } = await query(world.app, { intent: "generate_code", text: "Write fib(n)." });
  assert.equal(status, 502);
  assert.match(body.detail ?? "", /wanted code and tests as one JSON object.*Unrecognized key/s);
});

test("the coder obeys policy as any other: what is not allowed is denied, what is asked about waits for a person", async () => {
  await using denied = await coding([answer(GOOD)], { toolsAllow: [] });
  assert.equal((await query(denied.app, { intent: "generate_code", text: "x" })).body.code, "denied");
  const asks = {
    name: "asks",
    policies: [
      ({ resource }: { readonly resource: string }) =>
        resource === "python_exec" ? ({ effect: "ask", reason: "look first", rule: "code" } as const) : undefined,
    ],
  };
  await using asked = await coding([answer(GOOD)], { inlinePlugins: [asks] });
  const waiting = await query(asked.app, { intent: "generate_code", text: "x" });
  assert.equal(waiting.status, 202);
  const { runId } = waiting.body;
  const [wait] = await asked.app.app.store.waits({ runId, kind: "approval", limit: 1 });
  await asked.app.fetch(`/v1/runs/${runId}/approvals/${wait?.key ?? ""}`, { approved: true });
  const output = (await asked.app.app.engine.result(runId, new AbortController().signal)) as unknown as CoderOutput;
  assert.equal(output.passed, true);
});

test("without a model, and for an intent that nobody knows, the error says what to do", async () => {
  await using app = await startTestApp();
  assert.equal((await query(app, { intent: "generate_code", text: "x" })).body.code, "no_model");
  const unknown = await query(app, { intent: "dance", text: "x" });
  assert.deepEqual([unknown.status, unknown.body.code], [400, "invalid_input"]);
  assert.match(unknown.body.detail ?? "", /got "dance"; there are: .*generate_code/);
});
