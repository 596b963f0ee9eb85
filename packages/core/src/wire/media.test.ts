import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { AppError } from "../error.ts";
import { decodeSpeechRequest, decodeTranscriptFields, encodeTranscript } from "./audio.ts";
import {
  base64ToFloats,
  decodeEmbeddings,
  decodeEmbeddingsRequest,
  encodeEmbeddings,
  floatsToBase64,
  shortenVector,
} from "./embeddings.ts";
import { decodeImagesRequest, encodeImageEvents, encodeImages } from "./images.ts";
import { usageOfMedia } from "./media-usage.ts";
import { decodeRanking, decodeRerankRequest, encodeRanking } from "./rerank.ts";

const hasCode =
  (code: string) =>
  (thrown: unknown): boolean =>
    thrown instanceof AppError && thrown.code === code;

describe("embeddings on the wire", () => {
  test("a vector in base64 is its little-endian 32-bit floats, as Node's own base64 reads it", () => {
    fc.assert(
      fc.property(fc.array(fc.float({ noNaN: true })), (numbers) => {
        const text = floatsToBase64(numbers);
        const bytes = Buffer.from(text, "base64");
        assert.equal(bytes.toString("base64"), text);
        assert.deepEqual(
          numbers.map((_, index) => bytes.readFloatLE(index * 4)),
          numbers,
        );
        assert.deepEqual([...base64ToFloats(text)], numbers);
      }),
    );
  });

  test("base64 that is no vector is the provider's fault, whatever it is", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          assert.equal(floatsToBase64(base64ToFloats(text)).length, Math.ceil((text.replace(/={1,2}$/, "").length * 3) / 12) * 4);
        } catch (thrown) {
          assert.ok(hasCode("upstream")(thrown));
        }
      }),
    );
  });

  test("any request is read, or refused with the field that is wrong", () => {
    fc.assert(
      fc.property(
        fc.record(
          { model: fc.anything(), input: fc.anything(), dimensions: fc.anything(), encoding_format: fc.anything() },
          { requiredKeys: [] },
        ),
        (body) => {
          try {
            decodeEmbeddingsRequest(body);
          } catch (thrown) {
            assert.ok(hasCode("invalid_input")(thrown));
          }
        },
      ),
    );
  });

  test("texts and tokens are told apart, and never mixed", () => {
    const read = (input: unknown): unknown => decodeEmbeddingsRequest({ model: "m", input }).input;
    assert.deepEqual(read("a"), { type: "texts", texts: ["a"] });
    assert.deepEqual(read(["a", "b"]), { type: "texts", texts: ["a", "b"] });
    assert.deepEqual(read([1, 2, 3]), { type: "tokens", inputs: 1, tokens: 3 });
    assert.deepEqual(read([[1, 2], [3]]), { type: "tokens", inputs: 2, tokens: 3 });
    for (const input of [[], ["a", 1], [[1], "a"], [[]], {}, null, 3]) assert.throws(() => read(input), hasCode("invalid_input"));
  });

  test("an answer is read in the inputs' order, whichever order and encoding it came in", () => {
    const usage = { inputTokens: 5, outputTokens: 0 };
    const answer = {
      data: [
        { index: 1, embedding: [3, 4] },
        { index: 0, embedding: floatsToBase64([1, 2]) },
      ],
      usage: { prompt_tokens: 5, total_tokens: 5 },
    };
    const read = decodeEmbeddings(answer, 2);
    assert.deepEqual(
      read.vectors.map((vector) => [...vector]),
      [
        [1, 2],
        [3, 4],
      ],
    );
    assert.deepEqual(read.usage, usage);
    assert.throws(() => decodeEmbeddings(answer, 3), hasCode("upstream"));
    assert.throws(() => decodeEmbeddings({ data: [answer.data[0], answer.data[0]] }, 2), hasCode("upstream"));
    assert.deepEqual(decodeEmbeddings(encodeEmbeddings(read, { model: "m", encoding: "base64" }), 2).usage, usage);
  });

  test("a shortened vector has length 1", () => {
    fc.assert(
      fc.property(fc.array(fc.float({ min: -1, max: 1, noNaN: true }), { minLength: 4 }), (vector) => {
        const length = Math.hypot(...shortenVector(vector, 3));
        assert.ok(length === 0 || Math.abs(length - 1) < 1e-9);
      }),
    );
  });
});

describe("rankings on the wire", () => {
  test("documents are texts or objects, and come back as they were given", () => {
    const call = decodeRerankRequest({
      model: "m",
      query: "q",
      documents: ["a", { text: "b", id: 7 }],
      top_n: 1,
      return_documents: true,
    });
    const ranked = decodeRanking(
      {
        results: [
          { index: 0, relevance_score: 0.1 },
          { index: 1, relevance_score: 0.9 },
        ],
      },
      2,
    );
    assert.deepEqual((encodeRanking(ranked, { id: "r", call }) as { readonly results: unknown }).results, [
      { index: 1, relevance_score: 0.9, document: { text: "b", id: 7 } },
    ]);
    assert.throws(() => decodeRanking({ results: [{ index: 2, relevance_score: 1 }] }, 2), hasCode("upstream"));
    assert.throws(() => decodeRerankRequest({ model: "m", query: "q", documents: [] }), hasCode("invalid_input"));
  });
});

describe("transcripts and speech on the wire", () => {
  const fields = (values: Readonly<Record<string, string | readonly string[]>>): ReturnType<typeof decodeTranscriptFields> =>
    decodeTranscriptFields(new Map(Object.entries(values).map(([name, value]) => [name, [value].flat()])));

  test("subtitles have their clock, and no text can break out of its cue", () => {
    const segments = [{ startS: 3_661.0015, endS: 3_662, text: " one\n\n2\n00:00 --> 00:01 two " }];
    const srt = encodeTranscript({ text: "", segments }, { format: "srt", isTranslated: false });
    assert.equal(srt.text, "1\n01:01:01,002 --> 01:01:02,000\none\n2\n00:00 -> 00:01 two\n\n");
    const vtt = encodeTranscript({ text: "", segments }, { format: "vtt", isTranslated: false });
    assert.match(vtt.text, /^WEBVTT\n\n1\n01:01:01\.002 --> 01:01:02\.000\n/);
  });

  test("a format with times is refused where there are none", () => {
    for (const format of ["srt", "vtt", "verbose_json"] as const)
      assert.throws(() => encodeTranscript({ text: "hi" }, { format, isTranslated: false }), hasCode("unsupported"));
  });

  test("what only the provider itself could honour is named", () => {
    assert.deepEqual(fields({ model: "m", "include[]": "logprobs" }).nativeOnly, ["include[]"]);
    assert.deepEqual(fields({ model: "m", "timestamp_granularities[]": ["segment", "word"] }).nativeOnly, ["timestamp_granularities[]"]);
    assert.deepEqual(fields({ model: "m", stream: "true" }), { model: "m", format: "json", stream: true, nativeOnly: [] });
    assert.throws(() => fields({ model: "m", response_format: "xml" }), hasCode("invalid_input"));
    assert.throws(() => fields({}), hasCode("invalid_input"));
  });

  test("a voice is a name or the id of one's own", () => {
    assert.equal(decodeSpeechRequest({ model: "m", input: "hi", voice: { id: "voice_1" } }).voice, "voice_1");
    assert.throws(() => decodeSpeechRequest({ model: "m", input: "hi", voice: "alloy", speed: 9 }), hasCode("invalid_input"));
  });
});

describe("pictures on the wire", () => {
  const call = decodeImagesRequest({ model: "m", prompt: "a cat", response_format: "url", size: "auto" });

  test("a client that wants an address gets one, also of a picture that is here", () => {
    const drawn = { images: [{ data: "QUJD", mediaType: "image/png" }] };
    assert.deepEqual(encodeImages(drawn, { call, createdAt: 1 }), { created: 1, data: [{ url: "data:image/png;base64,QUJD" }] });
    assert.match(encodeImageEvents(drawn, { call, createdAt: 1 }), /"type":"image_generation.completed","b64_json":"QUJD"/);
  });

  test("a picture that is elsewhere is not fetched", () => {
    const elsewhere = { images: [{ url: "https://example.test/cat.png" }] };
    assert.throws(() => encodeImages(elsewhere, { call: { ...call, delivery: "b64_json" }, createdAt: 1 }), hasCode("unsupported"));
  });
});

describe("what a call used", () => {
  test("is read in every provider's words", () => {
    assert.deepEqual(usageOfMedia({ usage: { prompt_tokens: 3, total_tokens: 3 } }), { inputTokens: 3, outputTokens: 0 });
    assert.deepEqual(usageOfMedia({ usage: { type: "tokens", input_tokens: 3, output_tokens: 4 } }), { inputTokens: 3, outputTokens: 4 });
    assert.deepEqual(usageOfMedia({ usage: { type: "duration", seconds: 12 } }), { inputTokens: 0, outputTokens: 0, seconds: 12 });
    assert.deepEqual(usageOfMedia({ meta: { billed_units: { search_units: 1 } } }), { inputTokens: 0, outputTokens: 0, searches: 1 });
    assert.deepEqual(usageOfMedia({ data: [{ url: "u" }], usage: null }), { inputTokens: 0, outputTokens: 0, images: 1 });
    fc.assert(fc.property(fc.anything(), (answer) => usageOfMedia(answer).inputTokens >= 0));
  });
});
