import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AppError } from "../error.ts";
import type { ModelPart } from "../model.ts";
import { decodeOllamaRequest, encodeOllamaPart, type OllamaForm } from "./ollama.ts";

const chat = (fields: object) => decodeOllamaRequest("chat", { model: "m", messages: [{ role: "user", content: "Hi" }], ...fields });

test("whatever is sent, it is read or refused", () => {
  const value = fc.oneof(fc.jsonValue(), fc.constantFrom("user", "assistant", "tool", "json", "m"));
  const message = fc.record({ role: value, content: value, images: value, tool_calls: value, tool_name: value }, { requiredKeys: [] });
  const fields = { model: value, messages: fc.array(message), prompt: value, tools: value, format: value, options: value, think: value };
  const body = fc.oneof(fc.jsonValue(), fc.record(fields, { requiredKeys: [] }));
  fc.assert(
    fc.property(fc.constantFrom<OllamaForm>("chat", "generate"), body, (form, given) => {
      try {
        decodeOllamaRequest(form, given);
      } catch (error) {
        assert.ok(error instanceof AppError && (error.code === "invalid_input" || error.code === "unsupported"), String(error));
      }
    }),
  );
});

test("answers are streamed unless they are not to be", () => {
  assert.deepEqual([chat({}).stream, chat({ stream: true }).stream, chat({ stream: false }).stream], [true, true, false]);
});

test("a tool's result answers the first open call of its name", () => {
  const call = (name: string) => ({ function: { name, arguments: { n: 1 } } });
  const messages = [
    { role: "user", content: "Hi" },
    { role: "assistant", content: "", tool_calls: [call("add"), call("now"), call("add")] },
    { role: "tool", tool_name: "now", content: "noon" },
    { role: "tool", tool_name: "add", content: "1" },
    { role: "tool", content: "2" },
  ];
  const decoded = chat({ messages }).request?.messages ?? [];
  const ids = decoded[1]?.calls?.map(({ id }) => id) ?? [];
  assert.equal(new Set(ids).size, 3);
  assert.deepEqual(
    decoded.slice(2).map(({ callId }) => callId),
    [ids[1], ids[0], ids[2]],
  );
  assert.throws(() => chat({ messages: [...messages, { role: "tool", tool_name: "add", content: "3" }] }), /messages\[5\]\.tool_name/);
});

test("options, formats, thinking and pictures are read", () => {
  const { request } = chat({
    messages: [{ role: "user", content: "What is this?", images: ["/9j/4AAQ"] }],
    options: { temperature: 0.5, top_k: 3, num_predict: -1, stop: ["x"], num_ctx: 4_096 },
    format: { type: "object" },
    think: "high",
  });
  assert.deepEqual(request?.sampling, { temperature: 0.5, topK: 3, stop: ["x"] });
  assert.equal(request?.outputTokensMax, undefined);
  assert.deepEqual(request?.format, { type: "schema", name: "answer", schema: { type: "object" } });
  assert.deepEqual(request?.reasoning, { effort: "high", isShown: true });
  assert.deepEqual(request?.messages[0]?.parts?.[1], { type: "image", media: { data: "/9j/4AAQ", mediaType: "image/jpeg" } });
});

test("every line of an answer is a line of JSON, and the last says what was used", () => {
  const parts: readonly ModelPart[] = [
    { type: "reasoning", text: "A greeting." },
    { type: "text", text: "Hello\nthere" },
    { type: "call", call: { id: "call_1", name: "add", input: { a: 1 } } },
    { type: "finish", reason: "tool_calls", usage: { inputTokens: 3, outputTokens: 2 } },
  ];
  const said = (form: OllamaForm): readonly object[] =>
    parts.map((part) => {
      const line = encodeOllamaPart(part, { form, model: "m", startedAtMs: 0 });
      assert.match(line, /^[^\n]+\n$/);
      return JSON.parse(line) as object;
    });
  assert.partialDeepStrictEqual(said("chat"), [
    { message: { role: "assistant", content: "", thinking: "A greeting." }, done: false },
    { message: { content: "Hello\nthere" } },
    { message: { tool_calls: [{ function: { name: "add", arguments: { a: 1 } } }] } },
    { done: true, done_reason: "stop", prompt_eval_count: 3, eval_count: 2 },
  ]);
  assert.partialDeepStrictEqual(said("generate"), [{ thinking: "A greeting." }, { response: "Hello\nthere" }]);
});
