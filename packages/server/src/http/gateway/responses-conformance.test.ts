import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { startTestApp, type TestApp } from "../../testing.ts";
import { startOpenAiUpstream } from "../../testing/openai-upstream.ts";
import { eventsOf, finalIn, openSession, textOf } from "../../testing/responses-client.ts";
import { compactionSchema, responseSchema, type ResponseEvent, type ResponseObject } from "../../testing/responses-schemas.ts";
import { startResponsesUpstream } from "../../testing/responses-upstream.ts";

// What the compliance tests of Open Responses ask of a server, written from its specification: over a provider that speaks chat
// completions, to which everything is translated, and over one that speaks responses, to which bytes pass through.

const PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const WEATHER = {
  type: "function",
  name: "get_weather",
  description: "The weather somewhere",
  parameters: { type: "object", properties: { location: { type: "string" } }, required: ["location"] },
};
const CLOSED = { type: "object", properties: {}, required: [], additionalProperties: false };
const user = (content: unknown): object => ({ type: "message", role: "user", content });

interface World extends AsyncDisposable {
  readonly app: TestApp;
}

async function overChat(): Promise<World> {
  const upstream = await startOpenAiUpstream((body) =>
    body.tools === undefined
      ? { type: "text", pieces: ["All ", "is ", "well."] }
      : { type: "calls", calls: [{ id: "call_1", name: "get_weather", arguments: '{"location":"San Francisco"}' }] },
  );
  const app = await startTestApp({
    providers: [
      { name: "chat", kind: "openai-compatible", baseUrl: upstream.baseUrl, models: ["test-model"], surfaces: ["chat/completions"] },
    ],
  });
  return worldOf(app, upstream);
}

async function overResponses(): Promise<World> {
  const upstream = await startResponsesUpstream((body) =>
    (body.tools ?? []).length === 0
      ? { items: [{ type: "text", pieces: ["All ", "is ", "well."] }] }
      : { items: [{ type: "call", callId: "call_1", name: "get_weather", arguments: '{"location":"San Francisco"}' }] },
  );
  const app = await startTestApp({
    providers: [{ name: "native", kind: "openai-compatible", baseUrl: upstream.baseUrl, models: ["test-model"], surfaces: ["responses"] }],
  });
  return worldOf(app, upstream);
}

function worldOf(app: TestApp, upstream: AsyncDisposable): World {
  return {
    app,
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

async function whole({ app }: World, body: object): Promise<ResponseObject> {
  const answer = await app.fetch("/v1/responses", { model: "test-model", ...body });
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  assert.match(answer.headers.get("content-type") ?? "", /^application\/json/);
  return responseSchema.parse(JSON.parse(text));
}

async function streamed({ app }: World, body: object): Promise<readonly ResponseEvent[]> {
  const answer = await app.fetch("/v1/responses", { model: "test-model", stream: true, ...body });
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  assert.match(answer.headers.get("content-type") ?? "", /^text\/event-stream/);
  return eventsOf(text);
}

function isWell(response: ResponseObject): void {
  assert.equal(response.status, "completed");
  assert.equal(textOf(response), "All is well.");
}

const errorIn = (events: readonly ResponseEvent[]): string | undefined => {
  const last = events.at(-1);
  return last?.type === "error" ? last.error.code : undefined;
};

const CASES: Readonly<Record<string, (world: World) => Promise<void>>> = {
  "a message is answered with a message": async (world) => isWell(await whole(world, { input: [user("Say hello.")] })),
  "a text is answered like a message": async (world) => isWell(await whole(world, { input: "Say hello." })),
  "a stream has all its events, and ends with the response": async (world) => {
    const events = await streamed(world, { input: [user("Count.")] });
    isWell(finalIn(events));
    const types = events.map(({ type }) => type.replace("response.", ""));
    assert.deepEqual(types, [
      "created",
      "in_progress",
      "output_item.added",
      "content_part.added",
      "output_text.delta",
      "output_text.delta",
      "output_text.delta",
      "output_text.done",
      "content_part.done",
      "output_item.done",
      "completed",
    ]);
  },
  "a system message and instructions are taken": async (world) => {
    const response = await whole(world, {
      instructions: "Be kind.",
      input: [{ type: "message", role: "system", content: "Be a pirate." }, user("Hello")],
    });
    isWell(response);
    assert.equal(response.instructions, "Be kind.");
  },
  "a tool is called": async (world) => {
    const response = await whole(world, { input: [user("The weather?")], tools: [WEATHER] });
    const [call] = response.output;
    assert.ok(call?.type === "function_call");
    assert.deepEqual([call.call_id, call.name, JSON.parse(call.arguments)], ["call_1", "get_weather", { location: "San Francisco" }]);
  },
  "a tool's call is streamed": async (world) => {
    const events = await streamed(world, { input: [user("The weather?")], tools: [WEATHER] });
    const deltas = events.map((event) => (event.type === "response.function_call_arguments.delta" ? event.delta : ""));
    assert.deepEqual(JSON.parse(deltas.join("")), { location: "San Francisco" });
    for (const type of ["output_item.added", "function_call_arguments.done", "output_item.done"])
      assert.ok(
        events.some((event) => event.type === `response.${type}`),
        type,
      );
    assert.equal(finalIn(events).output[0]?.type, "function_call");
  },
  "a tool's result is gone on from": async (world) => {
    const call = { type: "function_call", call_id: "call_1", name: "get_weather", arguments: "{}" };
    isWell(
      await whole(world, { input: [user("The weather?"), call, { type: "function_call_output", call_id: "call_1", output: "Sunny" }] }),
    );
  },
  "an image is taken": async (world) => {
    isWell(
      await whole(world, {
        input: [
          user([
            { type: "input_text", text: "What is this?" },
            { type: "input_image", image_url: PIXEL },
          ]),
        ],
      }),
    );
  },
  "earlier turns are taken, with the phases of the assistant's": async (world) => {
    const earlier = { type: "message", role: "assistant", phase: "final_answer", content: "Hello Alice!" };
    isWell(await whole(world, { input: [user("I am Alice."), earlier, user("Who am I?")] }));
  },
  "what was asked for is repeated": async (world) => {
    const response = await whole(world, {
      input: "Hi",
      temperature: 0.2,
      top_p: 0.5,
      max_output_tokens: 100,
      metadata: { project: "x" },
      parallel_tool_calls: false,
      text: { format: { type: "json_schema", name: "a", schema: CLOSED, strict: true, description: "An answer" } },
    });
    assert.deepEqual(
      [response.temperature, response.top_p, response.max_output_tokens, response.metadata, response.parallel_tool_calls],
      [0.2, 0.5, 100, { project: "x" }, false],
    );
    assert.equal(response.text.format.type, "json_schema");
  },
  "a conversation is compacted, and gone on with over a WebSocket": async (world) => {
    const input = [
      user("The code word is slate."),
      { type: "message", role: "assistant", content: [{ type: "output_text", text: "OK." }] },
    ];
    const answer = await world.app.fetch("/v1/responses/compact", { model: "test-model", prompt_cache_key: "k", input });
    const compaction = compactionSchema.parse(await answer.json());
    assert.ok(compaction.output.some(({ type }) => type === "compaction"));
    using session = await openSession(world.app);
    isWell(finalIn(await session.turn({ model: "test-model", store: false, input: [...compaction.output, user("Go on.")], tools: [] })));
  },
  "a compaction without a model is refused": async ({ app }) => {
    assert.equal((await app.fetch("/v1/responses/compact", { input: [user("x")] })).status, 400);
  },
  "a WebSocket answers one response after the other": async (world) => {
    using session = await openSession(world.app);
    for (const input of ["first", "second"]) isWell(finalIn(await session.turn({ model: "test-model", store: false, input })));
  },
  "a WebSocket goes on from a response that nobody stored": async (world) => {
    using session = await openSession(world.app);
    const { id } = finalIn(await session.turn({ model: "test-model", store: false, input: "The code word is ember." }));
    isWell(finalIn(await session.turn({ model: "test-model", store: false, previous_response_id: id, input: "Which word?" })));
    using other = await openSession(world.app);
    assert.equal(errorIn(await other.turn({ model: "test-model", previous_response_id: id, input: "x" })), "previous_response_not_found");
    isWell(finalIn(await other.turn({ model: "test-model", store: false, input: "A new beginning." })));
  },
  "a WebSocket warms up without an answer": async (world) => {
    using session = await openSession(world.app);
    const warm = finalIn(
      await session.turn({ model: "test-model", store: false, generate: false, instructions: "Be kind.", input: [user("First.")] }),
    );
    assert.deepEqual([warm.status, warm.output], ["completed", []]);
    isWell(finalIn(await session.turn({ model: "test-model", store: false, previous_response_id: warm.id, input: "Now." })));
  },
  "a WebSocket says which previous response is missing": async (world) => {
    using session = await openSession(world.app);
    const events = await session.turn({ model: "test-model", store: false, previous_response_id: "resp_missing", input: "x" });
    assert.equal(errorIn(events), "previous_response_not_found");
  },
  "a continuation that failed cannot be tried again on a WebSocket": async (world) => {
    using session = await openSession(world.app);
    const { id } = finalIn(await session.turn({ model: "test-model", store: false, input: "Remember." }));
    const orphan = { type: "function_call_output", call_id: "call_missing", output: "Nobody asked." };
    const failed = await session.turn({ model: "test-model", store: false, previous_response_id: id, input: [orphan] });
    assert.equal(failed.at(-1)?.type, "error");
    const again = await session.turn({ model: "test-model", store: false, previous_response_id: id, input: "Again." });
    assert.equal(errorIn(again), "previous_response_not_found");
  },
};

for (const [name, open] of [
  ["translated to chat completions", overChat],
  ["passed through", overResponses],
] as const) {
  describe(`open responses, ${name}`, () => {
    for (const [title, check] of Object.entries(CASES)) {
      test(title, async () => {
        await using world = await open();
        await check(world);
      });
    }
  });
}
