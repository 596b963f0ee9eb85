import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { readApiShapes, type ApiShapes } from "../testing/api-shapes.ts";
import { startTestApp, type TestApp } from "../testing.ts";

/** What is done to something that its path names; there is nothing more to say. */
const WITHOUT_BODY = [
  "POST /v1/batches/{id}/cancel",
  "POST /v1/mcp/servers/{name}/login",
  "POST /v1/mcp/servers/{name}/test",
  "POST /v1/messages/batches/{id}/cancel",
  "POST /v1/plugins/{name}/disable",
  "POST /v1/policy/reload",
  "POST /v1/responses/{id}/cancel",
  "POST /v1/runs/{id}/replay",
  "POST /v1/sandbox/examinations",
  "POST /v1/schedules/{name}/resume",
  "POST /v1/schedules/{name}/trigger",
  "POST /v1/sessions/invitations",
  "POST /v1/subscriptions/{name}/delete",
  "POST /v1/subscriptions/{name}/resume",
  "POST /v1/supervisor/{name}/resume",
];

/** The Model Context Protocol says itself what goes over it (docs/mcp.md). */
const isForeign = (path: string): boolean => path === "/mcp" || path.startsWith("/.well-known/");

let app: TestApp;
let shapes: ApiShapes;

before(async () => {
  app = await startTestApp();
  shapes = await readApiShapes(app);
});

after(() => app[Symbol.asyncDispose]());

describe("the API's description", () => {
  test("has a schema of what each operation takes", () => {
    const without = shapes.operations.filter(
      ({ method, path, hasBody }) => !isForeign(path) && (method === "POST" || method === "PUT") && !hasBody,
    );
    assert.deepEqual(without.map(({ method, path }) => `${method} ${path}`).toSorted(), WITHOUT_BODY);
  });
  test("has a schema of what each operation gives", () => {
    const own = shapes.operations.filter(({ path }) => !isForeign(path));
    const without = own.flatMap(({ method, path, successes }) =>
      Object.entries(successes).flatMap(([status, types]) => (types.length > 0 || status === "204" ? [] : [`${method} ${path} ${status}`])),
    );
    assert.deepEqual(without, []);
  });
  test("has a schema of how each operation fails", () => {
    assert.deepEqual(
      shapes.operations.filter(({ error }) => error === undefined).map(({ method, path }) => `${method} ${path}`),
      [],
    );
  });
});
