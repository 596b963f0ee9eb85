import assert from "node:assert/strict";
import { test } from "node:test";
import { AppError, parse, type Json, type Tool } from "@tutti/core";
import fc from "fast-check";
import { ToolShelf } from "./tool-shelf.ts";

const call = { idempotencyKey: "test", principal: { id: "tester", tenant: "test", roles: [] }, signal: new AbortController().signal };
const codeOf = (code: string) => (error: unknown) => error instanceof AppError && error.code === code;

function toolNamed(name: string, output: Json = null): Tool {
  const schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
  return { name, description: "A tool.", effect: "read", parameters: schema, output: { type: "number" }, run: async () => output };
}

test("a tool that brings only a JSON Schema has its input and its output checked", async () => {
  const shelf = new ToolShelf();
  const [honest, liar] = shelf.add("plugin:weather", [toolNamed("honest", 21), toolNamed("liar", "warm")]);
  assert.ok(honest !== undefined && liar !== undefined);
  await assert.rejects(parse(honest.input, {}, "its input"), codeOf("invalid_input"));
  assert.equal(await honest.run({ city: "Rome" }, call), 21);
  await assert.rejects(liar.run({ city: "Rome" }, call), (error: AppError) => {
    assert.match(error.message, /the output of "liar" does not fit its schema/);
    return error.code === "invalid_output" && !error.isRetryable;
  });
});

test("tools of strangers carry their source's name, and keep to names that providers take", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 200 }), fc.string({ maxLength: 200 }), (source, tool) => {
      if (!source.includes("\n")) assert.match(ToolShelf.nameOf(`mcp:${source}`, tool), /^[a-zA-Z0-9_-]{1,64}$/);
    }),
  );
  assert.equal(ToolShelf.nameOf("mcp:github", "create_issue"), "github_create_issue");
  assert.notEqual(ToolShelf.nameOf("mcp:a", "b.c"), ToolShelf.nameOf("mcp:a", "b/c"));
  assert.equal(ToolShelf.nameOf("plugin:holly", "search"), "search");
});

test("a source's tools come and go while it runs, and whoever listens is told", () => {
  const shelf = new ToolShelf();
  let changes = 0;
  using _ = shelf.subscribe(() => (changes += 1));
  assert.deepEqual(
    shelf.add("mcp:github", [toolNamed("search")]).map(({ name, source }) => [name, source]),
    [["github_search", "mcp:github"]],
  );
  shelf.add("mcp:github", [{ ...toolNamed("search"), description: "Another one." }]);
  assert.equal(shelf.get("github_search")?.description, "Another one.");
  assert.deepEqual(shelf.remove("mcp:github"), ["github_search"]);
  assert.equal(shelf.get("github_search"), undefined);
  assert.deepEqual(shelf.remove("mcp:github"), []);
  assert.equal(changes, 3);
});

test("a name that another source has refuses all that comes with it", () => {
  const shelf = new ToolShelf();
  shelf.add("built-in", [toolNamed("echo")]);
  assert.throws(() => shelf.add("plugin:a", [toolNamed("new"), toolNamed("echo")]), codeOf("conflict"));
  assert.throws(() => shelf.add("plugin:a", [toolNamed("new"), toolNamed("new")]), codeOf("conflict"));
  assert.throws(() => shelf.add("plugin:a", [toolNamed("no spaces")]), codeOf("invalid_input"));
  assert.deepEqual(
    shelf.all.map(({ name }) => name),
    ["echo"],
  );
});
