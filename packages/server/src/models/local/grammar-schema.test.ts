import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { grammarSchemaOf } from "./grammar-schema.ts";

function converted(schema: unknown): unknown {
  const { $defs: _, ...part } = grammarSchemaOf([{ schema }]) as unknown as Readonly<Record<string, unknown>>;
  return part;
}

test("what a grammar can hold is kept, and what it cannot is left to the model", () => {
  assert.deepEqual(converted({ type: "string", maxLength: 9, pattern: "x" }), { type: "string", maxLength: 9 });
  assert.deepEqual(converted({ type: "string", format: "date" }), { type: "string", format: "date" });
  assert.deepEqual(converted({ type: "string", format: "email" }), { type: "string" });
  assert.deepEqual(converted({ type: ["integer", "null"], minimum: 3 }), { oneOf: [{ type: "integer" }, { type: "null" }] });
  assert.deepEqual(converted({ enum: ["a", 1, null, { no: 1 }] }), { enum: ["a", 1, null] });
  assert.deepEqual(converted({ anyOf: [{ type: "boolean" }, { const: 7 }] }), { oneOf: [{ type: "boolean" }, { const: 7 }] });
});

test("bounds that are too large for a grammar are left out, or lowered", () => {
  assert.deepEqual(converted({ type: "string", minLength: 5_000, maxLength: 10_000 }), { type: "string", minLength: 1_000 });
});

test("a schema may contain itself", () => {
  const list = { type: "object", properties: { next: { anyOf: [{ $ref: "#" }, { type: "null" }] } } };
  const { $defs, ...root } = grammarSchemaOf([{ schema: list }]) as unknown as Readonly<Record<string, unknown>>;
  const next = { oneOf: [{ $ref: "#/$defs/0:" }, { type: "null" }] };
  assert.deepEqual(root, { type: "object", properties: { next } });
  assert.deepEqual($defs, { "0:": { type: "object", properties: { next } } });
});

test("definitions of two schemas with the same name stay apart", () => {
  const schema = (type: string): unknown => ({ $ref: "#/$defs/x", $defs: { x: { type } } });
  const { $defs, ...root } = grammarSchemaOf([{ schema: schema("string") }, { schema: schema("null") }]) as unknown as Readonly<
    Record<string, unknown>
  >;
  assert.deepEqual(root, { oneOf: [{ $ref: "#/$defs/0:x" }, { $ref: "#/$defs/1:x" }] });
  assert.deepEqual($defs, { "0:x": { type: "string" }, "1:x": { type: "null" } });
});

test("whatever a client sends as a schema, there is a grammar's schema for it", () => {
  fc.assert(fc.property(fc.jsonValue(), (schema) => typeof grammarSchemaOf([{ schema }]) === "object"));
});
