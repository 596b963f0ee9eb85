import assert from "node:assert/strict";
import { test } from "node:test";
import { Prices } from "./prices.ts";

test("a hosted model costs what its provider's list says, one's own server nothing that is known", async () => {
  const prices = new Prices();
  await prices.load();
  const usage = { inputTokens: 1_000_000, outputTokens: 0 };
  const small = prices.costUsd({ baseUrl: "https://api.openai.com/v1", model: "gpt-4o-mini" }, usage) ?? 0;
  const large = prices.costUsd({ baseUrl: "https://api.openai.com/v1", model: "gpt-4o" }, usage) ?? 0;
  assert.ok(small > 0 && large > small, `${small} and ${large}`);
  assert.equal(prices.costUsd({ baseUrl: "http://127.0.0.1:11434/v1", model: "llama3.2" }, usage), undefined);
  assert.equal(prices.costUsd({ baseUrl: "https://api.openai.com/v1", model: "no-such-model" }, usage), undefined);
});
