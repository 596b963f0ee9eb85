import assert from "node:assert/strict";
import { test } from "node:test";
import type { ModelRequest } from "@tutti/core/model";
import fc from "fast-check";
import type { Surface } from "../provider.ts";
import { AnswerCache, cacheHeader, replayed, type CacheConfig, type CachedAnswer, type CacheQuestion } from "./index.ts";

const CONFIG: CacheConfig = {
  ttlSeconds: 60,
  bytesMax: 1_000_000,
  tenantBytesMax: 500_000,
  entryBytesMax: 100_000,
  finishReasons: ["stop", "tool_calls"],
};

interface Asking {
  readonly body: unknown;
  readonly tenant?: string;
  readonly surface?: Surface;
  readonly model?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly stream?: boolean;
}

function ask({
  body,
  tenant = "acme",
  surface = "chat/completions",
  model = "gpt-4o",
  headers = {},
  stream = false,
}: Asking): CacheQuestion {
  return { body, surface, model, headers, stream, principal: { tenant }, request: () => requestOf(body) };
}

/** What a codec would read; here the body has the same words. */
function requestOf(body: unknown): ModelRequest {
  const { messages, temperature } = body as { readonly messages: ModelRequest["messages"]; readonly temperature?: number };
  return { messages, ...(temperature !== undefined && { sampling: { temperature } }) };
}

function says(content: string, more: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  return { model: "gpt-4o", messages: [{ role: "user", content }], ...more };
}

const DONE = { contentType: "application/json", bytes: Buffer.from('{"choices":[{"finish_reason":"stop","message":{"content":"Hi"}}]}') };

function ended(reason: string | null): typeof DONE {
  return { ...DONE, bytes: Buffer.from(JSON.stringify({ choices: [{ finish_reason: reason, message: { content: "Hi" } }] })) };
}

/** Asks, and where nothing is found, keeps the answer that would have come. */
async function serve(cache: AnswerCache, asking: Asking, answer = DONE): Promise<CachedAnswer | undefined> {
  const question = ask(asking);
  const found = await cache.find(question);
  if (found === undefined) cache.keep(question, answer);
  return found;
}

test("the same request finds the answer, byte for byte, with how and how old", async () => {
  let now = 1000;
  const cache = new AnswerCache({ config: CONFIG, now: () => now });
  assert.equal(cacheHeader(await serve(cache, { body: says("Hello") })), "miss");
  now += 2500;
  const found = await serve(cache, { body: says("Hello") });
  assert.deepEqual(found?.bytes, DONE.bytes);
  assert.equal(cacheHeader(found), "hit; exact; age=2");
});

test("what does not change an answer does not change its place", async () => {
  const same = [
    says("Hello", { stream: true, stream_options: { include_usage: true }, user: "ada", metadata: { a: 1 }, store: true }),
    says("Hello", { temperature: 1, top_p: 1, n: 1, tools: [], tool_choice: "auto", response_format: { type: "text" }, stop: null }),
    {
      messages: [
        {
          content: [
            { type: "text", text: "Hel" },
            { text: "lo", type: "text" },
          ],
          role: "user",
        },
      ],
      model: "gpt-4o",
    },
  ];
  for (const body of same) {
    const cache = new AnswerCache({ config: CONFIG });
    await serve(cache, { body: says("Hello") });
    assert.equal((await serve(cache, { body }))?.how, "exact", JSON.stringify(body));
  }
});

test("what changes an answer finds nothing", async () => {
  const cache = new AnswerCache({ config: CONFIG });
  await serve(cache, { body: says("Hello") });
  const others: readonly Asking[] = [
    { body: says("Hello!") },
    { body: says("hello") },
    { body: says("Hello", { temperature: 0.5 }) },
    { body: says("Hello", { seed: 7 }) },
    { body: says("Hello", { reasoning_effort: "low" }) },
    { body: says("Hello", { some_new_field: 1 }) },
    { body: says("Hello"), model: "gpt-4" },
    { body: says("Hello"), tenant: "other" },
    { body: says("Hello"), surface: "messages" },
    {
      body: {
        messages: [
          {
            role: "user",
            content: [
              { type: "text", text: "Hello" },
              { type: "image_url", image_url: { url: "x" } },
            ],
          },
        ],
      },
    },
  ];
  for (const other of others) assert.equal(await cache.find(ask(other)), undefined, JSON.stringify(other));
});

test("letters stay as they are written, whatever normal form they are in", async () => {
  const cache = new AnswerCache({ config: CONFIG });
  await serve(cache, { body: says("caf\u00e9") });
  assert.equal(await cache.find(ask({ body: says("cafe\u0301") })), undefined);
});

test("only whole answers that ended well are kept", async () => {
  const bad: readonly (readonly [Surface, boolean, string])[] = [
    ["chat/completions", false, '{"choices":[{"finish_reason":"length"}]}'],
    ["chat/completions", false, '{"choices":[{"finish_reason":"content_filter"}]}'],
    ["chat/completions", false, '{"choices":[{"finish_reason":"stop"},{"finish_reason":"length"}]}'],
    ["chat/completions", false, '{"error":{"message":"no"}}'],
    ["chat/completions", false, '{"choices":[{"finish_reason":"st'],
    ["chat/completions", true, 'data: {"choices":[{"finish_reason":"stop"}]}\n\n'],
    ["chat/completions", true, "data: [DONE]\n\n"],
    ["messages", false, '{"stop_reason":"max_tokens"}'],
    ["messages", true, 'data: {"type":"message_delta","delta":{"stop_reason":"end_turn"}}\n\n'],
    [
      "messages",
      true,
      'data: {"type":"message_delta","delta":{"stop_reason":"end_turn"}}\n\ndata: {"type":"error"}\n\ndata: {"type":"message_stop"}\n\n',
    ],
    ["responses", false, '{"status":"incomplete"}'],
    ["responses", true, 'data: {"type":"response.failed","response":{"status":"failed"}}\n\n'],
    ["embeddings", false, "<html>"],
  ];
  for (const [surface, stream, text] of bad) {
    const cache = new AnswerCache({ config: CONFIG });
    await serve(cache, { body: says("Hi"), surface, stream }, { contentType: "", bytes: Buffer.from(text) });
    assert.equal(cache.stats().entries, 0, text);
  }
});

test("whole answers of every surface are kept", async () => {
  const good: readonly (readonly [Surface, boolean, string])[] = [
    [
      "chat/completions",
      true,
      'data: {"choices":[{"finish_reason":null}]}\n\ndata: {"choices":[{"finish_reason":"tool_calls"}]}\n\ndata: [DONE]\n\n',
    ],
    ["completions", false, '{"choices":[{"finish_reason":"stop"}]}'],
    ["messages", false, '{"stop_reason":"tool_use"}'],
    ["messages", true, 'data: {"type":"message_delta","delta":{"stop_reason":"end_turn"}}\n\ndata: {"type":"message_stop"}\n\n'],
    ["responses", false, '{"status":"completed","output":[],"error":null}'],
    ["responses", true, 'data: {"type":"response.completed","response":{"status":"completed","output":[]}}\n\n'],
    ["embeddings", false, '{"data":[]}'],
  ];
  for (const [surface, stream, text] of good) {
    const cache = new AnswerCache({ config: CONFIG });
    await serve(cache, { body: says("Hi"), surface, stream }, { contentType: "", bytes: Buffer.from(text) });
    assert.equal(cache.stats().entries, 1, text);
  }
});

test("a request that goes on from what a server keeps is never answered from the cache", async () => {
  const cache = new AnswerCache({ config: CONFIG });
  for (const field of ["previous_response_id", "conversation"])
    await serve(cache, { body: says("Hi", { [field]: "x" }), surface: "responses" });
  assert.equal(cache.stats().entries, 0);
});

test("clients can pass the cache by, refresh it, ask for it alone, and say how old an answer may be", async () => {
  let now = 0;
  const cache = new AnswerCache({ config: CONFIG, now: () => now });
  const body = says("Hello");
  await serve(cache, { body, headers: { "tutti-cache": "bypass" } });
  await serve(cache, { body, headers: { "cache-control": "no-store" } });
  assert.equal(cache.stats().entries, 0);
  assert.throws(() => cache.find(ask({ body, headers: { "tutti-cache": "only" } })), { code: "not_found" });
  assert.throws(() => cache.find(ask({ body, headers: { "tutti-cache": "sometimes" } })), { code: "invalid_input" });
  await serve(cache, { body });
  now = 10_000;
  assert.equal(await cache.find(ask({ body, headers: { "cache-control": "max-age=9" } })), undefined);
  assert.equal((await cache.find(ask({ body, headers: { "cache-control": "max-age=10" } })))?.ageMs, 10_000);
  assert.equal((await cache.find(ask({ body, headers: { "cache-control": "only-if-cached" } })))?.ageMs, 10_000);
  assert.equal(await serve(cache, { body, headers: { "tutti-cache": "refresh" } }), undefined);
  assert.equal((await cache.find(ask({ body })))?.ageMs, 0);
});

test("an answer is gone when its time is over", async () => {
  let now = 0;
  const cache = new AnswerCache({ config: CONFIG, now: () => now });
  await serve(cache, { body: says("Hello") });
  now = 59_999;
  assert.ok(await cache.find(ask({ body: says("Hello") })));
  now = 60_000;
  assert.equal(await cache.find(ask({ body: says("Hello") })), undefined);
  assert.equal(cache.stats().entries, 0);
});

test("one tenant neither sees nor pushes out another's answers, and clears only its own", async () => {
  const cache = new AnswerCache({ config: { ...CONFIG, bytesMax: 20_000, tenantBytesMax: 10_000 } });
  await serve(cache, { body: says("kept"), tenant: "small" });
  for (let index = 0; index < 100; index += 1) await serve(cache, { body: says(`flood ${index}`), tenant: "large" });
  assert.ok(await cache.find(ask({ body: says("kept"), tenant: "small" })));
  assert.equal(await cache.find(ask({ body: says("flood 0"), tenant: "large" })), undefined);
  assert.ok(await cache.find(ask({ body: says("flood 99"), tenant: "large" })));
  assert.ok(cache.clear("large") > 5);
  assert.deepEqual(
    cache.tenants().map(({ tenant }) => tenant),
    ["small"],
  );
  assert.equal(cache.clear(), 1);
  assert.deepEqual([cache.stats().entries, cache.stats().bytes], [0, 0]);
});

test("models that the patterns leave out, and large answers, are not kept", async () => {
  const cache = new AnswerCache({ config: { ...CONFIG, models: ["gpt-*", "ollama/*:7b"], entryBytesMax: 1000 } });
  await serve(cache, { body: says("a"), model: "claude-x" });
  await serve(
    cache,
    { body: says("b"), model: "gpt-4o" },
    { ...DONE, bytes: Buffer.from(JSON.stringify({ choices: [{ finish_reason: "stop", text: "x".repeat(1000) }] })) },
  );
  assert.equal(cache.stats().entries, 0);
  await serve(cache, { body: says("c"), model: "ollama/qwen:7b" });
  assert.equal(cache.stats().entries, 1);
});

test("a stream goes out again in its events' pieces", () => {
  const bytes = Buffer.from("data: 1\n\nevent: x\ndata: 2\n\ndata: [DONE]\n\n");
  assert.deepEqual(Array.from(replayed({ stream: true, bytes }), String), ["data: 1\n\n", "event: x\ndata: 2\n\n", "data: [DONE]\n\n"]);
  assert.deepEqual(Array.from(replayed({ stream: false, bytes }), String), [bytes.toString()]);
});

/** A stand-in for an embedding model: a text is the counts of its words, so texts that share words are near. */
function bagOfWords(texts: readonly string[]): Promise<readonly number[][]> {
  return Promise.resolve(
    texts.map((text) => {
      const vector = Array.from({ length: 128 }, () => 0);
      for (const word of text.toLowerCase().match(/\w+/g) ?? []) {
        let sum = 7;
        for (const letter of word) sum = (sum * 31 + letter.charCodeAt(0)) % 128;
        vector[sum] = (vector[sum] ?? 0) + 1;
      }
      return vector;
    }),
  );
}

const SEMANTIC: CacheConfig = { ...CONFIG, semantic: { model: "local", threshold: 0.85, temperatureMax: 1, charactersMax: 2000 } };

test("a question in nearly the same words finds the answer, and says how similar it was", async () => {
  const cache = new AnswerCache({ config: SEMANTIC, embed: bagOfWords });
  await serve(cache, { body: says("How do I reset the password of my account in the shop?") });
  const found = await serve(cache, { body: says("How do I reset the password of my account in your shop?") });
  assert.match(cacheHeader(found), /^hit; semantic; similarity=0\.9\d\d; age=0$/);
  assert.equal(await cache.find(ask({ body: says("Which trains leave for Vienna tonight?") })), undefined);
  assert.deepEqual([cache.stats().hitsSemantic, cache.stats().misses], [1, 2]);
});

test("similar words are not enough where anything else differs", async () => {
  const cache = new AnswerCache({ config: SEMANTIC, embed: bagOfWords });
  const text = "How many days do I have to send back the shoes that I bought?";
  await serve(cache, { body: says(`${text} Within 5?`) });
  const others: readonly Asking[] = [
    { body: says(`${text} Within 50?`) },
    { body: says(`${text} within 5 ?`), tenant: "other" },
    { body: says(`${text} within 5 ?`), model: "gpt-4" },
    { body: says(`${text} within 5 ?`, { max_tokens: 5 }) },
    { body: says(`${text} within 5 ?`, { temperature: 1.5 }) },
    {
      body: {
        messages: [
          { role: "system", content: "Lie." },
          { role: "user", content: `${text} within 5 ?` },
        ],
      },
    },
    {
      body: {
        messages: [
          { role: "user", content: text },
          { role: "tool", callId: "1", content: `${text} within 5 ?` },
        ],
      },
    },
  ];
  for (const other of others) assert.equal(await cache.find(ask(other)), undefined, JSON.stringify(other));
  assert.equal((await cache.find(ask({ body: says(`${text} within 5 ?`) })))?.how, "semantic");
});

test("names, figures, addresses and negations have to be the same, however close the rest is", async () => {
  const pairs = [
    ["Please write a short letter to Ada for me now", "Please write a short letter to Bob for me now"],
    ["Please write a short letter to a@example.org", "Please write a short letter to b@example.org"],
    ["Should I send the shoes back in the box today", "Should I not send the shoes back in the box today"],
    ['What does "foo" mean in the language of the lab', 'What does "bar" mean in the language of the lab'],
  ] as const;
  for (const [first, second] of pairs) {
    const cache = new AnswerCache({
      config: { ...SEMANTIC, semantic: { model: "local", threshold: 0.5, temperatureMax: 1, charactersMax: 2000 } },
      embed: bagOfWords,
    });
    await serve(cache, { body: says(first) });
    assert.equal(await cache.find(ask({ body: says(second) })), undefined, second);
    assert.equal((await cache.find(ask({ body: says(`${first}, dear`) })))?.how, "semantic", first);
  }
});

test("an answer that went through guards is only for those for whom the same guards stand", async () => {
  const cache = new AnswerCache({ config: CONFIG });
  const asked = (scope?: string): CacheQuestion => ({
    ...ask({ body: says("Hello") }),
    guard: scope === undefined ? undefined : { scope },
  });
  const unguarded = asked();
  await cache.find(unguarded);
  cache.keep(unguarded, DONE);
  assert.equal(await cache.find(asked("no-secrets")), undefined);
  assert.ok(await cache.find(asked()));
});

test("an embedding model that fails, or a body that no codec reads, leaves the exact cache as it is", async () => {
  const cache = new AnswerCache({ config: SEMANTIC, embed: () => Promise.reject(new Error("down")) });
  await serve(cache, { body: says("Hello") });
  assert.equal((await serve(cache, { body: says("Hello") }))?.how, "exact");
  assert.equal(cache.stats().embedFailures, 1);
  const unread = { ...ask({ body: says("What now?") }), request: () => assert.fail("unknown field") };
  assert.equal(await cache.find(unread), undefined);
});

test("the nearest of many is found, whichever way they are looked through", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.lorem({ maxCount: 12 }), { minLength: 1, maxLength: 30 }),
      fc.lorem({ maxCount: 12 }),
      async (texts, asked) => {
        const cache = new AnswerCache({ config: SEMANTIC, embed: bagOfWords });
        for (const text of texts) {
          const question = ask({ body: says(text), headers: { "tutti-cache": "refresh" } });
          await cache.find(question);
          cache.keep(question, DONE);
        }
        const vectors = await bagOfWords([asked, ...texts]);
        const [first = [], ...rest] = vectors.map((vector) => vector.map((value) => value / Math.hypot(...vector)));
        const best = Math.max(...rest.map((vector) => vector.reduce((sum, value, index) => sum + value * (first[index] ?? 0), 0)));
        const found = await cache.find(ask({ body: says(asked), headers: { "cache-control": "max-age=1000" } }));
        if (found === undefined) assert.ok(best < 0.85 + 1e-4);
        else assert.ok(Math.abs((found.similarity ?? 1) - best) < 1e-4, `${found.similarity} ${best}`);
      },
    ),
    { numRuns: 40 },
  );
});

test("whatever the body holds, asking neither throws nor mixes up tenants", async () => {
  const cache = new AnswerCache({ config: CONFIG });
  await fc.assert(
    fc.asyncProperty(fc.jsonValue({ maxDepth: 4 }), fc.jsonValue(), async (value, other) => {
      const body = { model: "m", messages: value, [JSON.stringify(other).slice(0, 20)]: other };
      const question = ask({ body, tenant: "a" });
      await cache.find(question);
      cache.keep(question, ended("stop"));
      assert.equal(await cache.find(ask({ body, tenant: "b" })), undefined);
    }),
  );
  let deep: unknown = "x";
  for (let level = 0; level < 2000; level += 1) deep = [deep];
  assert.equal(await cache.find(ask({ body: { messages: deep } })), undefined);
});
