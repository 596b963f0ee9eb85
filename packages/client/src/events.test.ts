import assert from "node:assert/strict";
import { connect as connectTo, createServer, type AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { AppError } from "@tutti/core";
import fc from "fast-check";
import { startTestApp, type TestApp } from "tutti/testing";
import { createClient, type Client, type PlacedEvent } from "./index.ts";

let app: TestApp;
let client: Client;

before(async () => {
  app = await startTestApp();
  client = createClient({ baseUrl: app.url, token: app.token });
});

after(() => app[Symbol.asyncDispose]());

const codeOf = (code: string) => (error: unknown) => error instanceof AppError && error.code === code;

async function take(events: AsyncIterable<PlacedEvent>, count: number): Promise<readonly string[]> {
  const ids: string[] = [];
  for await (const { event } of events) {
    ids.push(event.id);
    if (ids.length === count) break;
  }
  return ids;
}

test("events are published, listed, followed, subscribed to and pulled", async () => {
  const { nextAfter } = await client.publications({ from: "now" });
  const following = take(client.followEvents({ type: "a.*", from: nextAfter }), 2);
  const published = await client.publishEvent({ type: "a.b", data: { total: 1 }, key: "k", source: "/client" });
  const cloudEvent = { specversion: "1.0", id: "c-1", source: "/client", type: "a.c" } as const;
  assert.equal((await client.publishEvent(cloudEvent)).isDuplicate, false);
  assert.equal((await client.publishEvent(cloudEvent)).isDuplicate, true);
  assert.deepEqual(await following, [published.id, "c-1"]);
  const page = await client.publications({ source: "/client", filter: { not: { exact: { type: "a.c" } } }, from: "beginning" });
  assert.deepEqual(
    page.events.map(({ event }) => event.id),
    [published.id],
  );
  const subscription = await client.subscribe({
    name: "pulled",
    target: { type: "pull" },
    filter: { exact: { source: "/client" } },
    from: "beginning",
  });
  assert.deepEqual([subscription.status, subscription.isCaughtUp], ["active", false]);
  const [one] = page.events;
  assert.deepEqual(await take(client.pullEvents("pulled"), 2), [published.id, "c-1"]);
  await client.acknowledgeEvents("pulled", one?.position ?? 0);
  assert.deepEqual(await take(client.pullEvents("pulled"), 1), ["c-1"]);
  assert.equal((await client.pauseSubscription("pulled", "a test")).reason, "a test");
  assert.equal((await client.resumeSubscription("pulled")).status, "active");
  assert.equal((await client.rewindSubscription("pulled", "beginning")).position, 0);
  assert.equal((await client.subscriptions()).length, 1);
  assert.equal((await client.subscription("pulled")).name, "pulled");
  await client.deleteSubscription("pulled");
  await assert.rejects(client.subscription("pulled"), codeOf("not_found"));
  assert.deepEqual(await client.webhooks(), []);
  assert.match(await client.webhookSecret("https://crm.example.com/"), /^whsec_/);
});

test("following loses and doubles no event, wherever the connection breaks", async () => {
  const source = "/cut";
  for (let index = 0; index < 30; index += 1) await client.publishEvent({ type: "cut", id: String(index), source, data: "x".repeat(200) });
  const { events } = await client.publications({ source, from: "beginning", limit: 1000 });
  const wanted = events.map(({ event }) => event.id);
  assert.equal(wanted.length, 30);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 300, max: 9_000 }), { maxLength: 4 }), async (cuts) => {
      // The first connection asks where to begin, and the cuts are for those that follow.
      const remaining = [Number.POSITIVE_INFINITY, ...cuts];
      await using cutting = await proxy(() => remaining.shift() ?? Number.POSITIVE_INFINITY);
      const cut = createClient({ baseUrl: cutting.url, token: app.token });
      assert.deepEqual(await take(cut.followEvents({ source, from: "beginning" }), 30), wanted);
    }),
    { numRuns: 10 },
  );
});

test("following ends when it is cancelled, and at once for errors that trying again does not help", async () => {
  const stop = new AbortController();
  const following = take(client.followEvents({ type: "never" }, stop.signal), 1);
  stop.abort();
  await assert.rejects(following, codeOf("cancelled"));
  await assert.rejects(take(client.followEvents({ type: "a*b*c" }), 1), codeOf("invalid_input"));
  await assert.rejects(take(client.pullEvents("none"), 1), codeOf("not_found"));
});

/** A TCP proxy before the app that cuts each connection after as many bytes of the answers as it is told. */
async function proxy(next: () => number): Promise<{ readonly url: string } & AsyncDisposable> {
  const target = new URL(app.url);
  const sockets = new Set<{ destroy(): void }>();
  const server = createServer((incoming) => {
    let left = next();
    const upstream = connectTo(Number(target.port), target.hostname);
    for (const socket of [incoming, upstream]) sockets.add(socket.on("error", () => undefined));
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
