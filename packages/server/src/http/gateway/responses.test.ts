import assert from "node:assert/strict";
import { describe, test } from "node:test";
import OpenAI from "openai";
import { zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";
import { startTestApp, type TestApp } from "../../testing.ts";
import type { Script } from "../../testing/openai-answers.ts";
import { startOpenAiUpstream, type OpenAiUpstream } from "../../testing/openai-upstream.ts";
import { eventsOf, finalIn, textOf } from "../../testing/responses-client.ts";
import { responseSchema, type ResponseObject } from "../../testing/responses-schemas.ts";
import { startResponsesUpstream, type ResponsesScript } from "../../testing/responses-upstream.ts";

type Fields = Readonly<Record<string, unknown>>;

interface Upstreams extends AsyncDisposable {
  readonly app: TestApp;
  readonly chat: OpenAiUpstream;
}

async function overChat(script?: Script, options: Parameters<typeof startTestApp>[0] = {}): Promise<Upstreams> {
  const chat = await startOpenAiUpstream(script);
  const app = await startTestApp({
    providers: [{ name: "chat", kind: "openai-compatible", baseUrl: chat.baseUrl, models: ["test-model"], surfaces: ["chat/completions"] }],
    ...options,
  });
  return {
    app,
    chat,
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]();
      await chat[Symbol.asyncDispose]();
    },
  };
}

/** A provider that speaks responses, and one that does not. */
async function overBoth(
  script?: ResponsesScript,
): Promise<Upstreams & { readonly native: Awaited<ReturnType<typeof startResponsesUpstream>> }> {
  const native = await startResponsesUpstream(script);
  const chat = await startOpenAiUpstream();
  const app = await startTestApp({
    providers: [
      { name: "native", kind: "openai-compatible", baseUrl: native.baseUrl, models: ["native-model"], surfaces: ["responses"] },
      { name: "chat", kind: "openai-compatible", baseUrl: chat.baseUrl, models: ["test-model"], surfaces: ["chat/completions"] },
    ],
  });
  return {
    app,
    chat,
    native,
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]();
      await chat[Symbol.asyncDispose]();
      await native[Symbol.asyncDispose]();
    },
  };
}

async function create(app: TestApp, body: object): Promise<ResponseObject> {
  const answer = await app.fetch("/v1/responses", { model: "test-model", ...body });
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  return responseSchema.parse(JSON.parse(text));
}

async function method(app: TestApp, name: "DELETE" | "POST", path: string): Promise<Response> {
  return fetch(new URL(path, app.url), { method: name, headers: { authorization: `Bearer ${app.token}` } });
}

async function errorOf(answer: Response): Promise<readonly [number, unknown, unknown]> {
  const { error } = (await answer.json()) as { readonly error: Fields };
  return [answer.status, error["code"], error["param"]];
}

const messagesOf = ({ chat }: Upstreams, index: number): unknown =>
  (JSON.parse(chat.calls.filter(({ path }) => path.endsWith("/chat/completions"))[index]?.received.toString("utf8") ?? "{}") as Fields)[
    "messages"
  ];

describe("responses that are kept", () => {
  test("a response is gone on from, with everything that was said before and without its instructions", async () => {
    await using world = await overChat();
    const { app } = world;
    const first = await create(app, { input: "My name is Alice.", instructions: "Be brief." });
    const second = await create(app, { input: "Who am I?", previous_response_id: first.id });
    assert.equal(second.previous_response_id, first.id);
    await create(app, { input: "Sure?", previous_response_id: second.id });
    assert.deepEqual(messagesOf(world, 2), [
      { role: "user", content: "My name is Alice." },
      { role: "assistant", content: "You said: My name is Alice." },
      { role: "user", content: "Who am I?" },
      { role: "assistant", content: "You said: Who am I?" },
      { role: "user", content: "Sure?" },
    ]);
  });

  test("a response is fetched as it was, streamed or not, and after a restart", async () => {
    await using chat = await startOpenAiUpstream();
    const providers = [{ name: "chat", kind: "openai-compatible", baseUrl: chat.baseUrl, models: ["test-model"] }];
    await using other = await startTestApp({ providers });
    const { dataDir } = other;
    const kept: ResponseObject[] = [];
    await using first = await startTestApp({ providers, dataDir: `${dataDir}/kept` });
    kept.push(await create(first, { input: "one" }));
    const streamed = await first.fetch("/v1/responses", { model: "test-model", input: "two", stream: true });
    kept.push(finalIn(eventsOf(await streamed.text())));
    for (const response of kept) assert.deepEqual(await (await first.fetch(`/v1/responses/${response.id}`)).json(), response);
    await first[Symbol.asyncDispose]();
    await using second = await startTestApp({ providers, dataDir: `${dataDir}/kept` });
    for (const response of kept) assert.deepEqual(await (await second.fetch(`/v1/responses/${response.id}`)).json(), response);
    const third = await create(second, { input: "three", previous_response_id: kept[1]?.id });
    assert.equal(textOf(third), "You said: three");
  });

  test("what was not to be stored, was deleted or never was is not there", async () => {
    await using world = await overChat();
    const { app } = world;
    const unkept = await create(app, { input: "x", store: false });
    assert.equal(unkept.store, false);
    assert.deepEqual(await errorOf(await app.fetch(`/v1/responses/${unkept.id}`)), [404, "not_found", null]);
    const kept = await create(app, { input: "x" });
    assert.deepEqual(await (await method(app, "DELETE", `/v1/responses/${kept.id}`)).json(), {
      id: kept.id,
      object: "response",
      deleted: true,
    });
    assert.equal((await app.fetch(`/v1/responses/${kept.id}`)).status, 404);
    assert.equal((await method(app, "DELETE", `/v1/responses/${kept.id}`)).status, 404);
    const answer = await app.fetch("/v1/responses", { model: "test-model", input: "y", previous_response_id: kept.id });
    assert.deepEqual(await errorOf(answer), [400, "previous_response_not_found", "previous_response_id"]);
  });

  test("what a response was made from is listed in pages", async () => {
    await using world = await overChat();
    const { app } = world;
    const first = await create(app, { input: "one" });
    const second = await create(app, { input: [{ role: "user", content: "two" }], previous_response_id: first.id });
    const list = async (
      query: string,
    ): Promise<{ readonly data: readonly Fields[]; readonly has_more: boolean; readonly last_id: string }> =>
      (await (await app.fetch(`/v1/responses/${second.id}/input_items${query}`)).json()) as never;
    const all = await list("?order=asc");
    assert.deepEqual(
      all.data.map(({ role, content }) => [role, (content as readonly Fields[])[0]?.["text"]]),
      [
        ["user", "one"],
        ["assistant", "You said: one"],
        ["user", "two"],
      ],
    );
    const newest = await list("?limit=2");
    assert.equal(newest.has_more, true);
    const rest = await list(`?limit=2&after=${newest.last_id}`);
    assert.deepEqual([rest.has_more, [...newest.data, ...rest.data].toReversed()], [false, all.data]);
    assert.equal((await app.fetch(`/v1/responses/${second.id}/input_items?limit=0`)).status, 400);
  });

  test("an item is referred to by its id", async () => {
    await using world = await overChat();
    const { app } = world;
    const { output } = await create(app, { input: "one" });
    await create(app, {
      input: [
        { type: "item_reference", id: output[0]?.id },
        { role: "user", content: "two" },
      ],
    });
    assert.deepEqual(messagesOf(world, 1), [
      { role: "assistant", content: "You said: one" },
      { role: "user", content: "two" },
    ]);
    const answer = await app.fetch("/v1/responses", { model: "test-model", input: [{ type: "item_reference", id: "msg_x" }] });
    assert.deepEqual(await errorOf(answer), [400, "invalid_input", "input[0].id"]);
  });

  test("one tenant's key cannot read, go on from or delete another's response", async () => {
    await using world = await overChat();
    const { app } = world;
    const { id } = await create(app, { input: "secret" });
    const made = (await (await app.fetch("/v1/keys", { name: "other", tenant: "other" })).json()) as Fields;
    const headers = { authorization: `Bearer ${String(made["secret"])}`, "content-type": "application/json" };
    const path = new URL(`/v1/responses/${id}`, app.url);
    assert.equal((await fetch(path, { headers })).status, 404);
    assert.equal((await fetch(path, { headers, method: "DELETE" })).status, 404);
    const body = JSON.stringify({ model: "test-model", input: "x", previous_response_id: id });
    const answer = await fetch(new URL("/v1/responses", app.url), { headers, method: "POST", body });
    assert.deepEqual(await errorOf(answer), [400, "previous_response_not_found", "previous_response_id"]);
    assert.equal((await app.fetch(`/v1/responses/${id}`)).status, 200);
  });
});

describe("providers that speak responses", () => {
  test("a request goes there byte for byte, and the answer comes back with fields that nobody knows", async () => {
    await using world = await overBoth();
    const body = { model: "native-model", input: "Hi", metadata: { a: "b" } };
    const answer = (await (await world.app.fetch("/v1/responses", body)).json()) as Fields;
    assert.equal(answer["x_standin"], "a field no client knows");
    assert.equal(world.native.calls.findLast(({ method: name }) => name === "POST")?.text, JSON.stringify(body));
    assert.deepEqual(await (await world.app.fetch(`/v1/responses/${String(answer["id"])}`)).json(), answer);
  });

  test("it is asked to go on from its own response, and others get the whole conversation", async () => {
    await using world = await overBoth();
    const { app, native } = world;
    const first = await create(app, { model: "native-model", input: "one" });
    const second = await create(app, { model: "native-model", input: "two", previous_response_id: first.id });
    const sent = native.calls.at(-1)?.body;
    assert.deepEqual([sent?.previous_response_id, sent?.input], [first.id, "two"]);
    const third = await create(app, { input: "three", previous_response_id: second.id });
    assert.deepEqual(messagesOf(world, 0), [
      { role: "user", content: "one" },
      { role: "assistant", content: "You said: one" },
      { role: "user", content: "two" },
      { role: "assistant", content: "You said: two" },
      { role: "user", content: "three" },
    ]);
    await create(app, { model: "native-model", input: "four", previous_response_id: third.id });
    const last = native.calls.at(-1)?.body;
    assert.deepEqual([last?.previous_response_id, Array.isArray(last?.input) && last.input.length], [undefined, 7]);
  });

  test("a response that is deleted here is deleted there", async () => {
    await using world = await overBoth();
    const { id } = await create(world.app, { model: "native-model", input: "one" });
    assert.ok(world.native.kept.has(id));
    assert.equal((await method(world.app, "DELETE", `/v1/responses/${id}`)).status, 200);
    assert.ok(!world.native.kept.has(id));
  });
});

describe("tools of every shape", () => {
  test("a custom tool's call and result go to a chat model as a function's", async () => {
    await using world = await overChat(({ messages }) =>
      messages.length === 1
        ? { type: "calls", calls: [{ id: "call_1", name: "apply", arguments: JSON.stringify({ input: "*** Begin\n+x" }) }] }
        : { type: "text", pieces: ["Done."] },
    );
    const { app } = world;
    const tools = [
      {
        type: "custom",
        name: "apply",
        description: "Applies a patch.",
        format: { type: "grammar", syntax: "lark", definition: "start: X" },
      },
    ];
    const events = eventsOf(await (await app.fetch("/v1/responses", { model: "test-model", input: "Go", tools, stream: true })).text());
    const [call] = finalIn(events).output;
    assert.ok(call?.type === "custom_tool_call");
    assert.deepEqual([call.name, call.input], ["apply", "*** Begin\n+x"]);
    assert.ok(events.some((event) => event.type === "response.custom_tool_call_input.done" && event.input === call.input));
    const result = { type: "custom_tool_call_output", call_id: call.call_id, output: "ok" };
    const { id } = finalIn(events);
    assert.equal(textOf(await create(app, { previous_response_id: id, input: [result], tools })), "Done.");
    const [, asked, answered] = messagesOf(world, 1) as readonly Fields[];
    const asFunction = { name: "apply", arguments: '{"input":"*** Begin\\n+x"}' };
    assert.deepEqual(asked?.["tool_calls"], [{ id: "call_1", type: "function", function: asFunction }]);
    assert.deepEqual(answered, { role: "tool", tool_call_id: "call_1", content: "ok" });
  });

  test("what only OpenAI can run is refused by its field, and a conversation that it keeps too", async () => {
    await using world = await overChat();
    const refused = async (body: object): Promise<readonly [number, unknown, unknown]> =>
      errorOf(await world.app.fetch("/v1/responses", { model: "test-model", input: "x", ...body }));
    assert.deepEqual(await refused({ tools: [{ type: "code_interpreter", container: { type: "auto" } }] }), [
      400,
      "unsupported",
      "tools[0].type",
    ]);
    assert.deepEqual(await refused({ conversation: "conv_1" }), [400, "unsupported", "conversation"]);
    assert.deepEqual(await refused({ input: 5 }), [400, "invalid_input", "input"]);
    assert.equal(textOf(await create(world.app, { input: "x", tools: [{ type: "web_search" }] })), "You said: x");
  });
});

describe("what else a response is asked for", () => {
  test("an agent answers in this format, and is gone on with", async () => {
    await using app = await startTestApp();
    const ask = { model: "holly", input: "what is 12*(3+4)?" };
    const first = await create(app, ask);
    assert.match(textOf(first), /84/);
    const streamed = finalIn(
      eventsOf(await (await app.fetch("/v1/responses", { ...ask, stream: true, previous_response_id: first.id })).text()),
    );
    assert.match(textOf(streamed), /84/);
    assert.equal((await app.fetch(`/v1/responses/${streamed.id}`)).status, 200);
  });

  test("the tokens of a request are counted", async () => {
    await using world = await overChat();
    const count = async (input: string): Promise<number> => {
      const answer = (await (await world.app.fetch("/v1/responses/input_tokens", { model: "test-model", input })).json()) as Fields;
      assert.equal(answer["object"], "response.input_tokens");
      return answer["input_tokens"] as number;
    };
    assert.ok((await count("a b c d e f g h i j k l m n o p")) > (await count("a")));
  });

  test("a provider's error is OpenAI's error object, before the stream and in it", async () => {
    await using world = await overBoth((_body, index) =>
      index % 2 === 1
        ? { error: { status: 400, message: "No such thing.", code: "nope" } }
        : { failure: "Boom.", items: [{ type: "text", pieces: ["Hel"] }] },
    );
    const refused = await world.app.fetch("/v1/responses", { model: "native-model", input: "x" });
    const failed = await world.app.fetch("/v1/responses", { model: "native-model", input: "x", stream: true });
    assert.deepEqual(await errorOf(refused), [400, "nope", null]);
    const final = finalIn(eventsOf(await failed.text()));
    assert.deepEqual([final.status, final.error?.message], ["failed", "Boom."]);
  });
});

describe("OpenAI's own client", () => {
  test("creates, streams, calls tools, parses, goes on, fetches and deletes", async () => {
    await using world = await overChat((body) => {
      if (body.tools !== undefined) return { type: "calls", calls: [{ id: "call_1", name: "weather", arguments: '{"city":"Graz"}' }] };
      if (body.response_format?.type === "json_schema") return { type: "text", pieces: ['{"city":', '"Graz"}'] };
      return { type: "text", pieces: ["Hello ", "there."] };
    });
    const { app } = world;
    const client = new OpenAI({ baseURL: `${app.url}/v1`, apiKey: app.token, maxRetries: 0 });
    const first = await client.responses.create({ model: "test-model", input: "Hi" });
    assert.equal(first.output_text, "Hello there.");
    const stream = client.responses.stream({ model: "test-model", input: "Hi", previous_response_id: first.id });
    const deltas: string[] = [];
    stream.on("response.output_text.delta", ({ delta }) => deltas.push(delta));
    assert.equal((await stream.finalResponse()).output_text, "Hello there.");
    assert.deepEqual(deltas, ["Hello ", "there."]);
    const called = await client.responses.create({
      model: "test-model",
      input: "Weather?",
      tools: [{ type: "function", name: "weather", parameters: { type: "object" }, strict: false }],
    });
    assert.ok(called.output[0]?.type === "function_call" && called.output[0].name === "weather");
    const format = zodTextFormat(z.object({ city: z.string() }), "place");
    const parsed = await client.responses.parse({ model: "test-model", input: "Where?", text: { format } });
    assert.deepEqual(parsed.output_parsed, { city: "Graz" });
    assert.equal((await client.responses.retrieve(first.id)).output_text, "Hello there.");
    assert.equal((await client.responses.inputItems.list(first.id)).data.length, 1);
    await client.responses.delete(first.id);
    await assert.rejects(client.responses.retrieve(first.id), { status: 404 });
    const compacted = await client.responses.compact({ model: "test-model", input: "A long story." });
    assert.equal(compacted.output.at(-1)?.type, "compaction");
    await assert.rejects(client.responses.create({ model: "test-model", input: "x", previous_response_id: "resp_x" }), {
      status: 400,
      code: "previous_response_not_found",
    });
  });
});
