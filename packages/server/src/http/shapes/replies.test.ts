import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createClient, type Client } from "@tutti/client";
import { AppError, type Event, type Json } from "@tutti/core";
import { readApiShapes, type ApiShapes } from "../../testing/api-shapes.ts";
import { ROUTES, SHADOW, startShapesWorld, TOOLS, type ShapesWorld } from "../../testing/shapes-world.ts";
import type { TestApp } from "../../testing.ts";

// Real answers of a running server against its own description: whoever builds on the description, a client or a page, gets what it says.

const GRAPH = `name: gated
nodes:
  first: { type: transform, value: 1 }
  gate: { type: wait, signal: go }
edges:
  - { from: first, to: gate }
`;

let world: ShapesWorld;
let app: TestApp;
let shapes: ApiShapes;
let client: Client;

before(async () => {
  world = await startShapesWorld();
  app = world.app;
  shapes = await readApiShapes(app);
  client = createClient({ baseUrl: app.url, token: app.token, fetch: shapes.fetch });
});

after(() => world[Symbol.asyncDispose]());

interface AskOptions {
  readonly method?: string;
  readonly body?: FormData;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request whose answer is checked, for what the client has no call for. */
async function ask(path: string, body?: unknown, init: AskOptions = {}): Promise<Json> {
  const response = await shapes.fetch(new URL(path, app.url), {
    ...(body !== undefined && { method: "POST", body: JSON.stringify(body) }),
    ...init,
    headers: { authorization: `Bearer ${app.token}`, ...(body !== undefined && { "content-type": "application/json" }), ...init.headers },
  });
  const text = await response.text();
  return text.startsWith("{") ? (JSON.parse(text) as Json) : text;
}

const failed = (code: string) => (thrown: unknown) => thrown instanceof AppError && thrown.code === code;

async function eventsOf(runId: string): Promise<readonly Event[]> {
  return Array.fromAsync(client.watchRun({ runId, afterSeq: 0 }));
}

/** What it finds as soon as it finds something; whatever happens in the engine is a reason to look. */
async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const happened = Promise.withResolvers<void>();
    using _ = app.app.engine.subscribe(() => happened.resolve());
    const found = await look();
    if (found !== undefined) return found;
    await happened.promise;
  }
}

describe("answers are as the API's description says", () => {
  test("about the server, its parts and who is signed in", async () => {
    assert.equal((await client.status()).name, "tutti");
    await client.health();
    await client.queues();
    await client.cache();
    await client.clearCache();
    for (const path of ["/health", "/ready", "/echo?a=1"]) await ask(path);
    await client.session();
    await ask("/v1/session", { code: (await client.invite()).code });
    assert.equal((await client.sessions()).length, 1);
  });

  test("about runs, their logs and what is made of them", async () => {
    const { run } = await client.startRun({ workflow: "echo", input: { a: [1] } });
    await eventsOf(run.id);
    await client.run(run.id);
    const { run: other } = await client.startRun({ workflow: "echo", input: { a: [2] } });
    await eventsOf(other.id);
    await client.runs({ workflow: "echo", limit: 1 });
    await client.events(run.id);
    await client.replayRun(run.id);
    await client.receipt(run.id);
    await client.receipt(run.id, { full: true });
    await client.trustEvents({ limit: 20 });
    await client.trace(run.id);
    await client.verify(run.id);
    await client.runInsight(run.id);
    await client.workflowInsight("echo", { faster: "echo:4" });
    assert.equal((await client.diffRuns(run.id, other.id)).diff.isSame, false);
    const { run: waits } = await client.startRun({ workflow: "wait", input: null });
    await until(async () => ((await client.run(waits.id)).waitingFor.length > 0 ? true : undefined));
    await client.waitingFor(waits.id);
    assert.equal(await client.queryRun(waits.id, "state"), "waiting");
    await client.signalRun(waits.id, { name: "go", value: 1 });
    const { run: late } = await client.startRun({ workflow: "wait", input: null });
    await client.cancelRun(late.id, "enough");
    await client.forkRun(run.id, { input: 3 });
    await client.prune({ days: 1000, dry: true });
    await assert.rejects(client.run("no-such-run"), failed("not_found"));
    await client.workflows();
  });

  test("about graphs", async () => {
    await ask("/v1/graphs/schema");
    assert.equal((await client.checkGraph({ text: GRAPH })).ok, true);
    assert.equal((await client.checkGraph({ text: "name: g\nnodes:\n  a: { type: tool, tool: no }\n" })).ok, false);
    const { run } = await client.startGraph({ text: GRAPH, input: {} });
    await until(async () => {
      const { nodes } = await client.graphOf(run.id);
      return nodes.find(({ status }) => status === "waiting");
    });
    await client.amendGraph(run.id, {
      text: `${GRAPH.replace("edges:", "  last: { type: transform, value: 2 }\nedges:")}  - { from: gate, to: last }\n`,
    });
    await client.cancelRun(run.id, "enough");
  });

  test("about tools, what policy says of them, and approvals", async () => {
    await client.tools();
    await client.tool("pay");
    const call = { to: "ada", amount: 7 };
    const { runId } = await client.callTool("pay", call);
    await assert.rejects(client.callTool("pay", { ...call, amount: 700 }), failed("missing_approval"));
    await client.policy();
    await client.policyRules();
    await ask("/v1/policy/schema");
    await client.reloadPolicy();
    const files = [{ name: "tools.yaml", text: TOOLS }];
    await client.checkPolicy(files);
    assert.equal((await client.checkPolicy([{ name: "bad.yaml", text: "version: 1\nrules: [{ id: 1 }]\n" }])).ok, false);
    await client.explainPolicy({ action: { kind: "tool.call", resource: "pay", input: call } });
    await client.explainPolicy({ run: { runId } });
    assert.notEqual((await client.replayPolicy({ files: [{ name: "s.yaml", text: SHADOW }], against: files })).changed, 0);
    await client.shadowPolicy({});
    const { approvalId } = await client.approveCall({ tool: "pay", input: { ...call, amount: 800 }, reason: "once" });
    await client.callApproved({ tool: "pay", input: { ...call, amount: 800 }, approvalId });
    const grant = await client.createGrant({
      tool: "pay",
      usesMax: 2,
      expiresInMs: 60_000,
      where: { to: { equals: "ada" } },
      amount: { path: "amount", max: 2_000 },
    });
    const waiting = client.callTool("pay", { ...call, amount: 900 });
    await waiting;
    await client.grants({ all: true });
    assert.equal((await client.grant(grant.approvalId)).used, 1);
    await client.grants({ kind: "approval", all: true });
    await client.revokeGrant(grant.approvalId, "no more");
    const asked = client.callApproved({ tool: "pay", input: { to: "bob", amount: 500 }, wait: true });
    const [approval] = await until(async () => {
      const approvals = await client.approvals();
      return approvals.length > 0 ? approvals : undefined;
    });
    assert.ok(approval !== undefined);
    await client.answerApproval(approval, { approved: true, reason: "fine", argsHash: approval.call?.argsHash });
    await asked;
  });

  test("about imported tools, plugins and MCP servers", async () => {
    const document = JSON.stringify({
      openapi: "3.1.0",
      info: { title: "Shop", version: "1" },
      servers: [{ url: "https://shop.example" }],
      paths: { "/pets": { get: { operationId: "listPets", responses: { 200: { description: "Pets" } } } } },
    });
    await client.importTools({ name: "shop", document, isDryRun: true });
    await client.importTools({ name: "shop", document });
    await client.toolImports();
    await client.removeToolImport("shop");
    await client.plugins();
    await client.folderPlugins();
    await assert.rejects(client.folderPlugin("none"), failed("not_found"));
    await client.addMcpServer({ name: "nowhere", url: "http://127.0.0.1:9/mcp" });
    await client.mcpServers();
    await client.mcpServer("nowhere");
    await assert.rejects(client.testMcpServer("nowhere"));
    await client.removeMcpServer("nowhere");
  });

  test("about where texts go", async () => {
    await client.explainRoute("what is 2 + 2?");
    await client.explainRoute("what?", ROUTES);
    await ask("/query", { text: "what is 2 + 2?" });
    await ask("/query", { text: "2", intent: "echo" });
    await client.routingShadow();
    await assert.rejects(client.explainRoute("x", "rules: 1"), failed("invalid_input"));
  });

  test("about agents and models, in everybody's format", async () => {
    await client.agents();
    await client.agent("holly");
    await ask("/v1/agents/holly/chat", { message: "What is 2 + 2?" });
    await Array.fromAsync(client.chat({ agent: "holly", messages: [{ role: "user", content: "Hi" }] }));
    const messages = [{ role: "user", content: "Hi" }];
    await client.models();
    await ask("/v1/models/test-model");
    await ask("/v1/models/test-model", undefined, { headers: { "anthropic-version": "2023-06-01" } });
    await client.complete({ model: "test-model", messages });
    await ask("/v1/chat/completions", { model: "holly", messages });
    await ask("/v1/completions", { model: "test-model", prompt: "Hi" });
    await ask("/v1/messages", { model: "test-model", messages, max_tokens: 10 });
    await ask("/v1/messages", { messages });
    await ask("/v1/messages/count_tokens", { model: "test-model", messages });
    const { id } = (await ask("/v1/responses", { model: "test-model", input: "Hi" })) as { readonly id: string };
    await ask(`/v1/responses/${id}`);
    await ask(`/v1/responses/${id}/input_items`);
    await ask("/v1/responses/input_tokens", { model: "test-model", input: "Hi" });
    await ask("/v1/responses/compact", { model: "test-model", input: "Hi" });
    await ask(`/v1/responses/${id}`, undefined, { method: "DELETE" });
    await ask("/v1/embeddings", { model: "embed-1", input: "Hi" });
    await ask("/api/tags");
    await ask("/api/version");
    await ask("/api/chat", { model: "test-model", messages, stream: false });
    await ask("/api/chat", {});
    await client.catalog();
    await client.catalogModel("chat/test-model");
    await client.modelRoutes();
    await client.modelStats();
    await client.planModel({ model: "test-model" });
    await assert.rejects(client.loadModel("no-such-model"));
  });

  test("about files and batches", async () => {
    const form = new FormData();
    const line = {
      custom_id: "1",
      method: "POST",
      url: "/v1/chat/completions",
      body: { model: "test-model", messages: [{ role: "user", content: "Hi" }] },
    };
    form.set("purpose", "batch");
    form.set("file", new Blob([`${JSON.stringify(line)}\n`]), "in.jsonl");
    const file = (await ask("/v1/files", undefined, { method: "POST", body: form })) as { readonly id: string };
    await ask("/v1/files");
    await ask(`/v1/files/${file.id}`);
    await ask(`/v1/files/${file.id}/content`);
    const batch = (await ask("/v1/batches", { input_file_id: file.id, endpoint: "/v1/chat/completions", completion_window: "24h" })) as {
      readonly id: string;
    };
    await ask("/v1/batches");
    await ask(`/v1/batches/${batch.id}`);
    const params = { model: "test-model", max_tokens: 10, messages: [{ role: "user", content: "Hi" }] };
    const other = (await ask("/v1/messages/batches", { requests: [{ custom_id: "1", params }] })) as { readonly id: string };
    await ask(`/v1/files/${file.id}`, undefined, { method: "DELETE" });
    await ask("/v1/messages/batches");
    await ask(`/v1/messages/batches/${other.id}`);
  });

  test("about keys and what they spent", async () => {
    const { key } = await client.createKey({ name: "a key", models: ["test-*"], limits: { budgets: [{ amountUsd: 1, per: "day" }] } });
    await client.key(key.id);
    await client.keys();
    await client.updateKey(key.id, { team: "ours" });
    const { secret } = await client.rotateKey(key.id, 0);
    await ask("/v1/keys/current", undefined, { headers: { authorization: `Bearer ${secret}` } });
    await client.revokeKey(key.id);
    await client.spend({ by: ["key", "model", "day"] });
    await client.spendCsv();
  });

  test("about schedules, supervised work and dead letters", async () => {
    const request = { name: "yearly", workflow: "echo", when: { cron: "0 0 1 1 *", timeZone: "Europe/Rome" }, input: 1 };
    await client.createSchedule(request);
    await client.previewSchedule(request, 3);
    await client.nextTicks("yearly", 2);
    const runId = await client.triggerSchedule("yearly");
    await until(async () => (await client.schedule("yearly")).last ?? undefined);
    await eventsOf(runId);
    await client.schedules();
    await client.updateSchedule({ ...request, overlap: "queue" });
    await client.pauseSchedule("yearly", "holidays");
    await client.resumeSchedule("yearly");
    await client.deleteSchedule("yearly", "over");
    await client.supervise({
      name: "worker",
      workflow: "fail",
      policy: { backoff: { delayMs: 1, delayMaxMs: 1 }, crashLoop: { failuresMax: 2 } },
    });
    await until(async () => ((await client.supervisedOne("worker")).status === "crash loop" ? true : undefined));
    await client.supervised();
    await client.health();
    await client.resumeSupervised("worker");
    await client.stopSupervised("worker", "enough");
    await client.createSchedule({ ...request, name: "failing", workflow: "fail" });
    await client.triggerSchedule("failing");
    const [letter] = await until(async () => {
      const letters = await client.deadLetters();
      return letters.length > 0 ? letters : undefined;
    });
    assert.ok(letter !== undefined);
    await client.deadLetter(letter.id);
    await client.retryDeadLetter(letter.id, {});
    const again = await until(async () => (await client.deadLetters()).find(({ attempts }) => attempts > 1));
    await client.dismissDeadLetter(again.id, "never mind");
  });

  test("about events, subscriptions and webhooks", async () => {
    await client.publishEvent({ type: "order.placed", data: { id: 7 } });
    await client.publications({ type: "order.*" });
    await client.subscribe({ name: "orders", filter: { prefix: { type: "order." } }, target: { type: "workflow", workflow: "echo" } });
    await client.subscriptions();
    await client.subscription("orders");
    await client.pauseSubscription("orders", "later");
    await client.rewindSubscription("orders", "beginning");
    await client.resumeSubscription("orders");
    await client.deleteSubscription("orders");
    await client.subscribe({ name: "pulled", target: { type: "pull" }, from: "beginning" });
    await ask("/v1/subscriptions/pulled/events");
    await client.acknowledgeEvents("pulled", 1);
    await client.webhooks();
    await client.webhookSecret("https://example.com/hook");
  });

  test("about many runs, saved graphs, views and the configuration", async () => {
    const { runs } = await client.runs({ parent: "none", limit: 2 });
    await client.runs({ text: "echo", limit: 2 });
    await client.runCounts();
    await client.activity({ since: new Date(Date.now() - 3_600_000).toISOString(), bucketSeconds: 600 });
    await client.bulkRuns({ action: "retry", ids: [...runs.map(({ id }) => id), "none"] });
    const { $blob } = await app.app.store.putBlob("a large value");
    await client.blob($blob);
    const graph = (value: string) => ({ name: "kept", version: "1", nodes: { only: { type: "transform", value } }, edges: [] });
    await client.saveGraph("kept", { graph: graph("a") });
    await client.saveGraph("kept", { graph: graph("b"), message: "another" });
    await client.savedGraphs();
    await client.savedGraph("kept");
    await client.savedGraph("kept", 1);
    await client.graphVersions("kept");
    await client.graphDifference("kept", { from: 1, to: 2 });
    await client.startSavedGraph("kept", { input: {} });
    await client.saveView("mine", { sort: "newest" });
    await client.views();
    await client.view("mine");
    await client.config();
  });

  test("about most of what there is", () => {
    const own = shapes.operations.filter(({ path }) => path.startsWith("/v1/"));
    const unseen = own.filter(
      ({ method, path, successes }) => !Object.keys(successes).some((status) => shapes.seen.has(`${method} ${path} ${status}`)),
    );
    // What is left takes more than two models and a tool: a second person, a download, a plugin's process. Each has tests of its own.
    assert.ok(unseen.length * 4 < own.length, unseen.map(({ method, path }) => `${method} ${path}`).join(", "));
  });
});
