import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeSchemaOf } from "./node-schema.ts";

const FORMAT = {
  properties: { nodes: { $ref: "#/$defs/nodes" } },
  $defs: {
    any: { anyOf: [{ type: "string" }, { type: "null" }] },
    nodes: {
      additionalProperties: {
        oneOf: [
          {
            type: "object",
            description: "Calls a tool.",
            properties: {
              type: { const: "tool" },
              tool: { type: "string" },
              input: { default: {}, $ref: "#/$defs/any" },
              approvers: { type: "array", items: { type: "string" } },
              losers: { type: "string", enum: ["cancel", "leave"] },
              retry: { type: "object", properties: { attemptsMax: { type: "integer" } }, required: ["attemptsMax"] },
            },
            required: ["type", "tool"],
          },
        ],
      },
    },
  },
};

test("a form's fields are those of the graph format, nested ones by their path", () => {
  const { about, own, common } = nodeSchemaOf(FORMAT, "tool");
  assert.equal(about, "Calls a tool.");
  assert.deepEqual(
    own.map(({ label, kind, isRequired }) => [label, kind, isRequired]),
    [
      ["tool", "text", true],
      ["input", "value", false],
      ["approvers", "texts", false],
    ],
  );
  assert.deepEqual(
    common.map(({ path, kind, options }) => [path.join("."), kind, options.length]),
    [
      ["losers", "choice", 2],
      ["retry.attemptsMax", "number", 0],
    ],
  );
});

test("a kind of node that there is none of has no fields", () => {
  assert.deepEqual(nodeSchemaOf(FORMAT, "odd"), { about: "", own: [], common: [] });
  assert.deepEqual(nodeSchemaOf(null, "tool"), { about: "", own: [], common: [] });
});
