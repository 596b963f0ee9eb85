import assert from "node:assert/strict";
import { createServer, connect as connectTo, type AddressInfo, type Server } from "node:net";
import { after, before, test } from "node:test";
import { AppError, defineWorkflow, type Event, type Json, type Plugin, type Schema } from "@tutti/core";
import fc from "fast-check";
import { startTestApp, type TestApp } from "tutti/testing";
import { createClient, type Client } from "./index.ts";

const anything: Schema<Json> = { "~standard": { validate: (value: unknown) => ({ value }) } };

/** Enough steps for a log of many events. */
const counting = defineWorkflow<Json, Json>({
  name: "counting",
  version: "1",
  input: anything,
  async run(ctx) {
    for (let step = 0; step < 40; step += 1) await ctx.step(`count ${step}`, () => step);
    return "counted";
  },
});

const waiting = defineWorkflow<Json, Json>({
  name: "waiting",
  version: "1",
  input: anything,
  run: async (ctx) => (await ctx.waitFor("go")) ?? null,
});
const failing = defineWorkflow<Json, Json>({
  name: "failing",
  version: "1",
  input: anything,
  run: async () => {
    throw new AppError("too_large", "wanted less");
  },
});
const plugin: Plugin = { name: "client-test", workflows: [counting, waiting, failing] };

let app: TestApp;
let client: Client;

before(async () => {
  app = await startTestApp({ inlinePlugins: [plugin] });
  client = createClient({ baseUrl: app.url, token: app.token });
});

after(() => app[Symbol.asyncDispose]());

async function collect(events: AsyncIterable<Event>): Promise<readonly Event[]> {
  const all: Event[] = [];
  for await (const event of events) all.push(event);
  return all;
}

const codeOf = (code: string) => (error: unknown) => error instanceof AppError && error.code === code;

test("a run is started, watched to its end, looked at, listed, replayed and proven", async () => {
  const { run, url } = await client.startRun({ workflow: "counting", input: { any: "thing" } });
  assert.equal(url, `${app.url}/v1/runs/${run.id}`);
  const events = await collect(client.watchRun({ runId: run.id, afterSeq: 0 }));
  assert.deepEqual([events[0]?.type, events.at(-1)?.type], ["run.started", "run.completed"]);
  assert.equal((await client.run(run.id)).output, "counted");
  assert.deepEqual(await client.events(run.id), events);
  assert.deepEqual(await client.events(run.id, { after: 3, limit: 2 }), events.slice(3, 5));
  const { runs, nextBefore } = await client.runs({ workflow: "counting", statuses: ["completed", "failed"], limit: 1 });
  assert.deepEqual([runs.map(({ id }) => id), nextBefore], [[run.id], run.id]);
  assert.deepEqual(await client.replayRun(run.id), { matches: true, steps: 40, output: "counted" });
  const { verdict, head } = await client.receipt(run.id, { full: true });
  assert.deepEqual(verdict, { valid: true, events: events.length, head });
  assert.deepEqual(await client.verify(run.id), verdict);
  assert.equal((await client.trace(run.id)).events.length, events.length);
  assert.ok((await client.trustEvents({ limit: 5 })).events.length === 5);
});

test("signals reach runs, and runs are cancelled", async () => {
  const { run: signalled } = await client.startRun({ workflow: "waiting", input: null });
  await client.signalRun(signalled.id, { name: "go", value: { answer: 42 } });
  await collect(client.watchRun({ runId: signalled.id, afterSeq: 0 }));
  assert.deepEqual((await client.run(signalled.id)).output, { answer: 42 });
  const { run: cancelled } = await client.startRun({ workflow: "waiting", input: null });
  await client.cancelRun(cancelled.id, "enough");
  await collect(client.watchRun({ runId: cancelled.id, afterSeq: 0 }));
  assert.deepEqual((await client.run(cancelled.id)).error, { code: "cancelled", message: "enough" });
});

test("what is registered is listed, tools are called and agents answer", async () => {
  assert.equal((await client.status()).name, "tutti");
  assert.ok((await client.workflows()).some(({ name }) => name === "counting"));
  assert.ok((await client.plugins()).plugins.some(({ name }) => name === "client-test"));
  const holly = await client.agent("holly");
  assert.deepEqual(
    (await client.agents()).find(({ name }) => name === "holly"),
    holly,
  );
  assert.deepEqual(
    [holly.health.status, holly.capabilities.model, holly.capabilities.tools.every(({ isThere }) => isThere)],
    ["degraded", null, true],
  );
  const counted = (await client.workflows()).find(({ name }) => name === "counting");
  assert.deepEqual([counted?.kind, counted?.source, counted?.inputSchema], ["code", "plugin:client-test", null]);
  assert.ok((await client.models()).some(({ id }) => id === "holly"));
  assert.deepEqual((await client.tools()).find(({ name }) => name === "safe_calc")?.allowed.effect, "allow");
  const { output } = await client.callTool("safe_calc", { expression: "0.1 + 0.2" });
  assert.equal((output as { readonly result: string }).result, "0.3");
  const parts: string[] = [];
  for await (const part of client.chat({ agent: "holly", messages: [{ role: "user", content: "what is 6*7?" }] })) {
    if (part.type === "text") parts.push(part.text);
    else if (part.type === "done") assert.deepEqual([part.answer.reply.content, part.answer.route.by], [parts.join(""), "rule"]);
  }
  assert.equal(parts.join(""), "6*7 = 42");
});

test("errors carry the server's code, in both of its shapes", async () => {
  await assert.rejects(client.run("0199f3a1-7c1e-7b6a-9d53-0f4b1a2c3d4e"), codeOf("not_found"));
  await assert.rejects(client.startRun({ workflow: "none", input: null }), codeOf("not_found"));
  await assert.rejects(client.agent("nobody"), codeOf("not_found"));
  await assert.rejects(createClient({ baseUrl: app.url, token: "wrong" }).runs(), codeOf("unauthorized"));
  await assert.rejects(createClient({ baseUrl: `${app.url}/docs`, token: app.token }).status(), codeOf("not_found"));
  await assert.rejects(client.callTool("safe_calc", { expression: "1 +" }), codeOf("invalid_input"));
});

test("a server that is not there, or is another program, is told apart from an error of Tutti's", async () => {
  const closed = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => closed.once("listening", resolve));
  const { port } = closed.address() as AddressInfo;
  await new Promise((resolve) => closed.close(resolve));
  await assert.rejects(
    createClient({ baseUrl: `http://127.0.0.1:${port}` }).status(),
    (error) => codeOf("upstream")(error) && /ECONNREFUSED/.test(String(error)),
  );
  const html = async (): Promise<Response> => new Response("<h1>Bad gateway</h1>", { status: 502 });
  await assert.rejects(
    createClient({ baseUrl: "http://proxy.example", fetch: html }).status(),
    (error) => codeOf("upstream")(error) && /502: <h1>/.test(String(error)),
  );
});

test("an answer that does not come is given up in time, and a call that is cancelled ends", async () => {
  await using silent = await proxy(() => "hold");
  await assert.rejects(createClient({ baseUrl: silent.url, timeoutMs: 50 }).status(), codeOf("timeout"));
  await assert.rejects(createClient({ baseUrl: silent.url }).status(AbortSignal.abort()), codeOf("cancelled"));
  const { run } = await client.startRun({ workflow: "waiting", input: null });
  const stop = new AbortController();
  await assert.rejects(async () => {
    for await (const _ of client.watchRun({ runId: run.id, afterSeq: 0 }, stop.signal)) stop.abort();
  }, codeOf("cancelled"));
  await client.cancelRun(run.id, "done");
});

test("watching a run loses and doubles no event, wherever the connection breaks", async () => {
  const { run } = await client.startRun({ workflow: "counting", input: null });
  const wanted = await collect(client.watchRun({ runId: run.id, afterSeq: 0 }));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 12_000 }), { maxLength: 4 }), fc.nat(wanted.length), async (cuts, afterSeq) => {
      const remaining = [...cuts];
      await using cutting = await proxy(() => remaining.shift() ?? "pass");
      const watched = await collect(createClient({ baseUrl: cutting.url, token: app.token }).watchRun({ runId: run.id, afterSeq }));
      assert.deepEqual(watched, wanted.slice(afterSeq));
    }),
    { numRuns: 15 },
  );
});

test("watching a run that cannot be reached is given up after a bounded number of attempts", async () => {
  let connections = 0;
  await using broken = await proxy(() => {
    connections += 1;
    return 0;
  });
  // Without jitter to wait for, the attempts follow one another at once.
  const random = Math.random;
  Math.random = () => 0;
  try {
    await assert.rejects(
      collect(createClient({ baseUrl: broken.url, token: app.token }).watchRun({ runId: "any", afterSeq: 0 })),
      codeOf("upstream"),
    );
  } finally {
    Math.random = random;
  }
  assert.equal(connections, 8);
});

test("watching ends at once for errors that trying again does not help", async () => {
  await assert.rejects(collect(client.watchRun({ runId: "none", afterSeq: 0 })), codeOf("not_found"));
});

test("a run that fails ends its feed with the reason", async () => {
  const { run } = await client.startRun({ workflow: "failing", input: null });
  const events = await collect(client.watchRun({ runId: run.id, afterSeq: 0 }));
  assert.equal(events.at(-1)?.type, "run.failed");
  assert.deepEqual((await client.run(run.id)).error, { code: "too_large", message: "wanted less" });
});

/** A TCP proxy before the app. For each connection it is asked to pass all, to hold all, or to cut after so many bytes of the answer. */
async function proxy(next: () => "pass" | "hold" | number): Promise<{ readonly url: string } & AsyncDisposable> {
  const target = new URL(app.url);
  const sockets = new Set<{ destroy(): void }>();
  const server: Server = createServer((incoming) => {
    const mode = next();
    const upstream = connectTo(Number(target.port), target.hostname);
    for (const socket of [incoming, upstream]) sockets.add(socket.on("error", () => undefined));
    if (mode === "hold") return;
    let left = mode === "pass" ? Number.POSITIVE_INFINITY : mode;
    if (left === 0) incoming.destroy();
    incoming.pipe(upstream);
    incoming.on("close", () => upstream.destroy());
    upstream.on("close", () => incoming.destroy());
    upstream.on("data", (chunk: Buffer) => {
      incoming.write(chunk.subarray(0, left));
      left -= chunk.length;
      if (left <= 0) incoming.destroySoon();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
