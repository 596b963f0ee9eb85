import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AppError } from "../error.ts";
import { collect, type ModelPart, type ModelRequest } from "../model.ts";
import { responsesCodec } from "./responses.ts";
import { SseDecoder } from "./sse.ts";

const USAGE = { inputTokens: 7, outputTokens: 5, cacheReadTokens: 2, reasoningTokens: 3 };
const FINISH: ModelPart = { type: "finish", reason: "stop", usage: USAGE };

type Fields = Readonly<Record<string, unknown>>;

function decode(body: Fields): ModelRequest {
  return responsesCodec.decodeRequest({ model: "m", input: "Hi", ...body }).request;
}

function encodeAll(parts: readonly ModelPart[], body: Fields = {}): string {
  const encoder = responsesCodec.streamEncoder({ id: "abc", createdAt: 1, model: "m", body: { model: "m", ...body } });
  return parts.map((part) => encoder.push(part)).join("");
}

function eventsIn(text: string): readonly Fields[] {
  const sent = new SseDecoder({ eventCharsMax: 1e7 }).push(text);
  assert.equal(sent.at(-1)?.data, "[DONE]");
  const events = sent.slice(0, -1).map(({ data }) => JSON.parse(data) as Fields);
  assert.deepEqual(
    sent.slice(0, -1).map(({ event }) => event),
    events.map(({ type }) => type),
  );
  assert.deepEqual(
    events.map(({ sequence_number: number }) => number),
    events.map((_, index) => index),
  );
  return events;
}

/** The response that a stream ended with. */
function finalIn(text: string): Fields & { readonly output: readonly Fields[] } {
  const last = eventsIn(text).at(-1);
  assert.ok(last !== undefined);
  return last["response"] as Fields & { readonly output: readonly Fields[] };
}

function typesIn(text: string): readonly string[] {
  return eventsIn(text).map(({ type }) => String(type).replace("response.", ""));
}

async function* chunked(text: string, size = 7): AsyncGenerator<string> {
  for (let start = 0; start < text.length; start += size) yield text.slice(start, start + size);
}

async function read(text: string, size?: number): Promise<readonly ModelPart[]> {
  return Array.fromAsync(responsesCodec.decodeAnswer(chunked(text, size)));
}

test("A text is told of in the order that the specification has", () => {
  const parts: readonly ModelPart[] = [
    { type: "text", text: "Hel" },
    { type: "text", text: "lo" },
    { type: "citation", citation: { url: "https://a.test", title: "A", start: 0, end: 5 } },
    FINISH,
  ];
  assert.deepEqual(typesIn(encodeAll(parts)), [
    "created",
    "in_progress",
    "output_item.added",
    "content_part.added",
    "output_text.delta",
    "output_text.delta",
    "output_text.annotation.added",
    "output_text.done",
    "content_part.done",
    "output_item.done",
    "completed",
  ]);
});

test("Thoughts are summaries where one was asked for, and the thoughts themselves elsewhere", () => {
  const parts: readonly ModelPart[] = [
    { type: "reasoning", text: "Hm" },
    { type: "reasoning", text: "", signature: "sig", origin: "anthropic" },
    { type: "refusal", text: "No." },
    FINISH,
  ];
  const end = [
    "output_item.added",
    "content_part.added",
    "refusal.delta",
    "refusal.done",
    "content_part.done",
    "output_item.done",
    "completed",
  ];
  assert.deepEqual(typesIn(encodeAll(parts, { reasoning: { summary: "auto" } })), [
    "created",
    "in_progress",
    "output_item.added",
    "reasoning_summary_part.added",
    "reasoning_summary_text.delta",
    "reasoning_summary_text.done",
    "reasoning_summary_part.done",
    "output_item.done",
    ...end,
  ]);
  const text = encodeAll(parts);
  assert.deepEqual(typesIn(text).slice(2, 8), [
    "output_item.added",
    "content_part.added",
    "reasoning_text.delta",
    "reasoning_text.done",
    "content_part.done",
    "output_item.done",
  ]);
  const [thought] = finalIn(text).output;
  assert.deepEqual(thought, {
    id: "rs_abc_0",
    type: "reasoning",
    status: "completed",
    summary: [],
    content: [{ type: "reasoning_text", text: "Hm" }],
    encrypted_content: "tutti:anthropic:sig",
  });
});

test("A thought that another provider signed comes back to it with the next turn", () => {
  const parts = [{ type: "reasoning", text: "", signature: "sig", origin: "anthropic", isRedacted: true } as const, FINISH];
  const { output } = finalIn(encodeAll(parts));
  const { messages } = decode({ input: [...output, { role: "user", content: "Go on" }] });
  assert.deepEqual(messages[0]?.parts, [
    { type: "reasoning", text: "", id: "rs_abc_0", signature: "sig", origin: "anthropic", isRedacted: true },
  ]);
});

test("Calls are written in the shape that their tools were declared in", () => {
  const tools = [
    { type: "function", name: "f" },
    { type: "custom", name: "run" },
    { type: "local_shell" },
    { type: "shell" },
    { type: "apply_patch" },
    { type: "namespace", name: "crm", tools: [{ type: "function", name: "find" }] },
  ];
  const call = (id: string, name: string, input: Extract<ModelPart, { type: "call" }>["call"]["input"]): ModelPart => ({
    type: "call",
    call: { id, name, input },
  });
  const { output } = finalIn(
    encodeAll(
      [
        { type: "call.delta", index: 0, id: "1", name: "f", text: '{"a"' },
        { type: "call.delta", index: 0, id: "1", name: "f", text: ":1}" },
        call("1", "f", { a: 1 }),
        { type: "call.delta", index: 1, id: "2", name: "run", text: '{"input":"ls"}' },
        call("2", "run", { input: "ls" }),
        call("3", "local_shell", { command: ["ls"] }),
        call("4", "shell", { commands: ["ls"] }),
        call("5", "apply_patch", { type: "create_file", path: "a", diff: "+x" }),
        call("6", "crm__find", {}),
        { ...FINISH, reason: "tool_calls" },
      ],
      { tools },
    ),
  );
  const status = "completed";
  assert.deepEqual(output, [
    { id: "fc_abc_0", type: "function_call", status, arguments: '{"a":1}', call_id: "1", name: "f" },
    { id: "ctc_abc_1", type: "custom_tool_call", status, call_id: "2", input: "ls", name: "run" },
    {
      id: "lsh_abc_2",
      type: "local_shell_call",
      status,
      call_id: "3",
      action: { type: "exec", command: ["ls"], env: {}, timeout_ms: null, working_directory: null, user: null },
    },
    {
      id: "sh_abc_3",
      type: "shell_call",
      status,
      call_id: "4",
      action: { commands: ["ls"], timeout_ms: null, max_output_length: null },
      environment: { type: "local" },
    },
    { id: "apc_abc_4", type: "apply_patch_call", status, call_id: "5", operation: { type: "create_file", path: "a", diff: "+x" } },
    { id: "fc_abc_5", type: "function_call", status, arguments: "{}", call_id: "6", name: "find", namespace: "crm" },
  ]);
  // What went out can come in again.
  const { messages } = decode({
    tools,
    input: [...output, ...["1", "2"].map((id) => ({ type: "function_call_output", call_id: id, output: "ok" }))],
  });
  assert.deepEqual(
    messages[0]?.calls?.map(({ name }) => name),
    ["f", "run", "local_shell", "shell", "apply_patch", "crm__find"],
  );
});

test("An answer that was cut says so, and its last item too", () => {
  const response = finalIn(
    encodeAll([
      { type: "text", text: "Hel" },
      { ...FINISH, reason: "length" },
    ]),
  );
  assert.equal(response["status"], "incomplete");
  assert.deepEqual(response["incomplete_details"], { reason: "max_output_tokens" });
  assert.equal(response.output[0]?.["status"], "incomplete");
  assert.equal(response["completed_at"], null);
});

test("An error in the middle is an error event, and a response that failed", () => {
  const encoder = responsesCodec.streamEncoder({ id: "abc", createdAt: 1, model: "m", body: {} });
  const text = encoder.push({ type: "text", text: "Hel" }) + encoder.fail({ code: "rate_limited", message: "Slow down.", status: 429 });
  const events = eventsIn(text);
  assert.deepEqual(
    events.slice(-2).map(({ type }) => type),
    ["error", "response.failed"],
  );
  assert.deepEqual(finalIn(text)["error"], { code: "rate_limit_exceeded", message: "Slow down." });
});

test("The whole answer is the object that the stream ends with", async () => {
  const parts: readonly ModelPart[] = [
    { type: "reasoning", text: "Hm", id: "rs_9", signature: "gAAAA", origin: "openai" },
    { type: "text", text: "Hello" },
    { type: "call", call: { id: "c", name: "f", input: { a: 1 } } },
    { ...FINISH, reason: "tool_calls" },
  ];
  const body = { tools: [{ type: "function", name: "f" }], metadata: { a: "b" }, temperature: 0 };
  const head = { id: "abc", createdAt: 1, model: "m", body };
  const whole = responsesCodec.encodeAnswer(await collect(toAsync(parts)), head) as Fields;
  const streamed = finalIn(encodeAll(parts, body));
  assert.deepEqual({ ...whole, completed_at: 0 }, { ...streamed, completed_at: 0 });
});

async function* toAsync<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

test("What is written can be read again, streamed or whole, in chunks cut anywhere", async () => {
  const parts: readonly ModelPart[] = [
    { type: "reasoning", text: "Hm", id: "rs_9" },
    { type: "reasoning", text: "", id: "rs_9", signature: "gAAAA", origin: "openai" },
    { type: "text", text: "Grüße 👋" },
    { type: "citation", citation: { url: "https://a.test", title: "A", start: 0, end: 5 } },
    { type: "call.delta", index: 0, id: "c", name: "f", text: '{"a":1}' },
    { type: "call", call: { id: "c", name: "f", input: { a: 1 } } },
    { ...FINISH, reason: "tool_calls" },
  ];
  const text = encodeAll(parts, { reasoning: { summary: "auto" } });
  assert.deepEqual(await read(text), parts);
  const whole = JSON.stringify(finalIn(text));
  assert.deepEqual(await collect(toAsync(await read(whole, 11))), await collect(toAsync(parts)));
});

test("A provider's failure, and a stream that breaks off, are errors of the upstream", async () => {
  const failed = JSON.stringify({ object: "response", status: "failed", error: { code: "server_error", message: "Boom." } });
  await assert.rejects(read(failed), { code: "upstream", message: /Boom\./ });
  await assert.rejects(read(JSON.stringify({ error: { message: "No." } })), { code: "upstream", message: /No\./ });
  await assert.rejects(read(`data: {"type":"error","code":"rate_limit_exceeded","message":"Slow"}\n\n`), { code: "rate_limited" });
  await assert.rejects(read(encodeAll([{ type: "text", text: "Hel" }])), { code: "upstream", message: /cut off/ });
  await assert.rejects(read("data: {oops\n\n"), { code: "upstream" });
});

test("A request goes out whole, to be kept by nobody", () => {
  const request: ModelRequest = {
    messages: [
      { role: "system", content: "Be brief." },
      { role: "user", content: "Hi", parts: [{ type: "image", media: { data: "AAAA", mediaType: "image/png" } }] },
      {
        role: "assistant",
        content: "Hm.",
        parts: [
          { type: "reasoning", text: "x", id: "rs_1", signature: "gAAAA", origin: "openai" },
          { type: "reasoning", text: "y", signature: "sig", origin: "anthropic" },
          { type: "text", text: "Hm." },
        ],
        calls: [{ id: "c", name: "f", input: { a: 1 } }],
      },
      { role: "tool", content: "ok", callId: "c" },
    ],
    tools: [{ name: "f", description: "d", parameters: { type: "object" } }],
    toolChoice: { name: "f" },
    outputTokensMax: 5,
    reasoning: { tokensMax: 5000, isShown: true },
  };
  assert.deepEqual(responsesCodec.encodeRequest("gpt", request), {
    model: "gpt",
    input: [
      { type: "message", role: "system", content: [{ type: "input_text", text: "Be brief." }] },
      { type: "message", role: "user", content: [{ type: "input_image", image_url: "data:image/png;base64,AAAA", detail: "auto" }] },
      { type: "reasoning", id: "rs_1", summary: [{ type: "summary_text", text: "x" }], encrypted_content: "gAAAA" },
      { type: "message", role: "assistant", content: [{ type: "output_text", text: "Hm.", annotations: [] }] },
      { type: "function_call", call_id: "c", name: "f", arguments: '{"a":1}' },
      { type: "function_call_output", call_id: "c", output: "ok" },
    ],
    tools: [{ type: "function", name: "f", description: "d", parameters: { type: "object" }, strict: false }],
    tool_choice: { type: "function", name: "f" },
    max_output_tokens: 16,
    reasoning: { effort: "medium", summary: "auto" },
    include: ["reasoning.encrypted_content"],
    store: false,
    stream: true,
  });
  assert.throws(() => responsesCodec.encodeRequest("gpt", { ...request, sampling: { stop: ["x"] } }), { code: "unsupported" });
});

test("Any bytes as an answer are read or refused as the upstream's", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.string(),
        fc.jsonValue().map((value) => `data: ${JSON.stringify(value)}\n\n`),
      ),
      async (text) => {
        await assert.rejects(read(text), (error) => error instanceof AppError && error.code === "upstream");
      },
    ),
    { numRuns: 50 },
  );
});
