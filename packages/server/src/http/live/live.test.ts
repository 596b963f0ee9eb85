import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { openLive, type Live, type LiveReply, type LiveRequest } from "@tutti/client";
import { defineWorkflow, type EventDraft, type Json, type Plugin, type RunRecord, type Schema } from "@tutti/core";
import { SseDecoder } from "@tutti/core/wire";
import { WebSocket } from "ws";
import { startTestApp, type TestApp } from "../../testing.ts";
import { GAP_EVENTS_MAX } from "./feeds.ts";

const anything: Schema<Json> = { "~standard": { validate: (value: unknown) => ({ value }) } };
const counting = defineWorkflow<Json, Json>({
  name: "counting",
  version: "1",
  input: anything,
  async run(ctx, steps) {
    for (let step = 0; step < Number(steps); step += 1) await ctx.step(`count ${step}`, () => step);
    return "counted";
  },
});
const bulky = defineWorkflow<Json, Json>({
  name: "bulky",
  version: "1",
  input: anything,
  async run(ctx, steps) {
    // Larger values would be told as references.
    for (let step = 0; step < Number(steps); step += 1) await ctx.step(`fill ${step}`, () => "x".repeat(60_000));
    return "full";
  },
});
const asking = defineWorkflow<Json, Json>({
  name: "asking",
  version: "1",
  input: anything,
  run: async (ctx) => ((await ctx.approve({ question: "Ship it?" })).approved ? "shipped" : "kept"),
});
const waiting = defineWorkflow<Json, Json>({
  name: "waiting",
  version: "1",
  input: anything,
  run: async (ctx) => (await ctx.waitFor("go")) ?? null,
});
const plugin: Plugin = { name: "live-test", workflows: [counting, bulky, asking, waiting] };

let app: TestApp;

before(async () => {
  app = await startTestApp({ inlinePlugins: [plugin] });
});

after(() => app[Symbol.asyncDispose]());

const socketUrl = (): URL => new URL("/v1/live", app.url.replace("http:", "ws:"));

async function start(workflow: string, input: Json = null): Promise<string> {
  const { run } = (await (await app.fetch("/v1/runs", { workflow, input })).json()) as { readonly run: RunRecord };
  return run.id;
}

const ended = (runId: string): Promise<Json> => app.app.engine.result(runId, AbortSignal.timeout(120_000));
/** Whose feed a reply is about. */
const feedOf = (reply: LiveReply): string | null => (reply.type === "heartbeat" ? null : reply.id);

/** A socket as it is, without what the client does for its users. */
async function openRaw(headers: Readonly<Record<string, string>> = { authorization: `Bearer ${app.token}` }) {
  const socket = new WebSocket(socketUrl(), { headers });
  const replies: LiveReply[] = [];
  let wake: () => void = () => undefined;
  socket.on("message", (data) => {
    replies.push(JSON.parse((data as Buffer).toString("utf8")) as LiveReply);
    wake();
  });
  await once(socket, "open");
  return {
    socket,
    send: (request: LiveRequest | Json) => socket.send(JSON.stringify(request)),
    async next(isIt: (reply: LiveReply) => boolean = ({ type }) => type !== "heartbeat"): Promise<LiveReply> {
      for (;;) {
        const index = replies.findIndex(isIt);
        const [found] = index === -1 ? [] : replies.splice(index, 1);
        if (found !== undefined) return found;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
    [Symbol.dispose]: () => socket.terminate(),
  };
}

async function refusalOf(headers: Readonly<Record<string, string>>): Promise<number> {
  const socket = new WebSocket(socketUrl(), { headers });
  socket.on("error", () => {});
  const [, response] = (await once(socket, "unexpected-response")) as [unknown, { readonly statusCode: number; resume(): void }];
  response.resume();
  socket.terminate();
  return response.statusCode;
}

/** The platform's own WebSocket, as the client uses it. */
function live(): Live {
  return openLive({ baseUrl: app.url, token: app.token });
}

/** Resolves with what a feed told until something holds. */
function until<T>(isEnough: (all: readonly T[]) => boolean): { readonly add: (one: T) => void; readonly done: Promise<readonly T[]> } {
  const all: T[] = [];
  const { promise, resolve } = Promise.withResolvers<readonly T[]>();
  return {
    add(one) {
      all.push(one);
      if (isEnough(all)) resolve(all);
    },
    done: promise,
  };
}

describe("who may listen", () => {
  test("strangers and foreign pages are refused in the handshake", async () => {
    const authorization = `Bearer ${app.token}`;
    assert.equal(await refusalOf({}), 401);
    assert.equal(await refusalOf({ authorization: "Bearer nobody" }), 401);
    assert.equal(await refusalOf({ authorization, origin: "https://evil.test" }), 403);
  });

  test("a key for models does not listen to runs", async () => {
    const { secret } = (await (await app.fetch("/v1/keys", { name: "model-user" })).json()) as { readonly secret: string };
    assert.equal(await refusalOf({ authorization: `Bearer ${secret}` }), 403);
  });

  test("a browser's session listens, and its end closes the socket", async () => {
    const signedIn = await app.fetch("/v1/session", { token: app.token });
    const cookie = signedIn.headers.getSetCookie()[0]?.split(";")[0] ?? "";
    const { session } = (await signedIn.json()) as { readonly session: { readonly id: string } };
    using raw = await openRaw({ cookie, origin: app.url });
    raw.send({ type: "subscribe", id: "a", topic: "overview" });
    assert.equal((await raw.next()).type, "subscribed");
    const closing = once(raw.socket, "close");
    await fetch(`${app.url}/v1/sessions/${session.id}`, { method: "DELETE", headers: { authorization: `Bearer ${app.token}` } });
    const [code] = (await closing) as [number];
    assert.equal(code, 4401);
  });
});

describe("feeds over a WebSocket", () => {
  test("a run's events come each once and in order, and then its end", async () => {
    using feeds = live();
    const runId = await start("counting", 20);
    const seqs: number[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    feeds.subscribe(
      { topic: "run", runId },
      { onData: ({ events }) => void seqs.push(...events.map((event) => (event as unknown as EventDraft).seq)), onEnd: resolve },
    );
    await promise;
    const run = await app.app.store.run(runId);
    assert.deepEqual(
      seqs,
      Array.from({ length: run?.events ?? 0 }, (_, index) => index + 1),
    );
  });

  test("runs are told as they stand, and those that a filter no longer holds have left", async () => {
    using feeds = live();
    const started = Promise.withResolvers<void>();
    const finished = until<string>((ids) => ids.length > 0);
    const seen = until<string>((ids) => ids.length > 0);
    feeds.subscribe(
      { topic: "runs", filter: { workflows: ["waiting"], statuses: ["running", "waiting"], parent: "none" } },
      {
        onStart: () => started.resolve(),
        onData({ runs, left }) {
          for (const run of runs) seen.add(`${run.id} ${run.workflow}`);
          for (const id of left) finished.add(id);
        },
      },
    );
    await started.promise;
    await start("counting", 3);
    const runId = await start("waiting");
    assert.deepEqual([...new Set(await seen.done)], [`${runId} waiting`]);
    await app.app.engine.signal(runId, { name: "go", value: 1 }, { id: "owner", tenant: "default", roles: ["owner"] });
    assert.ok((await finished.done).includes(runId));
  });

  test("a text finds runs as it comes to stand in them, and those it stood in before when they go on", async () => {
    const text = `needle ${crypto.randomUUID()}`;
    const before = await start("waiting", { note: text.toUpperCase() });
    const later = await start("waiting");
    await start("waiting");
    using feeds = live();
    const started = Promise.withResolvers<void>();
    const told = until<string>((ids) => ids.includes(later));
    feeds.subscribe(
      { topic: "runs", filter: { text } },
      { onStart: () => started.resolve(), onData: ({ runs }) => runs.forEach(({ id }) => told.add(id)) },
    );
    await started.promise;
    const owner = { id: "owner", tenant: "default", roles: ["owner"] };
    const others = await app.app.store.runs({ workflow: "waiting", limit: 1 });
    for (const { id } of others) await app.app.engine.signal(id, { name: "go", value: "something else" }, owner);
    await app.app.engine.signal(before, { name: "go", value: 1 }, owner);
    await ended(before);
    await app.app.engine.signal(later, { name: "go", value: { said: text } }, owner);
    assert.deepEqual([...new Set(await told.done)], [before, later]);
  });

  test("the log is told redacted, with the position to go on from", async () => {
    using feeds = live();
    const secret = `sk-${"a1B2c3D4".repeat(5)}`;
    const started = Promise.withResolvers<void>();
    const { promise, resolve } = Promise.withResolvers<string>();
    feeds.subscribe(
      { topic: "log", filter: { types: ["run.started"] } },
      { onStart: () => started.resolve(), onData: ({ events }) => resolve(JSON.stringify(events)) },
    );
    await started.promise;
    await start("counting", { note: `the key is ${secret}` });
    const text = await promise;
    assert.match(text, /"run.started"/);
    assert.ok(!text.includes(secret));
  });

  test("two who listen see the same approval come and go", async () => {
    using one = live();
    using other = live();
    const runId = await start("asking");
    const feeds = [one, other].map((feed) => {
      const came = until<string>((all) => all.includes(`asks ${runId}`));
      const went = until<string>((all) => all.includes(`asks ${runId}`) && all.at(-1) === "nothing");
      feed.subscribe(
        { topic: "approvals" },
        {
          onData({ approvals }) {
            const told = approvals.some((approval) => approval.runId === runId) ? `asks ${runId}` : "nothing";
            came.add(told);
            went.add(told);
          },
        },
      );
      return { came, went };
    });
    await Promise.all(feeds.map(({ came }) => came.done));
    const [wait] = await app.app.store.waits({ kind: "approval", runId, limit: 1 });
    await app.fetch(`/v1/runs/${runId}/approvals/${wait?.key ?? ""}`, { approved: true });
    await Promise.all(feeds.map(({ went }) => went.done));
  });

  test("the overview counts what is under way and what happened", async () => {
    using feeds = live();
    const enough = until<number>((waitingNow) => (waitingNow.at(-1) ?? 0) >= 2);
    feeds.subscribe({ topic: "overview" }, { onData: ({ runs }) => enough.add(runs.waiting) });
    await start("waiting");
    await start("waiting");
    await enough.done;
  });

  test("a client that acknowledges nothing is sent a few frames, and what came meanwhile in one piece afterwards", async () => {
    using raw = await openRaw();
    raw.send({ type: "subscribe", id: "slow", topic: "runs", filter: { workflows: ["counting"] } });
    assert.equal((await raw.next()).type, "subscribed");
    const isFrame = (reply: LiveReply): boolean => reply.type === "frame";
    let position = 0;
    for (let sent = 0; sent < 4; sent += 1) {
      await start("counting", 1);
      const frame = await raw.next(isFrame);
      if (frame.type === "frame") ({ position } = frame);
    }
    const more = await Promise.all(Array.from({ length: 30 }, () => start("counting", 1)));
    for (const id of more) await ended(id);
    raw.send({ type: "subscribe", id: "quick", topic: "log", after: position });
    // Whatever the slow feed were sent would come before what is sent to another.
    assert.deepEqual([feedOf(await raw.next()), feedOf(await raw.next())], ["quick", "quick"]);
    raw.send({ type: "ack", id: "slow", position });
    const told = new Set<string>();
    let frames = 0;
    while (told.size < more.length) {
      const frame = await raw.next((reply) => isFrame(reply) && feedOf(reply) === "slow");
      if (frame.type !== "frame") break;
      frames += 1;
      for (const run of (frame.data as unknown as { readonly runs: readonly RunRecord[] }).runs) told.add(run.id);
      raw.send({ type: "ack", id: "slow", position: frame.position });
    }
    assert.ok(frames <= 3, `${frames} frames`);
    assert.ok(more.every((id) => told.has(id)));
  });

  test("whoever missed too much, or comes from another log, is told to read anew", async () => {
    using raw = await openRaw();
    raw.send({ type: "subscribe", id: "other", topic: "log", after: 1e9 });
    const other = await raw.next((reply) => reply.type === "reset");
    assert.match(other.type === "reset" ? other.reason : "", /put back from a backup/);
    const before = await app.app.store.position();
    const many = Array.from({ length: GAP_EVENTS_MAX + 1 }, (_, index): EventDraft => {
      const head = { runId: "gap", seq: index + 1, at: "2026-01-02T03:04:05.678Z" };
      if (index > 0) return { ...head, type: "signal.received", name: "s", value: index };
      return { ...head, type: "run.started", workflow: "gap", version: "1", input: null, principal: { id: "o", tenant: "d", roles: [] } };
    });
    await app.app.store.append(many);
    raw.send({ type: "subscribe", id: "late", topic: "runs", after: before });
    const late = await raw.next((reply) => reply.type === "reset" && feedOf(reply) === "late");
    assert.equal(late.type === "reset" ? late.position : 0, await app.app.store.position());
  });

  test("what is no request is answered with an error, and the connection goes on", async () => {
    using raw = await openRaw();
    for (const request of [{ type: "dance" }, { type: "subscribe", id: "x", topic: "weather" }, { type: "subscribe", topic: "log" }, []]) {
      raw.send(request as Json);
      const reply = await raw.next();
      assert.equal(reply.type === "error" ? reply.code : "", "invalid_input", JSON.stringify(request));
    }
    raw.send({ type: "subscribe", id: "y", topic: "run", runId: "none" });
    const missing = await raw.next();
    assert.deepEqual([missing.type, missing.type === "error" ? missing.code : ""], ["error", "not_found"]);
    for (let feed = 0; feed < 64; feed += 1) raw.send({ type: "subscribe", id: String(feed), topic: "log" });
    raw.send({ type: "subscribe", id: "one more", topic: "log" });
    const refused = await raw.next((reply) => reply.type === "error");
    assert.equal(refused.type === "error" ? refused.code : "", "overloaded");
  });
});

describe("a client that keeps to no bounds", () => {
  test("is closed when it says what is no request more often than it may ask", async () => {
    await using strict = await startTestApp({ rateLimitPerSecond: 1, rateLimitBurst: 5 });
    const socket = new WebSocket(new URL("/v1/live", strict.url.replace("http:", "ws:")), {
      headers: { authorization: `Bearer ${strict.token}` },
    });
    await once(socket, "open");
    for (let time = 0; time < 50; time += 1) socket.send("nonsense");
    const [code] = (await once(socket, "close")) as [number];
    assert.equal(code, 1008);
  });
});

describe("a client that does not read", () => {
  test("is cut off when too much waits for it, though it says that it took everything", async () => {
    const runId = await start("bulky", 90);
    await ended(runId);
    using raw = await openRaw();
    raw.socket.on("error", () => undefined);
    raw.socket.pause();
    const closing = once(raw.socket, "close");
    // Each of them is told the whole run, some 5 MB, in one frame or two; the machine itself takes a few.
    const feeds = Array.from({ length: 16 }, (_, id) => String(id));
    for (const id of feeds) raw.send({ type: "subscribe", id, topic: "run", runId });
    const sent = (request: Json): Promise<void> => new Promise((resolve) => raw.socket.send(JSON.stringify(request), () => resolve()));
    while (raw.socket.readyState === raw.socket.OPEN) for (const id of feeds) await sent({ type: "ack", id, position: 1 });
    const [code] = (await closing) as [number];
    assert.equal(code, 1006);
  });
});

describe("feeds as server-sent events", () => {
  test("one topic comes as a stream, and goes on after the event that was had last", async () => {
    const runId = await start("counting", 5);
    await ended(runId);
    const read = async (headers: Readonly<Record<string, string>>) => {
      const response = await fetch(`${app.url}/v1/live?topic=run&run=${runId}`, {
        headers: { authorization: `Bearer ${app.token}`, accept: "text/event-stream", ...headers },
      });
      assert.match(response.headers.get("content-type") ?? "", /^text\/event-stream/);
      return new SseDecoder({ eventCharsMax: 1e6 }).push(new Uint8Array(await response.arrayBuffer()));
    };
    const events = await read({});
    assert.deepEqual([events[0]?.event, events.at(-1)?.event], ["subscribed", "ended"]);
    const frames = (all: typeof events): readonly EventDraft[] =>
      all.flatMap(({ event, data }) => (event === "frame" ? (JSON.parse(data) as { readonly events: readonly EventDraft[] }).events : []));
    const all = frames(events);
    assert.deepEqual(frames(await read({ "last-event-id": "3" })), all.slice(3));
  });

  test("a topic that is none, and a place that is none, are refused", async () => {
    for (const query of ["", "topic=weather", "topic=run", "topic=log&after=x", "topic=runs&status=happy"]) {
      const response = await app.fetch(`/v1/live?${query}`);
      assert.equal(response.status, 400, query);
      await response.body?.cancel();
    }
  });

  test("many topics come as one stream, as a socket would be told them, and its session's end closes it", async () => {
    const runId = await start("counting", 3);
    await ended(runId);
    const signedIn = await app.fetch("/v1/session", { token: app.token });
    const cookie = signedIn.headers.getSetCookie()[0]?.split(";")[0] ?? "";
    const { session } = (await signedIn.json()) as { readonly session: { readonly id: string } };
    const feeds = [
      { id: "a", topic: "run", runId, after: 2 },
      { id: "b", topic: "overview" },
      { id: "c", topic: "run", runId: "none" },
    ];
    const response = await fetch(`${app.url}/v1/live?feeds=${encodeURIComponent(JSON.stringify(feeds))}`, { headers: { cookie } });
    assert.equal(response.headers.get("x-accel-buffering"), "no");
    const decoder = new SseDecoder({ eventCharsMax: 1e6 });
    const told: LiveReply[] = [];
    let last: { readonly event?: string | undefined; readonly data: string } | undefined;
    for await (const chunk of response.body ?? []) {
      for (const { event, data } of decoder.push(chunk)) {
        last = { event, data };
        if (event !== "closed") told.push(JSON.parse(data) as LiveReply);
      }
      const isTold = told.some(({ type }) => type === "ended") && told.some((reply) => reply.type === "frame" && reply.id === "b");
      if (isTold && last?.event !== "closed") await app.app.sessions.end(session.id);
    }
    assert.deepEqual(last, { event: "closed", data: JSON.stringify({ code: 4401, reason: "signed out" }) });
    assert.equal(told[0]?.type, "heartbeat");
    const types = (id: string): readonly string[] => told.filter((reply) => feedOf(reply) === id).map(({ type }) => type);
    assert.deepEqual([types("a")[0], types("a").at(-1), types("c")], ["subscribed", "ended", ["error"]]);
  });

  test("feeds that are none, two with one id, and more than a socket has are refused", async () => {
    const many = Array.from({ length: 65 }, (_, id) => ({ id: String(id), topic: "log" }));
    const same = [
      { id: "a", topic: "log" },
      { id: "a", topic: "runs" },
    ];
    for (const feeds of [{}, [{ topic: "log" }], [{ id: "a", topic: "weather" }], same, many]) {
      const response = await app.fetch(`/v1/live?feeds=${encodeURIComponent(JSON.stringify(feeds))}`);
      assert.equal(response.status, 400, JSON.stringify(feeds));
      await response.body?.cancel();
    }
    assert.equal((await app.fetch("/v1/live?feeds={")).status, 400);
  });
});
