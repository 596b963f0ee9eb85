import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json } from "@tutti/core";
import type { ModelRequest } from "@tutti/core/model";
import fc from "fast-check";
import { adaptRequest } from "./adapt.ts";

const request: ModelRequest = {
  messages: [
    { role: "system", content: "Be brief." },
    { role: "user", content: "Hi" },
  ],
};

const toolWith = (parameters: Json): ModelRequest => ({
  ...request,
  tools: [{ name: "t", description: "A tool.", parameters, strict: true }],
});
const plain = (parameters: Json): Json | undefined => adaptRequest(toolWith(parameters), { toolSchemas: "plain" }).tools?.[0]?.parameters;

test("the system prompt gets what a model wants before and after it, or is made of it", () => {
  const frame = { systemBefore: "You are small.", systemAfter: "Answer in English." };
  assert.equal(adaptRequest(request, frame).messages[0]?.content, "You are small.\n\nBe brief.\n\nAnswer in English.");
  const without = { messages: [{ role: "user", content: "Hi" } as const] };
  assert.deepEqual(adaptRequest(without, frame).messages[0], { role: "system", content: "You are small.\n\nAnswer in English." });
});

test("for models without a system turn, the user says it with the next turn, pictures and all", () => {
  const image = { type: "image", media: { url: "https://example.com/cat.png" } } as const;
  const shown: ModelRequest = {
    messages: [
      { role: "system", content: "Be brief." },
      { role: "user", content: "See:", parts: [{ type: "text", text: "See:" }, image] },
    ],
  };
  assert.deepEqual(adaptRequest(shown, { systemAs: "user" }).messages, [
    { role: "user", content: "Be brief.\n\nSee:", parts: [{ type: "text", text: "Be brief." }, { type: "text", text: "See:" }, image] },
  ]);
  assert.deepEqual(adaptRequest({ messages: [{ role: "system", content: "Go." }] }, { systemAs: "user" }).messages, [
    { role: "user", content: "Go." },
  ]);
});

test("plain schemas have their references in place and nothing that small models stumble over", () => {
  const schema = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    properties: {
      to: { $ref: "#/$defs/Place" },
      title: { type: "string", minLength: 3, pattern: "^[A-Z]", format: "uri", default: "x" },
      kind: { enum: ["a", "b"] },
    },
    required: ["to", "title"],
    additionalProperties: false,
    $defs: { Place: { type: "object", properties: { city: { type: "string", description: "Where." } } } },
  };
  assert.deepEqual(plain(schema), {
    type: "object",
    properties: {
      to: { type: "object", properties: { city: { type: "string", description: "Where." } } },
      title: { type: "string" },
      kind: { enum: ["a", "b"] },
    },
    required: ["to", "title"],
  });
  assert.equal(adaptRequest(toolWith(schema), { toolSchemas: "plain" }).tools?.[0]?.strict, undefined);
  assert.deepEqual(adaptRequest(toolWith(schema), {}).tools, toolWith(schema).tools);
});

test("schemas that hold themselves end, also when they grow in two directions", () => {
  const tree = {
    $ref: "#/$defs/T",
    $defs: { T: { type: "object", properties: { left: { $ref: "#/$defs/T" }, right: { $ref: "#/$defs/T" } } } },
  };
  assert.deepEqual(plain(tree), { type: "object", properties: { left: {}, right: {} } });
  const names = Array.from({ length: 40 }, (_, index) => `T${index}`);
  const $defs = Object.fromEntries(
    names.map((name, index) => [name, { properties: { a: { $ref: `#/$defs/T${index + 1}` }, b: { $ref: `#/$defs/T${index + 1}` } } }]),
  );
  assert.ok(JSON.stringify(plain({ $ref: "#/$defs/T0", $defs })).length < 1_000_000);
});

test("no schema makes it throw", () => {
  fc.assert(fc.property(fc.jsonValue(), (schema) => void plain(schema as Json)));
});
