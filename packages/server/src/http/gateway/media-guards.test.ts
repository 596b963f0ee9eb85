import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json } from "@tutti/core";
import OpenAI, { toFile } from "openai";
import { MEDIA_API_KEY, startMediaUpstream } from "../../testing/media-upstream.ts";
import { startTestApp, type TestApp } from "../../testing.ts";

const SURFACES = ["embeddings", "rerank", "audio/speech", "audio/transcriptions", "images/generations"] as const;
type Options = NonNullable<Parameters<typeof startTestApp>[0]>;

async function start(options: Options): Promise<{
  readonly app: TestApp;
  readonly client: OpenAI;
  readonly sent: (path: string) => readonly string[];
  [Symbol.asyncDispose](): Promise<void>;
}> {
  await using starting = new AsyncDisposableStack();
  const upstream = starting.use(await startMediaUpstream());
  const provider = { name: "media", baseUrl: upstream.baseUrl, apiKey: MEDIA_API_KEY, models: [], surfaces: [...SURFACES] };
  const app = starting.use(await startTestApp({ providers: [provider], ...options }));
  const started = starting.move();
  return {
    app,
    client: new OpenAI({ baseURL: `${app.url}/v1`, apiKey: app.token, maxRetries: 0 }),
    sent: (path) => upstream.calls.flatMap((call) => (call.path === path ? [String(call.received)] : [])),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

const personalData = (action: "block" | "redact"): NonNullable<Options["guardrails"]>[number] => ({
  id: "personal",
  check: "personal-data",
  where: ["input"],
  action,
});
const MAIL = "jane.doe@example.com";

test("personal data is taken out of what is embedded, ranked, spoken, drawn and told about a recording", async () => {
  await using bench = await start({ guardrails: [personalData("redact")] });
  const { client, app } = bench;
  await client.embeddings.create({ model: "media/e", input: ["plain", `mail ${MAIL}`] });
  await app.fetch("/v1/rerank", { model: "media/r", query: MAIL, documents: ["plain", { text: MAIL, id: 1 }] });
  await client.audio.speech.create({ model: "media/s", voice: "v", input: MAIL });
  await client.images.generate({ model: "media/i", prompt: MAIL });
  const file = await toFile(Buffer.from("RIFF"), "a.wav", { type: "audio/wav" });
  await client.audio.transcriptions.create({ model: "media/t", prompt: MAIL, file });
  for (const surface of SURFACES) {
    const [sent = ""] = bench.sent(`/v1/${surface}`);
    assert.notEqual(sent, "");
    assert.ok(!sent.includes(MAIL), sent);
  }
  assert.match(bench.sent("/v1/embeddings")[0] ?? "", /"plain"/);
  assert.match(bench.sent("/v1/rerank")[0] ?? "", /"id":1/);
});

test("what a guard blocks reaches nobody", async () => {
  await using bench = await start({ guardrails: [personalData("block")] });
  await assert.rejects(bench.client.embeddings.create({ model: "media/e", input: MAIL }), { status: 403, code: "denied" });
  assert.deepEqual(bench.sent("/v1/embeddings"), []);
  assert.equal((await bench.client.embeddings.create({ model: "media/e", input: "plain" })).data.length, 1);
});

test("fields that nobody here reads are looked at too, in JSON and in forms", async () => {
  const hidden: readonly (readonly [path: string, body: { readonly [key: string]: Json }])[] = [
    ["embeddings", { model: "media/e", input: "plain", user: MAIL }],
    ["embeddings", { model: "media/e", input: MAIL, note: { deep: [MAIL], [MAIL]: 1 } }],
    ["rerank", { model: "media/r", query: "q", documents: [{ text: "plain", title: MAIL }] }],
    ["audio/speech", { model: "media/s", voice: "v", input: "plain", instructions: MAIL }],
    ["images/generations", { model: "media/i", prompt: "plain", user: `by ${MAIL}` }],
  ];
  await using blocking = await start({ guardrails: [personalData("block")] });
  await using redacting = await start({ guardrails: [personalData("redact")] });
  for (const [path, body] of hidden) {
    assert.equal((await blocking.app.fetch(`/v1/${path}`, body)).status, 403, path);
    assert.equal(blocking.sent(`/v1/${path}`).length, 0);
    await redacting.app.fetch(`/v1/${path}`, body);
    const sent = redacting.sent(`/v1/${path}`).at(-1) ?? "";
    assert.match(sent, /\[EMAIL_\w{6}\]/);
    assert.ok(!sent.includes(MAIL), sent);
  }
  for (const bench of [blocking, redacting])
    for (const [name, more] of [
      ["a.wav", { note: MAIL }],
      [`${MAIL}.wav`, {}],
    ] as const) {
      const file = await toFile(Buffer.from("RIFF"), name, { type: "audio/wav" });
      await assert.rejects(bench.client.audio.transcriptions.create({ model: "media/t", file, ...more }), { status: 403 });
      assert.equal(bench.sent("/v1/audio/transcriptions").length, 0);
    }
});

test("the same embeddings come from the cache, and not from the provider again", async () => {
  const cache = { ttlSeconds: 60, bytesMax: 1e6, tenantBytesMax: 1e6, entryBytesMax: 1e5, finishReasons: ["stop" as const] };
  await using bench = await start({ cache });
  const asked = { model: "media/e", input: ["one", "two"] };
  const first = await bench.client.embeddings.create(asked);
  const { data: again, response } = await bench.client.embeddings.create(asked).withResponse();
  assert.deepEqual(again, first);
  assert.match(response.headers.get("tutti-cache") ?? "", /^hit/);
  await bench.client.embeddings.create({ ...asked, dimensions: 4 });
  assert.equal(bench.sent("/v1/embeddings").length, 2);
});
