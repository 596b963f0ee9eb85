import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startTestApp, type TestApp } from "../../testing.ts";

let app: TestApp;

before(async () => {
  app = await startTestApp();
});

after(() => app[Symbol.asyncDispose]());

test("an empty ledger is an empty list, and says what was asked", async () => {
  const response = await app.fetch("/v1/spend?by=team,day&from=2026-01-01&to=2026-01-31");
  assert.deepEqual(await response.json(), { by: ["team", "day"], from: "2026-01-01", to: "2026-01-31", rows: [] });
});

test("a question that cannot be answered is refused with what is wanted", async () => {
  for (const [query, wanted] of [
    ["by=colour", /one or more of key, user, team, model, provider, workflow, day/],
    ["by=key,key", /each once/],
    ["from=yesterday", /a day as in 2026-11-21, got \\"yesterday\\"/],
    ["from=2026-02-01&to=2026-01-01", /the first not after the last/],
    ["from=2020-01-01&to=2026-01-01", /1 to 400 days/],
    ["format=xml", /json or csv/],
  ] as const) {
    const response = await app.fetch(`/v1/spend?${query}`);
    assert.equal(response.status, 400, query);
    assert.match(await response.text(), wanted);
  }
});

test("the ledger as CSV has a header and says what it is", async () => {
  const response = await app.fetch("/v1/spend?by=model&format=csv");
  assert.match(response.headers.get("content-type") ?? "", /^text\/csv/);
  assert.match(await response.text(), /^model,requests,inputTokens,.*\r\n$/);
});
