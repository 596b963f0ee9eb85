import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { sha256 } from "./sha256.ts";

const own = (text: string): string => createHash("sha256").update(text).digest("hex");

test("the browser's SHA-256 is that of FIPS 180-4, at every length around the size of a block", () => {
  assert.equal(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  for (let length = 0; length <= 200; length += 1) assert.equal(sha256("a".repeat(length)), own("a".repeat(length)));
});

test("the browser's SHA-256 gives what Node's does for any text", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme", maxLength: 500 }), (text) => sha256(text) === own(text)));
});
