import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { replaceModel } from "./replace-model.ts";

const replaced = (text: string, model: string): string => replaceModel(Buffer.from(text), model).toString();

test("only the top-level model changes, and no other byte", () => {
  const body =
    ' { "a" : [ {"model":"inner"}, "model" ], "model" :\n"p/m" , "x":{"model":"p/m"}, "n":12345678901234567890.50, "model2":"p/m" } ';
  assert.equal(replaced(body, "m"), body.replace('\n"p/m"', '\n"m"'));
});

test("a key written with escapes, and one that stands there twice, are found", () => {
  assert.equal(
    replaced(String.raw`{"mod\u0065l":"p/a","s":"\"model\":\"","model":"p/b"}`, "é"),
    String.raw`{"mod\u0065l":"é","s":"\"model\":\"","model":"é"}`,
  );
});

test("any JSON object reads as before, but for its model", () => {
  const object = fc.tuple(
    fc.dictionary(fc.oneof(fc.string({ unit: "binary" }), fc.constant("model")), fc.jsonValue()),
    fc.string({ unit: "binary" }),
  );
  fc.assert(
    fc.property(object, fc.nat(4), fc.string({ unit: "binary" }), ([fields, old], indent, model) => {
      const text = (value: string): string => JSON.stringify({ ...fields, model: value }, null, indent);
      assert.deepEqual(JSON.parse(replaced(text(old), model)), JSON.parse(text(model)));
    }),
  );
});
