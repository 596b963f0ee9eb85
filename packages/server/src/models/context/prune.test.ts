import assert from "node:assert/strict";
import { test } from "node:test";
import type { Message, ModelRequest } from "@tutti/core/model";
import fc from "fast-check";
import { countRequest, loadTokenizer } from "../tokens/index.ts";
import { prune, type PruneOptions } from "./index.ts";

const never = new AbortController().signal;

/** One token a character, and four a turn: easy to reckon with. */
function count({ messages, tools = [] }: ModelRequest): number {
  return (
    messages.reduce((sum, message) => sum + 4 + message.content.length + JSON.stringify(message.calls ?? "").length - 2, 0) +
    JSON.stringify(tools).length
  );
}

function user(content: string): Message {
  return { role: "user", content };
}

function says(content: string): Message {
  return { role: "assistant", content };
}

const CALLS: readonly Message[] = [
  {
    role: "assistant",
    content: "",
    calls: [
      { id: "1", name: "a", input: {} },
      { id: "2", name: "b", input: {} },
    ],
  },
  { role: "tool", callId: "1", content: "one" },
  { role: "tool", callId: "2", content: "two" },
];

const TALK: readonly Message[] = [
  { role: "system", content: "Be brief." },
  user("My name is Ada. ".repeat(10)),
  says("Hello Ada. ".repeat(10)),
  ...CALLS,
  says("Both are done."),
  { role: "system", content: "Speak French from here on." },
  user("What is my name?"),
];

function pruned(tokensMax: number, more: Partial<PruneOptions> = {}): ReturnType<typeof prune> {
  return prune({ messages: TALK }, { tokensMax, count, ...more }, never);
}

test("a conversation that fits stays the same object", async () => {
  const request = { messages: TALK };
  assert.deepEqual(await prune(request, { tokensMax: count(request), count }, never), { request, droppedMessages: 0 });
});

test("system turns and the newest turns stay, and a marked turn says what was left out", async () => {
  const { request, droppedMessages, summary } = await pruned(260);
  assert.equal(droppedMessages, 5);
  assert.equal(summary, undefined);
  assert.deepEqual(request.messages, [
    { role: "system", content: "Be brief." },
    { role: "user", content: "[5 earlier turns left out: 1 of the user, 2 of the assistant, 2 tool results]" },
    says("Both are done."),
    { role: "system", content: "Speak French from here on." },
    user("What is my name?"),
  ]);
});

test("a model's summary stands in the place of what was left out, or the most telling sentences do", async () => {
  const asked: number[] = [];
  const summarize = async (leftOut: readonly Message[], tokensMax: number): Promise<string> => {
    asked.push(leftOut.length, tokensMax);
    return " The user is Ada. ";
  };
  const byModel = await pruned(300, { summarize });
  assert.deepEqual([byModel.summary, byModel.summaryBy, asked], ["The user is Ada.", "model", [2, 45]]);
  assert.equal(byModel.request.messages[1]?.content.split("\n")[1], "The user is Ada.");
  const bySentences = await pruned(300, { extract: (text) => `${text.length} characters` });
  assert.equal(bySentences.summaryBy, "extract");
  const failed = await pruned(300, { summarize: () => Promise.reject(new Error("down")), extract: () => "My name is Ada." });
  assert.deepEqual([failed.summary, failed.summaryBy], ["My name is Ada.", "extract"]);
});

test("a summary that is too long is cut until all fits", async () => {
  const { request, summary = "" } = await pruned(300, { summarize: async () => "Ada ".repeat(200) });
  assert.ok(count(request) <= 300 && summary.endsWith("…") && summary.length > 10, summary);
});

test("a summary of a conversation that was summed up before takes the earlier one in, and counts on", async () => {
  const first = await pruned(300, { summarize: async () => "The user is Ada." });
  const longer = { messages: [...first.request.messages, says("Ada, bien sûr. ".repeat(8)), user("Et mon âge ?")] };
  let seen: readonly Message[] = [];
  const summarize = async (leftOut: readonly Message[]): Promise<string> => {
    seen = leftOut;
    return "Ada speaks French.";
  };
  const second = await prune(longer, { tokensMax: 260, count, summarize }, never);
  assert.ok(seen.some(({ content }) => content.includes("The user is Ada.")));
  assert.match(
    second.request.messages.find(({ role }) => role === "user")?.content ?? "",
    /^\[\d earlier turns left out: .*; their summary\]\nAda speaks French\.$/,
  );
  assert.equal(second.request.messages.filter(({ content }) => content.includes("left out")).length, 1);
});

test("a newest turn with huge tool results keeps their beginnings and ends; a huge question is refused", async () => {
  const huge: ModelRequest = {
    messages: [
      user("Look"),
      { role: "assistant", content: "", calls: [{ id: "1", name: "a", input: {} }] },
      { role: "tool", callId: "1", content: `begin${"x".repeat(5000)}end` },
    ],
  };
  const { request } = await prune(huge, { tokensMax: 1000, count }, never);
  assert.match(request.messages.at(-1)?.content ?? "", /^begin.*\n\[… \d+ characters left out …\]\n.*end$/s);
  assert.ok(count(request) <= 1000);
  await assert.rejects(prune({ messages: [user("x".repeat(2000))] }, { tokensMax: 1000, count }, never), {
    code: "too_large",
    message: /1000 tokens, got 2006/,
  });
});

test("giving up while a summary is made ends it", async () => {
  const controller = new AbortController();
  const summarize = async (): Promise<string> => {
    controller.abort();
    throw new Error("cut off");
  };
  await assert.rejects(prune({ messages: TALK }, { tokensMax: 300, count, summarize, extract: () => "x" }, controller.signal), {
    name: "AbortError",
  });
});

test("with real counts, a long talk fits its model", async () => {
  await loadTokenizer("gpt-4o");
  const messages = Array.from({ length: 200 }, (_, index) =>
    index % 2 === 0
      ? user(`Question ${index}: what is the capital of country ${index}?`)
      : says(`Answer ${index}: the capital is a city with ${index} letters.`),
  );
  const real = (request: ModelRequest): number => countRequest("gpt-4o", request).tokens;
  const { request, droppedMessages } = await prune({ messages }, { tokensMax: 1000, count: real }, never);
  assert.ok(real(request) <= 1000 && real(request) > 700 && droppedMessages > 100);
});

const turn = fc.oneof(
  fc.lorem().map(user),
  fc.lorem().map(says),
  fc.lorem({ maxCount: 2 }).map((content): Message => ({ role: "system", content })),
);
const calls = fc
  .uniqueArray(fc.integer({ min: 0, max: 99 }), { minLength: 1, maxLength: 3 })
  .chain((ids) =>
    fc
      .array(fc.lorem({ maxCount: 40 }), { minLength: ids.length, maxLength: ids.length })
      .map((results): readonly Message[] => [
        { role: "assistant", content: "", calls: ids.map((id) => ({ id: String(id), name: "look", input: {} })) },
        ...ids.map((id, index): Message => ({ role: "tool", callId: String(id), content: results[index] ?? "" })),
      ]),
  );

test("whatever the talk: the result fits or is refused, pairs stay whole, the order and all system turns stay, and twice is once", async () => {
  const talk = fc.array(fc.oneof({ weight: 3, arbitrary: turn.map((message) => [message]) }, { weight: 1, arbitrary: calls }), {
    minLength: 1,
    maxLength: 25,
  });
  await fc.assert(
    fc.asyncProperty(
      talk,
      fc.integer({ min: 50, max: 1500 }),
      fc.option(fc.lorem({ maxCount: 60 }), { nil: undefined }),
      async (turns, tokensMax, text) => {
        const request = { messages: turns.flat() };
        const options = { tokensMax, count, ...(text !== undefined && { extract: () => text }) };
        const result = await prune(request, options, never).catch((error: unknown) => {
          assert.equal((error as { code?: string }).code, "too_large");
          return undefined;
        });
        if (result === undefined) return;
        const { messages } = result.request;
        assert.ok(count(result.request) <= tokensMax);
        const kept = messages.filter((message) => request.messages.includes(message));
        assert.deepEqual(
          kept.map((message) => request.messages.indexOf(message)),
          kept.map((message) => request.messages.indexOf(message)).toSorted((a, b) => a - b),
        );
        assert.deepEqual(
          messages.filter(({ role }) => role === "system"),
          request.messages.filter(({ role }) => role === "system"),
        );
        const called = messages.flatMap((message) => (message.calls ?? []).map(({ id }) => id));
        assert.deepEqual(
          messages.flatMap(({ callId }) => callId ?? []),
          called,
        );
        assert.equal(messages.at(-1)?.role, request.messages.at(-1)?.role);
        assert.deepEqual((await prune(result.request, options, never)).request, result.request);
        assert.equal(request.messages.length - kept.length >= result.droppedMessages, true);
      },
    ),
  );
});
