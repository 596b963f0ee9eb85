import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AppError } from "../error.ts";
import type { Json } from "../json.ts";
import {
  attributeOf,
  decodeBinaryEvent,
  decodeCloudEvent,
  decodeCloudEvents,
  encodeBinaryEvent,
  isJsonType,
  type CloudEvent,
} from "./cloud-event.ts";

const refused = (code: string) => (error: unknown) => error instanceof AppError && error.code === code;
const minimal = { specversion: "1.0", id: "1", source: "/shop", type: "order.paid" } as const;

const text = fc.string({ unit: "binary", minLength: 1, maxLength: 40 }).filter((value) => !/[\p{Cc}\p{Cs}]/u.test(value));
const extensionName = fc.stringMatching(/^x[a-z0-9]{1,12}$/);
const extensionValue: fc.Arbitrary<Json> = fc.oneof(text, fc.boolean(), fc.integer());
const time = fc.date({ noInvalidDate: true, min: new Date("0001-01-01"), max: new Date("9999-12-31") }).map((date) => date.toISOString());
const content: fc.Arbitrary<Partial<CloudEvent>> = fc.oneof(
  fc.constant({}),
  fc.jsonValue().map((data) => ({ data: JSON.parse(JSON.stringify(data)) as Json, datacontenttype: "application/json" })),
  fc.string({ unit: "grapheme" }).map((data) => ({ data, datacontenttype: "text/plain; charset=utf-8" })),
  fc
    .uint8Array()
    .map((bytes) => ({ data_base64: Buffer.from(bytes).toString("base64"), datacontenttype: "application/octet-stream" }))
    .filter(({ data_base64: base64 }) => base64 !== ""),
);
const cloudEvent: fc.Arbitrary<CloudEvent> = fc
  .tuple(
    fc.record({ id: text, type: text, source: fc.webPath().map((path) => `/s${path}`) }),
    fc.record({ subject: text, time, dataschema: fc.webUrl() }, { requiredKeys: [] }),
    fc.dictionary(extensionName, extensionValue, { maxKeys: 5 }),
    content,
  )
  .map(
    ([required, optional, extensions, data]) => ({ specversion: "1.0", ...required, ...optional, ...extensions, ...data }) as CloudEvent,
  );

test("an event survives the JSON format", () => {
  fc.assert(fc.property(cloudEvent, (event) => assert.deepEqual(decodeCloudEvent(JSON.parse(JSON.stringify(event))), event)));
});

test("the least and the greatest integers of 32 bits are extensions, and the next ones are not", () => {
  for (const xa of [-(2 ** 31), 2 ** 31 - 1, 0]) assert.equal(decodeCloudEvent({ ...minimal, xa })["xa"], xa);
  for (const xa of [-(2 ** 31) - 1, 2 ** 31, 0.5]) assert.throws(() => decodeCloudEvent({ ...minimal, xa }), refused("invalid_input"));
});

test("an event survives binary mode; integers and booleans arrive as texts, because headers know no types", () => {
  fc.assert(
    fc.property(cloudEvent, (event) => {
      const message = encodeBinaryEvent(event);
      for (const value of Object.values(message.headers)) assert.match(String(value), /^[\x20-\x7e]+$/);
      const { data, data_base64: base64, ...attributes } = decodeBinaryEvent(message);
      const wanted = Object.fromEntries(Object.keys(event).map((name) => [name, attributeOf(event, name)]));
      delete wanted["data"];
      delete wanted["data_base64"];
      assert.deepEqual({ ...attributes }, wanted);
      assert.deepEqual([data, base64], [event.data, event.data_base64]);
    }),
  );
});

test("whatever comes in, a decoder returns an event or says what it wanted", () => {
  const hostile = fc.oneof(
    fc.anything(),
    fc.tuple(cloudEvent, fc.string(), fc.anything()).map(([event, name, value]) => ({ ...event, [name]: value })),
  );
  fc.assert(
    fc.property(hostile, (value) => {
      try {
        const event = decodeCloudEvent(value);
        assert.deepEqual(decodeCloudEvent(event), event);
      } catch (error) {
        assert.ok(refused("invalid_input")(error), String(error));
      }
    }),
  );
  fc.assert(
    fc.property(
      fc.dictionary(
        fc.oneof(
          fc.string(),
          fc.string().map((name) => `ce-${name}`),
        ),
        fc.string(),
      ),
      (headers) => {
        assert.throws(() => decodeBinaryEvent({ headers, data: { type: "none" } }), refused("invalid_input"));
      },
    ),
  );
});

test("each attribute that does not fit is named", () => {
  const cases: readonly [Record<string, unknown>, RegExp][] = [
    [{ specversion: "0.3" }, /event\.specversion: wanted "1\.0"/],
    [{ id: "" }, /event\.id/],
    [{ id: null }, /event\.id: wanted a text/],
    [{ source: "two words" }, /event\.source: wanted a URI-reference/],
    [{ source: "javascript:alert(1)<" }, /event\.source/],
    [{ dataschema: "relative/path" }, /event\.dataschema: wanted an absolute URI/],
    [{ time: "yesterday" }, /event\.time: wanted a time/],
    [{ time: "2026-02-29T00:00:00Z" }, /event\.time: wanted a day/],
    [{ datacontenttype: "json" }, /event\.datacontenttype: wanted a media type/],
    [{ type: "a\nb" }, /event\.type/],
    [{ subject: "\ud800" }, /event\.subject/],
    [{ Bad_Name: 1 }, /event\.Bad_Name: wanted names of lower-case/],
    [{ weight: 1.5 }, /event\.weight: wanted a text/],
    [{ weight: 2 ** 31 }, /event\.weight/],
    [{ tags: ["a"] }, /event\.tags/],
    [{ data: 1, data_base64: "AA==" }, /data or data_base64/],
    [{ data_base64: "not base64" }, /event\.data_base64: wanted base64/],
    [{ id: "x".repeat(3000) }, /event\.id: wanted at most 2048/],
    [Object.fromEntries(Array.from({ length: 80 }, (_, index) => [`x${index}`, 1])), /at most 64 extensions/],
  ];
  for (const [fields, message] of cases)
    assert.throws(
      () => decodeCloudEvent({ ...minimal, ...fields }),
      (error) => refused("invalid_input")(error) && message.test(String(error)),
      JSON.stringify(fields).slice(0, 80),
    );
});

test("attributes that are null are not there, data that is null is null", () => {
  assert.deepEqual(decodeCloudEvent({ ...minimal, subject: null, data: null }), { ...minimal, data: null });
});

test("a batch is a list of at most 1,000 events, and the one that does not fit is named", () => {
  assert.deepEqual(decodeCloudEvents([minimal, minimal]), [minimal, minimal]);
  assert.throws(() => decodeCloudEvents([minimal, { ...minimal, type: 1 }]), /batch\[1\]\.type/);
  assert.throws(() => decodeCloudEvents(Array.from({ length: 1001 }, () => minimal)), refused("invalid_input"));
  assert.throws(() => decodeCloudEvents(minimal), refused("invalid_input"));
});

test("headers are percent-decoded once, quoted or not, and broken escapes are refused", () => {
  const headers = { "ce-specversion": "1.0", "ce-id": '"a%20\\"b"', "ce-source": "/s", "ce-type": "Euro%20%E2%82%AC", other: "ignored" };
  const event = decodeBinaryEvent({ headers, data: { type: "text", text: "hi" } });
  assert.deepEqual(event, { specversion: "1.0", id: 'a "b', source: "/s", type: "Euro €", data: "hi" });
  assert.throws(() => decodeBinaryEvent({ headers: { ...headers, "ce-id": "%ff" }, data: { type: "none" } }), refused("invalid_input"));
  assert.throws(() => decodeBinaryEvent({ headers: { ...headers, "ce-data": "1" }, data: { type: "none" } }), /data is the body/);
});

test("JSON media types are known by their suffix", () => {
  for (const type of ["application/json", "text/json; charset=utf-8", "application/vnd.x+JSON"]) assert.ok(isJsonType(type), type);
  for (const type of ["text/plain", "application/jsonl", "application/json-seq"]) assert.ok(!isJsonType(type), type);
});
