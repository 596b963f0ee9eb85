import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Json } from "@tutti/core";
import { startTestApp, type TestApp } from "../../testing.ts";
import { startOpenAiUpstream, type OpenAiUpstream } from "../../testing/openai-upstream.ts";

let upstream: OpenAiUpstream;
let app: TestApp;

before(async () => {
  upstream = await startOpenAiUpstream();
  app = await startTestApp({
    providers: [{ name: "cloud", baseUrl: upstream.baseUrl, models: ["test-model"] }],
    cache: {
      ttlSeconds: 60,
      bytesMax: 1_000_000,
      tenantBytesMax: 1_000_000,
      entryBytesMax: 100_000,
      finishReasons: ["stop"],
    },
  });
});

after(async () => {
  await app[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

interface Answer {
  readonly status: number;
  readonly cache: string | null;
  readonly text: string;
}

async function chat(
  content: string,
  rest: { readonly [key: string]: Json } = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const response = await fetch(new URL("/v1/chat/completions", app.url), {
    method: "POST",
    headers: { authorization: `Bearer ${app.token}`, "content-type": "application/json", ...headers },
    body: JSON.stringify({ model: "cloud/test-model", messages: [{ role: "user", content }], ...rest }),
  });
  return { status: response.status, cache: response.headers.get("tutti-cache"), text: await response.text() };
}

/** What a streamed answer says. */
function said(text: string): string {
  return Array.from(text.matchAll(/"content":"((?:[^"\\]|\\.)*)"/g), ([, piece = ""]) => piece).join("");
}

test("the second time the answer comes from the cache, byte for byte, and the model is asked once", async () => {
  const calls = upstream.calls.length;
  const [first, second] = [await chat("Hello"), await chat("Hello", { user: "ada" })];
  assert.deepEqual([second.status, second.text], [200, first.text]);
  assert.match(second.cache ?? "", /^hit; exact; age=\d+$/);
  assert.equal(upstream.calls.length, calls + 1);
});

test("a stream is kept as a stream, and serves those who want it whole; and the other way round", async () => {
  const streamed = await chat("Good morning", { stream: true });
  const again = await chat("Good morning", { stream: true });
  assert.equal(again.text, streamed.text);
  const whole = await chat("Good morning");
  assert.match(whole.cache ?? "", /^hit; exact/);
  assert.ok(said(whole.text).includes("You said: Good morning"));
  await chat("Good night");
  const asStream = await chat("Good night", { stream: true });
  assert.match(asStream.cache ?? "", /^hit; exact/);
  assert.equal(said(asStream.text), "You said: Good night");
  assert.match(asStream.text, /data: \[DONE\]\n\n$/);
});

test("clients pass the cache by, refresh it, or ask for it alone", async () => {
  const calls = upstream.calls.length;
  assert.equal((await chat("Anyone?", {}, { "tutti-cache": "only" })).status, 404);
  await chat("Anyone?", {}, { "tutti-cache": "bypass" });
  assert.equal((await chat("Anyone?", {}, { "tutti-cache": "only" })).status, 404);
  await chat("Anyone?", {}, { "tutti-cache": "refresh" });
  assert.match((await chat("Anyone?", {}, { "tutti-cache": "only" })).cache ?? "", /^hit/);
  await chat("Anyone?", {}, { "cache-control": "no-cache" });
  assert.equal(upstream.calls.length, calls + 3);
  assert.equal((await chat("Anyone?", {}, { "tutti-cache": "perhaps" })).status, 400);
});

test("the owner sees what is kept and throws it away", async () => {
  await chat("Keep this");
  const shown = (await (await app.fetch("/v1/cache")).json()) as {
    readonly isOn: boolean;
    readonly entries: number;
    readonly hitsExact: number;
  };
  assert.ok(shown.isOn && shown.entries > 0 && shown.hitsExact > 0);
  const { cleared } = (await (await app.fetch("/v1/cache/clear", {})).json()) as { readonly cleared: number };
  assert.equal(cleared, shown.entries);
  assert.equal((await chat("Keep this", {}, { "tutti-cache": "only" })).status, 404);
  assert.equal((await app.fetch("/v1/cache/clear", { tenants: "acme" })).status, 400);
});
