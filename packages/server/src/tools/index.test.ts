import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "@tutti/core";
import { echo } from "./echo.ts";
import { builtInTools } from "./index.ts";

const call = { idempotencyKey: "test", principal: { id: "tester", tenant: "test", roles: [] }, signal: new AbortController().signal };

test("the built-in tools only read", () => {
  assert.deepEqual(
    builtInTools.map(({ name, effect }) => [name, effect]),
    [
      ["echo", "read"],
      ["safe_calc", "read"],
      ["summarize_text", "read"],
    ],
  );
});

test("a tool's JSON Schema tells a model what its input is", () => {
  assert.deepEqual(echo.parameters, {
    type: "object",
    properties: { text: { type: "string", maxLength: 100_000, description: "The text to give back." } },
    required: ["text"],
    additionalProperties: false,
  });
});

test("echo gives its text back unchanged, and refuses what is no text", async () => {
  assert.deepEqual(await echo.run(await parse(echo.input, { text: " ü\n" }, "input"), call), { text: " ü\n" });
  await assert.rejects(parse(echo.input, { text: 1 }, "echo's input"), {
    code: "invalid_input",
    message: /echo's input does not fit its schema: text: /,
  });
});
