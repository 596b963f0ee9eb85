import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AppError } from "../error.ts";
import type { Json } from "../json.ts";
import { collect, type ModelPart, type ModelRequest } from "../model.ts";
import { completionsCodec } from "./completions.ts";

const plain = { noNullPrototype: true };
const text = fc.string({ unit: "binary", minLength: 1 });
const json = fc.jsonValue({ depthSize: "small" }).map((value) => JSON.parse(JSON.stringify(value)) as Json);
const tokens = fc.nat();
const answer: fc.Arbitrary<readonly ModelPart[]> = fc
  .tuple(
    fc.array(fc.record({ type: fc.constant("text" as const), text }, plain)),
    fc.record(
      {
        type: fc.constant("finish" as const),
        reason: fc.constantFrom("stop" as const, "length" as const, "content_filter" as const),
        usage: fc.record({ inputTokens: tokens, outputTokens: tokens }, plain),
      },
      plain,
    ),
  )
  .map(([texts, finish]) => [...texts, finish]);
const cuts = fc.array(fc.nat(), { maxLength: 12 });
const head = { id: "1", createdAt: 1_700_000_000, model: "m", body: { stream_options: { include_usage: true } } };

async function* cut(whole: Uint8Array, places: readonly number[]): AsyncGenerator<Uint8Array> {
  const ends = [...places.map((place) => place % (whole.length + 1)), whole.length].toSorted((a, b) => a - b);
  for (const [index, end] of ends.entries()) yield whole.subarray(ends[index - 1] ?? 0, end);
}

async function* eachOf<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

const bytesOf = (value: string): Uint8Array => new TextEncoder().encode(value);

test("a request survives encoding, JSON and decoding", () => {
  const finite = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (Object.is(value, -0) ? 0 : value));
  const sampling = fc
    .record(
      { temperature: finite, topP: finite, seed: fc.integer(), stop: fc.array(text, { minLength: 1, maxLength: 4 }) },
      { requiredKeys: [], ...plain },
    )
    .filter((value) => Object.keys(value).length > 0);
  const request: fc.Arbitrary<ModelRequest> = fc.record(
    {
      messages: fc.tuple(fc.record({ role: fc.constant("user" as const), content: fc.string() }, plain)),
      outputTokensMax: fc.integer({ min: 1 }),
      sampling,
      user: fc.string(),
    },
    { requiredKeys: ["messages"], ...plain },
  );
  fc.assert(
    fc.property(text, request, (model, wanted) => {
      const body: unknown = JSON.parse(JSON.stringify(completionsCodec.encodeRequest(model, wanted)));
      assert.deepEqual(completionsCodec.decodeRequest(body), { model, stream: true, includeUsage: true, request: wanted });
    }),
  );
});

test("answers survive encoding, any cut into chunks, and decoding, streamed or whole", async () => {
  await fc.assert(
    fc.asyncProperty(answer, cuts, async (parts, places) => {
      const encoder = completionsCodec.streamEncoder(head);
      const stream = parts.map((part) => encoder.push(part)).join("");
      assert.deepEqual(await Array.fromAsync(completionsCodec.decodeAnswer(cut(bytesOf(stream), places))), parts);
      const reply = await collect(eachOf(parts));
      const body = bytesOf(JSON.stringify(completionsCodec.encodeAnswer(reply, head)));
      assert.deepEqual(await collect(completionsCodec.decodeAnswer(cut(body, places))), reply);
    }),
  );
});

test("whatever is sent, requests and answers are read or refused with an AppError", async () => {
  const odd = fc.record(
    { model: json, prompt: json, echo: json, n: json, stop: json, choices: json, usage: json, error: json },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(fc.oneof(json, odd), async (value) => {
      try {
        completionsCodec.decodeRequest(value);
      } catch (error) {
        assert.ok(error instanceof AppError, String(error));
      }
      try {
        await Array.fromAsync(completionsCodec.decodeAnswer(eachOf([`data: ${JSON.stringify(value)}\n\n`])));
      } catch (error) {
        assert.ok(error instanceof AppError && error.code === "upstream", String(error));
      }
    }),
  );
});

test("a prompt in an array of one is that prompt, and the stream says how much was used only when asked to", () => {
  const decoded = completionsCodec.decodeRequest({ model: "m", prompt: ["Once upon"], max_tokens: 9 });
  assert.deepEqual(decoded.request, { messages: [{ role: "user", content: "Once upon" }], outputTokensMax: 9 });
  const encoder = completionsCodec.streamEncoder({ ...head, body: {} });
  const end = encoder.push({ type: "finish", reason: "tool_calls", usage: { inputTokens: 1, outputTokens: 1 } });
  assert.match(end, /"id":"cmpl-1","object":"text_completion".*"finish_reason":"stop"/);
  assert.ok(!end.includes("usage") && end.endsWith("data: [DONE]\n\n"));
});

const misfits: readonly (readonly [string, object, string, string])[] = [
  ["no prompt", { prompt: null }, "invalid_input", "prompt"],
  ["no prompts at all", { prompt: [] }, "invalid_input", "prompt"],
  ["several prompts", { prompt: ["a", "b"] }, "unsupported", "prompt"],
  ["tokens as a prompt", { prompt: [1, 2] }, "unsupported", "prompt"],
  ["lists of tokens as prompts", { prompt: [[1], [2]] }, "unsupported", "prompt"],
  ["a text to insert before", { suffix: "end" }, "unsupported", "suffix"],
  ["an echo", { echo: true }, "unsupported", "echo"],
  ["the best of several", { best_of: 2 }, "unsupported", "best_of"],
  ["several answers", { n: 2 }, "unsupported", "n"],
  ["probabilities", { logprobs: 0 }, "unsupported", "logprobs"],
  ["biased tokens", { logit_bias: { 50256: -100 } }, "unsupported", "logit_bias"],
  ["no limit at all", { max_tokens: 0 }, "invalid_input", "max_tokens"],
];

for (const [what, fields, code, param] of misfits) {
  test(`${what}: refused as ${code}, and the error names the field`, () => {
    const body = { model: "m", prompt: "Once", ...fields };
    assert.throws(
      () => completionsCodec.decodeRequest(body),
      (error) => error instanceof AppError && error.code === code && (error.cause as { readonly param?: string }).param === param,
    );
  });
}

test("a model that only completes texts is not given a conversation, tools or a format", () => {
  const turn = { role: "user", content: "Hi" } as const;
  const requests: readonly ModelRequest[] = [
    { messages: [{ role: "system", content: "Be brief." }, turn] },
    { messages: [turn], tools: [{ name: "now", description: "", parameters: {} }] },
    { messages: [turn], format: { type: "json" } },
  ];
  for (const request of requests) assert.throws(() => completionsCodec.encodeRequest("m", request), { code: "unsupported" });
});
