import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, test } from "node:test";
import { startTestApp, type TestApp } from "../../testing.ts";
import { eventsOf, finalIn, textOf } from "../../testing/responses-client.ts";
import { responseSchema, type ResponseObject } from "../../testing/responses-schemas.ts";
import { startOpenAiUpstream } from "../../testing/openai-upstream.ts";
import type { JsonObject } from "./serving.ts";
import { ResponseLog } from "./responses-log.ts";
import { startResponsesUpstream, type ResponsesScript, type ResponsesUpstream } from "../../testing/responses-upstream.ts";

interface World extends AsyncDisposable {
  readonly app: TestApp;
  readonly upstream: ResponsesUpstream;
}

const providersOf = ({ baseUrl }: ResponsesUpstream): Parameters<typeof startTestApp>[0] => ({
  providers: [{ name: "native", kind: "openai-compatible", baseUrl, models: ["test-model"], surfaces: ["responses"] }],
});

const SILENT: ResponsesScript = () => ({ silence: true, items: [{ type: "text", pieces: ["One ", "moment."] }] });

async function open(script?: ResponsesScript): Promise<World> {
  const upstream = await startResponsesUpstream(script);
  const app = await startTestApp(providersOf(upstream));
  return {
    app,
    upstream,
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

async function begin(app: TestApp, body: object = {}): Promise<ResponseObject> {
  const answer = await app.fetch("/v1/responses", { model: "test-model", input: "Think.", background: true, ...body });
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  return responseSchema.parse(JSON.parse(text));
}

async function fetched(app: TestApp, id: string): Promise<ResponseObject> {
  return responseSchema.parse(await (await app.fetch(`/v1/responses/${id}`)).json());
}

/** Polls, as clients do. */
async function ended(app: TestApp, id: string): Promise<ResponseObject> {
  for (;;) {
    const response = await fetched(app, id);
    if (response.status !== "queued" && response.status !== "in_progress") return response;
    await sleep(10);
  }
}

/** Asks for a response to be cancelled; the status and what came of it. */
async function cancel(app: TestApp, id: string): Promise<{ readonly status: number; readonly body: unknown }> {
  const url = new URL(`/v1/responses/${id}/cancel`, app.url);
  const answer = await fetch(url, { method: "POST", headers: { authorization: `Bearer ${app.token}` } });
  return { status: answer.status, body: await answer.json() };
}

describe("responses in the background", () => {
  test("one is queued at once, made without its client, and gone on from under the name it was queued with", async () => {
    await using world = await open();
    const { app } = world;
    const queued = await begin(app);
    assert.deepEqual([queued.status, queued.background, queued.output], ["queued", true, []]);
    const done = await ended(app, queued.id);
    assert.deepEqual([done.status, done.id, done.background, textOf(done)], ["completed", queued.id, true, "You said: Think."]);
    const answer = await app.fetch("/v1/responses", { model: "test-model", input: "More.", previous_response_id: queued.id });
    assert.equal(answer.status, 200);
    // The provider knows it by another name, and goes on from it by itself.
    assert.equal(world.upstream.calls.at(-1)?.body?.previous_response_id, [...world.upstream.kept][0]);
  });

  test("one is streamed, left, and come back to after the last event that was seen", async () => {
    await using world = await open();
    const { app } = world;
    const answer = await app.fetch("/v1/responses", { model: "test-model", input: "Think.", background: true, stream: true });
    const events = eventsOf(await answer.text());
    const final = finalIn(events);
    assert.deepEqual(
      events.slice(0, 3).map(({ type }) => type),
      ["response.created", "response.queued", "response.in_progress"],
    );
    const rest = eventsOf(await (await app.fetch(`/v1/responses/${final.id}?stream=true&starting_after=3`)).text(), 4);
    assert.deepEqual(rest, events.slice(4));
    assert.deepEqual(await fetched(app, final.id), final);
  });

  test("one that is under way is followed live", async () => {
    await using world = await open(SILENT);
    const { app } = world;
    const { id } = await begin(app, { stream: false });
    const answer = await app.fetch(`/v1/responses/${id}?stream=true`);
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    let seen = "";
    while (!seen.includes("moment.")) seen += (await reader?.read())?.value ?? "";
    assert.equal((await fetched(app, id)).status, "in_progress");
    await cancel(app, id);
    while (!(await reader?.read())?.done);
  });

  test("one is cancelled, with the provider's work, and stays so", async () => {
    await using world = await open(SILENT);
    const { app, upstream } = world;
    const { id } = await begin(app);
    while (upstream.calls.every(({ method }) => method !== "POST")) await sleep(5);
    const cancelled = responseSchema.parse((await cancel(app, id)).body);
    assert.equal(cancelled.status, "cancelled");
    await upstream.aborted;
    assert.equal((await fetched(app, id)).status, "cancelled");
    assert.equal((await cancel(app, id)).status, 200);
  });

  test("one that was under way when the server stopped has failed after the restart", async () => {
    await using upstream = await startResponsesUpstream(SILENT);
    const dataDir = await mkdtemp(join(tmpdir(), "tutti-background-"));
    try {
      const first = await startTestApp({ ...providersOf(upstream), dataDir });
      const { id } = await begin(first);
      await first[Symbol.asyncDispose]();
      await using second = await startTestApp({ ...providersOf(upstream), dataDir });
      const lost = await fetched(second, id);
      assert.deepEqual([lost.status, lost.error?.code], ["failed", "server_error"]);
      assert.match(lost.error?.message ?? "", /stopped/);
    } finally {
      await rm(dataDir, { recursive: true, force: true });
    }
  });

  test("one whose process was killed has failed, and may be asked for again", async () => {
    await using world = await open();
    const { app } = world;
    const log = new ResponseLog(app.app.store, { isShared: false, log: () => {} });
    const made = (await (await app.fetch("/v1/responses", { model: "test-model", input: "x" })).json()) as JsonObject;
    const response = {
      ...made,
      id: "resp_lost",
      status: "in_progress",
      background: true,
      completed_at: null,
      output: [],
      usage: null,
    } as const;
    log.keep({
      id: "resp_lost",
      tenant: "default",
      keptAtMs: Date.now(),
      response,
      input: [],
      worker: { id: "a process that is gone", beatAtMs: Date.now() },
    });
    await log.flush();
    for (let round = 0; round < 2; round += 1) assert.equal((await fetched(app, "resp_lost")).status, "failed");
  });

  test("an answer that its provider breaks off is the response's failure", async () => {
    await using chat = await startOpenAiUpstream(() => ({
      type: "raw",
      status: 200,
      headers: { "content-type": "text/event-stream" },
      chunks: ['data: {"choices":[{"index":0,"delta":{"content":"Hel"},"finish_reason":null}]}\n\n'],
      ending: "reset",
    }));
    await using app = await startTestApp({
      providers: [
        { name: "chat", kind: "openai-compatible", baseUrl: chat.baseUrl, models: ["test-model"], surfaces: ["chat/completions"] },
      ],
    });
    const response = await ended(app, (await begin(app)).id);
    assert.deepEqual([response.status, response.error?.code], ["failed", "server_error"]);
  });

  test("a provider's refusal is the response's failure", async () => {
    await using world = await open(() => ({ error: { status: 400, message: "No such thing." } }));
    const response = await ended(world.app, (await begin(world.app)).id);
    assert.equal(response.status, "failed");
    assert.match(response.error?.message ?? "", /No such thing/);
  });

  test("what cannot be made in the background is said at once", async () => {
    await using world = await open();
    const refusal = async (path: string, body?: object): Promise<number> => {
      const answer = await world.app.fetch(path, body && { model: "test-model", input: "x", background: true, ...body });
      await answer.text();
      return answer.status;
    };
    assert.equal(await refusal("/v1/responses", { store: false }), 400);
    assert.equal(await refusal("/v1/responses", { tools: [{ type: "file_search" }] }), 400);
    const { id } = responseSchema.parse(await (await world.app.fetch("/v1/responses", { model: "test-model", input: "x" })).json());
    assert.equal((await cancel(world.app, id)).status, 400);
    assert.equal(await refusal(`/v1/responses/${id}?stream=true`), 400);
  });
});
