import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AppError } from "../error.ts";
import type { Json } from "../json.ts";
import type { Message, ModelRequest } from "../model.ts";
import { decodeChatRequest, encodeChatRequest } from "./chat-request.ts";

const plain = { noNullPrototype: true };
const content = fc.string({ unit: "binary" });
const json = fc.jsonValue({ depthSize: "small" }).map((value) => JSON.parse(JSON.stringify(value)) as Json);
const call = fc.record({ id: content, name: content, input: json }, plain);
const message: fc.Arbitrary<Message> = fc.oneof(
  fc.record({ role: fc.constantFrom("system", "user", "assistant"), content }, plain),
  fc.record({ role: fc.constant("assistant"), content, calls: fc.array(call, { minLength: 1, maxLength: 4 }) }, plain),
  fc.record({ role: fc.constant("tool"), content, callId: content }, plain),
);
const tool = fc.record({ name: content, description: content, parameters: fc.dictionary(content, json, plain) }, plain);
const request: fc.Arbitrary<ModelRequest> = fc.record(
  { messages: fc.array(message, { minLength: 1, maxLength: 6 }), tools: fc.array(tool, { minLength: 1, maxLength: 3 }) },
  { requiredKeys: ["messages"], noNullPrototype: true },
);

const hello = { model: "m", messages: [{ role: "user", content: "Hi" }] };

test("a request survives encoding, JSON and decoding", () => {
  fc.assert(
    fc.property(content, request, (model, wanted) => {
      const body: unknown = JSON.parse(JSON.stringify(encodeChatRequest(model, wanted)));
      assert.deepEqual(decodeChatRequest(body), { model, stream: true, includeUsage: true, request: wanted });
    }),
  );
});

test("whatever JSON is sent, the decoder reads it or throws an AppError", () => {
  const odd = fc.record(
    {
      model: json,
      messages: fc.oneof(
        json,
        fc.array(fc.record({ role: fc.constantFrom("user", "assistant", "tool", "x"), content: json, tool_calls: json })),
      ),
      tools: json,
      stream: json,
      stream_options: json,
      n: json,
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.oneof(json, odd), (body) => {
      try {
        decodeChatRequest(body);
      } catch (error) {
        assert.ok(error instanceof AppError, String(error));
      }
    }),
  );
});

test("arrays of text parts are joined, developer counts as system, and unknown fields and hints are left out", () => {
  const decoded = decodeChatRequest({
    model: "m",
    verbosity: "low",
    user: { unknown: true },
    messages: [
      {
        role: "developer",
        content: [
          { type: "text", text: "Be " },
          { type: "text", text: "brief." },
        ],
      },
      { role: "user", content: "Hi", name: "Ada" },
    ],
  });
  assert.deepEqual(decoded, {
    model: "m",
    stream: false,
    includeUsage: false,
    request: {
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: "Hi" },
      ],
    },
  });
});

test("an assistant turn that only calls tools has no content, and broken arguments stay text", () => {
  const calls = [
    { id: "1", type: "function", function: { name: "add", arguments: '{"a":1}' } },
    { id: "2", type: "function", function: { name: "add", arguments: '{"a":' } },
    { id: "3", type: "function", function: { name: "now", arguments: "" } },
    { id: "4", type: "function", function: { name: "deep", arguments: "[".repeat(300) + "]".repeat(300) } },
  ];
  const decoded = decodeChatRequest({ model: "m", messages: [{ role: "assistant", content: null, tool_calls: calls }] });
  assert.deepEqual(
    decoded.request.messages[0]?.calls?.map(({ input }) => input),
    [{ a: 1 }, '{"a":', {}, "[".repeat(300) + "]".repeat(300)],
  );
});

test("a tool without a description and parameters takes an empty object", () => {
  const tools = [{ type: "function", function: { name: "now" } }];
  assert.deepEqual(decodeChatRequest({ ...hello, tools }).request.tools, [
    { name: "now", description: "", parameters: { type: "object", properties: {} } },
  ]);
});

const misfits: readonly (readonly [string, unknown, string, string])[] = [
  ["a body that is no object", [], "invalid_input", "body"],
  ["no model", { messages: hello.messages }, "invalid_input", "model"],
  ["a model that is no string", { ...hello, model: 5 }, "invalid_input", "model"],
  ["no messages", { model: "m" }, "invalid_input", "messages"],
  ["an empty conversation", { model: "m", messages: [] }, "invalid_input", "messages"],
  ["a message that is no object", { model: "m", messages: ["Hi"] }, "invalid_input", "messages[0]"],
  ["an unknown role", { model: "m", messages: [{ role: "boss", content: "Hi" }] }, "invalid_input", "messages[0].role"],
  ["a message without content", { model: "m", messages: [{ role: "user" }] }, "invalid_input", "messages[0].content"],
  [
    "an assistant turn without content and calls",
    { model: "m", messages: [{ role: "assistant" }] },
    "invalid_input",
    "messages[0].content",
  ],
  [
    "a tool turn that answers no call",
    { model: "m", messages: [{ role: "tool", content: "4" }] },
    "invalid_input",
    "messages[0].tool_call_id",
  ],
  [
    "a part without text",
    { model: "m", messages: [{ role: "user", content: [{ type: "text" }] }] },
    "invalid_input",
    "messages[0].content[0].text",
  ],
  [
    "an image without a link",
    { model: "m", messages: [{ role: "user", content: [{ type: "image_url" }] }] },
    "invalid_input",
    "messages[0].content[0].image_url",
  ],
  [
    "arguments that are no string",
    { model: "m", messages: [{ role: "assistant", tool_calls: [{ id: "1", function: { name: "a", arguments: {} } }] }] },
    "invalid_input",
    "messages[0].tool_calls[0].function.arguments",
  ],
  ["a tool without a name", { ...hello, tools: [{ type: "function", function: {} }] }, "invalid_input", "tools[0].function.name"],
  [
    "parameters that are no schema",
    { ...hello, tools: [{ type: "function", function: { name: "a", parameters: 1 } }] },
    "invalid_input",
    "tools[0].function.parameters",
  ],
  ["stream as text", { ...hello, stream: "true" }, "invalid_input", "stream"],
  ["stream options as text", { ...hello, stream_options: "usage" }, "invalid_input", "stream_options"],
  ["several choices", { ...hello, n: 2 }, "unsupported", "n"],
  ["a tool choice that is no choice", { ...hello, tool_choice: "maybe" }, "invalid_input", "tool_choice"],
  [
    "a schema without a name",
    { ...hello, response_format: { type: "json_schema", json_schema: {} } },
    "invalid_input",
    "response_format.json_schema.name",
  ],
  ["functions, which tools replaced", { ...hello, functions: [] }, "unsupported", "functions"],
];

for (const [what, body, code, param] of misfits) {
  test(`${what} is refused as ${code}, and the error names the field`, () => {
    assert.throws(
      () => decodeChatRequest(body),
      (error) => {
        assert.ok(error instanceof AppError);
        assert.equal(error.code, code);
        assert.deepEqual(error.cause, { param });
        assert.ok(error.message.startsWith(`${param}: wanted `), error.message);
        return true;
      },
    );
  });
}
