import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, connect as connectTo, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { defineWorkflow, type Event, type Json, type Plugin, type Schema } from "@tutti/core";
import fc from "fast-check";
import { startReverseProxy, startTestApp, type TestApp } from "tutti/testing";
import { createClient, openLive, type LiveState } from "./index.ts";

const anything: Schema<Json> = { "~standard": { validate: (value: unknown) => ({ value }) } };
const counting = defineWorkflow<Json, Json>({
  name: "counting",
  version: "1",
  input: anything,
  async run(ctx) {
    for (let step = 0; step < 10; step += 1) await ctx.step(`count ${step}`, () => step);
    return "counted";
  },
});
const plugin: Plugin = { name: "live-client-test", workflows: [counting] };

/** A way to a server that can be cut: after so many bytes, or at once, as often as wanted. Where it leads can change. */
async function startWay(target: () => URL) {
  const open = new Set<Socket>();
  const cuts: number[] = [];
  const server = createServer((incoming) => {
    let left = cuts.shift() ?? Infinity;
    const { hostname, port } = target();
    const outgoing = connectTo(Number(port), hostname);
    const end = (): void => void (incoming.destroy(), outgoing.destroy());
    for (const socket of [incoming, outgoing]) {
      open.add(socket);
      socket.on("error", end);
      socket.on("close", () => {
        open.delete(socket);
        end();
      });
    }
    incoming.on("data", (chunk) => outgoing.write(chunk));
    outgoing.on("data", (chunk) => {
      incoming.write(chunk.subarray(0, left));
      left -= chunk.length;
      if (left <= 0) end();
    });
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cuts,
    cut: () => open.forEach((socket) => socket.destroy()),
    async [Symbol.asyncDispose]() {
      open.forEach((socket) => socket.destroy());
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** All events of the log after a position. */
async function logAfter(app: TestApp, after: number): Promise<readonly string[]> {
  const told: string[] = [];
  for (let position = after; ;) {
    const page = await app.app.store.log({ afterPosition: position, limit: 1000 });
    told.push(...page.map(({ position: at, event }) => `${at} ${event.runId} ${event.seq}`));
    position = page.at(-1)?.position ?? position;
    if (page.length < 1000) return told;
  }
}

async function runSome(url: string, token: string, count: number): Promise<void> {
  const client = createClient({ baseUrl: url, token });
  const started = await Promise.all(Array.from({ length: count }, () => client.startRun({ workflow: "counting", input: null })));
  for (const { run } of started) for await (const _ of client.watchRun({ runId: run.id, afterSeq: 0 })) continue;
}

/** Listens to the whole log; `has` resolves when all events up to a position were told. */
function collectLog(baseUrl: string, token: string) {
  const told: string[] = [];
  const waiting: { readonly position: number; readonly resolve: () => void }[] = [];
  const begun = Promise.withResolvers<void>();
  let at = 0;
  const live = openLive({ baseUrl, token });
  live.subscribe(
    { topic: "log" },
    {
      onStart: () => begun.resolve(),
      onData({ events }, position) {
        for (const { position: place, event } of events) {
          const { runId, seq } = event as unknown as Event;
          told.push(`${place} ${runId} ${seq}`);
        }
        at = position;
        for (const one of waiting) if (one.position <= at) one.resolve();
      },
    },
  );
  return {
    live,
    told,
    begun: begun.promise,
    has: (position: number) => new Promise<void>((resolve) => (at >= position ? resolve() : void waiting.push({ position, resolve }))),
  };
}

test("the log is told without gap or duplicate across a server that is stopped and started again", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "tutti-live-"));
  const token = "a-token-of-the-live-feeds-tests";
  const start = (): Promise<TestApp> => startTestApp({ dataDir, token, inlinePlugins: [plugin] });
  let app = await start();
  await using way = await startWay(() => new URL(app.url));
  const from = await app.app.store.position();
  const log = collectLog(way.url, token);
  using _ = log.live;
  await log.begun;
  await runSome(app.url, token, 5);
  const states: LiveState["status"][] = [];
  const back = Promise.withResolvers<void>();
  log.live.onState(({ status }) => {
    states.push(status);
    if (status === "live") back.resolve();
  });
  way.cut();
  await app[Symbol.asyncDispose]();
  app = await start();
  // What happens before the client is back is told when it is.
  await runSome(app.url, token, 5);
  log.live.retry();
  await back.promise;
  await runSome(app.url, token, 5);
  await log.has(await app.app.store.position());
  assert.deepEqual(log.told, await logAfter(app, from));
  assert.deepEqual([states[0], states.at(-1)], ["offline", "live"]);
  await app[Symbol.asyncDispose]();
  await rm(dataDir, { recursive: true });
});

test("the log is told without gap or duplicate wherever the connection breaks", async () => {
  await using app = await startTestApp({ inlinePlugins: [plugin] });
  await using way = await startWay(() => new URL(app.url));
  const random = Math.random;
  // Without jitter to wait for, the attempts follow one another at once.
  Math.random = () => 0;
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 30_000 }), { maxLength: 4 }), async (cuts) => {
        const from = await app.app.store.position();
        way.cuts.push(Infinity, ...cuts);
        const log = collectLog(way.url, app.token);
        using _ = log.live;
        await log.begun;
        const running = runSome(app.url, app.token, 4);
        for (const _cut of cuts) way.cut();
        await running;
        await log.has(await app.app.store.position());
        assert.deepEqual(log.told, await logAfter(app, from));
        way.cuts.length = 0;
      }),
      { numRuns: 8 },
    );
  } finally {
    Math.random = random;
  }
});

test("a handler that throws is told, and the feed goes on; a slow one gets its frames one after the other", async () => {
  await using app = await startTestApp({ inlinePlugins: [plugin] });
  using live = openLive({ baseUrl: app.url, token: app.token });
  const errors: string[] = [];
  const done = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  let working = 0;
  let isOver = false;
  live.subscribe(
    { topic: "runs" },
    {
      onStart: () => started.resolve(),
      async onData({ runs }) {
        working += 1;
        assert.equal(working, 1, "one frame at a time");
        await new Promise((resolve) => setImmediate(resolve));
        working -= 1;
        isOver ||= runs.some(({ status }) => status === "completed");
        throw new Error("the handler is broken");
      },
      onError({ message }) {
        errors.push(message);
        if (isOver) done.resolve();
      },
    },
  );
  await started.promise;
  await runSome(app.url, app.token, 3);
  await done.promise;
  assert.ok(errors.length > 0 && errors.every((message) => /handler is broken|something went wrong/.test(message)));
});

test("a session that has ended is told, and nothing is tried until somebody signs in", async () => {
  await using app = await startTestApp();
  const signedIn = await app.fetch("/v1/session", { token: app.token });
  const cookie = signedIn.headers.getSetCookie()[0]?.split(";")[0] ?? "";
  const { session } = (await signedIn.json()) as { readonly session: { readonly id: string } };
  let sockets = 0;
  using live = openLive({
    baseUrl: app.url,
    openSocket(url) {
      sockets += 1;
      return new WebSocket(url, { headers: { cookie } } as unknown as string[]);
    },
  });
  const isIn = Promise.withResolvers<void>();
  const isOut = Promise.withResolvers<LiveState>();
  live.onState((state) => (state.status === "live" ? isIn.resolve() : isOut.resolve(state)));
  await isIn.promise;
  await createClient({ baseUrl: app.url, token: app.token }).endSession(session.id);
  assert.equal((await isOut.promise).isSignedOut, true);
  assert.equal(sockets, 1);
});

test("where a proxy lets no WebSocket through, a stream tells the same, also after it broke, with neither gap nor duplicate", async () => {
  await using app = await startTestApp({ inlinePlugins: [plugin] });
  await using proxy = await startReverseProxy(() => app.url, { path: "/ai/tutti", webSockets: false });
  const from = await app.app.store.position();
  const log = collectLog(proxy.url, app.token);
  using _ = log.live;
  const states: LiveState["status"][] = [];
  log.live.onState(({ status }) => states.push(status));
  await log.begun;
  assert.deepEqual(states, ["live"], "it was never called offline");
  await runSome(app.url, app.token, 5);
  await log.has(await app.app.store.position());
  proxy.cut();
  await runSome(app.url, app.token, 5);
  await log.has(await app.app.store.position());
  const runs = Promise.withResolvers<string>();
  const begun = Promise.withResolvers<void>();
  // Another feed begins the stream anew; the first goes on where it was.
  log.live.subscribe({ topic: "runs" }, { onStart: () => begun.resolve(), onData: ({ runs: [run] }) => runs.resolve(run?.workflow ?? "") });
  await begun.promise;
  await runSome(app.url, app.token, 5);
  assert.equal(await runs.promise, "counting");
  await log.has(await app.app.store.position());
  assert.deepEqual(log.told, await logAfter(app, from));
  assert.ok(proxy.seen.includes("UPGRADE /ai/tutti/v1/live"));
});

test("a WebSocket that comes through takes the place of a stream, and every feed goes on where it was", async () => {
  await using app = await startTestApp({ inlinePlugins: [plugin] });
  await using proxy = await startReverseProxy(() => app.url, { webSockets: false });
  const from = await app.app.store.position();
  const log = collectLog(proxy.url, app.token);
  using _ = log.live;
  await log.begun;
  proxy.webSockets = true;
  const isUp = (): boolean => proxy.seen.filter((line) => line === "UPGRADE /v1/live").length > 1;
  while (!isUp()) await runSome(app.url, app.token, 2);
  await runSome(app.url, app.token, 5);
  await log.has(await app.app.store.position());
  assert.deepEqual(log.told, await logAfter(app, from));
});

test("a stream whose session has ended is told, and a wrong token is refused rather than tried for ever", async () => {
  await using app = await startTestApp();
  await using proxy = await startReverseProxy(() => app.url, { webSockets: false });
  const headers = { "content-type": "application/json" };
  const signedIn = await fetch(`${proxy.url}/v1/session`, { method: "POST", headers, body: JSON.stringify({ token: app.token }) });
  const cookie = signedIn.headers.getSetCookie()[0]?.split(";")[0] ?? "";
  const { session } = (await signedIn.json()) as { readonly session: { readonly id: string } };
  const asBrowser: typeof fetch = (url, init) => fetch(url, { ...init, headers: { ...(init?.headers as Record<string, string>), cookie } });
  using live = openLive({ baseUrl: proxy.url, fetch: asBrowser });
  const isIn = Promise.withResolvers<void>();
  const isOut = Promise.withResolvers<LiveState>();
  live.onState((state) => (state.status === "live" ? isIn.resolve() : isOut.resolve(state)));
  await isIn.promise;
  await createClient({ baseUrl: app.url, token: app.token }).endSession(session.id);
  assert.equal((await isOut.promise).isSignedOut, true);
  using stranger = openLive({ baseUrl: proxy.url, token: "nobody's" });
  const refused = Promise.withResolvers<LiveState>();
  stranger.onState((state) => refused.resolve(state));
  assert.deepEqual([(await refused.promise).status, (await refused.promise).isSignedOut], ["offline", true]);
});
