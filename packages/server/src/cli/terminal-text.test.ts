import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { columnsOf, cut, fit, printable, printableLines } from "./terminal-text.ts";

/** Everything a terminal could obey: C0 and C1 controls, DEL, and marks that reorder text. */
const OBEYED = /[\u0000-\u001F\u007F-\u009F\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]/;

test("escape sequences, controls and marks that reorder text never stay in a printable text", () => {
  assert.equal(printable("a\u001b[2Jb\u001b]0;title\u0007c"), "abc");
  assert.equal(printable("a\u001b"), "a\uFFFD");
  assert.equal(printable("\u001b\u001b[31m[31mred"), "\uFFFD[31mred");
  assert.equal(printable("a\u009b31mb"), "ab");
  assert.equal(printable("a\u0085b\tc\r\nd"), "a b c d");
  assert.equal(printable("user\u202Etxt.exe"), "user\uFFFDtxt.exe");
  assert.equal(printable("a\u0000b\u007Fc"), "a\uFFFDb\uFFFDc");
  assert.equal(printable("lone \uD800 surrogate"), "lone \uFFFD surrogate");
  assert.deepEqual(printableLines("one\r\ntwo\u001b[1m\nthree"), ["one", "two", "three"]);
});

test("letters of every script, accents and emoji stay as they are", () => {
  for (const text of ["Grüße", "注文の確認", "Ευχαριστώ", "مرحبا", "👩‍👩‍👧 family", "e\u0301"]) assert.equal(printable(text), text);
});

test("wide characters and emoji take two columns, accents none, colours none", () => {
  const wanted: readonly (readonly [string, number])[] = [
    ["", 0],
    ["plain", 5],
    ["Grüße", 5],
    ["注文", 4],
    ["ｶﾅ", 2],
    ["カナ", 4],
    ["한국어", 6],
    ["ＡＢ", 4],
    ["🚀", 2],
    ["👩‍👩‍👧", 2],
    ["🇯🇵", 2],
    ["❤\uFE0F", 2],
    ["e\u0301", 1],
    ["█▏╌…✓", 5],
    ["\u001b[31mred\u001b[39m", 3],
  ];
  assert.deepEqual(
    wanted.map(([text]) => columnsOf(text)),
    wanted.map(([, columns]) => columns),
  );
});

test("a text that is cut keeps whole characters and says that something is missing", () => {
  assert.equal(cut("classify the mail", 10), "classify …");
  assert.equal(cut("注文の確認", 6), "注文…");
  assert.equal(cut("👩‍👩‍👧👩‍👩‍👧", 3), "👩‍👩‍👧…");
  assert.equal(cut("short", 5), "short");
  assert.equal(cut("short", 0), "");
  assert.equal(cut("ascii only", 6, "~"), "ascii~");
  assert.equal(fit("注文", 6), "注文  ");
});

test("whatever a text holds, it is safe to print and fits its columns exactly", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ unit: "grapheme" }),
    fc.string({ unit: fc.constantFrom("\u001b", "[", "3", "1", "m", "]", "0", ";", "\u0007", "\u009b", "注", "🚀", "a") }),
  );
  fc.assert(
    fc.property(text, fc.integer({ min: 0, max: 40 }), (raw, columns) => {
      const clean = printable(raw);
      assert.doesNotMatch(clean, OBEYED);
      assert.equal(columnsOf(fit(clean, columns)), columns);
    }),
  );
});
