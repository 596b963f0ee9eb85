import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";
import OpenAI from "openai";
import { ResponsesWS } from "openai/resources/responses/ws";
import { WebSocket } from "ws";
import { startTestApp, type TestApp } from "../../testing.ts";
import { startOpenAiUpstream, type OpenAiUpstream } from "../../testing/openai-upstream.ts";
import { finalIn, openSession, textOf } from "../../testing/responses-client.ts";
import type { ResponseEvent } from "../../testing/responses-schemas.ts";

interface World extends AsyncDisposable {
  readonly app: TestApp;
  readonly chat: OpenAiUpstream;
}

async function open(config: Parameters<typeof startTestApp>[0] = {}): Promise<World> {
  const chat = await startOpenAiUpstream();
  const app = await startTestApp({
    providers: [{ name: "chat", kind: "openai-compatible", baseUrl: chat.baseUrl, models: ["test-model"], surfaces: ["chat/completions"] }],
    ...config,
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

/** The status that a handshake was refused with. */
async function refusalOf(app: TestApp, path: string, headers: Readonly<Record<string, string>>): Promise<number> {
  const socket = new WebSocket(new URL(path, app.url.replace("http:", "ws:")), { headers });
  socket.on("error", () => {});
  const [, response] = (await once(socket, "unexpected-response")) as [unknown, { readonly statusCode: number; resume(): void }];
  response.resume();
  socket.terminate();
  return response.statusCode;
}

const codeOf = (event: ResponseEvent | undefined): string | undefined => (event?.type === "error" ? event.error.code : event?.type);

describe("responses over a WebSocket", () => {
  test("strangers, foreign pages and other paths are refused in the handshake", async () => {
    await using world = await open();
    const { app } = world;
    const authorization = `Bearer ${app.token}`;
    assert.equal(await refusalOf(app, "/v1/responses", {}), 401);
    assert.equal(await refusalOf(app, "/v1/responses", { authorization: "Bearer nobody" }), 401);
    assert.equal(await refusalOf(app, "/v1/responses", { authorization, origin: "https://evil.test" }), 403);
    assert.equal(await refusalOf(app, "/v1/elsewhere", { authorization }), 404);
  });

  test("what is no request is answered with an error, and the connection goes on", async () => {
    await using world = await open();
    using session = await openSession(world.app);
    for (const text of [
      "{oops",
      "[]",
      '{"type":"response.destroy"}',
      '{"type":"response.create","background":true}',
      '{"type":"response.create","stream_id":"a b"}',
    ]) {
      session.send(text);
      assert.equal(codeOf(await session.next()), "invalid_input", text);
    }
    assert.equal(codeOf((await session.turn({ input: "x" })).at(-1)), "invalid_input");
    assert.equal(textOf(finalIn(await session.turn({ model: "test-model", input: "x" }))), "You said: x");
  });

  test("lanes answer each for itself, and each in order", async () => {
    await using world = await open();
    using session = await openSession(world.app);
    const asked = [
      ["a", "1"],
      ["b", "2"],
      ["a", "3"],
    ] as const;
    for (const [stream_id, input] of asked)
      session.send(JSON.stringify({ type: "response.create", model: "test-model", store: false, stream_id, input }));
    const said: Record<string, string[]> = { a: [], b: [] };
    for (let ended = 0; ended < asked.length;) {
      const event = await session.next();
      assert.ok(event.type !== "error" && event.stream_id !== undefined);
      if (event.type !== "response.completed") continue;
      ended += 1;
      said[event.stream_id]?.push(textOf(event.response));
    }
    assert.deepEqual(said, { a: ["You said: 1", "You said: 3"], b: ["You said: 2"] });
  });

  test("more lanes than a connection may have are refused", async () => {
    await using world = await open();
    using session = await openSession(world.app);
    const codes: (string | undefined)[] = [];
    for (let lane = 0; lane <= 32; lane += 1)
      codes.push(codeOf((await session.turn({ model: "test-model", input: "x", stream_id: `lane-${lane}` })).at(-1)));
    assert.deepEqual(new Set(codes.slice(0, 32)), new Set(["response.completed"]));
    assert.equal(codes[32], "websocket_stream_limit_reached");
  });

  test("a message beyond the limit of requests ends the connection", async () => {
    await using world = await open({ requestBytesMax: 2_000 });
    using session = await openSession(world.app);
    session.send(JSON.stringify({ type: "response.create", model: "test-model", input: "x".repeat(3_000) }));
    assert.equal(await session.closed, 1009);
  });

  test("a stored response is gone on from on another connection and over HTTP", async () => {
    await using world = await open();
    using first = await openSession(world.app);
    const { id } = finalIn(await first.turn({ model: "test-model", input: "one" }));
    using second = await openSession(world.app);
    const next = finalIn(await second.turn({ model: "test-model", input: "two", previous_response_id: id }));
    assert.equal(next.previous_response_id, id);
    const answer = await world.app.fetch("/v1/responses", { model: "test-model", input: "three", previous_response_id: next.id });
    assert.equal(answer.status, 200);
    await answer.text();
  });

  test("OpenAI's own client speaks it", async () => {
    await using world = await open();
    const client = new OpenAI({ baseURL: `${world.app.url}/v1`, apiKey: world.app.token });
    const socket = new ResponsesWS(client);
    const done = new Promise<string>((resolve, reject) => {
      socket.on("response.completed", ({ response }) =>
        resolve(response.output.map((item) => (item.type === "message" ? JSON.stringify(item.content) : "")).join("")),
      );
      socket.on("error", reject);
    });
    socket.send({ type: "response.create", model: "test-model", input: "Hi" });
    assert.match(await done, /You said: Hi/);
    socket.close();
  });

  test("a key that is revoked meanwhile gets no more answers", async () => {
    await using world = await open();
    const { app } = world;
    const made = (await (await app.fetch("/v1/keys", { name: "short" })).json()) as {
      readonly secret: string;
      readonly key: { readonly id: string };
    };
    using session = await openSession(app, { authorization: `Bearer ${made.secret}` });
    assert.equal(codeOf((await session.turn({ model: "test-model", input: "x" })).at(-1)), "response.completed");
    await (await app.fetch(`/v1/keys/${made.key.id}/revoke`, {})).text();
    assert.equal(codeOf((await session.turn({ model: "test-model", input: "x" })).at(-1)), "unauthorized");
  });

  test("a server that stops says so to its clients", async () => {
    const world = await open();
    using session = await openSession(world.app);
    await world[Symbol.asyncDispose]();
    assert.equal(await session.closed, 1001);
  });
});
