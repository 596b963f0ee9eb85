import assert from "node:assert/strict";
import { test } from "node:test";
import { collect, type ModelPart } from "@tutti/core/model";
import fc from "fast-check";
import { CALL, USAGE, session, asks, answer, these, received, all, cut, SECRETS, PERSONAL, KEYS, PEOPLE } from "./guard-trial.ts";
import { Guardrails, type GuardConfig, type GuardSession } from "./index.ts";

test("an answer is the same however it is cut into pieces", async () => {
  const filler = fc.constantFrom(
    "and",
    " ",
    "\n",
    "sk-",
    "-----BEGIN ",
    "a@b",
    "4111 ",
    "Bearer ",
    "://x:",
    "eyJ",
    "[",
    "é",
    "😀",
    "12",
    "+49",
    "api_key=",
    "-",
    ".",
  );
  const piece = fc.oneof(
    filler,
    fc.constantFrom(...KEYS, ...PEOPLE).map(([, text]) => text),
    fc.string({ unit: "grapheme", maxLength: 8 }),
  );
  const words: GuardConfig = {
    id: "words",
    check: "topics",
    deny: { words: ["and 12", "eyJ"], patterns: ["x{1,40}:a?", "\\bé"] },
    where: ["output"],
    action: "redact",
  };
  await fc.assert(
    fc.asyncProperty(
      fc.array(piece, { maxLength: 25 }),
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 }),
      async (pieces, places) => {
        const text = pieces.join("");
        const config = [SECRETS, PERSONAL, words];
        const key = Buffer.alloc(32);
        const [one, many, each] = [
          new Guardrails(config, key).session(CALL),
          new Guardrails(config, key).session(CALL),
          new Guardrails(config, key).session(CALL),
        ];
        assert.ok(one && many && each);
        const whole = await received(one, [text]);
        assert.equal(await received(many, cut(text, places)), whole);
        assert.equal(await received(each, text.split("")), whole);
        assert.deepEqual(many.findings, one.findings);
      },
    ),
    { numRuns: 300 },
  );
});

test("long runs that could be the beginning of something are not held for ever", async () => {
  for (const unit of ["1 ", "a", "-----BEGIN ", "a.", "sk-", "1.", "eyJ", "+1 ", "[A", "A1 "]) {
    const text = unit.repeat(30_000 / unit.length);
    const guards = session(SECRETS, PERSONAL);
    let held = 0;
    let [given, got] = [0, 0];
    const source = async function* (): AsyncGenerator<ModelPart> {
      for (let at = 0; at < text.length; at += 100) {
        given += 100;
        yield { type: "text", text: text.slice(at, at + 100) };
      }
      yield { type: "finish", reason: "stop", usage: USAGE };
    };
    for await (const part of guards.output(source())) {
      if (part.type === "text") got += part.text.length;
      held = Math.max(held, given - got);
    }
    assert.ok(held < 20_000, `${unit}: ${held}`);
    assert.equal(got, text.length, unit);
  }
});

test("ordinary words go on at once", async () => {
  const guards = session(SECRETS);
  const seen: string[] = [];
  const source = async function* (): AsyncGenerator<ModelPart> {
    for (const word of ["Well, ", "the ", "answer ", "to ", "that ", "is ", "forty-two."]) {
      yield { type: "text", text: word };
      seen.push(`${word}|`);
    }
    yield { type: "finish", reason: "stop", usage: USAGE };
  };
  for await (const part of guards.output(source())) if (part.type === "text") seen.push(part.text);
  assert.equal(seen.join(""), "Well, Well, |the the |answer answer |to to |that that |is is |forty-two.forty-two.|");
});

test("parts keep their order, held text goes before a call, and a place in changed text is not claimed", async () => {
  const guards = session({ ...PERSONAL, where: ["output"] } as GuardConfig);
  const parts = await all(
    guards.output(
      these(
        { type: "reasoning", text: "mail b@", id: "r" },
        { type: "reasoning", text: "example.org", id: "r", signature: "sig" },
        { type: "text", text: "I write to a@exam" },
        { type: "text", text: "ple.org" },
        { type: "citation", citation: { url: "https://example.org", start: 3, end: 9 } },
        { type: "call.delta", index: 0, id: "1", name: "mail", text: '{"to":"a@example.org"}' },
        { type: "call", call: { id: "1", name: "mail", input: { to: "a@example.org" } } },
        { type: "text", text: "Done" },
      ),
    ),
  );
  assert.ok(!JSON.stringify(parts).includes("@example.org"));
  assert.deepEqual(
    parts.map(({ type }) => type),
    ["reasoning", "reasoning", "text", "text", "citation", "call", "text", "finish"],
  );
  assert.deepEqual(
    parts.find(({ type }) => type === "citation"),
    { type: "citation", citation: { url: "https://example.org" } },
  );
  assert.ok(!JSON.stringify(parts).includes("sig"));
});

test("a thought that is not changed keeps its signature, at its end", async () => {
  const guards = session({ ...PERSONAL, where: ["output"] } as GuardConfig);
  const parts = await all(
    guards.output(these({ type: "reasoning", text: "let me see" }, { type: "reasoning", text: "", signature: "sig", origin: "anthropic" })),
  );
  const thought = await collect(these(...parts.filter((part) => part.type !== "finish")));
  assert.deepEqual(thought.parts, [{ type: "reasoning", text: "let me see", signature: "sig", origin: "anthropic" }]);
});

test("a guard that blocks an answer ends it before the finding goes out", async () => {
  const guards = session({ ...SECRETS, action: "block" } as GuardConfig);
  const [, secret] = KEYS[2] ?? ["", ""];
  let out = "";
  await assert.rejects(
    async () => {
      for await (const part of guards.output(answer(["The key is ", ...secret.split(""), " ok"])))
        if (part.type === "text") out += part.text;
    },
    { code: "denied", message: 'the guardrail "secrets" refuses this answer: github token was found in it' },
  );
  assert.equal(out, "The key is ");
});

test("an answer is cut at its length, whole characters only, and says so", async () => {
  const guards = session({ id: "short", check: "length", charactersMax: 5, where: ["output"], action: "redact" });
  const reply = await collect(guards.output(answer(["ab", "cd😀", "efg"])));
  assert.deepEqual([reply.content, reply.finishReason, reply.usage], ["abcd", "length", USAGE]);
  assert.deepEqual(guards.findings, [{ guard: "short", where: "output", what: "more text than allowed", action: "redact", count: 1 }]);
  const exact = session({ id: "short", check: "length", charactersMax: 6, where: ["output"], action: "redact" });
  assert.equal((await collect(exact.output(answer(["abcd\ud83d", "\ude00"])))).finishReason, "stop");
});

test("a bound on tokens is handed to the provider, and the smaller one counts", () => {
  const guards = (): GuardSession => session({ id: "short", check: "length", tokensMax: 100, where: ["output"], action: "redact" });
  assert.equal(guards().input(asks("Hi")).request.outputTokensMax, 100);
  assert.equal(guards().input({ ...asks("Hi"), outputTokensMax: 50 }).request.outputTokensMax, 50);
  const input = session({ id: "small", check: "length", tokensMax: 10, where: ["input"], action: "block" });
  assert.throws(() => input.input(asks("many words ".repeat(20))), { code: "denied" });
});
