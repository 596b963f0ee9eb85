import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { createClient, type Client } from "@tutti/client";
import { defineWorkflow, type Plugin } from "@tutti/core";
import type { Panel } from "@tutti/core/plugin";
import { z } from "zod";
import { readApiShapes } from "../../testing/api-shapes.ts";
import { startTestApp, type TestApp } from "../../testing.ts";

const SHOP = fileURLToPath(new URL("../../../../../examples/plugins/shop", import.meta.url));

interface Desk extends AsyncDisposable {
  readonly app: TestApp;
  readonly client: Client;
  readonly dir: string;
}

async function openDesk(options: Parameters<typeof startTestApp>[0] = {}): Promise<Desk> {
  const dir = await mkdtemp(join(tmpdir(), "tutti-panels-"));
  const app = await startTestApp({ plugins: [], ...options, pluginsDir: dir });
  return {
    app,
    client: createClient({ baseUrl: app.url, token: app.token }),
    dir,
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

test("the example's panels are listed by slot and show what feeds them, each in its own shape", async () => {
  await using desk = await openDesk();
  const { client, app } = desk;
  await cp(SHOP, join(desk.dir, "shop"), { recursive: true });
  assert.deepEqual(await client.panels(), []);
  assert.equal((await app.fetch("/v1/plugins/shop/enable", {})).status, 200);
  const panels = await client.panels();
  assert.deepEqual(
    panels.map(({ id, view, plugin, version }) => `${plugin} ${version ?? ""} ${id} ${view}`),
    [
      "revenue stat",
      "stock table",
      "sales chart",
      "changes timeline",
      "set-stock form",
      "trending table",
      "campaigns table",
      "demand chart",
      "adjust-price form",
      "orders table",
      "support timeline",
      "ask chat",
      "about markdown",
    ].map((one) => `shop 1.0.0 ${one}`),
  );
  assert.deepEqual(
    (await client.panels("data")).map(({ id, allowed }) => [id, allowed.effect]),
    [["sales", "allow"]],
  );
  const show = async (panel: string, input = {}) => (await client.panelData({ plugin: "shop", panel, input })).content;
  assert.deepEqual(await show("revenue"), { view: "stat", value: 369, change: -13 / 131 });
  assert.deepEqual(await show("stock", { below: 3, shelf: "tea" }), {
    view: "table",
    rows: [{ name: "Sencha", count: 3, price: 9, page: "https://example.com/sencha" }],
    rowsTotal: 1,
  });
  const sales = await show("sales");
  assert.equal(sales.view, "chart");
  assert.deepEqual(sales.view === "chart" && sales.points.at(-1), {
    x: "2026-01-05T00:00:00.000Z",
    y: { sold: null, expected: 131, low: 99, high: 163 },
  });
  assert.deepEqual(await show("changes"), { view: "timeline", entries: [], entriesTotal: 0 });
  assert.deepEqual(await show("set-stock", { article: "Sencha", count: 20 }), { view: "form", output: { article: "Sencha", count: 20 } });
  const changes = await show("changes");
  assert.deepEqual(changes.view === "timeline" && changes.entries.map(({ label, detail }) => [label, detail]), [["Sencha", "counted: 20"]]);
  assert.match(JSON.stringify(await show("about")), /kept by the plugin/);
});

test("/openapi.json describes the panels and what they show, and answers are as it says", async () => {
  await using desk = await openDesk();
  await cp(SHOP, join(desk.dir, "shop"), { recursive: true });
  await desk.app.fetch("/v1/plugins/shop/enable", {});
  const shapes = await readApiShapes(desk.app);
  const described = shapes.operations.filter(({ path }) => path.startsWith("/v1/panels"));
  assert.deepEqual(
    described.map(({ method, path, hasBody }) => [`${method} ${path}`, hasBody]),
    [
      ["GET /v1/panels", false],
      ["POST /v1/panels/{plugin}/{panel}/data", true],
    ],
  );
  const client = createClient({ baseUrl: desk.app.url, token: desk.app.token, fetch: shapes.fetch });
  const panels = await client.panels();
  assert.equal(panels.length, 13);
  for (const { id, view } of panels)
    if (view !== "form" && view !== "chat")
      assert.equal((await client.panelData({ plugin: "shop", panel: id, input: {} })).content.view, view);
  assert.deepEqual([...shapes.seen].toSorted(), ["GET /v1/panels 200", "POST /v1/panels/{plugin}/{panel}/data 200"]);
});

test("what a person enters must fit the fields, and cannot change what the panel has fixed", async () => {
  await using desk = await openDesk();
  await cp(SHOP, join(desk.dir, "shop"), { recursive: true });
  await desk.app.fetch("/v1/plugins/shop/enable", {});
  const ask = (input: Readonly<Record<string, never>> | object) =>
    desk.client.panelData({ plugin: "shop", panel: "set-stock", input: input as never });
  await assert.rejects(ask({ count: 1 }), { code: "invalid_input", message: /article is required/ });
  await assert.rejects(ask({ article: "Assam", count: -1 }), { code: "invalid_input", message: /count must be a number from 0/ });
  await assert.rejects(ask({ article: "Assam", count: 1, reason: "stolen" }), {
    code: "invalid_input",
    message: /reason is none of its fields/,
  });
  await assert.rejects(desk.client.panelData({ plugin: "shop", panel: "nope" }), {
    code: "not_found",
    message: /there are: revenue, stock/,
  });
  await assert.rejects(ask({ article: "Nothing", count: 1 }), { code: "not_found" });
});

test("a panel's call is decided as the call of whoever looks, and is a run in the log", async () => {
  await using desk = await openDesk();
  await cp(SHOP, join(desk.dir, "shop"), { recursive: true });
  await desk.app.fetch("/v1/plugins/shop/enable", {});
  const { panels } = desk.app.app;
  const stranger = { id: "stranger", tenant: "default", roles: [] };
  const ask = { plugin: "shop", panel: "stock", input: {} };
  await assert.rejects(panels.data({ ...ask, principal: stranger }, new AbortController().signal), { code: "denied" });
  assert.equal(panels.list(stranger).length, 13);
  const { runId } = await desk.client.panelData({ plugin: "shop", panel: "stock" });
  const { run } = await desk.client.run(runId ?? "");
  assert.deepEqual([run.workflow, run.status], ["tutti.tool-call", "completed"]);
  await desk.app.fetch("/v1/plugins/shop/disable", {});
  assert.deepEqual(await desk.client.panels(), []);
});

const base = { name: "demo", version: "1.0.0", description: "A test.", permissions: { tools: ["echo"] } };

async function problemOf(desk: Desk, manifest: object): Promise<string> {
  await mkdir(join(desk.dir, "demo"), { recursive: true });
  await writeFile(join(desk.dir, "demo", "tutti.plugin.json"), JSON.stringify({ ...base, ...manifest }, null, 1));
  const answer = (await (await desk.app.fetch("/v1/plugins/demo/enable", {})).json()) as { readonly error: { readonly message: string } };
  await rm(join(desk.dir, "demo"), { recursive: true });
  return answer.error.message;
}

test("a panel that is not right is refused with its place in the manifest", async () => {
  await using desk = await openDesk();
  const stat = { id: "a", title: "A", slot: "overview", view: "stat", source: { tool: "echo" } };
  const of = (...panels: readonly object[]): Promise<string> => problemOf(desk, { panels });
  assert.match(await of({ ...stat, slot: "nowhere" }), /panels\[0\]\.slot must be one of "overview".*tutti\.plugin\.json:14:12/s);
  assert.match(await of({ ...stat, view: "video" }), /panels\[0\]\.view must be one of "stat", "table"/);
  assert.match(await of({ ...stat, source: { url: "https://example.com" } }), /panels\[0\]\.source must be what feeds it: \{tool, input\}/);
  assert.match(await of({ ...stat, refreshSeconds: 1 }), /at least 5 seconds/);
  assert.match(await of({ ...stat, color: "red" }), /panels\.0\.color is no key of a manifest/);
  assert.match(await of(stat, stat), /panels\[1\]\.id must be an id of its own, got a again/);
  assert.match(await of({ ...stat, view: "form", source: { dataset: "x" } }), /panels\[0\]\.source must be a tool/);
  assert.match(
    await of({
      ...stat,
      fields: [
        { key: "a", kind: "text" },
        { key: "a", kind: "date" },
      ],
    }),
    /fields\[1\]\.key must be a key of its own/,
  );
  assert.match(await of({ ...stat, source: { tool: "web_fetch" } }), /names web_fetch, which is neither.*\(tutti\.plugin\.json:\d+:\d+\)/);
  assert.match(await of({ ...stat, source: { dataset: "x" } }), /names the data set x; there are: none \(tutti\.plugin\.json:\d+:\d+\)/);
  const datasets = [{ name: "x", description: "X.", file: "x.json" }];
  assert.match(await problemOf(desk, { datasets }), /the data set x\.json cannot be read/);
});

const counting = defineWorkflow<null, number>({
  name: "counting",
  version: "1",
  input: z.null(),
  async run(ctx) {
    ctx.onQuery("count", () => ({ total: 7 }));
    await ctx.waitFor("go");
    return 7;
  },
});

test("a trusted plugin's panel shows what the newest run under way of a workflow says of itself", async () => {
  const panel: Panel = {
    id: "count",
    title: "Count",
    slot: "operations",
    view: "stat",
    at: "total",
    source: { workflow: "counting", query: "count" },
  };
  const plugin: Plugin = { name: "counter", workflows: [counting], panels: [panel] };
  await using desk = await openDesk({ inlinePlugins: [plugin] });
  await assert.rejects(desk.client.panelData({ plugin: "counter", panel: "count" }), { code: "not_found", message: /tutti run counting/ });
  const { run } = await desk.client.startRun({ workflow: "counting", input: null });
  const shown = await desk.client.panelData({ plugin: "counter", panel: "count" });
  assert.deepEqual([shown.runId, shown.content], [run.id, { view: "stat", value: 7, change: null }]);
});
