import assert from "node:assert/strict";
import { test } from "node:test";
import { filledPath, namesIn, readOperation } from "./read-operation.ts";

const DESCRIPTION = {
  paths: {
    "/v1/things": { get: {} },
    "/v1/things/{name}/pause": {
      post: {
        summary: "Pause a thing",
        parameters: [
          { in: "path", name: "name" },
          { in: "query", name: "dry", description: "only look" },
        ],
        requestBody: { content: { "application/json": { schema: { $ref: "#/components/schemas/Pause" } } } },
      },
    },
  },
  components: {
    schemas: {
      Pause: { type: "object", properties: { reason: { $ref: "#/components/schemas/Reason" } }, required: ["reason"] },
      Reason: { type: "string", maxLength: 100 },
    },
  },
};

test("an operation is read with what its path, its query and its body ask for, references followed", () => {
  assert.deepEqual(readOperation(DESCRIPTION, "POST /v1/things/{name}/pause"), {
    method: "POST",
    path: "/v1/things/{name}/pause",
    summary: "Pause a thing",
    pathNames: ["name"],
    query: [{ name: "dry", description: "only look" }],
    body: { type: "object", properties: { reason: { type: "string", maxLength: 100 } }, required: ["reason"] },
    listPath: "/v1/things",
  });
  assert.equal(readOperation(DESCRIPTION, "POST /v1/nothing"), undefined);
});

test("what a person names cannot leave its place in the path", () => {
  assert.equal(filledPath({ path: "/v1/things/{name}/pause" }, { name: "../../x?y#z" }), "/v1/things/..%2F..%2Fx%3Fy%23z/pause");
});

test("a list's names are offered, or its ids where there are no names", () => {
  assert.deepEqual(namesIn({ things: [{ name: "one", id: "1" }, { id: "2" }, null], total: 3 }), ["one", "2"]);
  assert.deepEqual(namesIn(null), []);
});
