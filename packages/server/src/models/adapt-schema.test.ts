import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json } from "@tutti/core";
import fc from "fast-check";
import { adaptSchema, type SchemaDialect } from "./adapt-schema.ts";

const json = fc.jsonValue({ depthSize: "small" }).map((value) => JSON.parse(JSON.stringify(value)) as Json);
/** OpenAPI 3.0's part of JSON Schema, as the older of Google's APIs have it. */
const small: SchemaDialect = {
  keywords: new Set(["type", "description", "properties", "required", "items", "enum", "anyOf", "nullable", "minimum"]),
  inlinesRefs: true,
  hasNullable: true,
  hasTextEnums: true,
};

test("a dialect that knows everything changes nothing", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), json, { noNullPrototype: true }), (value) => {
      const schema = { type: "object", properties: { a: { type: "string", pattern: "^x" } }, default: value };
      assert.deepEqual(adaptSchema(schema, {}), schema);
    }),
  );
});

test("what a dialect has no word for is dropped, everywhere but among names and values", () => {
  const schema = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    title: "A",
    additionalProperties: false,
    properties: {
      title: { type: "string", pattern: "^x", description: "Its title." },
      list: { type: "array", items: { type: "integer", exclusiveMinimum: 1, minimum: 1 }, uniqueItems: true },
    },
    required: ["title"],
  };
  assert.deepEqual(adaptSchema(schema, small), {
    type: "object",
    properties: {
      title: { type: "string", description: "Its title." },
      list: { type: "array", items: { type: "integer", minimum: 1 } },
    },
    required: ["title"],
  });
  assert.deepEqual(adaptSchema({ type: "string", format: "email", minLength: 1 }, { without: new Set(["format"]) }), {
    type: "string",
    minLength: 1,
  });
});

test("what a reference names takes its place, with what stood beside it", () => {
  const schema = {
    $defs: { "a/b": { type: "string" }, address: { type: "object", properties: { street: { $ref: "#/$defs/a~1b" } } } },
    type: "object",
    properties: { home: { $ref: "#/$defs/address", description: "Where one lives." }, gone: { $ref: "#/$defs/nothing" } },
  };
  assert.deepEqual(adaptSchema(schema, small), {
    type: "object",
    properties: { home: { type: "object", properties: { street: { type: "string" } }, description: "Where one lives." }, gone: {} },
  });
});

test("a schema that holds itself stays open where it would begin again", () => {
  const tree = {
    $ref: "#/$defs/node",
    $defs: {
      node: { type: "object", properties: { name: { type: "string" }, children: { type: "array", items: { $ref: "#/$defs/node" } } } },
    },
  };
  assert.deepEqual(adaptSchema(tree, small), {
    type: "object",
    properties: { name: { type: "string" }, children: { type: "array", items: { type: "object" } } },
  });
});

test("null, constants, alternatives and combinations are said with the words that are there", () => {
  const cases: readonly (readonly [Json, Json])[] = [
    [{ type: ["string", "null"] }, { type: "string", nullable: true }],
    [{ type: ["string", "integer"] }, { anyOf: [{ type: "string" }, { type: "integer" }] }],
    [{ anyOf: [{ type: "string" }, { type: "null" }] }, { type: "string", nullable: true }],
    [{ oneOf: [{ type: "string" }, { type: "boolean" }] }, { anyOf: [{ type: "string" }, { type: "boolean" }] }],
    [{ const: "a" }, { enum: ["a"] }],
    [{ type: "integer", enum: [1, 2] }, { type: "integer" }],
    [
      {
        allOf: [
          { type: "object", properties: { a: { type: "string" } }, required: ["a"] },
          { properties: { b: { type: "number" } }, required: ["b"] },
        ],
      },
      { type: "object", properties: { a: { type: "string" }, b: { type: "number" } }, required: ["a", "b"] },
    ],
    [true, {}],
  ];
  for (const [schema, wanted] of cases) assert.deepEqual(adaptSchema(schema, small), wanted);
});

test("a small schema that would grow without end is refused", () => {
  const levels = Array.from({ length: 30 }, (_, level): [string, Json] => [
    `l${level}`,
    { type: "object", properties: { a: { $ref: `#/$defs/l${level + 1}` }, b: { $ref: `#/$defs/l${level + 1}` } } },
  ]);
  assert.throws(() => adaptSchema({ $ref: "#/$defs/l0", $defs: Object.fromEntries(levels) }, small), { code: "too_large" });
});

test("whatever JSON stands for a schema, it is adapted or refused, and only known words are left", () => {
  const keyword = fc.constantFrom(
    "type",
    "properties",
    "items",
    "anyOf",
    "oneOf",
    "allOf",
    "const",
    "enum",
    "$ref",
    "$defs",
    "not",
    "title",
  );
  const { schema } = fc.letrec<{ schema: Json }>((tie) => ({
    schema: fc.oneof(
      { depthSize: "small" },
      json,
      fc.constantFrom("#", "#/$defs/a", "string", "null"),
      fc.array(tie("schema"), { maxLength: 3 }),
      fc.dictionary(fc.oneof(keyword, fc.constant("a")), tie("schema"), { noNullPrototype: true, maxKeys: 4 }),
    ),
  }));
  fc.assert(
    fc.property(schema, (value) => {
      const adapted = adaptSchema(value, small);
      assert.ok(typeof adapted === "object" && adapted !== null && !Array.isArray(adapted));
      for (const name of Object.keys(adapted)) assert.ok(small.keywords?.has(name), name);
    }),
  );
});
