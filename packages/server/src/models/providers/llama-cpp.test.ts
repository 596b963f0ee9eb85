import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { collect, type ModelPart, type ModelRequest, type Reply, type ToolSpec } from "@tutti/core/model";
import { writeTinyGguf } from "../../testing/tiny-gguf.ts";
import { hello, requestCases } from "../conformance-cases.ts";
import { openLlama } from "./llama-cpp-opened.ts";

// The weights are random, so what these models say is noise: the cases of the conformance suite in which a provider gives certain parts, breaks
// off after them or refuses with a status cannot be played. Its requests are all asked here, and leaving, failing and limits are tested below.

const folder = mkdtempSync(join(tmpdir(), "tutti-llama-"));
writeTinyGguf(join(folder, "tiny.gguf"));
writeTinyGguf(join(folder, "vectors.gguf"), { kind: "embeddings" });
writeFileSync(join(folder, "not-a-model.gguf"), "This is text.");
const log: string[] = [];
const local = openLlama({ folder, contextTokens: 2_048 }, (message) => log.push(message));
after(async () => {
  await local.close();
  rmSync(folder, { recursive: true });
});

const never = new AbortController().signal;

function parts(request: Partial<ModelRequest> = {}, signal = never): AsyncIterable<ModelPart> {
  return local.generate("tiny", { ...hello, outputTokensMax: 20, ...request }, signal);
}

async function ask(request: Partial<ModelRequest> = {}, signal = never): Promise<Reply> {
  return collect(parts(request, signal));
}

test("models are found by their files' heads, without being loaded, and what is no model is left out and told", async () => {
  const found = await local.discover(never);
  assert.deepEqual(
    found.map(({ sizeBytes, ...facts }) => ({ ...facts, isLarge: (sizeBytes ?? 0) > 500_000 })),
    [
      { name: "tiny", abilities: ["chat", "tools", "json"], contextTokens: 2_048, isLoaded: false, isLarge: true },
      { name: "vectors", abilities: ["embeddings"], contextTokens: 2_048, dimensions: 64, isLoaded: false, isLarge: true },
    ],
  );
  await local.discover(never);
  assert.equal(log.length, 1);
  assert.match(log[0] ?? "", /not-a-model\.gguf is left out: wanted a GGUF file/);
});

test("an answer comes in pieces, and its end tells the tokens", async () => {
  const all = await Array.fromAsync(parts());
  const last = all.at(-1);
  assert.ok(all.length > 2);
  assert.ok(all.slice(0, -1).every(({ type }) => type === "text"));
  assert.ok(last?.type === "finish" && last.usage.inputTokens > 10 && last.usage.inputTokens < 100);
  assert.ok(last.usage.outputTokens > 2 && last.usage.outputTokens <= 20);
});

test("what a conversation shares with the one before is read from the cache", async () => {
  const messages = [{ role: "user", content: "A long beginning. ".repeat(20) }] as const;
  await ask({ messages });
  const { usage } = await ask({ messages });
  assert.ok((usage.cacheReadTokens ?? 0) > usage.inputTokens - 5, JSON.stringify(usage));
});

test("sampling is heeded: the same seed says the same, another seed something else", async () => {
  const say = async (seed: number): Promise<string> => (await ask({ sampling: { seed, temperature: 1.5 }, outputTokensMax: 40 })).content;
  const first = await say(7);
  assert.equal(await say(7), first);
  assert.notEqual(await say(8), first);
});

for (const { name, request, needs } of requestCases) {
  const isRefused = needs === "images" || needs === "image links" || needs === "sounds" || needs === "files";
  test(`asked in every way that a provider can be: ${name}${isRefused ? ": unsupported, because GGUF models here read text" : ""}`, async () => {
    const asking = collect(local.generate("tiny", { outputTokensMax: 40, ...request }, never));
    if (isRefused) await assert.rejects(asking, { code: "unsupported", message: /ask a model that takes/ });
    else assert.ok((await asking).usage.outputTokens > 0);
  });
}

const tools: readonly ToolSpec[] = [
  {
    name: "paint",
    description: "Paints.",
    parameters: {
      type: "object",
      properties: { colour: { enum: ["red", "blue"] }, coats: { enum: [1, 2] }, areas: { $ref: "#/$defs/areas" } },
      required: ["colour", "coats", "areas"],
      $defs: { areas: { type: "array", items: { type: "string", maxLength: 5 }, maxItems: 2 } },
    },
  },
  { name: "now", description: "Tells the time.", parameters: { type: "object", properties: {} } },
];

test("a required call is a valid one, even of a model that knows nothing", async () => {
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    const { calls, finishReason, content } = await ask({ tools, toolChoice: "required", sampling: { seed }, outputTokensMax: 600 });
    assert.deepEqual([calls.length, finishReason, content], [1, "tool_calls", ""]);
    const [call] = calls;
    assert.match(call?.id ?? "", /^call_/);
    if (call?.name === "now") assert.deepEqual(call.input, {});
    else assertPaint(call?.input);
  }
});

function assertPaint(input: unknown): void {
  const { colour, coats, areas, ...more } = input as Readonly<Record<string, unknown>>;
  assert.deepEqual(more, {});
  assert.ok(colour === "red" || colour === "blue");
  assert.ok(coats === 1 || coats === 2);
  assert.ok(Array.isArray(areas) && areas.length <= 2 && areas.every((area) => typeof area === "string" && Array.from(area).length <= 5));
}

test("the tool that was chosen is the one that is called", async () => {
  const { calls } = await ask({ tools, toolChoice: { name: "now" }, outputTokensMax: 600 });
  assert.deepEqual(
    calls.map(({ name, input }) => [name, input]),
    [["now", {}]],
  );
  await assert.rejects(ask({ tools, toolChoice: { name: "sing" } }), { code: "invalid_input", message: /"sing", which is not/ });
  await assert.rejects(ask({ toolChoice: "required" }), { code: "invalid_input" });
});

test("a call that is cut off for its length is none, and the answer says why", async () => {
  const { calls, finishReason } = await ask({ tools, toolChoice: "required", outputTokensMax: 5 });
  assert.deepEqual([calls, finishReason], [[], "length"]);
});

test("JSON of a schema is JSON of that schema", async () => {
  const schema = {
    type: "object",
    properties: {
      kind: { const: "tree" },
      state: { anyOf: [{ type: "boolean" }, { type: "null" }] },
      leaves: { type: "array", items: { $ref: "#/definitions/leaf" }, minItems: 1, maxItems: 3 },
    },
    definitions: {
      leaf: { allOf: [{ type: "object", properties: { size: { enum: ["s", "l"] } } }, { properties: { isGreen: { type: "boolean" } } }] },
    },
  };
  const { content, finishReason } = await ask({ format: { type: "schema", name: "tree", schema }, outputTokensMax: 1_000 });
  assert.equal(finishReason, "stop");
  const { kind, state, leaves } = JSON.parse(content) as Readonly<Record<string, unknown>>;
  assert.equal(kind, "tree");
  assert.ok(state === null || typeof state === "boolean");
  assert.ok(Array.isArray(leaves) && leaves.length >= 1 && leaves.length <= 3);
  for (const leaf of leaves) assert.deepEqual(Object.keys(leaf as object), ["size", "isGreen"]);
});

test("any JSON is JSON, whatever the model says", async () => {
  const replies = await Promise.all(
    [1, 2, 3, 4, 5].map((seed) => ask({ format: { type: "json" }, sampling: { seed }, outputTokensMax: 1_000 })),
  );
  const whole = replies.filter(({ finishReason }) => finishReason === "stop");
  assert.ok(whole.length > 0);
  for (const { content } of whole) assert.doesNotThrow(() => JSON.parse(content) as unknown);
});

test("with tools and a format it either calls a tool or answers in the format", async () => {
  const schema = { type: "object", properties: { isDone: { type: "boolean" } } };
  for (const seed of [1, 2, 3, 4]) {
    const reply = await ask({ tools, format: { type: "schema", name: "done", schema }, sampling: { seed }, outputTokensMax: 600 });
    if (reply.finishReason === "tool_calls") assert.equal(reply.calls.length, 1);
    else assert.equal(typeof (JSON.parse(reply.content) as { readonly isDone: unknown }).isDone, "boolean");
  }
});

test("a stop sequence ends the answer and is told, and is no part of it", async () => {
  const stop = Array.from("abcdefghijklmnopqrstuvwxyz");
  const { content, finishReason, stopSequence } = await ask({ sampling: { stop }, outputTokensMax: 1_000 });
  assert.equal(finishReason, "stop");
  assert.ok(stopSequence === undefined || stop.includes(stopSequence));
  assert.doesNotMatch(content, /[a-z]/);
});

test("a request that the model's context cannot hold is refused, and nothing of it forgotten", async () => {
  const messages = [{ role: "user", content: "too long ".repeat(1_000) }] as const;
  await assert.rejects(ask({ messages }), { code: "invalid_input", message: /less than 2044 tokens, got \d{4}; shorten it/ });
});

test("an answer that fills the model's context ends with length", async () => {
  const messages = [{ role: "user", content: "x".repeat(1_850) }] as const;
  const { outputTokensMax: _, ...open } = { ...hello, outputTokensMax: 0 };
  const { finishReason, usage } = await collect(
    local.generate("tiny", { ...open, messages, format: { type: "schema", name: "s", schema: { type: "string", minLength: 500 } } }, never),
  );
  assert.equal(finishReason, "length");
  assert.ok(usage.inputTokens + usage.outputTokens <= 2_048);
});

test("a model or a file that is not there is told with those that are", async () => {
  await assert.rejects(collect(local.generate("other", hello, never)), { code: "model_not_found", message: /got only: tiny, vectors/ });
});

test("embeddings have length 1 and are the same for the same text, and their tokens are counted", async () => {
  const { vectors, usage } = await local.embed("vectors", { inputs: ["one text", "another", "one text"] }, never);
  const [one = [], other = [], same = []] = vectors;
  assert.equal(one.length, 64);
  assert.deepEqual(one, same);
  assert.notDeepEqual(one, other);
  assert.ok(Math.abs(Array.from(one).reduce((sum, value) => sum + value * value, 0) - 1) < 1e-5);
  assert.ok(usage.inputTokens >= 24 && usage.outputTokens === 0);
  await assert.rejects(local.embed("vectors", { inputs: ["long ".repeat(1_000)] }, never), { code: "invalid_input", message: /1\. of 1/ });
  await assert.rejects(local.embed("vectors", { inputs: ["short"], dimensions: 32 }, never), { code: "unsupported", message: /64/ });
});
