import assert from "node:assert/strict";
import { test } from "node:test";
import { AppError, parse } from "@tutti/core";
import fc from "fast-check";
import { summarizeText } from "./summarize-text.ts";

const call = { idempotencyKey: "test", principal: { id: "tester", tenant: "test", roles: [] }, signal: new AbortController().signal };

async function summarize(input: {
  readonly text: string;
  readonly sentencesMax?: number;
}): Promise<{ readonly summary: string; readonly sentences: readonly string[] }> {
  return summarizeText.run(await parse(summarizeText.input, input, "input"), call);
}

const REPORT = `Every run of a workflow leaves a receipt. The cafeteria serves soup on Mondays. A receipt of a run lists its events.
Dr. Smith likes bananas. Anyone can verify the receipt of a run later.

Parking is free after six. When an event of a run is changed, its receipt no longer verifies.`;

test("a summary keeps the sentences that share most with the others, word for word and in their order", async () => {
  assert.deepEqual(await summarize({ text: REPORT, sentencesMax: 3 }), {
    summary:
      "A receipt of a run lists its events. Anyone can verify the receipt of a run later. " +
      "When an event of a run is changed, its receipt no longer verifies.",
    sentences: [
      "A receipt of a run lists its events.",
      "Anyone can verify the receipt of a run later.",
      "When an event of a run is changed, its receipt no longer verifies.",
    ],
    method: "lexrank",
  });
});

test("a sentence that only repeats another one is left out", async () => {
  const text =
    "The engine journals every step. The engine journals every step! A step runs at least once. A step of the engine is recorded once.";
  const { sentences } = await summarize({ text, sentencesMax: 2 });
  assert.equal(sentences.filter((sentence) => sentence.startsWith("The engine journals")).length, 1);
});

test("abbreviations and single line breaks do not end a sentence, blank lines do", async () => {
  const { sentences } = await summarize({ text: "Dr. Smith\narrived late.\n\nA heading\n\nHe left.", sentencesMax: 10 });
  assert.deepEqual(sentences, ["Dr. Smith arrived late.", "A heading", "He left."]);
});

test("other scripts are split into sentences too", async () => {
  assert.equal(
    (await summarize({ text: "これは一つ目の文です。これは二つ目の文です。三つ目です。", sentencesMax: 2 })).sentences.length,
    2,
  );
});

test("a text without a sentence, or with too many, is refused", async () => {
  await assert.rejects(
    summarize({ text: " \n " }),
    new AppError("invalid_input", "wanted a text with at least one sentence, got only white space"),
  );
  await assert.rejects(summarize({ text: "Yes. ".repeat(501) }), { code: "invalid_input", message: /at most 500 sentences, got 501/ });
});

test("a summary has only sentences of the text, at most as many as asked for", async () => {
  await fc.assert(
    fc.asyncProperty(fc.lorem({ mode: "sentences", maxCount: 40 }), fc.integer({ min: 1, max: 10 }), async (text, sentencesMax) => {
      const { sentences } = await summarize({ text, sentencesMax });
      assert.ok(sentences.length >= 1 && sentences.length <= sentencesMax);
      for (const sentence of sentences) assert.ok(text.includes(sentence));
    }),
  );
});

test("any text gives a summary or invalid_input", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "binary" }), async (text) => {
      const outcome: unknown = await summarize({ text }).catch((error: unknown) => error);
      if (outcome instanceof Error) assert.equal((outcome as AppError).code, "invalid_input");
    }),
  );
});
