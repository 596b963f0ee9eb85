import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { describe, test } from "node:test";
import { WebSocket } from "ws";
import { callsOf, makeClient, PLAIN_ROUTE, targetOf } from "../../testing/gateway-client.ts";
import { startMediaUpstream } from "../../testing/media-upstream.ts";
import type { Script, ScriptedReply } from "../../testing/openai-answers.ts";
import { startOpenAiUpstream, type OpenAiUpstream } from "../../testing/openai-upstream.ts";
import { startTestApp, type TestApp } from "../../testing.ts";

type Config = Parameters<typeof startTestApp>[0];

interface World extends AsyncDisposable {
  readonly app: TestApp;
  readonly upstream: OpenAiUpstream;
}

const PROVIDER_KEY = "sk-PROVIDERSECRET1234567890";
/** How long a client may read nothing. */
const IDLE_MS = 1_000;

/** A Tutti before one provider of the models a, b and c. */
async function open(script: Script, config: (baseUrl: string) => Config = () => ({})): Promise<World> {
  await using starting = new AsyncDisposableStack();
  const upstream = starting.use(await startOpenAiUpstream(script));
  const { baseUrl } = upstream;
  const provider = { name: "p", baseUrl, apiKey: PROVIDER_KEY, models: ["a", "b", "c"] };
  const app = starting.use(await startTestApp({ providers: [provider], ...config(baseUrl) }));
  const started = starting.move();
  return { app, upstream, [Symbol.asyncDispose]: () => started.disposeAsync() };
}

const hi = [{ role: "user", content: "Hi" }];
const well: ScriptedReply = { type: "text", pieces: ["Well."] };
const refused = (status: number): ScriptedReply => ({ type: "error", status, message: `Incorrect API key provided: ${PROVIDER_KEY}.` });
const targets = ["p/a", "p/b", "p/c"].map((model) => targetOf(model));

const askedModels = ({ calls }: OpenAiUpstream): readonly string[] =>
  calls
    .filter(({ method }) => method === "POST")
    .map(({ received }) => (JSON.parse(received.toString()) as { readonly model: string }).model);

describe("what a provider says of Tutti's key", () => {
  test("does not reach the clients, whose key is another one", async () => {
    for (const status of [401, 403]) {
      await using world = await open(() => refused(status));
      const client = await makeClient(world.app);
      for (const [path, body] of [
        ["/v1/chat/completions", { messages: hi }],
        ["/v1/chat/completions", { messages: hi, stream: true }],
        ["/v1/completions", { prompt: "Hi" }],
        ["/v1/messages", { messages: hi, max_tokens: 5 }],
        ["/v1/responses", { input: "Hi" }],
      ] as const) {
        const answer = await client.ask(path, { model: "a", ...body });
        assert.ok(answer.status >= 500, `${path} ${answer.status}`);
        assert.doesNotMatch(await answer.text(), /PROVIDERSECRET/, path);
      }
    }
  });

  test("does not reach the clients of the doors that are no conversation either", async () => {
    await using upstream = await startMediaUpstream();
    const provider = { name: "media", baseUrl: upstream.baseUrl, apiKey: PROVIDER_KEY, models: ["e"] };
    await using app = await startTestApp({ providers: [{ ...provider, surfaces: ["embeddings"] }] });
    const client = await makeClient(app);
    const answer = await client.ask("/v1/embeddings", { model: "e", input: "Hi" });
    assert.ok(answer.status >= 500, String(answer.status));
  });
});

describe("a hedged call", () => {
  const hedged = (): Config => ({ models: [{ ...PLAIN_ROUTE, name: "r", targets, hedge: { afterMs: 50 } }] });

  for (const status of [401, 403, 404])
    test(`is answered by the second target when the first one's set-up is wrong (${status})`, async () => {
      await using world = await open(({ model }) => (model === "a" ? refused(status) : well), hedged);
      const answer = await world.app.fetch("/v1/chat/completions", { model: "r", messages: hi });
      assert.equal(answer.status, 200);
      assert.match(await answer.text(), /Well\./);
    });

  test("is answered by a third target when the first two fail", async () => {
    await using world = await open(({ model }) => (model === "c" ? well : refused(500)), hedged);
    const answer = await world.app.fetch("/v1/chat/completions", { model: "r", messages: hi });
    assert.equal(answer.status, 200);
    assert.deepEqual(askedModels(world.upstream), ["a", "b", "c"]);
  });
});

/** More than all buffers on the way hold. */
const long: ScriptedReply = { type: "text", pieces: Array.from({ length: 400 }, () => "x".repeat(65_536)) };

describe("a client that does not read its answer", () => {
  const impatient = (baseUrl: string): Config => ({
    providers: [{ name: "p", baseUrl, models: ["a"], timeouts: { connectMs: 60_000, firstByteMs: 60_000, idleMs: IDLE_MS } }],
  });

  test("is taken to be gone, and its target is no worse for the others", { timeout: 600_000 }, async () => {
    await using world = await open(({ stream }) => (stream === true ? long : well), impatient);
    using calls = callsOf(world.app);
    using readers = silentReaders(world.app);
    for (let count = 0; count < 4; count += 1) readers.ask("/v1/chat/completions", { messages: hi });
    for (let count = 0; count < 4; count += 1) assert.equal(codeOf((await calls.next()).outcome), "cancelled");
    const answer = await world.app.fetch("/v1/chat/completions", { model: "a", messages: hi });
    assert.equal(answer.status, 200, await answer.text());
  });

  for (const [path, body] of [
    ["/v1/messages", { messages: hi, max_tokens: 5 }],
    ["/v1/responses", { input: "hi" }],
  ] as const)
    test(`holds no call to a provider that is translated: ${path}`, { timeout: 600_000 }, async () => {
      await using world = await open(() => long, impatient);
      using calls = callsOf(world.app);
      using readers = silentReaders(world.app);
      readers.ask(path, body);
      assert.equal(codeOf((await calls.next()).outcome), "cancelled");
    });

  test("holds no call to a provider over a WebSocket", { timeout: 600_000 }, async () => {
    await using world = await open(() => long, impatient);
    using calls = callsOf(world.app);
    const url = new URL("/v1/responses", world.app.url.replace("http:", "ws:"));
    const socket = new WebSocket(url, { headers: { authorization: `Bearer ${world.app.token}` } });
    await once(socket, "open");
    socket.send(JSON.stringify({ type: "response.create", model: "a", input: "Hi" }));
    socket.pause();
    assert.equal(codeOf((await calls.next()).outcome), "cancelled");
    socket.terminate();
  });
});

const codeOf = (outcome: { readonly ok: boolean; readonly code?: string }): string | undefined => outcome.code;

function silentReaders({ url, token }: TestApp): Disposable & { ask(path: string, body: object): void } {
  const stack = new DisposableStack();
  return {
    ask(path, body) {
      const text = JSON.stringify({ model: "a", stream: true, ...body });
      const socket = connect(Number(new URL(url).port), "127.0.0.1");
      stack.defer(() => socket.destroy());
      socket.on("error", () => {});
      socket.pause();
      socket.write(
        `POST ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
      );
    },
    [Symbol.dispose]: () => stack.dispose(),
  };
}

const stream = (chunks: readonly string[], ending: "end" | "reset"): ScriptedReply => ({
  type: "raw",
  status: 200,
  headers: { "content-type": "text/event-stream" },
  chunks,
  ending,
});

describe("an event stream without an event", () => {
  const body = { messages: hi, stream: true };

  test("is answered by the next target", async () => {
    const route = (): Config => ({ models: [{ ...PLAIN_ROUTE, name: "r", targets }] });
    await using world = await open(({ model }) => (model === "a" ? stream([], "end") : well), route);
    const answer = await world.app.fetch("/v1/chat/completions", { model: "r", ...body });
    assert.equal(answer.status, 200);
    assert.match(await answer.text(), /Well\./);
  });

  test("is told with a status when there is no other", async () => {
    await using world = await open(() => stream([], "end"));
    const answer = await world.app.fetch("/v1/chat/completions", { model: "a", ...body });
    assert.equal(answer.status, 502, await answer.text());
  });
});

describe("an answer that was broken off", () => {
  const event = {
    id: "c",
    object: "chat.completion.chunk",
    created: 1,
    model: "m",
    choices: [{ index: 0, delta: { content: "Once upon " } }],
  };
  const half = stream([`data: ${JSON.stringify(event)}\n\n`], "reset");

  for (const path of ["/v1/chat/completions", "/v1/messages"])
    test(`is gone on with by the next target, in its own words, and not by one that has failed: ${path}`, async () => {
      const inOrder = [
        targetOf("p/a"),
        targetOf("p/b"),
        { ...targetOf("p/c"), adapt: { systemAs: "user" as const, systemBefore: "Be small." } },
      ];
      await using world = await open(
        ({ model }) => (model === "a" ? refused(500) : model === "b" ? half : { type: "text", pieces: ["a time."] }),
        () => ({ models: [{ ...PLAIN_ROUTE, name: "r", afterFirstByte: "text", targets: inOrder }] }),
      );
      const answer = await world.app.fetch(path, { model: "r", messages: hi, stream: true, max_tokens: 50 });
      const text = await answer.text();
      assert.match(text, /Once upon /);
      assert.match(text, /a time\./);
      assert.deepEqual(askedModels(world.upstream), ["a", "b", "c"]);
      const sent = world.upstream.calls.at(-1)?.received.toString() ?? "";
      assert.match(sent, /Be small\./);
      assert.doesNotMatch(sent, /"role":"(?:system|developer)"/);
    });
});
