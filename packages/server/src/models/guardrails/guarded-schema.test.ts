import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json } from "@tutti/core";
import { collect, type ModelPart } from "@tutti/core/model";
import { session, asks, answer, these, received } from "./guard-trial.ts";
import { type GuardConfig } from "./index.ts";

const PERSON: Json = {
  type: "object",
  properties: { name: { type: "string", pattern: "^[A-Z]" }, age: { type: "integer" } },
  required: ["name", "age"],
  additionalProperties: false,
};
const SCHEMA: GuardConfig = { id: "json", check: "schema", schema: PERSON, where: ["output"], action: "block", repairsMax: 2 };

test("JSON that fits goes on, and broken JSON is mended here", async () => {
  for (const text of [
    '{"name":"Ada","age":36}',
    '```json\n{"name": "Ada", "age": 36,}\n```',
    "{name: 'Ada', age: 36",
    'Here you are:\n{"name":"Ada","age":36}\nAnything else?',
  ]) {
    const out = await received(session(SCHEMA), [text.slice(0, 7), text.slice(7)]);
    assert.deepEqual(JSON.parse(out), { name: "Ada", age: 36 }, text);
  }
});

test("what cannot be mended is asked for again, with what is wrong, so often and no more; all attempts are paid for", async () => {
  const problems: string[] = [];
  const guards = session(SCHEMA);
  const again = (said: string, problem: string): AsyncIterable<ModelPart> => {
    problems.push(`${said} ${problem}`);
    return answer([problems.length === 1 ? '{"name":"ada","age":36}' : '{"name":"Ada","age":36}']);
  };
  const reply = await collect(guards.output(answer(["I do not know"]), again));
  assert.equal(reply.content, '{"name":"Ada","age":36}');
  assert.deepEqual(reply.usage, { inputTokens: 30, outputTokens: 15 });
  assert.deepEqual(problems, ["I do not know it is not JSON", '{"name":"ada","age":36} $.name: it must match ^[A-Z]']);
  assert.deepEqual(
    guards.findings.map(({ what, action, count }) => [what, action, count]),
    [["an answer that was asked for again", "annotate", 2]],
  );
});

test("an answer that never fits is refused, or noted", async () => {
  const wrong = (): AsyncIterable<ModelPart> => answer(['{"name":7}']);
  await assert.rejects(collect(session(SCHEMA).output(wrong(), wrong)), { code: "denied", message: /does not fit its schema/ });
  const noted = session({ ...SCHEMA, action: "annotate" } as GuardConfig);
  assert.equal((await collect(noted.output(wrong()))).content, '{"name":7}');
});

test("without a schema of its own, the guard holds answers to the one that the request asks for, and leaves tool calls alone", async () => {
  const config: GuardConfig = { id: "json", check: "schema", where: ["output"], action: "block" };
  const guards = session(config);
  guards.input({ ...asks("Who?"), format: { type: "schema", name: "person", schema: PERSON } });
  await assert.rejects(collect(guards.output(answer(["Ada"]))), { code: "denied" });
  const call: ModelPart = { type: "call", call: { id: "1", name: "find", input: {} } };
  const reply = await collect(guards.output(these({ type: "text", text: "Let me look." }, call)));
  assert.deepEqual([reply.content, reply.calls.length], ["Let me look.", 1]);
  const plain = session(config);
  plain.input(asks("Who?"));
  assert.equal(await received(plain, ["Ada"]), "Ada");
});
