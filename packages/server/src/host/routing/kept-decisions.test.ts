import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestApp } from "../../testing.ts";
import { KeptDecisions } from "./kept-decisions.ts";
import { readRouterPolicy, type LoadedPolicy } from "./read-policy.ts";

const decision = { rule: "r", confidence: 1, gap: 1, by: "ada" };

function policyOf(cache: string): LoadedPolicy {
  return readRouterPolicy(`cache: ${cache}\nrules: [{id: r, match: x, tool: echo, reason: r}]`, "policy.yaml");
}

test("the store holds no more decisions than the policy allows, each for its tenant and its time only", async () => {
  await using app = await startTestApp();
  const { store } = app.app;
  const kept = new KeptDecisions(store);
  const policy = policyOf("{entriesMax: 20}");
  for (let index = 0; index < 100; index += 1) await kept.keep({ text: `text ${index}`, tenant: "t", policy }, decision);
  const buckets = await Promise.all(Array.from({ length: 100 }, (_, index) => store.getSetting(`router.kept.${index}`)));
  const sizes = buckets.map((bucket) => (Array.isArray(bucket) ? bucket.length : 0));
  assert.deepEqual(sizes.slice(0, 3), [8, 8, 0]);
  assert.ok(sizes.slice(2).every((size) => size === 0));
  assert.equal((await kept.recall({ text: " TEXT  99", tenant: "t", policy }))?.by, "ada");
  assert.equal(await kept.recall({ text: "text 99", tenant: "another", policy }), undefined);
  const brief = policyOf("{ttlMs: 0}");
  await kept.keep({ text: "x", tenant: "t", policy: brief }, decision);
  assert.equal(await kept.recall({ text: "x", tenant: "t", policy: brief }), undefined);
});

test("two nodes on one store know each other's decisions", async () => {
  await using app = await startTestApp();
  const policy = policyOf("{}");
  await new KeptDecisions(app.app.store).keep({ text: "x", tenant: "t", policy }, decision);
  assert.equal((await new KeptDecisions(app.app.store).recall({ text: "x", tenant: "t", policy }))?.rule, "r");
});
