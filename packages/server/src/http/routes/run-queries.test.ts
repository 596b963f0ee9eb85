import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startTestApp, type TestApp } from "../../testing.ts";

let app: TestApp;
let runId: string;

before(async () => {
  app = await startTestApp();
  const ran = await app.fetch("/v1/tools/execute", { tool: "echo", input: { text: "hi" } });
  ({ runId } = (await ran.json()) as { readonly runId: string });
});

after(() => app[Symbol.asyncDispose]());

test("a value that a query cannot have is refused by its name, and never taken for another", async () => {
  for (const [path, name, wanted] of [
    ["/v1/policy?rules=maybe", "rules", "true or false"],
    ["/v1/policy?rules=", "rules", "true or false"],
    ["/v1/approvals/grants?all=yes", "all", "true or false"],
    ["/v1/approvals/grants?kind=wish", "kind", "grant or approval"],
    ["/v1/dead-letters?ended=1", "ended", "true or false"],
    ["/v1/files?order=newest", "order", "asc or desc"],
    ["/v1/panels?slot=attic", "slot", "one of overview"],
    ["/v1/routing/shadow?limit=", "limit", "a whole number"],
    ["/v1/policy/shadow?afterPosition=", "afterPosition", "a whole number"],
    ["/v1/policy/shadow?since=yesterday", "since", "a moment"],
    [`/v1/runs/${runId}/receipt?full=TRUE`, "full", "true or false"],
  ] as const) {
    const response = await app.fetch(path);
    assert.equal(response.status, 400, path);
    assert.match(await response.text(), new RegExp(`wanted ${name} to be ${wanted}`), path);
  }
});

test("what a query asks yes or no is no when it is left out", async () => {
  const keysOf = async (path: string): Promise<readonly string[]> => Object.keys((await (await app.fetch(path)).json()) as object);
  assert.ok((await keysOf("/v1/policy?rules=true")).includes("rules"));
  for (const path of ["/v1/policy", "/v1/policy?rules=false"]) assert.ok(!(await keysOf(path)).includes("rules"), path);
});
