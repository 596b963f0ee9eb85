import assert from "node:assert/strict";
import { test } from "node:test";
import { changesOf, draftOf, NO_BUDGET, requestOf } from "./key-draft.ts";

test("what is left empty is not limited, and a budget without an amount is none", () => {
  assert.deepEqual(requestOf({ ...draftOf(undefined), name: " shop ", budgets: [NO_BUDGET] }), { name: "shop", limits: {} });
});

test("a key that is edited without a change stays what it is", () => {
  const limits = { requestsPerMinute: 5, budgets: [{ amountUsd: 2.5, per: "day" as const }] };
  const key = { id: "k", name: "shop", tenant: "default", limits, models: ["gpt-*"], status: "active" as const, createdAt: "2026-01-01" };
  assert.deepEqual(changesOf(draftOf(key)), { name: "shop", limits, models: ["gpt-*"], user: null, team: null, expiresAt: null });
});

test("what is emptied is taken away, and a key ends with its last day", () => {
  const draft = { ...draftOf(undefined), name: "k", models: "a, b  c", expiresOn: "2026-12-31" };
  const { models, expiresAt } = changesOf(draft);
  assert.deepEqual([models, expiresAt], [["a", "b", "c"], "2026-12-31T23:59:59.999Z"]);
});
