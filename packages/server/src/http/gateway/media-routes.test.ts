import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Event } from "@tutti/core";
import OpenAI, { toFile } from "openai";
import { MEDIA_API_KEY, startMediaUpstream, type MediaUpstream } from "../../testing/media-upstream.ts";
import { ENDLESS_VOICE, vectorOf } from "../../testing/media-answers.ts";
import { startOpenAiUpstream } from "../../testing/openai-upstream.ts";
import { startTestApp, type TestApp } from "../../testing.ts";

const ALL = [
  "embeddings",
  "rerank",
  "audio/transcriptions",
  "audio/translations",
  "audio/speech",
  "images/generations",
  "images/edits",
  "moderations",
] as const;

/** A Tutti before the stand-in, with OpenAI's own client before it. */
interface Bench extends AsyncDisposable {
  readonly upstream: MediaUpstream;
  readonly app: TestApp;
  readonly client: OpenAI;
}

async function start(surfaces: readonly (typeof ALL)[number][] = ALL): Promise<Bench> {
  await using starting = new AsyncDisposableStack();
  const upstream = starting.use(await startMediaUpstream());
  const provider = { name: "media", baseUrl: upstream.baseUrl, apiKey: MEDIA_API_KEY, models: [], surfaces: [...surfaces] };
  const app = starting.use(await startTestApp({ providers: [provider] }));
  const started = starting.move();
  return { upstream, app, client: clientOf(app), [Symbol.asyncDispose]: () => started.disposeAsync() };
}

function clientOf(app: TestApp, apiKey = app.token): OpenAI {
  return new OpenAI({ baseURL: `${app.url}/v1`, apiKey, maxRetries: 0 });
}

/** What the one event of a call says of it. */
async function outputOf(
  app: TestApp,
  runId: string | null,
): Promise<{ readonly spend?: { readonly usage: unknown }; readonly metered?: unknown }> {
  for (;;) {
    const { events = [] } = (await (await app.fetch(`/v1/runs/${runId}/events`)).json()) as { readonly events?: readonly Event[] };
    const recorded = events.find((event) => event.type === "run.recorded");
    if (recorded !== undefined) return recorded.outcome.output as { readonly [key: string]: unknown } as never;
  }
}

const wav = (): Promise<File> => toFile(Buffer.from("RIFF----WAVEfmt \r\n--boundary"), "hello.wav", { type: "audio/wav" });

describe("embeddings", () => {
  test("OpenAI's client reads them, in the base64 it asks for and as numbers", async () => {
    await using bench = await start();
    const { data, response } = await bench.client.embeddings.create({ model: "media/embed-1", input: ["one two", "three"] }).withResponse();
    assert.deepEqual(
      data.data.map(({ embedding }) => embedding),
      [vectorOf("one two"), vectorOf("three")],
    );
    assert.deepEqual(data.usage, { prompt_tokens: 3, total_tokens: 3 });
    const plain = await bench.client.embeddings.create({ model: "media/embed-1", input: "one two", encoding_format: "float" });
    assert.deepEqual(plain.data[0]?.embedding, vectorOf("one two"));
    const [first] = bench.upstream.calls.filter(({ path }) => path === "/v1/embeddings");
    assert.match(String(first?.received), /"model":"embed-1"/);
    const { spend } = await outputOf(bench.app, response.headers.get("tutti-run-id"));
    assert.deepEqual(spend?.usage, { inputTokens: 3, outputTokens: 0 });
  });

  test("tokens pass through, and more inputs than the provider takes at once are cut and put together in order", async () => {
    await using bench = await start();
    const tokens = await bench.client.embeddings.create({ model: "media/embed-1", input: [[1, 2], [3]] });
    assert.deepEqual(tokens.data[0]?.embedding, vectorOf("1 2"));
    const input = Array.from({ length: 4_100 }, (_, index) => `text ${index}`);
    const many = await bench.client.embeddings.create({ model: "media/embed-1", input });
    assert.equal(many.data.length, input.length);
    for (const index of [0, 2_047, 2_048, 4_099]) assert.deepEqual(many.data[index]?.embedding, vectorOf(`text ${index}`));
    assert.equal(many.usage.prompt_tokens, 2 * input.length);
    assert.equal(bench.upstream.calls.filter(({ path }) => path === "/v1/embeddings").length, 4);
  });

  test("what is wrong in a request is said before anybody is asked", async () => {
    await using bench = await start();
    const response = await bench.app.fetch("/v1/embeddings", { model: "media/embed-1", input: ["a", 1] });
    const { error } = (await response.json()) as { readonly error: { readonly code: string; readonly param: string } };
    assert.deepEqual([response.status, error.code, error.param], [400, "invalid_input", "input[0]"]);
    assert.equal(bench.upstream.calls.filter(({ path }) => path === "/v1/embeddings").length, 0);
  });
});

describe("rankings", () => {
  const asked = { model: "media/rank-1", query: "Where is Paris?", documents: ["Bread and butter", "Paris is in France"], top_n: 1 };

  test("pass through to providers that rank", async () => {
    await using bench = await start();
    const ranked = (await (await bench.app.fetch("/v1/rerank", asked)).json()) as {
      readonly results: readonly { readonly index: number }[];
    };
    assert.deepEqual(
      ranked.results.map(({ index }) => index),
      [1],
    );
  });

  test("come from an embedding model's vectors where nobody ranks", async () => {
    await using bench = await start(["embeddings"]);
    const body = { ...asked, documents: ["other words", "Where is Paris?"], return_documents: true };
    const ranked = (await (await bench.app.fetch("/v1/rerank", body)).json()) as {
      readonly results: readonly { readonly index: number; readonly relevance_score: number; readonly document: unknown }[];
      readonly usage: unknown;
    };
    assert.deepEqual(
      ranked.results.map(({ index, document }) => [index, document]),
      [[1, { text: "Where is Paris?" }]],
    );
    assert.ok(Math.abs((ranked.results[0]?.relevance_score ?? 0) - 1) < 1e-6);
    assert.deepEqual(ranked.usage, { prompt_tokens: 8, total_tokens: 8 });
  });
});

describe("sound", () => {
  test("a recording reaches the provider byte for byte, under its own name for the model", async () => {
    await using bench = await start();
    const transcript = await bench.client.audio.transcriptions.create({ model: "media/whisper-1", file: await wav(), language: "en" });
    assert.equal(transcript.text, "transcribe of hello.wav: RIFF----WAVEfmt \r\n--boundary");
    const text = await bench.client.audio.translations.create({ model: "media/whisper-1", file: await wav(), response_format: "text" });
    assert.match(text as unknown as string, /^translate of hello\.wav/);
    const verbose = await bench.client.audio.transcriptions.create({
      model: "media/whisper-1",
      file: await wav(),
      response_format: "verbose_json",
    });
    assert.equal(verbose.duration, 1.5);
  });

  test("a transcript is streamed as it comes", async () => {
    await using bench = await start();
    const events = [];
    for await (const event of await bench.client.audio.transcriptions.create({
      model: "media/gpt-4o-transcribe",
      file: await wav(),
      stream: true,
    }))
      events.push(event);
    assert.equal(events.at(-1)?.type, "transcript.text.done");
    assert.equal(
      events.flatMap((event) => (event.type === "transcript.text.delta" ? [event.delta] : [])).join(""),
      (events.at(-1) as { readonly text: string }).text,
    );
  });

  test("a chat model that hears writes a recording down where nobody transcribes", async () => {
    await using chat = await startOpenAiUpstream(() => ({ type: "text", pieces: [" Hello ", "world. "] }));
    await using app = await startTestApp({
      providers: [{ name: "chat", baseUrl: chat.baseUrl, models: [], surfaces: ["chat/completions"] }],
    });
    const client = clientOf(app);
    assert.equal((await client.audio.transcriptions.create({ model: "chat/hears", file: await wav() })).text, "Hello world.");
    assert.match(String(chat.calls.at(-1)?.received), /"input_audio"/);
    const events = [];
    for await (const event of await client.audio.transcriptions.create({ model: "chat/hears", file: await wav(), stream: true }))
      events.push(event.type);
    assert.deepEqual(events, ["transcript.text.delta", "transcript.text.delta", "transcript.text.done"]);
    const times = client.audio.transcriptions.create({ model: "chat/hears", file: await wav(), response_format: "srt" });
    await assert.rejects(times, { status: 400, code: "unsupported" });
  });

  test("speech comes as sound or as events", async () => {
    await using bench = await start();
    const asked = { model: "media/tts-1", voice: "alloy", input: "Hello there" } as const;
    const speech = await bench.client.audio.speech.create(asked);
    assert.equal(await speech.text(), '[mp3 "alloy"] Hello there');
    assert.equal(speech.headers.get("content-type"), "audio/mpeg");
    const events = await (await bench.client.audio.speech.create({ ...asked, stream_format: "sse" })).text();
    assert.match(events, /speech\.audio\.delta[\s\S]*speech\.audio\.done/);
    const { metered } = await outputOf(bench.app, speech.headers.get("tutti-run-id"));
    assert.deepEqual(metered, { characters: 11 });
  });
});

describe("pictures and moderation", () => {
  test("pictures are made, changed and streamed in parts", async () => {
    await using bench = await start();
    const made = await bench.client.images.generate({ model: "media/draw-1", prompt: "a cat", n: 2 });
    assert.deepEqual(
      made.data?.map((image) => image.b64_json),
      Array.from({ length: 2 }, () => Buffer.from("a cat").toString("base64")),
    );
    const types = [];
    for await (const event of await bench.client.images.generate({
      model: "media/draw-1",
      prompt: "a cat",
      stream: true,
      partial_images: 2,
    }))
      types.push(event.type);
    assert.deepEqual(types, ["image_generation.partial_image", "image_generation.partial_image", "image_generation.completed"]);
    const image = await toFile(Buffer.from("PNG"), "cat.png", { type: "image/png" });
    const changed = await bench.client.images.edit({ model: "media/draw-1", prompt: "a hat", image });
    assert.equal(changed.data?.[0]?.b64_json, Buffer.from("PNG").toString("base64"));
  });

  test("a text is judged by a provider that does that", async () => {
    await using bench = await start();
    assert.equal(
      (await bench.client.moderations.create({ model: "media/omni-moderation-latest", input: "hi" })).results[0]?.flagged,
      false,
    );
    await using without = await start(["embeddings"]);
    await assert.rejects(without.client.moderations.create({ model: "media/x", input: "hi" }), { status: 400, code: "unsupported" });
  });

  test("what a provider refuses, the client reads in its words", async () => {
    await using bench = await start();
    await assert.rejects(bench.client.images.generate({ model: "media/draw-1", prompt: "x", n: 11 }), { status: 400 });
    await assert.rejects(bench.client.audio.speech.create({ model: "media/tts-1", voice: "alloy", input: "x".repeat(4_097) }), {
      status: 400,
      param: "input",
    });
  });
});

describe("keys at these doors", () => {
  const makeKey = async (app: TestApp, key: object): Promise<OpenAI> =>
    clientOf(app, ((await (await app.fetch("/v1/keys", { name: "media", ...key })).json()) as { readonly secret: string }).secret);

  test("the ledger has what the providers said was used, to the token", async () => {
    await using bench = await start();
    const client = await makeKey(bench.app, {});
    await client.embeddings.create({ model: "media/embed-1", input: "one two three" });
    await client.images.generate({ model: "media/draw-1", prompt: "a cat" });
    for await (const _ of await client.images.generate({ model: "media/draw-1", prompt: "a cat", stream: true }));
    const { text } = await client.audio.transcriptions.create({ model: "media/gpt-4o-transcribe", file: await wav() });
    for await (const _ of await client.audio.transcriptions.create({ model: "media/gpt-4o-transcribe", file: await wav(), stream: true }));
    const events = await (
      await client.audio.speech.create({ model: "media/tts-1", voice: "v", input: "Hello there", stream_format: "sse" })
    ).text();
    const spoken = /"output_tokens":(\d+)/.exec(events)?.[1];
    const heard = 2 * (await wav()).size;
    const written = 2 * text.split(/\s+/).length;
    const wanted = { requests: 6, inputTokens: 3 + 2 * 5 + heard + 2, outputTokens: 2 * 100 + written + Number(spoken) };
    for (;;) {
      const { rows } = (await (await bench.app.fetch("/v1/spend?by=key")).json()) as {
        readonly rows: readonly (typeof wanted & { readonly estimated: number })[];
      };
      const [row] = rows;
      if (row === undefined || row.requests < wanted.requests) continue;
      const { requests, inputTokens, outputTokens, estimated } = row;
      assert.deepEqual({ requests, inputTokens, outputTokens, estimated }, { ...wanted, estimated: 0 });
      return;
    }
  });

  test("a model that is not on a key's list is denied, and nobody is asked", async () => {
    await using bench = await start();
    const client = await makeKey(bench.app, { models: ["media/draw-*"] });
    await assert.rejects(client.embeddings.create({ model: "media/embed-1", input: "a" }), { status: 403, code: "denied" });
    await assert.rejects(client.audio.transcriptions.create({ model: "media/whisper-1", file: await wav() }), { status: 403 });
    assert.equal((await client.images.generate({ model: "media/draw-1", prompt: "a cat" })).data?.length, 1);
    assert.deepEqual(
      bench.upstream.calls.flatMap(({ path }) => (path === "/v1/models" ? [] : [path])),
      ["/v1/images/generations"],
    );
  });

  test("a client that leaves in the middle pays for what was read out by then", async () => {
    await using bench = await start();
    const client = await makeKey(bench.app, {});
    const leaving = new AbortController();
    const asked = { model: "media/tts-1", voice: ENDLESS_VOICE, input: "Hello there, you" };
    const speech = await client.audio.speech.create(asked, { signal: leaving.signal });
    await speech.body?.getReader().read();
    leaving.abort();
    for (;;) {
      const { rows } = (await (await bench.app.fetch("/v1/spend?by=key")).json()) as {
        readonly rows: readonly { readonly inputTokens: number; readonly estimated: number }[];
      };
      const [row] = rows;
      if (row === undefined) continue;
      assert.equal(row.estimated, 1);
      assert.ok(row.inputTokens > 0);
      return;
    }
  });

  test("a budget that is used up holds at every door", async () => {
    await using bench = await start();
    const client = await makeKey(bench.app, { limits: { budgets: [{ tokens: 3, per: "day" }] } });
    await client.embeddings.create({ model: "media/embed-1", input: "one two three" });
    await assert.rejects(client.audio.speech.create({ model: "media/tts-1", voice: "v", input: "Hello there" }), {
      status: 402,
      code: "budget_exceeded",
    });
  });
});
