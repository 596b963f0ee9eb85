import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { PlacedEvent, PublishedEvent, SubscriptionEntry, WebhookEntry } from "@tutti/client";
import type { Json, RunRecord } from "@tutti/core";
import type { CloudEvent } from "@tutti/core/wire";
import { openWorkplace, type Started, type Workplace } from "../testing/tutti-process.ts";

const TOKEN = "a-token-for-tests-only";
const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const KILLS = 6;

const PLUGIN = `
const anything = { "~standard": { validate: (value) => ({ value }) } };
const fulfil = { name: "fulfil", version: "1", input: anything, run: (ctx, input) => ctx.step("fulfil", () => input) };
export const plugin = { name: "shop", workflows: [fulfil] };
`;

/** What a receiver got, in order. */
interface Arrival {
  readonly webhookId: string;
  readonly event: CloudEvent;
}

interface Receiver extends AsyncDisposable {
  readonly url: string;
  readonly arrivals: readonly Arrival[];
  /** Resolves once so many came. */
  came(count: number): Promise<void>;
}

async function startReceiver(): Promise<Receiver> {
  const arrivals: Arrival[] = [];
  const waiting = new Set<() => void>();
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk) => (text += String(chunk)));
    request.on("end", () => {
      arrivals.push({ webhookId: String(request.headers["webhook-id"]), event: JSON.parse(text) as CloudEvent });
      // Told before the answer is sent: whoever kills Tutti now does so before it knows that the webhook was taken.
      for (const look of waiting) look();
      setImmediate(() => response.writeHead(204).end());
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    arrivals,
    came: (count) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const look = (): void => (arrivals.length >= count ? resolve() : undefined);
      waiting.add(look);
      look();
      return promise.finally(() => waiting.delete(look));
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function openShop(receiverUrl: string): Promise<Workplace> {
  const config = `plugins: [./plugin]
webhooks:
  - {name: crm, url: "${receiverUrl}", secretEnvs: [CRM_SECRET], privateAllow: true}
  - {name: github, signature: github, secretEnvs: [CRM_SECRET]}
`;
  const place = await openWorkplace({ "package.json": '{"type": "module"}', "tutti.yaml": config });
  await mkdir(join(place.dir, "plugin"));
  await writeFile(join(place.dir, "plugin", "index.js"), PLUGIN);
  return place;
}

const ENV = { env: { CRM_SECRET: SECRET } };

interface Server {
  readonly url: string;
  readonly pid: number;
  readonly started: Started;
}

async function up(place: Workplace): Promise<Server> {
  const started = place.start(["up", "--json"], ENV);
  const { url, pid } = JSON.parse(await started.printed("}\n")) as { readonly url: string; readonly pid: number };
  return { url, pid, started };
}

async function kill({ pid, started }: Server): Promise<void> {
  process.kill(pid, "SIGKILL");
  await started.ended;
}

async function call<T>({ url }: Server, path: string, body?: Json): Promise<T> {
  const headers = { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" };
  const response = await fetch(new URL(path, url), { headers, ...(body !== undefined && { method: "POST", body: JSON.stringify(body) }) });
  assert.ok(response.ok, `${path}: ${response.status} ${await response.clone().text()}`);
  return (await response.json()) as T;
}

let receiver: Receiver;
let place: Workplace;
let server: Server;

before(async () => {
  receiver = await startReceiver();
  place = await openShop(receiver.url);
  server = await up(place);
});

after(async () => {
  await place[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
});

const text = async (args: readonly string[]): Promise<string> => {
  const { stdout, stderr, code } = await place.run(args, ENV);
  assert.equal(code, 0, `${args.join(" ")}: ${stdout}${stderr}`);
  return stdout;
};

test("a workflow is subscribed, an event published, and the run it started is there", async () => {
  assert.match(
    await text(["events", "subscribe", "orders", "--type", "order.*", "--workflow", "fulfil", "--data-only"]),
    /^subscription orders active {2}after position \d+, to workflow fulfil\n$/,
  );
  const args = ["events", "publish", "order.paid", "--data", '{"total": 12}', "--key", "4711", "--id", "p-1"];
  assert.match(await text(args), /^event p-1 published {2}run [0-9a-f-]{36}\n$/);
  assert.match(await text(args), /^event p-1 was published before/);
  for (;;) {
    const { runs } = await place.json<{ readonly runs: readonly RunRecord[] }>(
      ["runs", "list", "--workflow", "fulfil", "--status", "completed"],
      ENV,
    );
    if (runs.length === 1) break;
  }
  assert.match(await text(["events", "subscriptions"]), /^SUBSCRIPTION .*\norders +active +\d+ \(all\) +0 .* workflow fulfil\n$/);
});

test("tail shows what was published, people see a line and programs JSON", async () => {
  await text(["events", "publish", "tail.one", "--data", '"\\u001b[31mred"', "--id", "t-1", "--subject", "lamp"]);
  await text(["events", "publish", "tail.two", "--id", "t-2"]);
  const tail = ["events", "tail", "--type", "tail.*", "--from", "beginning", "--count", "2"];
  const lines = await text(tail);
  assert.match(lines, /^[\d:.]{12} {2}tail\.one {2}lamp {2}\/cli {2}"\\u001b\[31mred"\n[\d:.]{12} {2}tail\.two {2}\/cli\n$/);
  const events = (await text([...tail, "--json"]))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as PlacedEvent);
  assert.deepEqual(
    events.map(({ event }) => event.id),
    ["t-1", "t-2"],
  );
  const { stderr, code } = await place.run(["events", "tail", "--from", "yesterday evening"], ENV);
  assert.deepEqual([code, /Wanted now, beginning/.test(stderr)], [2, true]);
});

test("a subscription is paused, resumed, rewound and deleted", async () => {
  const steer = async (...args: readonly string[]): Promise<SubscriptionEntry> =>
    (await place.json<{ readonly subscription: SubscriptionEntry }>(["events", ...args], ENV)).subscription;
  await steer("subscribe", "mine", "--pull", "--where", "input.data.total > 1", "--order-by", "none");
  const paused = await steer("pause", "mine", "--reason", "a test");
  assert.deepEqual([paused.status, paused.reason, paused.where], ["paused", "a test", "input.data.total > 1"]);
  assert.equal((await steer("resume", "mine")).status, "active");
  assert.equal((await steer("rewind", "mine", "beginning")).position, 0);
  assert.deepEqual(await place.json(["events", "delete", "mine"], ENV), { deleted: "mine" });
  const several = await place.run(["events", "subscribe", "x", "--pull", "--agent", "holly"], ENV);
  assert.deepEqual([several.code, /got several/.test(several.stderr)], [2, true]);
  const none = await place.run(["events", "pause", "nobody"], ENV);
  assert.deepEqual([none.code, /\[not_found\]/.test(none.stderr)], [1, true]);
});

test("webhooks: endpoints are listed without secrets, a URL has a secret, and deliveries are listed", async () => {
  const list = await text(["webhooks"]);
  assert.match(
    list,
    /^ENDPOINT .*\ncrm +out +standard +1 +http:\/\/127\.0\.0\.1:\d+\/hook\ngithub +in +github +1 +http:\/\/127\.0\.0\.1:\d+\/webhooks\/github\n$/,
  );
  const { endpoints } = await place.json<{ readonly endpoints: readonly WebhookEntry[] }>(["webhooks", "list"], ENV);
  assert.ok(!JSON.stringify(endpoints).includes(SECRET));
  assert.match(await text(["webhooks", "secret", "https://crm.example.com/hook"]), /^whsec_\S{44}\n$/);
  const subscribed = await text(["events", "subscribe", "far", "--type", "far", "--url", "https://crm.example.com/hook"]);
  assert.match(subscribed, /The receiver verifies its webhooks \(standardwebhooks\.com\) with whsec_/);
  assert.equal(await text(["webhooks", "deliveries", "--failed"]), "No webhook failed.\n");
});

test(`${KILLS} kills lose no event: each arrives, under one id however often, once as a run, and in the order of its key`, async () => {
  await text(["events", "subscribe", "crm", "--type", "kill", "--endpoint", "crm"]);
  await text(["events", "subscribe", "kills", "--type", "kill", "--workflow", "fulfil"]);
  const published: PublishedEvent[] = [];
  const start = receiver.arrivals.length;
  for (let round = 0; round <= KILLS; round += 1) {
    for (let index = 0; index < 6; index += 1) {
      const n = published.length;
      const { events } = await call<{ readonly events: readonly PublishedEvent[] }>(server, "/v1/events", {
        type: "kill",
        id: `k-${String(n).padStart(3, "0")}`,
        key: `key-${n % 2}`,
      });
      published.push(...events);
    }
    if (round === KILLS) break;
    // At another place each time: after some of this round's webhooks have arrived, and before the last of them is known to have.
    const arrived = new Set(receiver.arrivals.slice(start).map(({ event }) => event.id)).size;
    await receiver.came(start + Math.min(arrived + 1 + (round % 3), published.length));
    await kill(server);
    server = await up(place);
  }
  const ids = published.map(({ id }) => id);
  for (let count = ids.length; new Set(receiver.arrivals.slice(start).map(({ event }) => event.id)).size < ids.length; count += 1)
    await receiver.came(start + count);
  const settled = async (): Promise<boolean> =>
    (await call<{ readonly subscriptions: readonly SubscriptionEntry[] }>(server, "/v1/subscriptions")).subscriptions.every(
      ({ isCaughtUp }) => isCaughtUp,
    );
  while (!(await settled())) await new Promise((resolve) => setTimeout(resolve, 10));
  const byEvent = Map.groupBy(receiver.arrivals.slice(start), ({ event }) => event.id);
  for (const [id, arrivals] of byEvent) assert.equal(new Set(arrivals.map(({ webhookId }) => webhookId)).size, 1, id);
  assert.deepEqual([...byEvent.keys()].toSorted(), ids);
  for (const key of ["key-0", "key-1"]) {
    const order = [...byEvent].flatMap(([id, [first]]) => (first?.event["partitionkey"] === key ? [id] : []));
    assert.deepEqual(order, order.toSorted(), `first arrivals of ${key}`);
  }
  const runsOf = async (workflow: string): Promise<readonly RunRecord[]> =>
    (await call<{ readonly runs: readonly RunRecord[] }>(server, `/v1/runs?workflow=${workflow}&limit=500`)).runs;
  const webhooks = await runsOf("tutti.webhook");
  assert.deepEqual([webhooks.length, webhooks.every(({ status }) => status === "completed")], [ids.length, true]);
  assert.equal((await runsOf("fulfil")).length, ids.length + 1);
});
