import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI, { toFile } from "openai";
import { MEDIA_API_KEY, startMediaUpstream } from "../../testing/media-upstream.ts";
import { startOpenAiUpstream, type OpenAiUpstream } from "../../testing/openai-upstream.ts";
import { startTestApp, type TestApp } from "../../testing.ts";

/** A Tutti before a chat model. */
interface Bench extends AsyncDisposable {
  readonly upstream: OpenAiUpstream;
  readonly app: TestApp;
  readonly client: OpenAI;
}

async function start(): Promise<Bench> {
  await using starting = new AsyncDisposableStack();
  const upstream = starting.use(await startOpenAiUpstream());
  const media = starting.use(await startMediaUpstream());
  const app = starting.use(
    await startTestApp({
      providers: [
        { name: "chat", baseUrl: upstream.baseUrl, models: ["test-model"] },
        { name: "media", baseUrl: media.baseUrl, apiKey: MEDIA_API_KEY, models: ["embed-1"], surfaces: ["embeddings"] },
      ],
    }),
  );
  const started = starting.move();
  return { upstream, app, client: clientOf(app), [Symbol.asyncDispose]: () => started.disposeAsync() };
}

function clientOf(app: TestApp, apiKey = app.token): OpenAI {
  return new OpenAI({ baseURL: `${app.url}/v1`, apiKey, maxRetries: 0 });
}

function upload(client: OpenAI, url: string, bodies: readonly object[]): Promise<OpenAI.FileObject> {
  const lines = bodies.map((body, index) => JSON.stringify({ custom_id: `line-${index}`, method: "POST", url, body }));
  return toFile(Buffer.from(lines.join("\n")), "in.jsonl").then((file) => client.files.create({ file, purpose: "batch" }));
}

/** Looks until the batch's run has ended; what ends it is an event of the engine. */
async function ended(app: TestApp, client: OpenAI, id: string): Promise<OpenAI.Batch> {
  for (;;) {
    const happened = Promise.withResolvers<void>();
    using _ = app.app.engine.subscribe(({ type }) => type.startsWith("run.") && happened.resolve());
    const batch = await client.batches.retrieve(id);
    if (!["validating", "in_progress", "finalizing", "cancelling"].includes(batch.status)) return batch;
    await happened.promise;
  }
}

const said = (text: string): object => ({ model: "test-model", messages: [{ role: "user", content: text }] });

describe("batches behind OpenAI's door", () => {
  test("OpenAI's client uploads a file, has its requests asked and reads the answers", async () => {
    await using bench = await start();
    const { client } = bench;
    const file = await upload(client, "/v1/chat/completions", [said("one"), said("two"), { model: "test-model", messages: [] }]);
    assert.deepEqual([file.purpose, file.filename, (await client.files.retrieve(file.id)).bytes], ["batch", "in.jsonl", file.bytes]);
    const made = await client.batches.create({
      input_file_id: file.id,
      endpoint: "/v1/chat/completions",
      completion_window: "24h",
      metadata: { a: "b" },
    });
    const batch = await ended(bench.app, client, made.id);
    assert.deepEqual(
      [batch.status, batch.request_counts, batch.metadata],
      ["completed", { total: 3, completed: 2, failed: 1 }, { a: "b" }],
    );
    const output = await (await client.files.content(batch.output_file_id ?? "")).text();
    const answers = output
      .trim()
      .split("\n")
      .map(
        (line) =>
          JSON.parse(line) as {
            readonly custom_id: string;
            readonly response: { readonly request_id: string; readonly body: OpenAI.ChatCompletion };
          },
      );
    assert.deepEqual(
      answers.map((line) => [line.custom_id, line.response.body.choices[0]?.message.content]),
      [
        ["line-0", "You said: one"],
        ["line-1", "You said: two"],
      ],
    );
    assert.equal(
      batch.usage?.total_tokens,
      answers.reduce((sum, { response }) => sum + (response.body.usage?.total_tokens ?? 0), 0),
    );
    // Every request has a receipt of its own.
    assert.equal((await bench.app.fetch(`/v1/runs/${answers[0]?.response.request_id}`)).status, 200);
    const failures = await (await client.files.content(batch.error_file_id ?? "")).text();
    assert.match(failures, /^\{"id":"batch_req_\d+","custom_id":"line-2","response":\{"status_code":400/);
    const listed = await client.batches.list();
    assert.deepEqual(
      listed.data.map(({ id }) => id),
      [batch.id],
    );
    assert.deepEqual((await client.files.list()).data.length, 3);
    assert.deepEqual(await client.files.delete(file.id), { id: file.id, object: "file", deleted: true });
    await assert.rejects(client.files.retrieve(file.id), { status: 404, code: "not_found" });
  });

  test("embeddings go in batches too, and an agent answers as a model does", async () => {
    await using bench = await start();
    const { client, app } = bench;
    const vectors = await upload(client, "/v1/embeddings", [{ model: "embed-1", input: "a" }]);
    const embedded = await client.batches.create({ input_file_id: vectors.id, endpoint: "/v1/embeddings", completion_window: "24h" });
    assert.deepEqual((await ended(app, client, embedded.id)).request_counts, { total: 1, completed: 1, failed: 0 });
    const sums = await upload(client, "/v1/chat/completions", [
      { model: "holly", messages: [{ role: "user", content: "what is 12*(3+4)?" }] },
    ]);
    const asked = await client.batches.create({ input_file_id: sums.id, endpoint: "/v1/chat/completions", completion_window: "24h" });
    const { output_file_id: outputId } = await ended(app, client, asked.id);
    assert.match(await (await client.files.content(outputId ?? "")).text(), /"model":"holly".*You said: what is 12/);
  });

  test("a key asks in batches what it may ask, and no more", async () => {
    await using bench = await start();
    const { secret } = (await (await bench.app.fetch("/v1/keys", { name: "narrow", models: ["embed-*"] })).json()) as {
      readonly secret: string;
    };
    const client = clientOf(bench.app, secret);
    const file = await upload(client, "/v1/chat/completions", [said("one")]);
    const made = await client.batches.create({ input_file_id: file.id, endpoint: "/v1/chat/completions", completion_window: "24h" });
    const batch = await ended(bench.app, client, made.id);
    assert.deepEqual(batch.request_counts, { total: 1, completed: 0, failed: 1 });
    assert.match(await (await client.files.content(batch.error_file_id ?? "")).text(), /"status_code":403/);
    assert.equal(bench.upstream.calls.filter(({ path }) => path === "/v1/chat/completions").length, 0);
    await client.batches.cancel(made.id);
  });

  test("a batch goes on when Tutti is started again", async () => {
    await using silent = await startOpenAiUpstream(({ messages: [message] }) =>
      message?.content === "one"
        ? { type: "text", pieces: ["first"] }
        : { type: "raw", status: 200, headers: {}, chunks: [], ending: "silence" },
    );
    await using echoing = await startOpenAiUpstream();
    const dataDir = await mkdtemp(join(tmpdir(), "tutti-batch-restart-"));
    const options = (baseUrl: string): Parameters<typeof startTestApp>[0] => ({
      dataDir,
      providers: [{ name: "chat", baseUrl, models: ["test-model"] }],
    });
    const before = await startTestApp(options(silent.baseUrl));
    const isFirstDone = Promise.withResolvers<void>();
    using _ = before.app.engine.subscribe((event) => {
      if (event.type === "step.completed" && event.name.startsWith("request ")) isFirstDone.resolve();
    });
    const file = await upload(clientOf(before), "/v1/chat/completions", [said("one"), said("two")]);
    const made = await clientOf(before).batches.create({
      input_file_id: file.id,
      endpoint: "/v1/chat/completions",
      completion_window: "24h",
    });
    await isFirstDone.promise;
    await before[Symbol.asyncDispose]();
    await using after = await startTestApp(options(echoing.baseUrl));
    const batch = await ended(after, clientOf(after), made.id);
    assert.deepEqual([batch.status, batch.request_counts?.completed], ["completed", 2]);
    const output = await (await clientOf(after).files.content(batch.output_file_id ?? "")).text();
    assert.deepEqual([output.includes("first"), output.match(/You said: /g)?.length], [true, 1]);
    assert.equal(echoing.calls.filter(({ path }) => path === "/v1/chat/completions").length, 1);
    await rm(dataDir, { recursive: true, force: true });
  });

  test("what is wrong is said at once: other purposes, other files, other windows", async () => {
    await using bench = await start();
    const { client } = bench;
    const body = await toFile(Buffer.from("x"), "x.txt");
    await assert.rejects(client.files.create({ file: body, purpose: "assistants" }), { status: 400, code: "unsupported" });
    const asked = { input_file_id: "file-none", endpoint: "/v1/chat/completions", completion_window: "24h" } as const;
    await assert.rejects(client.batches.create(asked), { status: 404 });
    const file = await upload(client, "/v1/chat/completions", [said("x")]);
    await assert.rejects(client.batches.create({ ...asked, input_file_id: file.id, completion_window: "99d" as "24h" }), { status: 400 });
  });
});

describe("batches behind Anthropic's door", () => {
  test("Anthropic's client has messages asked and reads the results", async () => {
    await using bench = await start();
    const client = new Anthropic({ baseURL: bench.app.url, apiKey: bench.app.token, maxRetries: 0 });
    const params = { model: "test-model", max_tokens: 10, messages: [{ role: "user" as const, content: "one" }] };
    const made = await client.messages.batches.create({
      requests: [
        { custom_id: "a", params },
        { custom_id: "b", params: { ...params, max_tokens: -1 } },
      ],
    });
    assert.deepEqual([made.type, made.processing_status, made.request_counts.processing], ["message_batch", "in_progress", 2]);
    await ended(bench.app, bench.client, made.id.replace("msgbatch_", "batch_"));
    const batch = await client.messages.batches.retrieve(made.id);
    assert.deepEqual([batch.processing_status, batch.request_counts.succeeded, batch.request_counts.errored], ["ended", 1, 1]);
    const results = await Array.fromAsync(await client.messages.batches.results(made.id));
    assert.deepEqual(
      results.map(({ custom_id: id, result }) => [id, result.type]),
      [
        ["a", "succeeded"],
        ["b", "errored"],
      ],
    );
    const [first] = results;
    assert.ok(first?.result.type === "succeeded");
    assert.deepEqual(first.result.message.content[0], { type: "text", text: "You said: one" });
    assert.deepEqual(
      (await client.messages.batches.list()).data.map(({ id }) => id),
      [made.id],
    );
  });
});
