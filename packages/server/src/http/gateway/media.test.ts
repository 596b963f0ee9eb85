import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AppError } from "@tutti/core";
import { writeForm, type OpenProvider } from "../../models/index.ts";
import { speechSurface } from "./audio-speech.ts";
import { transcriptionsSurface } from "./audio-transcripts.ts";
import { embeddingsSurface } from "./embeddings.ts";
import { imagesSurface } from "./images.ts";
import type { MediaAnswer, MediaSurface } from "./media.ts";
import { rerankSurface } from "./rerank.ts";

const NEVER = new AbortController().signal;
const usage = { inputTokens: 3, outputTokens: 0 };

const hasCode =
  (code: string) =>
  (thrown: unknown): boolean =>
    thrown instanceof AppError && thrown.code === code;

async function textOf(answer: MediaAnswer): Promise<string> {
  const pieces = await Array.fromAsync(answer.body);
  return Buffer.concat(pieces.map((piece) => Buffer.from(piece))).toString("utf8");
}

/** What a provider that does not speak a surface answers to a JSON request at it. */
function ask(surface: MediaSurface, body: object, place: { readonly open: OpenProvider; readonly name?: string }): Promise<MediaAnswer> {
  const bytes = Buffer.from(JSON.stringify({ model: "alias", ...body }));
  const call = surface.read({ bytes, contentType: "application/json", depthMax: 20 });
  assert.equal(call.model, "alias");
  return call.translate({ name: "m", ...place }, NEVER);
}

describe("embeddings of a provider that does not speak OpenAI's format", () => {
  const vectors = (...lists: readonly (readonly number[])[]): OpenProvider => ({
    embed: (_, { dimensions }) =>
      dimensions === undefined ? Promise.resolve({ vectors: lists, usage }) : Promise.reject(new AppError("unsupported", "no")),
  });

  test("are written in the encoding that was asked for", async () => {
    const float = JSON.parse(await textOf(await ask(embeddingsSurface, { input: "a" }, { open: vectors([1, 2]) }))) as object;
    assert.deepEqual(float, {
      object: "list",
      data: [{ object: "embedding", index: 0, embedding: [1, 2] }],
      model: "alias",
      usage: { prompt_tokens: 3, total_tokens: 3 },
    });
    const encoded = await textOf(await ask(embeddingsSurface, { input: "a", encoding_format: "base64" }, { open: vectors([1, 2]) }));
    assert.match(encoded, /"embedding":"AACAPwAAAEA="/);
  });

  test("are shortened only where the model was trained for it", async () => {
    const asked = { input: "a", dimensions: 2 };
    const open = vectors([3, 4, 12]);
    const short = await textOf(await ask(embeddingsSurface, asked, { open, name: "nomic-embed-text:v1.5" }));
    assert.match(short, /"embedding":\[0\.6,0\.8\]/);
    await assert.rejects(ask(embeddingsSurface, asked, { open, name: "all-minilm" }), hasCode("unsupported"));
    const ignores: OpenProvider = { embed: () => Promise.resolve({ vectors: [[3, 4, 12]], usage }) };
    await assert.rejects(ask(embeddingsSurface, asked, { open: ignores, name: "all-minilm" }), hasCode("unsupported"));
    await assert.rejects(
      ask(embeddingsSurface, { input: "a", dimensions: 9 }, { open: ignores, name: "nomic-embed-text" }),
      hasCode("unsupported"),
    );
  });

  test("of tokens are refused: nobody else has the tokenizer", async () => {
    await assert.rejects(ask(embeddingsSurface, { input: [1, 2] }, { open: vectors([1]) }), hasCode("unsupported"));
    await assert.rejects(ask(embeddingsSurface, { input: "a" }, { open: {} }), hasCode("unsupported"));
  });
});

describe("rankings", () => {
  test("are the provider's own where it ranks, and need a model that ranks or embeds", async () => {
    const open: OpenProvider = { rank: (_, { top }) => Promise.resolve({ results: [{ index: 1, score: top ?? 0 }], usage }) };
    const body = { query: "q", documents: ["a", { text: "b" }], top_n: 1 };
    assert.match(await textOf(await ask(rerankSurface, body, { open })), /"results":\[\{"index":1,"relevance_score":1\}\]/);
    await assert.rejects(ask(rerankSurface, body, { open: {} }), hasCode("unsupported"));
  });

  test("by likeness have no score below nothing, and keep their order there too", async () => {
    const of = new Map([
      ["q", [1, 0]],
      ["away", [-1, 0]],
      ["aside", [0, 1]],
      ["here", [2, 0]],
    ]);
    const open: OpenProvider = { embed: (_, { inputs }) => Promise.resolve({ vectors: inputs.map((text) => of.get(text) ?? []), usage }) };
    const answer = JSON.parse(await textOf(await ask(rerankSurface, { query: "q", documents: ["away", "aside", "here"] }, { open }))) as {
      readonly results: readonly { readonly index: number; readonly relevance_score: number }[];
    };
    assert.deepEqual(
      answer.results.map(({ index, relevance_score: score }) => [index, score]),
      [
        [2, 1],
        [1, 0],
        [0, 0],
      ],
    );
  });
});

describe("sound", () => {
  const speaking: OpenProvider = {
    speak: () =>
      Promise.resolve({
        mediaType: "audio/wav",
        usage,
        audio: (async function* (): AsyncGenerator<Uint8Array> {
          yield Buffer.from("ab");
          yield Buffer.from("c");
        })(),
      }),
  };

  test("of a provider with a voice of its own comes as it is, or as events with its usage", async () => {
    const body = { input: "hi", voice: "v" };
    const plain = await ask(speechSurface, body, { open: speaking });
    assert.deepEqual([plain.contentType, await textOf(plain), plain.usage()], ["audio/wav", "abc", usage]);
    const events = await textOf(await ask(speechSurface, { ...body, stream_format: "sse" }, { open: speaking }));
    assert.deepEqual(
      events
        .split("\n\n")
        .flatMap((event) => (event === "" ? [] : [(JSON.parse(event.slice("data: ".length)) as { readonly type: string }).type])),
      ["speech.audio.delta", "speech.audio.delta", "speech.audio.done"],
    );
    await assert.rejects(ask(speechSurface, body, { open: {} }), hasCode("unsupported"));
  });

  test("is written down in every format by a provider that says when things were said", async () => {
    const open: OpenProvider = {
      transcribe: (_, { mediaType, wantsTimes }) =>
        Promise.resolve({ text: mediaType, durationS: 1, ...(wantsTimes === true && { segments: [{ startS: 0, endS: 1, text: "hi" }] }) }),
    };
    const read = async (format: string, more: Readonly<Record<string, string>> = {}): Promise<string> => {
      const form = new FormData();
      form.append("file", new File(["sound"], "a.mp3", { type: "application/octet-stream" }));
      for (const [name, value] of Object.entries({ model: "alias", response_format: format, ...more })) form.append(name, value);
      const { bytes, contentType } = await writeForm(form);
      return textOf(await transcriptionsSurface.read({ bytes, contentType, depthMax: 1 }).translate({ open, name: "m" }, NEVER));
    };
    assert.equal(await read("json"), '{"text":"audio/mpeg"}');
    assert.equal(await read("text"), "audio/mpeg\n");
    assert.equal(await read("srt"), "1\n00:00:00,000 --> 00:00:01,000\nhi\n\n");
    assert.equal(await read("vtt"), "WEBVTT\n\n1\n00:00:00.000 --> 00:00:01.000\nhi\n\n");
    assert.match(await read("verbose_json"), /"task":"transcribe".*"segments":\[\{"id":0/);
    assert.match(await read("json", { stream: "true" }), /transcript\.text\.delta[^]*transcript\.text\.done/);
    await assert.rejects(read("diarized_json"), hasCode("unsupported"));
    await assert.rejects(read("json", { "include[]": "logprobs" }), hasCode("unsupported"));
  });
});

describe("pictures", () => {
  test("of a provider with a format of its own come as OpenAI's, streamed as finished ones", async () => {
    const open: OpenProvider = {
      draw: (_, { count }) =>
        Promise.resolve({
          images: Array.from({ length: count }, () => ({ data: "QQ==", mediaType: "image/png" })),
          usage: { inputTokens: 1, outputTokens: 2 },
        }),
    };
    const whole = JSON.parse(await textOf(await ask(imagesSurface, { prompt: "p", n: 2 }, { open }))) as {
      readonly data: unknown;
      readonly usage: object;
    };
    assert.deepEqual(whole.data, [{ b64_json: "QQ==" }, { b64_json: "QQ==" }]);
    assert.equal((whole.usage as { readonly total_tokens: number }).total_tokens, 3);
    const events = await textOf(await ask(imagesSurface, { prompt: "p", n: 2, stream: true, partial_images: 2 }, { open }));
    assert.equal(events.match(/^event: image_generation\.completed$/gm)?.length, 2);
    assert.equal(events.match(/"usage"/g)?.length, 1);
  });
});
