import assert from "node:assert/strict";
import { test } from "node:test";
import { AppError, parse, type Json } from "@tutti/core";
import fc from "fast-check";
import { jsonSchema } from "./json-schema.ts";

const fits = async (schema: Json, value: unknown): Promise<boolean> => {
  const outcome = await parse(jsonSchema(schema), value, "it").then(
    () => true,
    (error: unknown) => (error as AppError).code !== "invalid_input" && Promise.reject(error),
  );
  return outcome;
};
const codeOf = (code: string) => (error: unknown) => error instanceof AppError && error.code === code;

test("a value is held against its schema, and every misfit is named by its place", async () => {
  const schema = {
    type: "object",
    properties: { city: { type: "string", minLength: 1 }, days: { type: "array", items: { $ref: "#/$defs/day" } } },
    required: ["city"],
    additionalProperties: false,
    $defs: { day: { type: "integer", minimum: 1, maximum: 7 } },
  };
  assert.ok(await fits(schema, { city: "Rome", days: [1, 7] }));
  await assert.rejects(parse(jsonSchema(schema), { city: "", days: [1, 8], "a/b": 1 }, "the input"), (error: AppError) => {
    assert.match(error.message, /city: .*days\.1: /);
    assert.match(error.message, /a\/b/);
    return error.code === "invalid_input";
  });
});

test("unions, conditions and maps of names hold too", async () => {
  const schema = {
    oneOf: [{ type: "null" }, { type: "object", patternProperties: { "^x-": { type: "number" } }, additionalProperties: false }],
    if: { required: ["x-a"] },
    // eslint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema.
    then: { required: ["x-b"] },
  };
  assert.deepEqual(
    await Promise.all([null, {}, { "x-b": 1 }, { "x-a": 1 }, { y: 1 }, { "x-b": "1" }].map((value) => fits(schema, value))),
    [true, true, true, false, false, false],
  );
});

test("a property may be called like a keyword", async () => {
  const schema = { type: "object", properties: { pattern: { type: "string" }, default: { type: "number" }, format: { const: "a" } } };
  assert.ok(await fits(schema, { pattern: "(", default: 1, format: "a" }));
  assert.ok(!(await fits(schema, { default: "1" })));
});

test("a pattern that makes other engines endless is checked at once", async () => {
  const schema = { type: "string", pattern: "^(a+)+$" };
  assert.ok(!(await fits(schema, `${"a".repeat(50_000)}!`)));
  assert.ok(await fits(schema, "aaa"));
  assert.ok(await fits({ pattern: "^a" }, 5));
});

test("what cannot be checked safely is refused when the schema is given", () => {
  assert.throws(() => jsonSchema({ pattern: "(?<=a)b" }), codeOf("unsupported"));
  for (const names of ["^(a+)+$", "^(a|a)*$", "a*b", "^a?a?a?a?a?a*$", "^(a|b)c*|d$"])
    assert.throws(() => jsonSchema({ patternProperties: { [names]: {} } }), codeOf("unsupported"), names);
  for (const names of [".*", "^x-", "^[a-z]+$", "^S_", "^.*$"]) jsonSchema({ patternProperties: { [names]: {} } });
  let deep: Json = {};
  for (let depth = 0; depth < 100; depth += 1) deep = { not: deep };
  assert.throws(() => jsonSchema(deep), codeOf("too_large"));
});

test("a schema that has no end lets nothing pass", async () => {
  assert.ok(!(await fits({ $ref: "#" }, 1)));
  assert.ok(!(await fits({ $ref: "#/nowhere" }, 1)));
});

test("any JSON as a schema lets a value pass or refuses it with a code", async () => {
  await fc.assert(
    fc.asyncProperty(fc.jsonValue({ maxDepth: 4 }), fc.jsonValue({ maxDepth: 3 }), async (schema, value) => {
      const outcome: unknown = await Promise.resolve()
        .then(() => parse(jsonSchema(schema as Json), value, "it"))
        .catch((error: unknown) => error);
      if (outcome instanceof Error) assert.ok(outcome instanceof AppError);
    }),
  );
});
