import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Json, Plugin, RunRecord, Schema } from "@tutti/core";
import { SseDecoder, type CloudEvent } from "@tutti/core/wire";
import { startTestApp, type TestApp } from "../../testing.ts";

const anything: Schema<Json> = { "~standard": { validate: (value: unknown) => ({ value }) } };
const plugin: Plugin = {
  name: "events-test",
  workflows: [{ name: "fulfil", version: "1", input: anything, run: (ctx, input) => ctx.step("fulfil", () => input) }],
};

interface Placed {
  readonly position: number;
  readonly event: CloudEvent;
}
interface Page {
  readonly events: readonly Placed[];
  readonly nextAfter: number;
}
interface PublishedReply {
  readonly events: readonly { readonly id: string; readonly runId: string; readonly isDuplicate: boolean }[];
}
interface SubscriptionReply {
  readonly subscription: { readonly status: string; readonly position: number; readonly isCaughtUp: boolean };
}

let app: TestApp;

before(async () => {
  app = await startTestApp({ inlinePlugins: [plugin] });
});

after(() => app[Symbol.asyncDispose]());

async function send(headers: Record<string, string>, body: string): Promise<{ readonly status: number; readonly reply: PublishedReply }> {
  const response = await fetch(`${app.url}/v1/events`, {
    method: "POST",
    headers: { authorization: `Bearer ${app.token}`, ...headers },
    body,
  });
  return { status: response.status, reply: (await response.json()) as PublishedReply };
}

const publish = async (type: string, more: Json = {}): Promise<PublishedReply> =>
  (await (await app.fetch("/v1/events", { type, ...(more as object) })).json()) as PublishedReply;
const get = async <T>(path: string): Promise<T> => (await (await app.fetch(path)).json()) as T;
const post = async <T>(path: string, body: Json = {}): Promise<T> => (await (await app.fetch(path, body)).json()) as T;
const listed = async (query: string): Promise<readonly CloudEvent[]> =>
  (await get<Page>(`/v1/events?${query}`)).events.map(({ event }) => event);

test("events are published as people write them, structured, batched and in binary mode", async () => {
  const source = "/forms";
  const plain = await publish("form.plain", { source, id: "1", data: { a: 1 }, key: "k", subject: "s", time: "2026-01-31T12:00:00Z" });
  assert.deepEqual(
    plain.events.map(({ id, isDuplicate }) => [id, isDuplicate]),
    [["1", false]],
  );
  const structured = { specversion: "1.0", id: "2", source, type: "form.structured", data: "text", weight: 3 };
  assert.equal((await send({ "content-type": "application/cloudevents+json; charset=utf-8" }, JSON.stringify(structured))).status, 202);
  const batch = [{ ...structured, id: "3", type: "form.batched" }, structured];
  const { reply } = await send({ "content-type": "application/cloudevents-batch+json" }, JSON.stringify(batch));
  assert.deepEqual(
    reply.events.map(({ isDuplicate }) => isDuplicate),
    [false, true],
  );
  const binary = { "ce-specversion": "1.0", "ce-id": "4", "ce-source": source, "ce-type": "form.binary", "ce-subject": "caf%C3%A9" };
  assert.equal((await send({ ...binary, "content-type": "text/plain" }, "hello")).status, 202);
  assert.equal((await send({ ...binary, "ce-id": "5", "content-type": "image/png" }, "\u0001\u0002")).status, 202);
  assert.deepEqual(await listed("source=/forms"), [
    {
      specversion: "1.0",
      id: "1",
      source,
      type: "form.plain",
      subject: "s",
      time: "2026-01-31T12:00:00Z",
      partitionkey: "k",
      datacontenttype: "application/json",
      data: { a: 1 },
    },
    structured,
    { ...structured, id: "3", type: "form.batched" },
    { specversion: "1.0", id: "4", source, type: "form.binary", subject: "café", datacontenttype: "text/plain", data: "hello" },
    { specversion: "1.0", id: "5", source, type: "form.binary", subject: "café", datacontenttype: "image/png", data_base64: "AQI=" },
  ]);
});

test("what is no event is refused with the part that does not fit, and a token is needed", async () => {
  const refused = async (body: Json, wanted: RegExp): Promise<void> => {
    const response = await app.fetch("/v1/events", body);
    assert.deepEqual([response.status, wanted.test(await response.clone().text())], [400, true], await response.text());
  };
  await refused({ data: 1 }, /type/);
  await refused({ type: "" }, /event\.type/);
  await refused({ type: "tutti.forged" }, /types that begin with/);
  await refused({ type: "x", colour: "red" }, /colour/);
  assert.equal((await send({ "content-type": "application/cloudevents+json" }, '{"specversion":"1.0"}')).status, 400);
  assert.equal((await send({ "content-type": "application/cloudevents+json" }, "{")).status, 400);
  assert.equal((await send({ "ce-specversion": "1.0", "content-type": "text/plain" }, "x")).status, 400);
  assert.equal((await fetch(`${app.url}/v1/events`, { method: "POST", body: "{}" })).status, 401);
  assert.equal((await app.fetch("/v1/events?type=a*b*c")).status, 400);
  assert.equal((await app.fetch("/v1/events?filter=nonsense")).status, 400);
  assert.equal((await app.fetch("/v1/events?from=yesterday")).status, 400);
});

test("pages go on where the last one ended, whether anything in it was wanted or not", async () => {
  for (const id of ["1", "2", "3", "4"]) await publish(id === "3" ? "page.wanted" : "page.other", { id, source: "/pages" });
  const seen: string[] = [];
  let from: number | string = "beginning";
  for (;;) {
    const page: Page = await get<Page>(`/v1/events?type=page.wanted&limit=2&from=${from}`);
    seen.push(...page.events.map(({ event }) => event.id));
    if (page.nextAfter === from) break;
    from = page.nextAfter;
  }
  assert.deepEqual(seen, ["3"]);
});

/** Follows a stream until so many events came. */
async function follow(
  path: string,
  count: number,
  options: { readonly lastEventId?: string; readonly onOpen?: () => Promise<unknown> } = {},
): Promise<readonly [string, string][]> {
  const headers = {
    authorization: `Bearer ${app.token}`,
    accept: "text/event-stream",
    ...(options.lastEventId !== undefined && { "last-event-id": options.lastEventId }),
  };
  const leave = new AbortController();
  const response = await fetch(`${app.url}${path}`, { headers, signal: leave.signal });
  assert.equal(response.status, 200);
  await options.onOpen?.();
  const decoder = new SseDecoder();
  const seen: [string, string][] = [];
  for await (const chunk of response.body ?? []) {
    for (const { id = "", data } of decoder.push(chunk)) seen.push([id, (JSON.parse(data) as CloudEvent).id]);
    if (seen.length >= count) break;
  }
  leave.abort();
  return seen;
}

test("a stream brings what comes from now on, filtered, and goes on after Last-Event-ID", async () => {
  await publish("live.a", { id: "before", source: "/live" });
  const onOpen = async (): Promise<void> => {
    await publish("other", { id: "skipped", source: "/live" });
    for (const id of ["1", "2", "3"]) await publish("live.a", { id, source: "/live" });
  };
  const seen = await follow("/v1/events?type=live.*", 3, { onOpen });
  assert.deepEqual(
    seen.map(([, id]) => id),
    ["1", "2", "3"],
  );
  const resumed = await follow("/v1/events?type=live.*", 2, { lastEventId: seen[0]?.[0] ?? "" });
  assert.deepEqual(resumed, seen.slice(1));
  const past = await follow("/v1/events?source=/live&from=beginning", 5);
  assert.deepEqual(
    past.map(([, id]) => id),
    ["before", "skipped", "1", "2", "3"],
  );
});

async function until<T>(read: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await read();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

test("a subscription starts a workflow for each event, and is listed, paused, resumed, rewound and deleted", async () => {
  const created = await app.fetch("/v1/subscriptions", {
    name: "orders",
    filter: { prefix: { type: "order." } },
    target: { type: "workflow", workflow: "fulfil", input: "data" },
  });
  assert.equal(created.status, 201);
  await publish("order.paid", { id: "1", source: "/orders", data: { total: 12 } });
  const runsOf = async (count: number): Promise<readonly RunRecord[]> =>
    until(async () => {
      const { runs } = await get<{ readonly runs: readonly RunRecord[] }>("/v1/runs?workflow=fulfil&status=completed");
      return runs.length >= count ? runs : undefined;
    });
  const [run] = await runsOf(1);
  assert.deepEqual((await get<{ readonly output: Json }>(`/v1/runs/${run?.id}`)).output, { total: 12 });
  assert.equal((await post<SubscriptionReply>("/v1/subscriptions/orders/pause", { reason: "a test" })).subscription.status, "paused");
  await publish("order.paid", { id: "2", source: "/orders" });
  assert.equal((await get<SubscriptionReply>("/v1/subscriptions/orders")).subscription.isCaughtUp, false);
  await post("/v1/subscriptions/orders/resume");
  await runsOf(2);
  await post("/v1/subscriptions/orders/rewind", { to: "beginning" });
  await runsOf(4);
  const list = await get<{ readonly subscriptions: readonly { readonly name: string }[] }>("/v1/subscriptions");
  assert.deepEqual(
    list.subscriptions.map(({ name }) => name),
    ["orders"],
  );
  await post("/v1/subscriptions/orders/delete");
  assert.equal((await app.fetch("/v1/subscriptions/orders")).status, 404);
  assert.equal((await app.fetch("/v1/subscriptions", { name: "x", target: { type: "workflow", workflow: "none" } })).status, 404);
  assert.equal((await app.fetch("/v1/subscriptions", { name: "x", target: { type: "mail" } })).status, 400);
  assert.equal((await app.fetch("/v1/subscriptions", { name: "x", filter: { sql: "TRUE" }, target: { type: "pull" } })).status, 400);
});

test("a client pulls, acknowledges, and gets the rest again", async () => {
  await post("/v1/subscriptions", { name: "mine", filter: { exact: { source: "/pull" } }, target: { type: "pull" } });
  for (const id of ["1", "2", "3"]) await publish("x", { id, source: "/pull" });
  const ids = async (): Promise<readonly string[]> =>
    (await get<Page>("/v1/subscriptions/mine/events")).events.map(({ event }) => event.id);
  assert.deepEqual(await ids(), ["1", "2", "3"]);
  const [first] = await follow("/v1/subscriptions/mine/events", 3);
  await post("/v1/subscriptions/mine/ack", { position: Number(first?.[0]) });
  assert.deepEqual(await ids(), ["2", "3"]);
  assert.deepEqual(
    (await follow("/v1/subscriptions/mine/events", 2)).map(([, id]) => id),
    ["2", "3"],
  );
  assert.equal((await app.fetch("/v1/subscriptions/none/events")).status, 404);
});
