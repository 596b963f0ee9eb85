import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AppError } from "../error.ts";
import type { ModelRequest } from "../model.ts";
import { responsesCodec } from "./responses.ts";

type Fields = Readonly<Record<string, unknown>>;

function decode(body: Fields): ModelRequest {
  return responsesCodec.decodeRequest({ model: "m", input: "Hi", ...body }).request;
}

function refusal(body: Fields): { readonly code: string; readonly param: unknown } {
  try {
    decode(body);
  } catch (error) {
    assert.ok(error instanceof AppError);
    return { code: error.code, param: (error.cause as Fields)["param"] };
  }
  return assert.fail("wanted a refusal");
}

test("A text is a turn of the user, and instructions stand before everything", () => {
  const { messages } = decode({ input: "Hello", instructions: "Be brief." });
  assert.deepEqual(messages, [
    { role: "system", content: "Be brief." },
    { role: "user", content: "Hello" },
  ]);
});

test("What a model thought, said and called between two inputs is one turn", () => {
  const { messages } = decode({
    input: [
      { role: "user", content: "Weather?" },
      { type: "reasoning", id: "rs_1", summary: [{ type: "summary_text", text: "Look it up." }], encrypted_content: "gAAAA" },
      { type: "message", role: "assistant", content: [{ type: "output_text", text: "One moment.", annotations: [] }] },
      { type: "function_call", call_id: "c1", name: "weather", arguments: '{"city":"Graz"}' },
      { type: "custom_tool_call", call_id: "c2", name: "run", input: "ls" },
      { type: "function_call_output", call_id: "c1", output: "sunny" },
      { type: "custom_tool_call_output", call_id: "c2", output: [{ type: "input_image", image_url: "data:image/png;base64,AAAA" }] },
    ],
  });
  assert.deepEqual(messages.slice(1), [
    {
      role: "assistant",
      content: "One moment.",
      parts: [
        { type: "reasoning", text: "Look it up.", id: "rs_1", signature: "gAAAA", origin: "openai" },
        { type: "text", text: "One moment." },
      ],
      calls: [
        { id: "c1", name: "weather", input: { city: "Graz" } },
        { id: "c2", name: "run", input: { input: "ls" } },
      ],
    },
    { role: "tool", content: "sunny", callId: "c1" },
    { role: "tool", content: "", parts: [{ type: "image", media: { data: "AAAA", mediaType: "image/png" } }], callId: "c2" },
  ]);
});

test("Images, files and sounds are media, wherever their bytes are", () => {
  const { messages } = decode({
    input: [
      {
        role: "user",
        content: [
          { type: "input_text", text: "Look: " },
          { type: "input_image", image_url: "https://a.test/x.png", detail: "original" },
          { type: "input_image", file_id: "file-1", detail: "low" },
          { type: "input_file", filename: "a.pdf", file_data: "QUJD" },
          { type: "input_file", file_url: "https://a.test/b.pdf" },
          { type: "input_audio", input_audio: { data: "QUJD", format: "mp3" } },
        ],
      },
    ],
  });
  assert.deepEqual(messages[0]?.parts, [
    { type: "text", text: "Look: " },
    { type: "image", media: { url: "https://a.test/x.png" }, detail: "high" },
    { type: "image", media: { fileId: "file-1" }, detail: "low" },
    { type: "file", media: { data: "QUJD", mediaType: "application/pdf" }, name: "a.pdf" },
    { type: "file", media: { url: "https://a.test/b.pdf" } },
    { type: "audio", media: { data: "QUJD", mediaType: "audio/mpeg" } },
  ]);
});

test("Everything that shapes an answer is read", () => {
  const request = decode({
    max_output_tokens: 100,
    temperature: 0.5,
    top_p: 0.9,
    presence_penalty: 0.1,
    frequency_penalty: 0.2,
    parallel_tool_calls: false,
    reasoning: { effort: "high", summary: "auto" },
    text: { format: { type: "json_schema", name: "answer", schema: { type: "object" }, strict: true } },
    tools: [{ type: "function", name: "f", description: "d", parameters: { type: "object" }, strict: true }],
    tool_choice: { type: "function", name: "f" },
    safety_identifier: "user-1",
  });
  assert.deepEqual(request, {
    messages: [{ role: "user", content: "Hi" }],
    tools: [{ name: "f", description: "d", parameters: { type: "object" }, strict: true }],
    toolChoice: { name: "f" },
    parallelCalls: false,
    format: { type: "schema", name: "answer", schema: { type: "object" }, strict: true },
    outputTokensMax: 100,
    sampling: { temperature: 0.5, topP: 0.9, presencePenalty: 0.1, frequencyPenalty: 0.2 },
    reasoning: { effort: "high", isShown: true },
    user: "user-1",
  });
});

test("Custom tools, shells, patches and namespaces are functions to a model, and hosted searches are left out", () => {
  const { tools } = decode({
    tools: [
      { type: "custom", name: "run", description: "Runs.", format: { type: "grammar", syntax: "lark", definition: "start: X" } },
      { type: "local_shell" },
      { type: "shell", environment: { type: "local" } },
      { type: "apply_patch" },
      { type: "namespace", name: "crm", description: "", tools: [{ type: "function", name: "find", parameters: null }] },
      { type: "web_search", external_web_access: false },
    ],
  });
  assert.deepEqual(
    tools?.map(({ name }) => name),
    ["run", "local_shell", "shell", "apply_patch", "crm__find"],
  );
  assert.match(tools?.[0]?.description ?? "", /lark grammar exactly:\nstart: X/);
});

test("Tools that the client finds later are tools from then on", () => {
  const found = [
    { type: "function", name: "f" },
    { type: "namespace", name: "crm", tools: [{ type: "function", name: "find" }] },
  ];
  const { tools, messages } = decode({
    tools: [
      { type: "tool_search", execution: "client" },
      { type: "function", name: "f" },
    ],
    input: [
      { role: "user", content: "Hi" },
      { type: "tool_search_call", call_id: "c", execution: "client", arguments: { query: "customers" } },
      { type: "tool_search_output", call_id: "c", execution: "client", tools: found },
      { type: "additional_tools", role: "developer", tools: [{ type: "custom", name: "run" }] },
    ],
  });
  assert.deepEqual(
    tools?.map(({ name }) => name),
    ["tool_search", "f", "crm__find", "run"],
  );
  assert.deepEqual(messages.slice(1), [
    { role: "assistant", content: "", calls: [{ id: "c", name: "tool_search", input: { query: "customers" } }] },
    { role: "tool", content: '{"found":["f","crm"]}', callId: "c" },
  ]);
});

test("A list of allowed tools keeps the others from the model", () => {
  const tools = ["a", "b"].map((name) => ({ type: "function", name }));
  const request = decode({ tools, tool_choice: { type: "allowed_tools", mode: "required", tools: [{ type: "function", name: "b" }] } });
  assert.deepEqual(
    request.tools?.map(({ name }) => name),
    ["b"],
  );
  assert.equal(request.toolChoice, "required");
});

test("What cannot be honoured is refused by the name of its field", () => {
  const cases: readonly (readonly [Fields, string, string])[] = [
    [{ input: [] }, "invalid_input", "input"],
    [{ input: [{ role: "user", content: [{ type: "input_video", video_url: "x" }] }] }, "unsupported", "input[0].content[0].type"],
    [{ input: [{ type: "function_call_output", call_id: "nobody", output: "x" }] }, "invalid_input", "input[0].call_id"],
    [{ input: [{ type: "item_reference", id: "msg_1" }] }, "invalid_input", "input[0].id"],
    [{ input: [{ type: "compaction", encrypted_content: "gAAAA" }] }, "unsupported", "input[0].encrypted_content"],
    [{ input: [{ type: "computer_call" }] }, "unsupported", "input[0].type"],
    [{ tools: [{ type: "file_search", vector_store_ids: ["v"] }] }, "unsupported", "tools[0].type"],
    [{ tools: [{ type: "shell", environment: { type: "container_auto" } }] }, "unsupported", "tools[0].environment"],
    [{ tools: [{ type: "web_search" }], tool_choice: { type: "web_search" } }, "unsupported", "tool_choice.type"],
    [{ tool_choice: { type: "function", name: "none" } }, "invalid_input", "tool_choice.name"],
    [{ include: ["message.output_text.logprobs"] }, "unsupported", "include[0]"],
    [{ top_logprobs: 2 }, "unsupported", "top_logprobs"],
    [{ previous_response_id: "resp_1" }, "unsupported", "previous_response_id"],
    [{ conversation: "conv_1" }, "unsupported", "conversation"],
    [{ prompt: { id: "p" } }, "unsupported", "prompt"],
    [{ metadata: { key: 1 } }, "invalid_input", "metadata.key"],
    [{ max_output_tokens: 0 }, "invalid_input", "max_output_tokens"],
    [{ reasoning: { effort: "huge" } }, "invalid_input", "reasoning.effort"],
    [{ text: { format: { type: "xml" } } }, "invalid_input", "text.format.type"],
  ];
  for (const [body, code, param] of cases) assert.deepEqual(refusal(body), { code, param }, JSON.stringify(body));
});

test("Any JSON as a request is read or refused with a code", () => {
  fc.assert(
    fc.property(
      fc.jsonValue(),
      fc.constantFrom("input", "tools", "tool_choice", "text", "reasoning", "metadata", "include"),
      (value, field) => {
        try {
          decode({ [field]: value });
        } catch (error) {
          assert.ok(error instanceof AppError && (error.code === "invalid_input" || error.code === "unsupported"));
        }
      },
    ),
  );
});
