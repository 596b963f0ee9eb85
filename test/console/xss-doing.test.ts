import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { createClient } from "@tutti/client";
import { startOpenAiUpstream, type OpenAiUpstream } from "../../packages/server/src/testing/openai-upstream.ts";
import { openConsole, type TestConsole } from "./console.ts";
import { hostileAddresses, hostileLine, hostileText } from "./hostile-texts.ts";
import { fillWithHostility, hostilePlugin, type HostileRuns } from "./hostile-world.ts";
import { openWatched, settled } from "./watched.ts";

let upstream: OpenAiUpstream;
let tutti: TestConsole;
let runs: HostileRuns;
before(async () => {
  upstream = await startOpenAiUpstream(() => ({ type: "text", pieces: hostileText("stream").match(/[^]{1,40}/g) ?? [] }));
  tutti = await openConsole({ modelBaseUrl: upstream.baseUrl, model: "test-model", inlinePlugins: [hostilePlugin], toolsAllow: ["mail"] });
  runs = await fillWithHostility(tutti.tutti);
});
after(async () => {
  await tutti[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

test("every address of the router is looked at by one of these tests", async () => {
  const router = await readFile(new URL("../../packages/console/src/router.tsx", import.meta.url), "utf8");
  const tests = await Promise.all(["xss", "xss-doing"].map((name) => readFile(new URL(`${name}.test.ts`, import.meta.url), "utf8")));
  const addresses = [...router.matchAll(/page\("([^"]+)"/g)].map(([, address = ""]) => address);
  assert.ok(addresses.length > 15);
  const unseen = addresses.filter((address) => !tests.join("\n").includes(address.split("$")[0] ?? ""));
  assert.deepEqual(unseen, []);
});

test("what opens from a list shows a stranger's words as text: schedules, dead letters, approvals, events, tools of an MCP server", async () => {
  const { page, holds, go } = await openWatched(tutti);
  for (const path of ["/schedules", "/dead-letters", "/approvals", "/events", "/runs"]) {
    await go(path);
    const rows = page.getByRole("row").filter({ has: page.getByRole("gridcell") });
    if ((await rows.count()) === 0) continue;
    await rows.first().click();
    await settled(page);
    await holds(`what opens from ${path}`);
  }
  await go("/settings/mcp");
  await page.getByRole("button", { name: "Tools …" }).first().click();
  await page.getByRole("dialog").getByText("read_mail").first().waitFor();
  await holds("the tools of an MCP server");
});

test("a model's words run nothing while they stream, in a chat and side by side, nor after a reload", async () => {
  const { page, holds, go } = await openWatched(tutti);
  await go("/agents/mallory");
  await page.getByRole("textbox").last().fill(hostileLine("question"));
  await page.keyboard.press("Enter");
  await page.getByRole("log", { name: "Messages" }).getByText("[picture: ").first().waitFor();
  await holds("a chat");
  await page.reload();
  await page.getByRole("log", { name: "Messages" }).getByText("[picture: ").first().waitFor();
  await holds("a chat after a reload");
  await go("/compare?a=test-model&b=mallory");
  await page.getByLabel("Prompt").fill(hostileText("prompt"));
  await page.getByRole("button", { name: "Ask both" }).click();
  await page.getByText("[picture: ").nth(1).waitFor();
  await holds("two models side by side");
});

test("the palette, its windows, and the forms and errors they show take a stranger's words as text", async () => {
  const { page, holds, go } = await openWatched(tutti);
  await go("/");
  for (const text of ["onerror", "javascript:", "{{1}}", hostileAddresses("palette")[0] ?? ""]) {
    await page.keyboard.press("Control+k");
    await page.locator("[role=combobox]:focus").waitFor();
    await page.keyboard.insertText(text);
    await settled(page);
    await holds(`the palette with ${text}`);
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
  }
  await page.keyboard.press("Control+k");
  await page.locator("[role=combobox]:focus").waitFor();
  await page.keyboard.insertText("Call the tool mail");
  await page.locator("[role=option][aria-selected=true]").filter({ hasText: "mail" }).waitFor();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").getByRole("button", { name: "Call it" }).click();
  await page.getByText("Its run is").waitFor();
  await holds("a tool's answer");
});

test("a form made from a hostile schema, and the editor of a hostile graph, run nothing and hang on nothing", async () => {
  const { page, holds, go } = await openWatched(tutti);
  const graph = {
    name: "hostile-form",
    input: {
      type: "object",
      properties: {
        slow: {
          type: "string",
          title: hostileLine("title"),
          description: hostileText("about").replaceAll("${", "$ {"),
          pattern: "^(a+)+$",
        },
        choice: { enum: [hostileLine("choice"), "__proto__", "constructor"] },
        constructor: { type: "string", title: "constructor" },
        number: { type: "number", title: hostileLine("number") },
      },
    },
    nodes: { one: { type: "transform", title: hostileLine("one"), value: 1 } },
    edges: [],
  };
  const saved = await createClient({ baseUrl: tutti.tutti.url, token: tutti.tutti.token }).saveGraph("hostile-form", { graph });
  assert.ok(saved.ok, JSON.stringify(saved));
  await go("/workflows/hostile-form");
  await page
    .getByRole("textbox")
    .first()
    .fill(`${"a".repeat(60)}!`);
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await settled(page);
  await holds("a form made from a hostile schema");
  await go("/workflows/hostile-form?tab=edit");
  await page.locator(".react-flow__node").first().click();
  await holds("the graph editor");
  await go(`/runs/${runs.graph}?tab=graph`);
  await page.locator(".react-flow__node").first().click();
  await holds("a run's graph");
});
