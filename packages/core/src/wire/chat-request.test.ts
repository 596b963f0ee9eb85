import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AppError } from "../error.ts";
import type { Json } from "../json.ts";
import type { ContentPart, Message, ModelRequest, ReasoningPart } from "../model.ts";
import { chatCodec } from "./chat-codec.ts";

const plain = { noNullPrototype: true };
const content = fc.string({ unit: "binary" });
const text = fc.string({ unit: "binary", minLength: 1 });
const json = fc.jsonValue({ depthSize: "small" }).map((value) => JSON.parse(JSON.stringify(value)) as Json);
/** A record of which only these fields are always there. */
const some = <T extends object>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }, requiredKeys: (keyof T & string)[]) =>
  fc.record(fields, { requiredKeys: requiredKeys as never, ...plain });
const is = <const T>(value: T) => fc.constant(value);

const textPart: fc.Arbitrary<ContentPart> = some({ type: is("text"), text: content }, ["type", "text"]);
const refusalPart: fc.Arbitrary<ContentPart> = some({ type: is("refusal"), text: content }, ["type", "text"]);
const bytes = (...mediaTypes: string[]) => some({ data: text, mediaType: fc.constantFrom(...mediaTypes) }, ["data", "mediaType"]);
const mediaPart: fc.Arbitrary<ContentPart> = fc.oneof(
  some(
    {
      type: is("image"),
      media: fc.oneof(bytes("image/png", "image/webp"), some({ url: fc.webUrl() }, ["url"])),
      detail: fc.constantFrom("auto", "low", "high"),
    },
    ["type", "media"],
  ),
  some({ type: is("audio"), media: bytes("audio/wav", "audio/mpeg", "audio/flac") }, ["type", "media"]),
  some({ type: is("file"), media: fc.oneof(bytes("application/pdf"), some({ fileId: text }, ["fileId"])), name: content }, [
    "type",
    "media",
  ]),
);
const thought: fc.Arbitrary<ReasoningPart> = fc.oneof(
  some({ type: is("reasoning"), text }, ["type", "text"]),
  some({ type: is("reasoning"), text, id: text, signature: text, origin: is("openai") }, ["type", "text", "origin"]),
);
const said = (parts: readonly ContentPart[]) => ({
  content: parts.map((part) => (part.type === "text" || part.type === "refusal" ? part.text : "")).join(""),
  parts,
});
const call = some({ id: content, name: content, input: json, signature: content }, ["id", "name", "input"]);
const calls = fc.array(call, { minLength: 1, maxLength: 4 });
const message: fc.Arbitrary<Message> = fc.oneof(
  fc.record({ role: fc.constantFrom("system", "user", "assistant"), content }, plain),
  fc.record({ role: is("assistant"), content, calls }, plain),
  fc.record({ role: is("tool"), content, callId: content }, plain),
  fc
    .tuple(fc.array(textPart, { maxLength: 2 }), mediaPart, fc.array(fc.oneof(textPart, mediaPart), { maxLength: 3 }))
    .map(([first, media, more]): Message => ({ role: "user", ...said([...first, media, ...more]) })),
  fc.tuple(thought, fc.option(text), fc.option(calls)).map(([first, words, asked]): Message => ({
    role: "assistant",
    ...said([first, ...(words === null ? [] : [{ type: "text", text: words } as const])]),
    ...(asked !== null && { calls: asked }),
  })),
  fc
    .tuple(fc.array(textPart, { maxLength: 2 }), refusalPart, fc.array(textPart, { maxLength: 2 }), fc.option(text))
    .map(([first, refusal, more, fileId]): Message => ({
      role: "assistant",
      ...said([...first, refusal, ...more, ...(fileId === null ? [] : [{ type: "audio", media: { fileId } } as const])]),
    })),
);
const tool = some({ name: content, description: content, parameters: fc.dictionary(content, json, plain), strict: fc.boolean() }, [
  "name",
  "description",
  "parameters",
]);
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (Object.is(value, -0) ? 0 : value));
const count = fc.integer({ min: 1 });
const filled = <T extends object>(fields: fc.Arbitrary<T>): fc.Arbitrary<T> => fields.filter((value) => Object.keys(value).length > 0);
const tooled: fc.Arbitrary<Pick<ModelRequest, "tools" | "toolChoice" | "parallelCalls">> = fc.oneof(
  is({}),
  fc.array(tool, { minLength: 1, maxLength: 3 }).chain((tools) =>
    some(
      {
        tools: fc.constant(tools),
        toolChoice: fc.constantFrom<NonNullable<ModelRequest["toolChoice"]>>("auto", "none", "required", { name: tools[0]?.name ?? "" }),
        parallelCalls: fc.boolean(),
      },
      ["tools"],
    ),
  ),
);
const asked: fc.Arbitrary<ModelRequest> = some(
  {
    messages: fc.array(message, { minLength: 1, maxLength: 6 }),
    format: fc.oneof(
      some({ type: is("json") }, ["type"]),
      some({ type: is("schema"), name: content, schema: fc.dictionary(content, json, plain), strict: fc.boolean(), description: content }, [
        "type",
        "name",
        "schema",
      ]),
    ),
    speech: some({ voice: content, format: fc.constantFrom("pcm16", "wav") }, ["voice", "format"]),
    outputTokensMax: count,
    sampling: filled(
      some(
        {
          temperature: number,
          topP: number,
          topK: count,
          seed: fc.integer(),
          presencePenalty: number,
          frequencyPenalty: number,
          stop: fc.array(content, { minLength: 1, maxLength: 4 }),
        },
        [],
      ),
    ),
    reasoning: filled(some({ effort: fc.constantFrom("none", "low", "max"), tokensMax: count, isShown: fc.boolean() }, [])),
    user: content,
  },
  ["messages"],
);
const request: fc.Arbitrary<ModelRequest> = fc.tuple(asked, tooled).map(([rest, tools]) => ({ ...rest, ...tools }));

const hello = { model: "m", messages: [{ role: "user", content: "Hi" }] };

test("a request survives encoding, JSON and decoding", () => {
  fc.assert(
    fc.property(content, request, (model, wanted) => {
      const body: unknown = JSON.parse(JSON.stringify(chatCodec.encodeRequest(model, wanted)));
      // OpenAI streams sound as raw samples only.
      const isStreamed = wanted.speech === undefined || wanted.speech.format === "pcm16";
      assert.deepEqual(chatCodec.decodeRequest(body), { model, stream: isStreamed, includeUsage: isStreamed, request: wanted });
    }),
  );
});

test("whatever JSON is sent, the decoder reads it or throws an AppError", () => {
  const odd = fc.record(
    {
      model: json,
      messages: fc.oneof(
        json,
        fc.array(fc.record({ role: fc.constantFrom("user", "assistant", "tool", "x"), content: json, tool_calls: json })),
      ),
      tools: json,
      stream: json,
      stream_options: json,
      n: json,
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.oneof(json, odd), (body) => {
      try {
        chatCodec.decodeRequest(body);
      } catch (error) {
        assert.ok(error instanceof AppError, String(error));
      }
    }),
  );
});

test("arrays of text parts are joined, developer counts as system, and unknown fields and hints are left out", () => {
  const decoded = chatCodec.decodeRequest({
    model: "m",
    verbosity: "low",
    user: { unknown: true },
    messages: [
      {
        role: "developer",
        content: [
          { type: "text", text: "Be " },
          { type: "text", text: "brief." },
        ],
      },
      { role: "user", content: "Hi", name: "Ada" },
    ],
  });
  assert.deepEqual(decoded, {
    model: "m",
    stream: false,
    includeUsage: false,
    request: {
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: "Hi" },
      ],
    },
  });
});

test("an assistant turn that only calls tools has no content, and broken arguments stay text", () => {
  const calls = [
    { id: "1", type: "function", function: { name: "add", arguments: '{"a":1}' } },
    { id: "2", type: "function", function: { name: "add", arguments: '{"a":' } },
    { id: "3", type: "function", function: { name: "now", arguments: "" } },
    { id: "4", type: "function", function: { name: "deep", arguments: "[".repeat(300) + "]".repeat(300) } },
  ];
  const decoded = chatCodec.decodeRequest({ model: "m", messages: [{ role: "assistant", content: null, tool_calls: calls }] });
  assert.deepEqual(
    decoded.request.messages[0]?.calls?.map(({ input }) => input),
    [{ a: 1 }, '{"a":', {}, "[".repeat(300) + "]".repeat(300)],
  );
});

test("a tool without a description and parameters takes an empty object", () => {
  const tools = [{ type: "function", function: { name: "now" } }];
  assert.deepEqual(chatCodec.decodeRequest({ ...hello, tools }).request.tools, [
    { name: "now", description: "", parameters: { type: "object", properties: {} } },
  ]);
});

test("what a failed call said is told from a result, and what a tool returned beside text follows the results as the user's", () => {
  const { messages } = chatCodec.encodeRequest("m", {
    messages: [
      { role: "tool", content: "no disk", callId: "1", isError: true },
      {
        role: "tool",
        content: "a picture",
        parts: [
          { type: "text", text: "a picture" },
          { type: "image", media: { url: "https://example.com/a.png" } },
        ],
        callId: "2",
      },
      { role: "tool", content: "Error 5", callId: "3", isError: true },
      { role: "user", content: "Well?" },
    ],
  }) as { readonly messages: readonly { readonly role: string; readonly content: Json }[] };
  assert.deepEqual(
    messages.map(({ role, content: shown }) => [role, shown]),
    [
      ["tool", "Error: no disk"],
      ["tool", "a picture"],
      ["tool", "Error 5"],
      ["user", [{ type: "image_url", image_url: { url: "https://example.com/a.png" } }]],
      ["user", "Well?"],
    ],
  );
});

test("a turn that only thought, and pictures that a tool returned, are let through", () => {
  const image = { type: "image_url", image_url: { url: "https://example.com/a.png" } };
  const { messages } = chatCodec.decodeRequest({
    model: "m",
    messages: [
      { role: "assistant", content: null, reasoning_content: "Hm.", audio: {} },
      { role: "tool", tool_call_id: "1", content: [image] },
    ],
  }).request;
  assert.deepEqual(messages, [
    { role: "assistant", content: "", parts: [{ type: "reasoning", text: "Hm." }] },
    { role: "tool", content: "", parts: [{ type: "image", media: { url: "https://example.com/a.png" } }], callId: "1" },
  ]);
});

test("only the allowed ones of the tools are kept, and the newer names win over the older", () => {
  const named = (name: string) => ({ type: "function", function: { name } });
  const decoded = chatCodec.decodeRequest({
    ...hello,
    tools: [named("add"), named("now"), named("look")],
    tool_choice: { type: "allowed_tools", allowed_tools: { mode: "required", tools: [named("now"), named("look")] } },
    max_tokens: 5,
    max_completion_tokens: 7,
    user: "old",
    safety_identifier: "new",
    stop: "END",
    modalities: ["text"],
    reasoning: { max_tokens: 2_000, exclude: true },
  }).request;
  assert.deepEqual(
    decoded.tools?.map(({ name }) => name),
    ["now", "look"],
  );
  assert.equal(decoded.toolChoice, "required");
  assert.equal(decoded.outputTokensMax, 7);
  assert.equal(decoded.user, "new");
  assert.deepEqual(decoded.sampling, { stop: ["END"] });
  assert.deepEqual(decoded.reasoning, { tokensMax: 2_000, isShown: false });
});

test("thoughts that others signed stay behind, and calls are not spoken of where there are no tools", () => {
  const parts: readonly ContentPart[] = [
    { type: "reasoning", text: "Hm.", signature: "sealed", origin: "anthropic" },
    { type: "text", text: "Hello." },
  ];
  const body = chatCodec.encodeRequest("m", {
    messages: [{ role: "assistant", content: "Hello.", parts }],
    toolChoice: "none",
    parallelCalls: false,
  });
  assert.deepEqual(body, {
    model: "m",
    messages: [{ role: "assistant", content: "Hello." }],
    stream: true,
    stream_options: { include_usage: true },
  });
});

const misfits: readonly (readonly [string, unknown, string, string])[] = [
  ["a body that is no object", [], "invalid_input", "body"],
  ["no model", { messages: hello.messages }, "invalid_input", "model"],
  ["a model that is no string", { ...hello, model: 5 }, "invalid_input", "model"],
  ["no messages", { model: "m" }, "invalid_input", "messages"],
  ["an empty conversation", { model: "m", messages: [] }, "invalid_input", "messages"],
  ["a message that is no object", { model: "m", messages: ["Hi"] }, "invalid_input", "messages[0]"],
  ["an unknown role", { model: "m", messages: [{ role: "boss", content: "Hi" }] }, "invalid_input", "messages[0].role"],
  ["a message without content", { model: "m", messages: [{ role: "user" }] }, "invalid_input", "messages[0].content"],
  [
    "an assistant turn without content and calls",
    { model: "m", messages: [{ role: "assistant" }] },
    "invalid_input",
    "messages[0].content",
  ],
  [
    "a tool turn that answers no call",
    { model: "m", messages: [{ role: "tool", content: "4" }] },
    "invalid_input",
    "messages[0].tool_call_id",
  ],
  [
    "a part without text",
    { model: "m", messages: [{ role: "user", content: [{ type: "text" }] }] },
    "invalid_input",
    "messages[0].content[0].text",
  ],
  [
    "an image without a link",
    { model: "m", messages: [{ role: "user", content: [{ type: "image_url" }] }] },
    "invalid_input",
    "messages[0].content[0].image_url",
  ],
  [
    "arguments that are no string",
    { model: "m", messages: [{ role: "assistant", tool_calls: [{ id: "1", function: { name: "a", arguments: {} } }] }] },
    "invalid_input",
    "messages[0].tool_calls[0].function.arguments",
  ],
  ["a tool without a name", { ...hello, tools: [{ type: "function", function: {} }] }, "invalid_input", "tools[0].function.name"],
  [
    "parameters that are no schema",
    { ...hello, tools: [{ type: "function", function: { name: "a", parameters: 1 } }] },
    "invalid_input",
    "tools[0].function.parameters",
  ],
  ["stream as text", { ...hello, stream: "true" }, "invalid_input", "stream"],
  ["stream options as text", { ...hello, stream_options: "usage" }, "invalid_input", "stream_options"],
  ["several choices", { ...hello, n: 2 }, "unsupported", "n"],
  ["a tool choice that is no choice", { ...hello, tool_choice: "maybe" }, "invalid_input", "tool_choice"],
  [
    "a schema without a name",
    { ...hello, response_format: { type: "json_schema", json_schema: {} } },
    "invalid_input",
    "response_format.json_schema.name",
  ],
  ["functions, which tools replaced", { ...hello, functions: [] }, "unsupported", "functions"],
  ["a call of a function, which tools replaced", { ...hello, function_call: "auto" }, "unsupported", "function_call"],
  ["log probabilities", { ...hello, logprobs: true }, "unsupported", "logprobs"],
  ["the most probable tokens", { ...hello, top_logprobs: 3 }, "unsupported", "top_logprobs"],
  ["biased tokens", { ...hello, logit_bias: { 50256: -100 } }, "unsupported", "logit_bias"],
  ["a search of the web", { ...hello, web_search_options: {} }, "unsupported", "web_search_options"],
  ["a tool of another kind", { ...hello, tools: [{ type: "custom", custom: { name: "a" } }] }, "unsupported", "tools[0].type"],
  ["a required tool where there is none", { ...hello, tool_choice: "required" }, "invalid_input", "tools"],
  ["a tool that is not there", { ...hello, tool_choice: { type: "function", function: { name: "a" } } }, "invalid_input", "tool_choice"],
  ["a spoken answer in no voice", { ...hello, modalities: ["text", "audio"] }, "invalid_input", "audio"],
  ["an unknown way to answer", { ...hello, modalities: ["video"] }, "unsupported", "modalities"],
  ["an unknown effort", { ...hello, reasoning_effort: "extreme" }, "invalid_input", "reasoning_effort"],
  ["a limit of nothing", { ...hello, max_tokens: 0 }, "invalid_input", "max_tokens"],
  ["a temperature that is no number", { ...hello, temperature: "hot" }, "invalid_input", "temperature"],
  ["a stop that is no text", { ...hello, stop: [5] }, "invalid_input", "stop[0]"],
  [
    "a picture in a system turn",
    { model: "m", messages: [{ role: "system", content: [{ type: "image_url", image_url: { url: "https://example.com" } }] }] },
    "invalid_input",
    "messages[0].content[0].type",
  ],
  [
    "a video",
    { model: "m", messages: [{ role: "user", content: [{ type: "video_url", video_url: {} }] }] },
    "unsupported",
    "messages[0].content[0].type",
  ],
];

for (const [what, body, code, param] of misfits) {
  test(`${what} is refused as ${code}, and the error names the field`, () => {
    assert.throws(
      () => chatCodec.decodeRequest(body),
      (error) => {
        assert.ok(error instanceof AppError);
        assert.equal(error.code, code);
        assert.deepEqual(error.cause, { param });
        assert.ok(error.message.startsWith(`${param}: wanted `), error.message);
        return true;
      },
    );
  });
}
