import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AppError } from "../error.ts";
import type { Json } from "../json.ts";
import { decodeCountRequest, decodeMessagesRequest } from "./messages-request.ts";

const hello = { model: "m", max_tokens: 100, messages: [{ role: "user", content: "Hi" }] };
const PNG = { type: "base64", media_type: "image/png", data: "aGk=" };

/** What a coding agent sends: blocks everywhere, hints for caching, tools of several kinds, results with pictures. */
const agent = {
  model: "claude-sonnet-5-5",
  max_tokens: 32_000,
  stream: true,
  system: [
    { type: "text", text: "You are an agent." },
    { type: "text", text: "Be brief.", cache_control: { type: "ephemeral" } },
  ],
  metadata: { user_id: "user_1" },
  service_tier: "auto",
  context_management: { edits: [{ type: "clear_thinking_20251015", keep: "all" }] },
  thinking: { type: "enabled", budget_tokens: 4_096 },
  tools: [
    { name: "Read", description: "Reads.", input_schema: { type: "object", properties: { path: { type: "string" } } } },
    { type: "web_search_20260318", name: "web_search", max_uses: 8 },
    { type: "something_20991231", name: "new" },
  ],
  messages: [
    {
      role: "user",
      content: [
        { type: "text", text: "<reminder>" },
        { type: "text", text: "Look.", cache_control: { type: "ephemeral" } },
      ],
    },
    {
      role: "assistant",
      content: [
        { type: "thinking", thinking: "I read.", signature: "c2ln" },
        { type: "redacted_thinking", data: "aGlk" },
        { type: "text", text: "Reading.", citations: null },
        { type: "server_tool_use", id: "srvtoolu_1", name: "web_search", input: {} },
        { type: "web_search_tool_result", tool_use_id: "srvtoolu_1", content: [] },
        { type: "tool_use", id: "toolu_1", name: "Read", input: { path: "a.png" } },
        { type: "tool_use", id: "toolu_2", name: "Read", input: {} },
      ],
    },
    {
      role: "user",
      content: [
        { type: "tool_result", tool_use_id: "toolu_1", content: [{ type: "image", source: PNG }] },
        { type: "tool_result", tool_use_id: "toolu_2", content: "no path", is_error: true },
        { type: "text", text: "Well?" },
      ],
    },
    { role: "system", content: "Hurry." },
  ],
};

test("what a coding agent sends is read whole; hints and tools of Anthropic's servers are left out", () => {
  assert.deepEqual(decodeMessagesRequest(agent), {
    model: "claude-sonnet-5-5",
    stream: true,
    request: {
      messages: [
        { role: "system", content: "You are an agent.\n\nBe brief." },
        { role: "user", content: "<reminder>\n\nLook." },
        {
          role: "assistant",
          content: "Reading.",
          parts: [
            { type: "reasoning", text: "I read.", signature: "c2ln", origin: "anthropic" },
            { type: "reasoning", text: "", signature: "aGlk", origin: "anthropic", isRedacted: true },
            { type: "text", text: "Reading." },
          ],
          calls: [
            { id: "toolu_1", name: "Read", input: { path: "a.png" } },
            { id: "toolu_2", name: "Read", input: {} },
          ],
        },
        {
          role: "tool",
          content: "",
          parts: [{ type: "image", media: { data: "aGk=", mediaType: "image/png" } }],
          callId: "toolu_1",
        },
        { role: "tool", content: "no path", callId: "toolu_2", isError: true },
        { role: "user", content: "Well?" },
        { role: "system", content: "Hurry." },
      ],
      tools: [{ name: "Read", description: "Reads.", parameters: { type: "object", properties: { path: { type: "string" } } } }],
      reasoning: { tokensMax: 4_096, isShown: true },
      user: "user_1",
      outputTokensMax: 32_000,
    },
  });
});

test("sampling, stop sequences, formats, efforts and tool choices are read", () => {
  const tools = [{ name: "add", input_schema: { type: "object" }, strict: true }];
  const schema = { type: "object" };
  const { request } = decodeMessagesRequest({
    ...hello,
    tools,
    temperature: 0.5,
    top_p: 0.9,
    top_k: 5,
    stop_sequences: ["END"],
    tool_choice: { type: "tool", name: "add", disable_parallel_tool_use: true },
    thinking: { type: "adaptive", display: "omitted" },
    output_config: { effort: "xhigh", format: { type: "json_schema", schema } },
  });
  assert.deepEqual(request, {
    messages: [{ role: "user", content: "Hi" }],
    tools: [{ name: "add", description: "", parameters: { type: "object" }, strict: true }],
    toolChoice: { name: "add" },
    parallelCalls: false,
    format: { type: "schema", name: "answer", schema, strict: true },
    sampling: { temperature: 0.5, topP: 0.9, topK: 5, stop: ["END"] },
    reasoning: { effort: "xhigh", isShown: false },
    outputTokensMax: 100,
  });
  const choice = (tool_choice: object) => decodeMessagesRequest({ ...hello, tools, tool_choice }).request.toolChoice;
  assert.deepEqual([choice({ type: "any" }), choice({ type: "none" }), choice({ type: "auto" })], ["required", "none", undefined]);
  assert.deepEqual(decodeMessagesRequest({ ...hello, thinking: { type: "disabled" } }).request.reasoning, { effort: "none" });
  assert.deepEqual(decodeMessagesRequest({ ...hello, output_format: { type: "json_schema", schema } }).request.format, request.format);
});

test("pictures, documents and search results become parts, and documents that are text become text", () => {
  const content = [
    { type: "image", source: { type: "url", url: "https://example.com/cat.png" } },
    { type: "image", source: { type: "file", file_id: "file_1" } },
    { type: "document", source: { type: "base64", media_type: "application/pdf", data: "JVBE" }, title: "a.pdf", context: "Old." },
    { type: "document", source: { type: "url", url: "https://example.com/a.pdf" }, citations: { enabled: true } },
    { type: "document", source: { type: "text", media_type: "text/plain", data: "Once." }, title: "Tale" },
    { type: "document", source: { type: "content", content: [{ type: "text", text: "Twice." }] } },
    { type: "search_result", source: "https://example.com", title: "Page", content: [{ type: "text", text: "Found." }] },
  ];
  const [message] = decodeMessagesRequest({ ...hello, messages: [{ role: "user", content }] }).request.messages;
  assert.deepEqual(message?.parts, [
    { type: "image", media: { url: "https://example.com/cat.png" } },
    { type: "image", media: { fileId: "file_1" } },
    { type: "file", media: { data: "JVBE", mediaType: "application/pdf" }, name: "a.pdf" },
    { type: "text", text: "Old." },
    { type: "file", media: { url: "https://example.com/a.pdf", mediaType: "application/pdf" } },
    { type: "text", text: '<document title="Tale">\nOnce.\n</document>' },
    { type: "text", text: "Twice." },
    { type: "text", text: '<search_result title="Page" source="https://example.com">\nFound.\n</search_result>' },
  ]);
});

test("tools of Anthropic's that the client runs get the schema that only Anthropic's models know by heart", () => {
  const tools = [
    { type: "bash_20250124", name: "bash" },
    { type: "text_editor_20250728", name: "str_replace_based_edit_tool" },
    { type: "memory_20250818", name: "memory" },
    { type: "computer_20250124", name: "computer", display_width_px: 1, display_height_px: 1 },
  ];
  const { request } = decodeMessagesRequest({ ...hello, tools });
  assert.deepEqual(
    request.tools?.map(({ name, parameters }) => [
      name,
      Object.keys((parameters as { readonly properties: object }).properties).slice(0, 2),
    ]),
    [
      ["bash", ["command", "restart"]],
      ["str_replace_based_edit_tool", ["command", "path"]],
      ["memory", ["command", "path"]],
    ],
  );
});

test("a request to count tokens needs no limit", () => {
  const { max_tokens: limit, ...body } = hello;
  assert.equal(limit, 100);
  assert.deepEqual(decodeCountRequest(body), { model: "m", request: { messages: [{ role: "user", content: "Hi" }] } });
});

const block = (item: object): object => ({ ...hello, messages: [{ role: "user", content: [item] }] });
const misfits: readonly (readonly [string, unknown, string, string])[] = [
  ["a body that is no object", [], "invalid_input", "body"],
  ["no limit of tokens", { model: "m", messages: hello.messages }, "invalid_input", "max_tokens"],
  ["a limit of nothing", { ...hello, max_tokens: 0 }, "unsupported", "max_tokens"],
  ["no messages", { ...hello, messages: [] }, "invalid_input", "messages"],
  ["an unknown role", { ...hello, messages: [{ role: "tool", content: "x" }] }, "invalid_input", "messages[0].role"],
  ["content that is a number", { ...hello, messages: [{ role: "user", content: 5 }] }, "invalid_input", "messages[0].content"],
  ["a block without a type", block({}), "unsupported", "messages[0].content[0].type"],
  ["a text that is none", block({ type: "text", text: 1 }), "invalid_input", "messages[0].content[0].text"],
  ["a result without its call", block({ type: "tool_result" }), "invalid_input", "messages[0].content[0].tool_use_id"],
  ["a picture without a source", block({ type: "image" }), "invalid_input", "messages[0].content[0].source"],
  ["an upload to a container", block({ type: "container_upload", file_id: "f" }), "unsupported", "messages[0].content[0].type"],
  ["a tool without a schema", { ...hello, tools: [{ name: "a" }] }, "invalid_input", "tools[0].input_schema"],
  ["a choice of an unknown kind", { ...hello, tool_choice: { type: "x" } }, "invalid_input", "tool_choice.type"],
  [
    "a forced tool of Anthropic's servers",
    { ...hello, tools: [{ type: "web_search_20250305", name: "web_search" }], tool_choice: { type: "tool", name: "web_search" } },
    "unsupported",
    "tool_choice.name",
  ],
  ["an unknown way of thinking", { ...hello, thinking: { type: "x" } }, "invalid_input", "thinking.type"],
  [
    "a budget that is no number",
    { ...hello, thinking: { type: "enabled", budget_tokens: "x" } },
    "invalid_input",
    "thinking.budget_tokens",
  ],
  ["a container", { ...hello, container: "c_1" }, "unsupported", "container"],
  ["MCP servers", { ...hello, mcp_servers: [{ type: "url" }] }, "unsupported", "mcp_servers"],
  ["a format of another kind", { ...hello, output_config: { format: { type: "x" } } }, "unsupported", "output_config.format.type"],
];

for (const [what, body, code, param] of misfits) {
  test(`${what} is refused as ${code}, and the error names the field`, () => {
    assert.throws(
      () => decodeMessagesRequest(body),
      (error) => {
        assert.ok(error instanceof AppError);
        assert.deepEqual([error.code, error.cause], [code, { param }]);
        return true;
      },
    );
  });
}

test("whatever JSON is sent, the decoder reads it or throws an AppError", () => {
  const json = fc.jsonValue({ depthSize: "small" }).map((value) => JSON.parse(JSON.stringify(value)) as Json);
  const type = fc.constantFrom(
    "text",
    "image",
    "document",
    "tool_use",
    "tool_result",
    "thinking",
    "redacted_thinking",
    "search_result",
    "x",
  );
  const blocks = fc.array(
    fc.record(
      { type, text: json, source: json, id: json, name: json, input: json, content: json, tool_use_id: json },
      { requiredKeys: ["type"] },
    ),
  );
  const messages = fc.array(fc.record({ role: fc.constantFrom("user", "assistant", "system", "x"), content: fc.oneof(json, blocks) }));
  const odd = fc.record(
    { model: json, max_tokens: fc.oneof(json, fc.nat()), messages: fc.oneof(json, messages), system: json, tools: json, thinking: json },
    { requiredKeys: ["max_tokens", "messages"] },
  );
  fc.assert(
    fc.property(fc.oneof(json, odd), (body) => {
      try {
        decodeMessagesRequest(body);
      } catch (error) {
        assert.ok(error instanceof AppError, String(error));
      }
    }),
  );
});
