import assert from "node:assert/strict";
import { test } from "node:test";
import { runExample } from "../run-example.ts";

test("the example waits for a receipt and for a person, over a restart", async () => {
  const lines = await runExample(import.meta.url);
  assert.equal(lines[0], "stage: waiting for the receipt");
  assert.match(lines[1] ?? "", /^refused: the signal "receipt" does not fit its schema: file:/);
  assert.deepEqual(lines.slice(2), [
    'asked: Pay 180 € for a chair? of owner with {"receipt":{"file":"chair.pdf"}}',
    'result: {"by":"owner","paid":true}',
  ]);
});
