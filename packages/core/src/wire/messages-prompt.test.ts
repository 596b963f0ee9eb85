import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json } from "../json.ts";
import type { Message, ModelRequest } from "../model.ts";
import { encodeMessagesRequest } from "./messages-prompt.ts";

type Body = { readonly [field: string]: Json };

const hello: ModelRequest = { messages: [{ role: "user", content: "Hi" }] };
const encode = (request: ModelRequest, model = "m"): Body => JSON.parse(JSON.stringify(encodeMessagesRequest(model, request))) as Body;
const turns = (messages: readonly Message[], model = "m"): Json | undefined => encode({ messages }, model).messages;
const said = (role: string, ...texts: readonly string[]): Json => ({ role, content: texts.map((text) => ({ type: "text", text })) });
const call = (id: string): NonNullable<Message["calls"]>[number] => ({ id, name: "add", input: { a: 1 } });
const use = (id: string): Json => ({ type: "tool_use", id, name: "add", input: { a: 1 } });
const result = (id: string, content: string): Json => ({ type: "tool_result", tool_use_id: id, content });

test("the system stands apart, turns of one side become one, and there is always a limit", () => {
  const body = encode({
    messages: [
      { role: "system", content: "Be brief." },
      { role: "user", content: "Hi" },
      { role: "user", content: "there" },
      { role: "assistant", content: "Hello." },
      { role: "user", content: "  " },
      { role: "user", content: "Go on." },
    ],
    user: "u",
  });
  assert.deepEqual(body, {
    model: "m",
    max_tokens: 8_192,
    system: "Be brief.",
    messages: [said("user", "Hi", "there"), said("assistant", "Hello."), said("user", "Go on.")],
    metadata: { user_id: "u" },
    stream: true,
  });
});

test("results stand directly after the calls they answer, before what the user says, however late they came", () => {
  const messages: readonly Message[] = [
    { role: "user", content: "Add." },
    { role: "assistant", content: "", calls: [call("a"), call("b")] },
    { role: "user", content: "Wait." },
    { role: "tool", content: "2", callId: "b" },
    { role: "tool", content: "1", callId: "a", isError: true },
  ];
  assert.deepEqual(turns(messages), [
    said("user", "Add."),
    { role: "assistant", content: [use("a"), use("b")] },
    { role: "user", content: [result("b", "2"), { ...(result("a", "1") as Body), is_error: true }, { type: "text", text: "Wait." }] },
  ]);
});

test("ids that Anthropic would refuse, or that come twice, are changed in calls and results alike", () => {
  const step = (id: string): readonly Message[] => [
    { role: "assistant", content: "", calls: [call(id)] },
    { role: "tool", content: "1", callId: id },
  ];
  assert.deepEqual(turns([{ role: "user", content: "Add." }, ...step("call:0"), ...step("call_0"), ...step("")]), [
    said("user", "Add."),
    { role: "assistant", content: [use("call_0")] },
    { role: "user", content: [result("call_0", "1")] },
    { role: "assistant", content: [use("call_0_2")] },
    { role: "user", content: [result("call_0_2", "1")] },
    { role: "assistant", content: [use("call")] },
    { role: "user", content: [result("call", "1")] },
  ]);
});

test("a conversation that the assistant begins, or that only the system spoke in, gets a user's turn", () => {
  assert.deepEqual(turns([{ role: "assistant", content: "Hello." }]), [
    said("user", "(The assistant begins.)"),
    said("assistant", "Hello."),
  ]);
  const body = encode({ messages: [{ role: "system", content: "Say hi." }] });
  assert.deepEqual([body.system, body.messages], [undefined, [said("user", "Say hi.")]]);
  assert.throws(() => encode({ messages: [{ role: "user", content: " " }] }), { code: "invalid_input" });
});

test("what the system says in the midst stays there for models that know it, and joins the rest for others", () => {
  const messages: readonly Message[] = [
    { role: "user", content: "Hi" },
    { role: "system", content: "Hurry." },
    { role: "user", content: "there" },
    { role: "assistant", content: "Hello. " },
  ];
  const newer = encode({ messages }, "claude-opus-4-8");
  assert.deepEqual(newer.messages, [said("user", "Hi", "there"), { role: "system", content: "Hurry." }, said("assistant", "Hello.")]);
  const older = encode({ messages }, "claude-opus-4-6");
  assert.deepEqual([older.system, older.messages], ["Hurry.", [said("user", "Hi", "there"), said("assistant", "Hello.")]]);
});

test("a conversation with calls but without tools names them and forbids them", () => {
  const body = encode({
    messages: [...hello.messages, { role: "assistant", content: "", calls: [call("a")] }, { role: "tool", content: "", callId: "a" }],
  });
  assert.deepEqual(body.tools, [{ name: "add", input_schema: { type: "object" } }]);
  assert.deepEqual(body.tool_choice, { type: "none" });
});

test("arguments that are no object become one, so that the model sees what it wrote", () => {
  const inputs = ['{"a":', null, ""].map((input, index) => ({ id: String(index), name: "add", input }));
  const messages = encode({ messages: [...hello.messages, { role: "assistant", content: "", calls: inputs }] }).messages as readonly Body[];
  const blocks = messages[1]?.content as readonly Body[];
  assert.deepEqual(
    blocks.map(({ input }) => input),
    [{ invalid_json: '{"a":' }, {}, {}],
  );
});

test("sampling goes as far as a model takes it", () => {
  const request: ModelRequest = { ...hello, sampling: { temperature: 1.5, topP: 0.5, topK: 3, seed: 1, stop: ["END"] } };
  const sampling = (model: string, more: Partial<ModelRequest> = {}): readonly unknown[] => {
    const { temperature, top_p: topP, top_k: topK, stop_sequences: stop } = encode({ ...request, ...more }, model);
    return [temperature, topP, topK, stop];
  };
  assert.deepEqual(sampling("m"), [1, 0.5, 3, ["END"]]);
  assert.deepEqual(sampling("claude-sonnet-4-5"), [1, undefined, 3, ["END"]]);
  assert.deepEqual(sampling("claude-opus-5-5"), [undefined, undefined, undefined, ["END"]]);
  assert.deepEqual(sampling("claude-sonnet-4-5", { reasoning: { effort: "low" } }), [undefined, undefined, undefined, ["END"]]);
  assert.throws(() => encode({ ...hello, sampling: { stop: ["\n"] } }), { code: "unsupported" });
});

test("thinking fits the model, its limit and the choice of tools", () => {
  const thinking = (more: Partial<ModelRequest>, model: string): readonly unknown[] => {
    const body = encode({ ...hello, ...more }, model);
    return [body.thinking, body.output_config];
  };
  const tools = [{ name: "add", description: "", parameters: {} }];
  assert.deepEqual(thinking({ reasoning: { effort: "max" } }, "claude-opus-4-5"), [
    { type: "enabled", budget_tokens: 49_152 },
    { effort: "high" },
  ]);
  assert.deepEqual(thinking({ reasoning: { tokensMax: 10_000 }, outputTokensMax: 4_000 }, "m"), [
    { type: "enabled", budget_tokens: 3_200 },
    undefined,
  ]);
  assert.deepEqual(thinking({ reasoning: { effort: "low" }, outputTokensMax: 900 }, "claude-sonnet-4-5"), [undefined, undefined]);
  assert.deepEqual(thinking({ reasoning: { tokensMax: 50_000 } }, "claude-opus-4-6"), [{ type: "adaptive" }, { effort: "max" }]);
  assert.deepEqual(thinking({ reasoning: { effort: "none" } }, "claude-opus-5"), [{ type: "disabled" }, undefined]);
  assert.deepEqual(thinking({ reasoning: { effort: "none" } }, "claude-opus-5-5"), [undefined, { effort: "low" }]);
  assert.deepEqual(thinking({ reasoning: { effort: "high" }, tools, toolChoice: "required" }, "claude-opus-4-6"), [
    undefined,
    { effort: "high" },
  ]);
  assert.throws(() => encode({ ...hello, tools, toolChoice: "required" }, "claude-opus-5-5"), { code: "unsupported" });
});

test("more tokens than a model gives are brought down to its most", () => {
  assert.equal(encode({ ...hello, outputTokensMax: 200_000 }, "claude-sonnet-4-5").max_tokens, 64_000);
  assert.equal(encode({ ...hello, outputTokensMax: 200_000 }, "m").max_tokens, 200_000);
});

test("schemas are closed, with what Anthropic does not know said in words", () => {
  const schema = {
    type: "object",
    properties: {
      age: { type: "integer", minimum: 0, description: "Years." },
      kind: { oneOf: [{ const: "a" }, { type: "string", format: "x" }] },
    },
    required: ["age"],
  };
  const { output_config: config } = encode({ ...hello, format: { type: "schema", name: "n", schema, strict: true } });
  assert.deepEqual(config, {
    format: {
      type: "json_schema",
      schema: {
        type: "object",
        properties: {
          age: { type: "integer", description: "Years.; minimum: 0" },
          kind: { anyOf: [{ const: "a" }, { type: "string", description: "format: x" }] },
        },
        required: ["age"],
        additionalProperties: false,
      },
    },
  });
});

test("a schema that closing would empty is asked for in words, or refused when it is strict", () => {
  const schema = { type: "object", additionalProperties: { type: "string" } };
  const body = encode({ ...hello, format: { type: "schema", name: "n", schema } });
  assert.match(typeof body.system === "string" ? body.system : "", /fit this JSON Schema: \{"type":"object"/);
  assert.equal(body.output_config, undefined);
  assert.throws(() => encode({ ...hello, format: { type: "schema", name: "n", schema, strict: true } }), { code: "unsupported" });
});

test("files that are text go as text, and what Anthropic cannot take is unsupported", () => {
  const show = (part: NonNullable<Message["parts"]>[number]): Json | undefined => turns([{ role: "user", content: "", parts: [part] }]);
  assert.deepEqual(show({ type: "file", name: "a.csv", media: { data: "YSxiCg==", mediaType: "text/csv" } }), [
    { role: "user", content: [{ type: "document", source: { type: "text", media_type: "text/plain", data: "a,b\n" }, title: "a.csv" }] },
  ]);
  assert.throws(() => show({ type: "image", media: { data: "aGk=", mediaType: "image/tiff" } }), { code: "unsupported" });
  assert.throws(() => show({ type: "audio", media: { data: "aGk=", mediaType: "audio/wav" } }), { code: "unsupported" });
  assert.throws(() => show({ type: "file", media: { data: "aGk=", mediaType: "application/zip" } }), { code: "unsupported" });
});
