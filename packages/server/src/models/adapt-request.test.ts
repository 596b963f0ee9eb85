import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContentPart, Message, ModelRequest, Reasoning } from "@tutti/core/model";
import { adaptBody, adaptRequest, type Quirks } from "./adapt-request.ts";

const hello: ModelRequest = { messages: [{ role: "user", content: "Hi" }] };
const schema = { type: "object", properties: { a: { type: "string", pattern: "^x" } } };

test("a request that asks for nothing special stays as it is", () => {
  assert.deepEqual(adaptRequest(hello, {}), hello);
});

test("fields of a body get the names that a provider knows, and hints that it refuses stay away", () => {
  const quirks: Quirks = {
    renamed: { max_completion_tokens: "max_tokens", seed: "random_seed" },
    without: ["stream_options", "random_seed"],
  };
  assert.deepEqual(adaptBody({ model: "m", max_completion_tokens: 5, seed: 1, stream_options: {} }, quirks), { model: "m", max_tokens: 5 });
});

test("thoughts go back as far as a provider wants them, and refusals as text where it knows none", () => {
  const thought: ContentPart = { type: "reasoning", text: "Hm.", signature: "sealed", origin: "anthropic" };
  const message: Message = { role: "assistant", content: "No.", parts: [thought, { type: "refusal", text: "No." }] };
  const partsWith = (quirks: Quirks) => adaptRequest({ messages: [message] }, quirks).messages[0]?.parts;
  assert.deepEqual(partsWith({}), [{ type: "text", text: "No." }]);
  assert.deepEqual(partsWith({ thoughts: "text" }), [
    { type: "reasoning", text: "Hm." },
    { type: "text", text: "No." },
  ]);
  assert.deepEqual(partsWith({ thoughts: "signed", hasRefusals: true }), [thought, { type: "refusal", text: "No." }]);
});

test("tools keep to what a provider understands of schemas, and lose their strictness where there is none", () => {
  const tools = [{ name: "a", description: "", parameters: schema, strict: true }];
  const adapted = adaptRequest({ ...hello, tools }, { schemas: { without: new Set(["pattern"]) }, isNeverStrict: true });
  assert.deepEqual(adapted.tools, [{ name: "a", description: "", parameters: { type: "object", properties: { a: { type: "string" } } } }]);
});

test("a format that a provider cannot be held to is asked for in words", () => {
  const wanted: ModelRequest = {
    messages: [{ role: "system", content: "Be brief." }, ...hello.messages],
    format: { type: "schema", name: "a", schema },
  };
  const json = adaptRequest(wanted, { format: "json" });
  assert.deepEqual(json.format, { type: "json" });
  assert.match(json.messages[0]?.content ?? "", /^Be brief\.\n\nAnswer with one JSON value.*"pattern":"\^x"/s);
  const none = adaptRequest(wanted, { format: "text" });
  assert.equal(none.format, undefined);
  assert.match(none.messages[0]?.content ?? "", /JSON Schema/);
  const any = adaptRequest({ ...hello, format: { type: "json" } }, { format: "text" });
  assert.deepEqual(any, { messages: [{ role: "system", content: "Answer with one JSON value and nothing else." }, ...hello.messages] });
});

test("how much to think is said in the nearest word that a provider knows", () => {
  const cases: readonly (readonly [Reasoning, Quirks, Reasoning | undefined])[] = [
    [{ effort: "xhigh" }, {}, { effort: "high" }],
    [{ effort: "minimal" }, {}, { effort: "low" }],
    [{ effort: "none" }, {}, undefined],
    [{ effort: "none" }, { efforts: ["none", "high"] }, { effort: "none" }],
    [{ effort: "medium" }, { efforts: ["none", "high"] }, { effort: "high" }],
    [{ tokensMax: 2_000 }, {}, { effort: "low" }],
    [{ tokensMax: 50_000, isShown: true }, {}, { effort: "high" }],
    [{ tokensMax: 2_000, isShown: false }, { thinksInTokens: true }, { tokensMax: 2_000, isShown: false }],
    [{ effort: "high" }, { efforts: [] }, undefined],
    [{ isShown: true }, {}, undefined],
  ];
  for (const [reasoning, quirks, wanted] of cases) assert.deepEqual(adaptRequest({ ...hello, reasoning }, quirks).reasoning, wanted);
});

test("ids of calls are cut to measure, and results still find their calls", () => {
  const messages: readonly Message[] = [
    { role: "assistant", content: "", calls: [{ id: "call_0123456789abcdef", name: "a", input: {} }] },
    { role: "tool", content: "1", callId: "call_0123456789abcdef" },
    { role: "assistant", content: "", calls: [{ id: "AbCdEfGh1", name: "a", input: {} }] },
    { role: "tool", content: "2", callId: "AbCdEfGh1" },
  ];
  const [call, result, fitting, second] = adaptRequest({ messages }, { callIdChars: 9 }).messages;
  assert.match(call?.calls?.[0]?.id ?? "", /^[a-z0-9]{9}$/);
  assert.equal(result?.callId, call?.calls?.[0]?.id);
  assert.deepEqual([fitting?.calls?.[0]?.id, second?.callId], ["AbCdEfGh1", "AbCdEfGh1"]);
});

test("system turns go before all others, and turns of one side become one", () => {
  const messages: readonly Message[] = [
    { role: "user", content: "One." },
    { role: "system", content: "Be brief." },
    { role: "user", content: "Two.", parts: [{ type: "image", media: { url: "https://example.com" } }] },
    { role: "assistant", content: "Three." },
    { role: "assistant", content: "Four.", calls: [{ id: "1", name: "a", input: {} }] },
    { role: "system", content: "Be kind." },
  ];
  assert.deepEqual(adaptRequest({ messages }, { hasSystemFirst: true, alternates: true }).messages, [
    { role: "system", content: "Be brief.\n\nBe kind." },
    {
      role: "user",
      content: "One.\n\nTwo.",
      parts: [
        { type: "text", text: "One." },
        { type: "image", media: { url: "https://example.com" } },
      ],
    },
    { role: "assistant", content: "Three.\n\nFour.", calls: [{ id: "1", name: "a", input: {} }] },
  ]);
});

test("a turn without a thought gets the shortest where a provider refuses turns without", () => {
  const messages: readonly Message[] = [...hello.messages, { role: "assistant", content: "Hello." }];
  const [asked, said] = adaptRequest({ messages }, { thoughts: "text", wantsThoughts: true }).messages;
  assert.deepEqual(asked, hello.messages[0]);
  assert.deepEqual(said?.parts, [
    { type: "reasoning", text: " " },
    { type: "text", text: "Hello." },
  ]);
});

test("a tool that cannot be forced is asked for, and tools that nobody can call are refused", () => {
  const tools = ["add", "now"].map((name) => ({ name, description: "", parameters: {} }));
  const forced = adaptRequest({ ...hello, tools, toolChoice: { name: "now" } }, { isNeverForced: true });
  assert.deepEqual([forced.tools?.length, forced.toolChoice], [1, undefined]);
  assert.equal(forced.messages[0]?.content, 'Answer by calling the tool "now".');
  const free = adaptRequest({ ...hello, tools, toolChoice: "none" }, { isNeverForced: true });
  assert.deepEqual([free.tools?.length, free.toolChoice], [2, "none"]);
  assert.throws(() => adaptRequest({ ...hello, tools }, { hasNoTools: true }), { code: "unsupported" });
});

test("a temperature that is too high becomes the highest", () => {
  const sampling = { temperature: 1.5, topP: 0.5 };
  assert.deepEqual(adaptRequest({ ...hello, sampling }, { temperatureMax: 1 }).sampling, { temperature: 1, topP: 0.5 });
});
