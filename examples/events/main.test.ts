import assert from "node:assert/strict";
import { test } from "node:test";
import { runExample } from "../run-example.ts";

test("the example delivers each event once, in order, filtered, and keeps what failed as a dead letter", async () => {
  assert.deepEqual(await runExample(import.meta.url), [
    "the till's event is a duplicate: false, then true",
    "card: thank you for 250, Ada",
    "ledger: Ada order.paid 250",
    "ledger: Ada order.placed 250",
    "ledger: Eve order.paid 20",
    "ledger: Mallory order.paid 100",
    "ledger: Mallory order.placed 100",
    'first reading: order.paid {"customer":"Ada","total":250}',
    'second reading: order.paid {"customer":"Ada","total":250}',
    'second reading: order.paid {"customer":"Mallory","total":100}',
    'second reading: order.paid {"customer":"Eve","total":20}',
    "dead letter of subscription/thanks: wanted an address for Mallory, got none",
  ]);
});
