import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { EventDraft, RunRecord, Workflow } from "@tutti/core";
import type { CloudEvent } from "@tutti/core/wire";
import { z } from "zod";
import { startTestApp, type TestApp } from "../../testing.ts";

const STANDARD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const SECRET = "a-secret-that-must-not-be-logged";
const endpoint = { toleranceSeconds: 300, privateAllow: false };

let app: TestApp;

before(async () => {
  app = await startTestApp({
    webhooks: [
      { ...endpoint, name: "github", signature: "github", secrets: ["the new one", SECRET] },
      { ...endpoint, name: "stripe", signature: "stripe", secrets: [SECRET] },
      { ...endpoint, name: "shop", signature: "shopify", secrets: [SECRET] },
      { ...endpoint, name: "slack", signature: "slack", secrets: [SECRET] },
      { ...endpoint, name: "peer", signature: "standard", secrets: [STANDARD], type: "peer.said" },
      { ...endpoint, name: "local", signature: "none", secrets: [] },
    ],
  });
});

after(() => app[Symbol.asyncDispose]());

const hmac = (text: string, encoding: "hex" | "base64", secret = SECRET): string =>
  createHmac("sha256", secret).update(text).digest(encoding);

async function deliver(name: string, headers: Record<string, string>, body: string): Promise<Response> {
  return fetch(`${app.url}/webhooks/${name}`, { method: "POST", headers: { "content-type": "application/json", ...headers }, body });
}

async function eventsOf(name: string): Promise<readonly CloudEvent[]> {
  const response = await app.fetch(`/v1/events?source=/webhooks/${name}`);
  return ((await response.json()) as { readonly events: readonly { readonly event: CloudEvent }[] }).events.map(({ event }) => event);
}

const push = '{"ref":"refs/heads/main"}';
const github = (id: string, body = push): Record<string, string> => ({
  "x-hub-signature-256": `sha256=${hmac(body, "hex")}`,
  "x-github-event": "push",
  "x-github-delivery": id,
});

test("a webhook becomes an event, without a token, and the same delivery again is no other", async () => {
  const first = await deliver("github", github("d-1"), push);
  assert.equal(first.status, 202);
  const { isDuplicate, runId } = (await first.json()) as { readonly isDuplicate: boolean; readonly runId: string };
  assert.equal(isDuplicate, false);
  const again = (await (await deliver("github", github("d-1"), push)).json()) as { readonly isDuplicate: boolean; readonly runId: string };
  assert.deepEqual([again.isDuplicate, again.runId], [true, runId]);
  const [event, ...others] = await eventsOf("github");
  assert.deepEqual(others, []);
  assert.deepEqual(
    [event?.id, event?.type, event?.source, event?.data],
    ["d-1", "webhook.github.push", "/webhooks/github", { ref: "refs/heads/main" }],
  );
  const run = (await (await app.fetch(`/v1/runs/${runId}`)).json()) as { readonly run: RunRecord };
  assert.equal(run.run.principalId, "webhook:github");
});

test("a webhook that is not signed, or wrongly, is refused, and so is an endpoint that is none, with the same status", async () => {
  const before = (await eventsOf("github")).length;
  const { "x-hub-signature-256": _, ...unsigned } = github("d-2");
  assert.equal((await deliver("github", unsigned, push)).status, 401);
  assert.equal((await deliver("github", github("d-2"), `${push} `)).status, 401);
  assert.equal((await deliver("github", { ...github("d-2"), authorization: `Bearer ${app.token}` }, "{}")).status, 401);
  assert.equal((await deliver("nobody", github("d-2"), push)).status, 401);
  assert.equal((await fetch(`${app.url}/webhooks/github`, { headers: github("d-2") })).status, 405, "only POST");
  assert.equal((await eventsOf("github")).length, before);
});

test("each sender's own names for a delivery and its kind become the event's", async () => {
  const seconds = String(Math.floor(Date.now() / 1000));
  const invoice = '{"id":"evt_1","type":"invoice.paid"}';
  await deliver("stripe", { "stripe-signature": `t=${seconds},v1=${hmac(`${seconds}.${invoice}`, "hex")}` }, invoice);
  const order = '{"id":820982911946154500}';
  const shopify = { "x-shopify-hmac-sha256": hmac(order, "base64"), "x-shopify-topic": "orders/create", "x-shopify-webhook-id": "w-1" };
  await deliver("shop", shopify, order);
  const mention = '{"type":"event_callback","event_id":"Ev1","event":{"type":"app_mention"}}';
  const slack = { "x-slack-request-timestamp": seconds, "x-slack-signature": `v0=${hmac(`v0:${seconds}:${mention}`, "hex")}` };
  await deliver("slack", slack, mention);
  const command = "command=%2Fdeploy&text=now";
  const signedCommand = { "x-slack-request-timestamp": seconds, "x-slack-signature": `v0=${hmac(`v0:${seconds}:${command}`, "hex")}` };
  await deliver("slack", { ...signedCommand, "content-type": "application/x-www-form-urlencoded" }, command);
  const names = async (name: string): Promise<readonly string[]> => (await eventsOf(name)).map(({ id, type }) => `${type} ${id}`);
  assert.deepEqual(await names("stripe"), ["webhook.stripe.invoice.paid evt_1"]);
  assert.deepEqual(await names("shop"), ["webhook.shop.orders.create w-1"]);
  assert.equal((await names("slack"))[0], "webhook.slack.app_mention Ev1");
  assert.match((await names("slack"))[1] ?? "", /^webhook\.slack [0-9a-f]{64}$/);
  assert.deepEqual((await eventsOf("slack"))[1]?.data, { command: "/deploy", text: "now" });
});

test("Slack's question who is here is answered, and is no event", async () => {
  const seconds = String(Math.floor(Date.now() / 1000));
  const body = '{"type":"url_verification","challenge":"3eZbrw1aB"}';
  const headers = { "x-slack-request-timestamp": seconds, "x-slack-signature": `v0=${hmac(`v0:${seconds}:${body}`, "hex")}` };
  const response = await deliver("slack", headers, body);
  assert.deepEqual([response.status, await response.json()], [200, { challenge: "3eZbrw1aB" }]);
  assert.equal((await deliver("slack", { ...headers, "x-slack-signature": "v0=" }, body)).status, 401);
});

test("a signed body that is no JSON, or too large, is refused without an event", async () => {
  const before = (await eventsOf("github")).length;
  assert.equal((await deliver("github", github("d-3", "{"), "{")).status, 400);
  const large = JSON.stringify("x".repeat(1_100_000));
  assert.equal((await deliver("github", github("d-4", large), large)).status, 413);
  assert.equal((await eventsOf("github")).length, before);
});

test("an endpoint without signatures takes what comes from this machine, but not from a page of another", async () => {
  assert.equal((await deliver("local", { "webhook-id": "l-1" }, '{"type":"ping"}')).status, 202);
  assert.equal((await deliver("local", { origin: "https://evil.example" }, "{}")).status, 403);
  assert.deepEqual(
    (await eventsOf("local")).map(({ id, type }) => [id, type]),
    [["l-1", "webhook.local.ping"]],
  );
});

test("one Tutti's webhook is another's event: signed, verified, and known by the same id when it comes twice", async () => {
  const url = `${app.url}/webhooks/peer`;
  await using sender = await startTestApp({ webhooks: [{ ...endpoint, name: "friend", url, secrets: [STANDARD], privateAllow: true }] });
  const subscription = { name: "to-friend", filter: { exact: { type: "hello" } }, target: { type: "webhook", to: { endpoint: "friend" } } };
  assert.equal((await sender.fetch("/v1/subscriptions", subscription)).status, 201);
  await sender.fetch("/v1/events", { type: "hello", id: "h-1", source: "/sender", data: { text: "ciao" } });
  for (;;) {
    const [event] = await eventsOf("peer");
    if (event === undefined) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      continue;
    }
    const { data, type } = event;
    assert.equal(type, "peer.said");
    assert.deepEqual((data as unknown as CloudEvent).data, { text: "ciao" });
    break;
  }
});

test("what a webhook brings is untrusted content for the runs that it starts, whoever signed it, unless its endpoint is trusted", async () => {
  const taking: Workflow = { name: "taking", version: "1", description: "Takes it.", input: z.json(), run: () => Promise.resolve(null) };
  const github = { ...endpoint, signature: "github", secrets: [SECRET] } as const;
  await using receiver = await startTestApp({
    inlinePlugins: [{ name: "takers", workflows: [taking] }],
    webhooks: [
      { ...github, name: "outside" },
      { ...github, name: "own", isTrusted: true },
    ],
  });
  const headers = { "x-hub-signature-256": `sha256=${hmac(push, "hex")}`, "content-type": "application/json", "x-github-event": "push" };
  for (const [name, tainted] of [
    ["outside", ["webhook:outside"]],
    ["own", undefined],
  ] as const) {
    const started = Promise.withResolvers<EventDraft>();
    using _ = receiver.app.engine.subscribe((event) => {
      if (event.type === "run.started" && event.workflow === "taking") started.resolve(event);
    });
    const subscription = { name, filter: { exact: { source: `/webhooks/${name}` } }, target: { type: "workflow", workflow: "taking" } };
    assert.equal((await receiver.fetch("/v1/subscriptions", subscription)).status, 201);
    const response = await fetch(`${receiver.url}/webhooks/${name}`, {
      method: "POST",
      headers: { ...headers, "x-github-delivery": name },
      body: push,
    });
    assert.equal(response.status, 202);
    const event = await started.promise;
    assert.deepEqual(event.type === "run.started" && event.tainted, tainted);
  }
});

test("no secret is in the log, in a list of endpoints or in an error", async () => {
  const listed = await (await app.fetch("/v1/webhooks")).text();
  assert.match(listed, /"path":"\/webhooks\/github"/);
  const refused = await (await deliver("stripe", { "stripe-signature": "t=1,v1=00" }, "{}")).text();
  const { secret } = (await (await app.fetch("/v1/webhooks/secret", { url: "https://crm.example.com/hook" })).json()) as {
    readonly secret: string;
  };
  assert.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
  const files = await readdir(app.dataDir);
  const kept = await Promise.all(
    files.filter((file) => file.startsWith("tutti.db")).map((file) => readFile(join(app.dataDir, file), "latin1")),
  );
  for (const text of [listed, refused, ...kept]) for (const hidden of [SECRET, STANDARD, secret]) assert.ok(!text.includes(hidden));
});
