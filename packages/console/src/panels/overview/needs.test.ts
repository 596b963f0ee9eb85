import assert from "node:assert/strict";
import { test } from "node:test";
import type { KeyEntry } from "@tutti/client";
import { needsOf, type NeedSources } from "./needs.ts";

const NOTHING: NeedSources = { approvals: [], paused: [], supervised: [], deadLetters: [], components: [], keys: [] };
const SINCE = "2026-11-21T10:00:00Z";

test("where all is well nothing needs anybody", () => {
  const components = [
    { name: "store", status: "ok" as const, since: SINCE, reason: "", todo: null },
    { name: "memory", status: "off" as const, since: SINCE, reason: "", todo: null },
  ];
  assert.deepEqual(needsOf({ ...NOTHING, components, keys: [keyThatSpent(0.5)] }), []);
});

test("what is broken comes before what is asked, and that before what can wait", () => {
  const kinds = needsOf({
    ...NOTHING,
    approvals: [{ runId: "r", key: "1", question: "Send it?", since: SINCE, until: null }],
    components: [{ name: "store", status: "down", since: SINCE, reason: "full", todo: "free some space" }],
    deadLetters: [
      { id: "d", source: "webhook", since: SINCE, status: "waiting", attempts: 5, error: { code: "upstream", message: "502" } },
    ],
    keys: [keyThatSpent(0.9)],
  }).map(({ kind, why }) => `${kind}: ${why}`);
  assert.deepEqual(kinds, [
    "down: free some space",
    "approval: A run asks",
    "budget: Soon its requests will be refused",
    "dead letter: upstream: 502",
  ]);
});

test("work in a crash loop is told of once, with its error; so are dead letters", () => {
  const work = { workflow: "w", supervisorId: "s", runId: null, restarts: 3, failures: 3, restartAt: null, stuck: [], since: SINCE };
  const error = { code: "upstream", message: "the bank is closed" } as const;
  const needs = needsOf({
    ...NOTHING,
    supervised: [{ ...work, name: "teller", status: "crash loop", error }],
    components: [
      { name: "supervised teller", status: "down", since: SINCE, reason: "it crashed too often", todo: "mend the cause" },
      { name: "supervised reader", status: "degraded", since: SINCE, reason: "it waits to be restarted", todo: null },
      { name: "dead letters", status: "degraded", since: SINCE, reason: "1 wait", todo: "look at them" },
    ],
    deadLetters: [{ id: "d", source: "webhook", since: SINCE, status: "waiting", attempts: 5, error }],
    approvals: [{ runId: "r", key: "1", question: "Send it?", since: SINCE, until: null }],
  });
  assert.deepEqual(
    needs.map(({ kind, title }) => `${kind}: ${title}`),
    ["degraded: supervised reader", "crash loop: teller", "approval: Send it?", "dead letter: webhook"],
  );
});

test("a budget that is gone is told in red", () => {
  assert.deepEqual(
    needsOf({ ...NOTHING, keys: [keyThatSpent(1.2)] }).map(({ kind, accent }) => [kind, accent]),
    [["spent", "red"]],
  );
});

function keyThatSpent(share: number): KeyEntry {
  return {
    id: "k",
    name: "shop",
    tenant: "default",
    limits: {},
    status: "active",
    createdAt: SINCE,
    budgets: [{ of: "key", per: "day", usd: { limit: 10, spent: 10 * share } }],
  };
}
