import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AppError } from "../error.ts";
import { SseDecoder, encodeSse, type SseEvent } from "./sse.ts";

/** Cuts bytes at the given places, so that a cut may fall inside a character or a CRLF. */
function cut(bytes: Uint8Array, places: readonly number[]): readonly Uint8Array[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b);
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

function decode(chunks: readonly (Uint8Array | string)[]): readonly SseEvent[] {
  const decoder = new SseDecoder();
  return chunks.flatMap((chunk) => decoder.push(chunk));
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const cuts = fc.array(fc.nat(), { maxLength: 12 });
const oneLine = fc.string({ unit: "binary", minLength: 1 }).filter((text) => !/[\r\n\0]/.test(text));
const data = fc.string({ unit: "binary" }).filter((text) => !text.includes("\r"));

test("events survive encoding, any cut into chunks, and decoding", () => {
  const event = fc.record(
    { event: oneLine, data, id: oneLine, retryMs: fc.nat() },
    { requiredKeys: ["data", "id"], noNullPrototype: true },
  );
  fc.assert(
    fc.property(fc.array(event), cuts, (events, places) => {
      const bytes = bytesOf(events.map((item) => encodeSse(item)).join(""));
      assert.deepEqual(decode(cut(bytes, places)), events);
    }),
  );
});

test("any bytes decode to the same events however they are cut", () => {
  const line = fc.constantFrom(
    "data: a",
    "data:b",
    "data",
    "event: é",
    "id: 7",
    "retry: 10",
    "retry: x",
    ": comment",
    "",
    "",
    "\uFEFFdata: c",
    "data: 日本",
  );
  const text = fc.array(fc.tuple(line, fc.constantFrom("\n", "\r\n", "\r")), { maxLength: 30 }).map((lines) => lines.flat().join(""));
  fc.assert(
    fc.property(fc.oneof(text.map(bytesOf), fc.uint8Array()), cuts, (bytes, places) => {
      assert.deepEqual(decode(cut(bytes, places)), decode([bytes]));
    }),
  );
});

test("text chunks decode as their bytes do", () => {
  assert.deepEqual(decode(["\uFEFFdata: 日", "本\r", "\n\r\n"]), [{ data: "日本" }]);
});

test("a byte order mark at the start is dropped, even when it is cut", () => {
  const bytes = bytesOf("\uFEFFdata: \uFEFFa\n\n");
  assert.deepEqual(decode([bytes.subarray(0, 0), bytes.subarray(0, 2), bytes.subarray(2)]), [{ data: "\uFEFFa" }]);
});

test("the standard's own examples decode as it says", () => {
  const stream = ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n";
  assert.deepEqual(decode([stream]), [{ data: "first event", id: "1" }, { data: "second event" }, { data: " third event" }]);
  assert.deepEqual(decode(["data\n\ndata\ndata\n\ndata:"]), [{ data: "" }, { data: "\n" }]);
  assert.deepEqual(decode(["data:test\n\ndata: test\n\n"]), [{ data: "test" }, { data: "test" }]);
});

test("an event without data is dropped, and its id and retry count for the next", () => {
  assert.deepEqual(decode(["event: x\nid: 9\nretry: 50\n\ndata: y\n\ndata: z\n\n"]), [
    { data: "y", id: "9", retryMs: 50 },
    { data: "z", id: "9" },
  ]);
});

test("an id with a NUL is ignored", () => {
  assert.deepEqual(decode(["id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n"]), [
    { data: "a", id: "1" },
    { data: "b", id: "1" },
  ]);
});

test("invalid UTF-8 becomes replacement characters", () => {
  assert.deepEqual(decode([bytesOf("data: "), new Uint8Array([0xff]), bytesOf("\n\n")]), [{ data: "\uFFFD" }]);
});

test("an event that never ends is refused at its bound, in one line or in many", () => {
  for (const piece of ["data: xxxxxxxx", "data: x\n", "data\n"]) {
    const decoder = new SseDecoder({ eventCharsMax: 100 });
    const feed = (): void => {
      for (let count = 0; count < 200; count += 1) decoder.push(piece);
    };
    assert.throws(feed, (error) => error instanceof AppError && error.code === "too_large");
  }
});

test("many events in one chunk do not add up to the bound", () => {
  const decoder = new SseDecoder({ eventCharsMax: 100 });
  assert.equal(decoder.push("data: 12345678\n\n".repeat(1_000)).length, 1_000);
});

test("a name or id of more than one line cannot be encoded", () => {
  assert.throws(() => encodeSse({ event: "a\nb", data: "" }), { code: "invalid_input" });
  assert.throws(() => encodeSse({ id: "a\rb", data: "" }), { code: "invalid_input" });
});
