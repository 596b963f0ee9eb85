import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AppError } from "@tutti/core";
import fc from "fast-check";
import { fieldOf, readForm, replaceField, valueOf, writeForm } from "./multipart.ts";

const isInvalid = (thrown: unknown): boolean => thrown instanceof AppError && thrown.code === "invalid_input";

const boundary = fc.stringMatching(/^[0-9A-Za-z'()+_,./:=?-]{1,70}$/);
const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }).filter((text) => text.isWellFormed());
/** Values that like to look like the form around them. */
const value = (mark: string): fc.Arbitrary<Buffer> =>
  fc
    .array(
      fc.oneof(
        fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes)),
        fc
          .constantFrom("\r\n", "\r", "--", `--${mark}x`, `\r\n--${mark}-x`, `\r\n-${mark}`, "\r\n\r\n", "%22", '"')
          .map((text) => Buffer.from(text)),
      ),
      { maxLength: 6 },
    )
    .map((pieces) => Buffer.concat(pieces))
    // A value that holds the delimiter itself cannot be sent under this boundary.
    .filter((bytes) => !new RegExp(`\\r\\n--${RegExp.escape(mark)}(--|[ \\t]*\\r\\n)`).test(`\r\n${bytes.toString("latin1")}\r\n`));

const form = boundary.chain((mark) =>
  fc.record({ mark: fc.constant(mark), parts: fc.array(fc.record({ name, value: value(mark) }), { minLength: 1, maxLength: 5 }) }),
);

function write(mark: string, parts: readonly { readonly name: string; readonly value: Buffer }[]): Buffer {
  const pieces = parts.flatMap((part) => [
    Buffer.from(`--${mark}\r\nContent-Disposition: form-data; name="${escapeName(part.name)}"\r\n\r\n`),
    part.value,
    Buffer.from("\r\n"),
  ]);
  return Buffer.concat([...pieces, Buffer.from(`--${mark}--\r\n`)]);
}

const escapeName = (text: string): string =>
  text.replaceAll("\\", "\\\\").replaceAll('"', "%22").replaceAll("\r", "%0D").replaceAll("\n", "%0A");

describe("forms", () => {
  test("every part is found with its exact bytes, also when values look like boundaries", () => {
    fc.assert(
      fc.property(form, ({ mark, parts }) => {
        const read = readForm(write(mark, parts), `multipart/form-data; boundary="${mark}"`);
        assert.deepEqual(
          read.parts.map((part) => [part.name, valueOf(read, part)]),
          parts.map((part) => [part.name, part.value]),
        );
      }),
    );
  });

  test("a form that was cut off anywhere is refused, never read as a shorter one", () => {
    fc.assert(
      fc.property(form, fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), ({ mark, parts }, at) => {
        const bytes = write(mark, parts);
        const whole = bytes.length - 2;
        assert.throws(
          () => readForm(bytes.subarray(0, Math.floor(at * whole)), `multipart/form-data; boundary=${JSON.stringify(mark)}`),
          isInvalid,
        );
      }),
    );
  });

  test("any bytes under any content type are read or refused, and nothing else", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.string(), (bytes, type) => {
        for (const contentType of [type, `multipart/form-data; boundary=${type}`, "multipart/form-data; boundary=-"]) {
          try {
            readForm(Buffer.from(bytes), contentType);
          } catch (thrown) {
            assert.ok(isInvalid(thrown));
          }
        }
      }),
    );
  });

  test("what Node writes is read, files with their names and types", async () => {
    const data = new FormData();
    data.append("model", "whisper-1");
    data.append("file", new File([Buffer.from("RIFF\r\n--x")], 'a "b".wav', { type: "audio/wav" }));
    data.append("empty", "");
    const { bytes, contentType } = await writeForm(data);
    const read = readForm(bytes, contentType);
    assert.equal(fieldOf(read, "model"), "whisper-1");
    assert.equal(fieldOf(read, "empty"), "");
    const [, file] = read.parts;
    assert.deepEqual([file?.fileName, file?.mediaType], ['a "b".wav', "audio/wav"]);
    assert.equal(file && valueOf(read, file).toString(), "RIFF\r\n--x");
  });

  test("with another model no other byte changes, and Node reads the same form", async () => {
    await fc.assert(
      fc.asyncProperty(form, fc.string({ unit: "grapheme" }), async ({ mark, parts }, model) => {
        fc.pre(!model.includes("\r") && !model.includes("\n") && model.isWellFormed() && parts.every((part) => part.name !== "model"));
        const contentType = `multipart/form-data; boundary="${mark}"`;
        const all = [...parts, { name: "model", value: Buffer.from("old") }];
        const changed = replaceField(readForm(write(mark, all), contentType), "model", model);
        assert.deepEqual(changed, write(mark, [...parts, { name: "model", value: Buffer.from(model) }]));
      }),
    );
    const bytes = Buffer.from(
      '--b\r\ncontent-disposition: form-data; name="model"\r\n\r\nold\r\n--b\r\ncontent-disposition: form-data; name="n"\r\n\r\n1\r\n--b--\r\n',
    );
    const headers = { "content-type": "multipart/form-data; boundary=b" };
    const read = await new Response(replaceField(readForm(bytes, headers["content-type"]), "model", "new"), { headers }).formData();
    assert.deepEqual(
      [...read],
      [
        ["model", "new"],
        ["n", "1"],
      ],
    );
  });

  test("a preamble, padding after a boundary and a part without other headers are all in order", () => {
    const bytes = Buffer.from("preamble\r\n--b \t\r\ncontent-disposition: form-data; name=model\r\n\r\nx\r\n--b--");
    assert.equal(fieldOf(readForm(bytes, "multipart/form-data; charset=utf-8; boundary=b"), "model"), "x");
  });
});
