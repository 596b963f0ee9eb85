import assert from "node:assert/strict";
import { test } from "node:test";
import type { ModelRequest } from "@tutti/core/model";
import fc from "fast-check";
import { countAllTokens, countRequest, countTokens, estimateTokens, loadTokenizer } from "./index.ts";

const never = new AbortController().signal;

/** A PNG's first bytes: its signature, and a header that says how large it is. */
function png(width: number, height: number): string {
  const bytes = Buffer.alloc(64);
  bytes.write("\x89PNG\r\n\x1a\n", "latin1");
  bytes.write("IHDR", 12, "latin1");
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  return bytes.toString("base64");
}

function image(width: number, height: number, detail: "low" | "high" = "high"): ModelRequest {
  const media = { data: png(width, height), mediaType: "image/png" };
  return { messages: [{ role: "user", content: "", parts: [{ type: "image", media, detail }] }] };
}

test("before the vocabulary is there, bytes are counted, and the answer says how far off that may be", () => {
  const { tokens, errorBound } = countRequest("gpt-4", { messages: [{ role: "user", content: "x".repeat(400) }] });
  assert.ok(tokens > 90 && tokens < 120 && errorBound > 0.4, `${tokens} ${errorBound}`);
  assert.equal(estimateTokens(401), 101);
});

test("OpenAI's models count as OpenAI's own examples do", async () => {
  await Promise.all([loadTokenizer("gpt-4o"), loadTokenizer("openai/gpt-4")]);
  // From the OpenAI cookbook, "How to count tokens with tiktoken".
  const examples = [
    ["antidisestablishmentarianism", 6, 6],
    ["2 + 2 = 4", 7, 7],
    ["お誕生日おめでとう", 9, 8],
    ["tiktoken is great!", 6, 6],
  ] as const;
  for (const [text, older, newer] of examples) {
    assert.equal(countTokens("openai/gpt-4", text), older, text);
    assert.equal(countTokens("gpt-4o-mini", text), newer, text);
  }
});

test("a chat costs three tokens around each turn, one for its role and three before the answer", async () => {
  await loadTokenizer("gpt-4o");
  const turns: ModelRequest = {
    messages: [
      { role: "system", content: "tiktoken is great!" },
      { role: "user", content: "2 + 2 = 4" },
    ],
  };
  assert.deepEqual(
    { ...countRequest("gpt-4o", turns), errorBound: 0 },
    { tokens: 6 + 7 + 2 * 4 + 3, errorBound: 0, family: "openai-o200k" },
  );
});

test("tools count by the published formula", async () => {
  await loadTokenizer("gpt-4o");
  const messages = [
    { role: "system", content: "You are a helpful assistant that can answer to questions about the weather." },
    { role: "user", content: "What's the weather like in San Francisco?" },
  ] as const;
  const tools = [
    {
      name: "get_current_weather",
      description: "Get the current weather in a given location",
      parameters: {
        type: "object",
        properties: {
          location: { type: "string", description: "The city and state, e.g. San Francisco, CA" },
          unit: { type: "string", description: "The unit of temperature to return", enum: ["celsius", "fahrenheit"] },
        },
        required: ["location"],
      },
    },
  ];
  // The cookbook's example for gpt-4o: 101 prompt tokens, as the API counted them.
  assert.equal(countRequest("gpt-4o", { messages, tools }).tokens, 101);
});

test("images count by their size and detail, as the providers publish it", () => {
  const tokens = (model: string, request: ModelRequest): number =>
    countRequest(model, request).tokens - countRequest(model, { messages: [{ role: "user", content: "" }] }).tokens;
  assert.equal(tokens("gpt-4o", image(1024, 1024)), 765);
  assert.equal(tokens("gpt-4o", image(2048, 4096)), 1105);
  assert.equal(tokens("gpt-4o", image(4096, 8192, "low")), 85);
  assert.equal(tokens("claude-sonnet-4-5", image(1000, 1000)), 1334);
  assert.equal(tokens("gemini-2.5-pro", image(384, 384)), 258);
});

test("what is not here to look at counts with a wide bound", () => {
  const parts = [{ type: "image", media: { url: "https://example.org/cat.png" } }] as const;
  assert.ok(countRequest("gpt-4o", { messages: [{ role: "user", content: "", parts }] }).errorBound > 0.9);
});

test("names lead to families whatever stands before and behind them", () => {
  const family = (model: string): string => countRequest(model, { messages: [] }).family;
  assert.deepEqual(
    [
      "openrouter/anthropic/claude-sonnet-4",
      "ollama/qwen2.5:7b",
      "deepseek-r1-distill-llama-70b",
      "models/gemini-2.5-pro",
      "gpt-35-turbo",
      "my-model",
    ].map(family),
    ["claude", "qwen", "llama", "gemini", "openai-cl100k", "unknown"],
  );
});

test("other families say how far off they are, more so for scripts their factor was measured less well for", async () => {
  await loadTokenizer("claude-sonnet-4");
  const bound = (content: string): number => countRequest("claude-sonnet-4", { messages: [{ role: "user", content }] }).errorBound;
  const [english, thai] = [bound("The rights of man. ".repeat(50)), bound("สิทธิมนุษยชน".repeat(50))];
  assert.ok(english > 0.05 && english < thai, `${english} ${thai}`);
});

test("no text makes counting slow, and what looks like a special token is text", async () => {
  await loadTokenizer("gpt-4o");
  // Merging is quadratic in the length of a run; without cuts, the first of these alone would not end in hours.
  for (const unit of ["a", " ", "\n", ".", "1", "a\u0301", "👩‍👩‍👧", "\ud800", "<|endoftext|>", "漢", "aB"]) {
    const text = unit.repeat(Math.ceil(1_000_000 / unit.length));
    const sampled = countTokens("gpt-4o", text);
    const all = await countAllTokens("gpt-4o", text, never);
    assert.ok(Math.abs(sampled - all) <= all * 0.1 + 100, `${JSON.stringify(unit)}: ${sampled} and ${all}`);
  }
});

test("a long text in pieces counts like the whole", async () => {
  await loadTokenizer("gpt-4o");
  const text = "Whereas recognition of the inherent dignity and of the equal rights of all is the foundation of freedom, ".repeat(300);
  assert.equal(await countAllTokens("gpt-4o", text, never), countTokens("gpt-4o", text));
});

test("counting a long text can be given up", async () => {
  await loadTokenizer("gpt-4o");
  await assert.rejects(countAllTokens("gpt-4o", "word ".repeat(100_000), AbortSignal.abort()), { name: "AbortError" });
});

test("whatever the text is, it has a count between nothing and one for each byte", async () => {
  await Promise.all(["gpt-4o", "gpt-4"].map(loadTokenizer));
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 500 }), fc.constantFrom("gpt-4o", "gpt-4", "other"), (text, model) => {
      const tokens = countTokens(model, text);
      assert.ok(tokens >= (text === "" ? 0 : 1) && tokens <= Math.max(1, Buffer.byteLength(text)), String(tokens));
    }),
  );
});
