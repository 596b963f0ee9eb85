import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { askForUsage, UsageEventFilter } from "./usage-request.ts";

const delta = (text: string): string => `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: text } }], usage: null })}`;
const usage = 'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}';

/** What a client gets of a stream that arrives in pieces of some sizes. */
function filtered(stream: string, sizes: readonly number[]): string {
  const filter = new UsageEventFilter();
  const bytes = Buffer.from(stream);
  let text = "";
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = Math.max(1, sizes[turn % sizes.length] ?? 1);
    text += filter.push(bytes.subarray(at, at + size))?.toString("utf8") ?? "";
    at += size;
  }
  return text + (filter.end()?.toString("utf8") ?? "");
}

test("the event that only tells the usage is taken out, however lines end and wherever the stream is cut", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string(), { maxLength: 8 }),
      fc.constantFrom("\n\n", "\r\n\r\n", "\r\r"),
      fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 5 }),
      (...[texts, end, sizes]) => {
        const events = texts.map((text) => delta(text) + end);
        const done = `data: [DONE]${end}`;
        assert.equal(filtered(events.join("") + usage + end + done, sizes), events.join("") + done);
      },
    ),
  );
});

test("what has ended goes on at once", () => {
  for (const end of ["\n\n", "\r\n\r\n"]) {
    const first = delta("a") + end;
    assert.equal(new UsageEventFilter().push(Buffer.from(`${first}data: {"cho`))?.toString("utf8"), first);
  }
});

test("the wish for usage is put first, and the rest of the body stays as it is", () => {
  const body = ' {"model": "m", "long": 12345678901234567890}';
  assert.equal(
    askForUsage(Buffer.from(body)).toString("utf8"),
    ' {"stream_options":{"include_usage":true},"model": "m", "long": 12345678901234567890}',
  );
});
