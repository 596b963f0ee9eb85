import assert from "node:assert/strict";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createClient, type Client } from "@tutti/client";
import { AppError, defineWorkflow, type Decision, type Json, type Plugin } from "@tutti/core";
import { z } from "zod";
import { startOpenAiUpstream, type OpenAiUpstream } from "../../packages/server/src/testing/openai-upstream.ts";
import { openConsole, violations, visit, type ConsolePage, type TestConsole } from "./console.ts";

const reading = (name: string, run: () => Promise<Json>) => ({
  name,
  description: "Reads.",
  effect: "read",
  parameters: { type: "object" },
  run,
});

/** Panels that fail in every way, beside one that does not; and a policy that wants prices looked at. */
const trouble = {
  name: "trouble",
  policies: [
    ({ kind, resource }: { readonly kind: string; readonly resource: string }): Decision | undefined =>
      kind === "tool.call" && resource === "shop_set_price" ? { effect: "ask", reason: "prices are looked at", rule: "prices" } : undefined,
  ],
  tools: [
    reading("broken", () => Promise.reject(new AppError("upstream", "the warehouse does not answer"))),
    reading("odd", async () => ({ rows: "no rows at all" })),
    reading("fine", async () => ({ value: 42 })),
    reading("secret", async () => ({ value: 1 })),
  ],
  workflows: [
    defineWorkflow({
      name: "counting",
      version: "1",
      input: z.json(),
      run: async (ctx) => {
        ctx.onQuery("count", () => ({ value: 7 }));
        return (await ctx.waitFor("stop")) ?? null;
      },
    }),
  ],
  panels: [
    { id: "idle", title: "It is idle", slot: "page", view: "stat", source: { workflow: "counting", query: "count" }, at: "value" },
    { id: "fine", title: "It is fine", slot: "overview", view: "stat", source: { tool: "fine" }, at: "value", format: "number" },
    { id: "fails-too", title: "It fails here", slot: "overview", view: "stat", source: { tool: "broken" }, at: "value" },
    {
      id: "odd-too",
      title: "It is odd here",
      slot: "overview",
      view: "table",
      source: { tool: "odd" },
      at: "rows",
      columns: [{ key: "a" }],
    },
    { id: "denied-too", title: "It is denied here", slot: "overview", view: "stat", source: { tool: "secret" }, at: "value" },
  ],
} as unknown as Plugin;

let upstream: OpenAiUpstream;
let tutti: TestConsole;
let client: Client;
let pluginsDir: string;
before(async () => {
  pluginsDir = await mkdtemp(join(tmpdir(), "tutti-panels-"));
  upstream = await startOpenAiUpstream(() => ({ type: "text", pieces: ["Three lids ", "are chipped."] }));
  tutti = await openConsole({
    pluginsDir,
    inlinePlugins: [trouble],
    toolsAllow: ["broken", "odd", "fine"],
    modelBaseUrl: upstream.baseUrl,
    model: "test-model",
  });
  client = createClient({ baseUrl: tutti.tutti.url, token: tutti.tutti.token });
});
after(async () => {
  await tutti[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
  await rm(pluginsDir, { recursive: true, force: true });
});

const panel = (page: ConsolePage, name: string) => page.getByRole("region", { name, exact: true });

test("without a shop the commerce page says how to have one; with it every view stands in its place", async () => {
  const page = await tutti.open("/commerce");
  await page.getByText("No plugin brings commerce panels yet").waitFor();
  await page.getByRole("button", { name: "Copy the command" }).waitFor();
  for (const place of ["Trending keywords", "Demand forecasts", "Price adjustments", "Campaigns", "Support", "Orders"])
    await page.getByRole("heading", { name: place }).waitFor();
  assert.deepEqual(await violations(page), []);

  await installShop();
  await page.reload();
  await panel(page, "Revenue").getByText("€369.00").waitFor();
  const keywords = panel(page, "Trending keywords");
  await keywords.getByRole("row").filter({ hasText: "glass teapot" }).getByText("42%").waitFor();
  const alignment = '[...document.querySelectorAll("td")].map((cell) => [cell.textContent, getComputedStyle(cell).textAlign])';
  const alignments = new Map((await page.evaluate(alignment)) as readonly (readonly [string, string])[]);
  assert.deepEqual([alignments.get("42%"), alignments.get("glass teapot")], ["end", "start"]);
  const link = keywords.getByRole("link", { name: /trends\/glass-teapot/ });
  assert.match((await link.getAttribute("rel")) ?? "", /noopener/);
  const fan = page.getByRole("figure", { name: "Demand forecast" });
  await fan.getByText("Expected").first().waitFor();
  await fan.getByRole("table").getByRole("row").nth(28).waitFor({ state: "attached" });
  assert.equal(await fan.getByRole("table").getByRole("row").count(), 29);
  await panel(page, "Campaigns").getByText("running").waitFor();
  await panel(page, "Orders").getByText("on its way").waitFor();
  await panel(page, "Support").getByText("Asks when the parcel comes").waitFor();
  await panel(page, "About the shop").getByText("sales.json").waitFor();
  assert.deepEqual(await violations(page), []);
  assert.deepEqual([...page.problems], []);
});

test("a field changes what its panel shows, and a form is asked about first, sends, and shows its receipt", async () => {
  await installShop();
  const page = await tutti.open("/commerce");
  // What is still coming would move what is pressed.
  await visit(page, "/commerce");
  const stock = panel(page, "Stock");
  await stock.getByText("Assam", { exact: true }).waitFor();
  await stock.getByLabel("At most").fill("3");
  await stock.getByText("Assam", { exact: true }).waitFor({ state: "detached" });
  const form = panel(page, "Set stock");
  await form.getByLabel("Article *").fill("Nothing");
  await form.getByLabel("In stock *").fill("5");
  await form.getByRole("button", { name: "Save" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await form.getByRole("alert").getByText("not_found").waitFor();
  await form.getByLabel("Article *").fill("Assam");
  await form.getByLabel("In stock *").fill("2");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await form.getByRole("group", { name: "Result" }).getByText(/Assam/).waitFor();
  await stock.getByText("Assam", { exact: true }).waitFor();
  await panel(page, "Changes").getByText("counted: 2").waitFor();
  await form.getByRole("link", { name: "receipt" }).click();
  await page.waitForURL(/runs\/.*tab=receipt/);
  assert.deepEqual([...page.problems], []);
});

test("a price that policy wants looked at waits in its panel, and is done when somebody approves it", async () => {
  await installShop();
  const [page, other] = [await tutti.open("/commerce"), await tutti.open("/approvals")];
  await visit(page, "/commerce");
  const form = panel(page, "Price adjustment");
  await form.getByLabel("Article *").selectOption("Sencha");
  await form.getByLabel("New price *").fill("8.5");
  await form.getByRole("button", { name: "Adjust" }).click();
  await form.getByText("Policy asks for an approval.").waitFor();
  await form.getByRole("link", { name: "See what is asked" }).waitFor();
  assert.deepEqual(await violations(page), []);
  await other.getByRole("article", { name: "Approval of shop_set_price" }).waitFor();
  await other.getByRole("button", { name: "Approve", exact: true }).click();
  await form.getByRole("group", { name: "Result" }).getByText("8.5").waitFor();
  await panel(page, "Stock").getByRole("row").filter({ hasText: "Sencha" }).getByText("€8.50").waitFor();
  assert.deepEqual([...page.problems, ...other.problems], []);
});

test("a chat panel is a conversation: asked and answered in its place, and gone on with on the agent's page", async () => {
  await installShop();
  const page = await tutti.open("/commerce");
  const chat = panel(page, "Ask about the shop");
  const box = chat.getByLabel("Message to holly");
  await box.waitFor();
  assert.equal(await page.evaluate("document.activeElement.tagName"), "BODY");
  await box.fill("What do people complain about?");
  await page.keyboard.press("Enter");
  await chat.getByText("Three lids are chipped.").first().waitFor();
  assert.deepEqual(await violations(page), []);
  await chat.getByRole("link", { name: "Go on with it on the agent's page" }).click();
  await page.waitForURL(/agents\/holly.*run=/);
  await page.getByText("Three lids are chipped.").first().waitFor();
  assert.deepEqual([...page.problems], []);
});

test("a source that fails, gives something else, or is not allowed tells so in its panel, and the others go on", async () => {
  const page = await tutti.open("/?scene=2d");
  await panel(page, "It is fine").getByText("42").waitFor();
  await panel(page, "It fails here").getByText("the warehouse does not answer").waitFor();
  await panel(page, "It is odd here").getByText("invalid_output").waitFor();
  await panel(page, "It is denied here")
    .getByText(/Policy does not let you see this/)
    .waitFor();
  await page.getByRole("region", { name: "Health" }).waitFor();
  assert.deepEqual(await violations(page), []);
  await page.goto(`${tutti.tutti.url}/admin/panels/trouble/idle`);
  await panel(page, "It is idle").getByText("not_found").waitFor();
  const { run } = await client.startRun({ workflow: "counting", input: null });
  await panel(page, "It is idle").getByRole("button", { name: "Try again" }).click();
  await panel(page, "It is idle").getByText("7", { exact: true }).waitFor();
  await page.goto(`${tutti.tutti.url}/admin/panels/trouble/nothing`);
  await page.getByText("No plugin called trouble brings this panel now").waitFor();
  await client.cancelRun(run.id, "enough");
  assert.deepEqual([...page.problems], []);
});

/** Puts the example shop into the plugins folder and enables it, once. */
async function installShop(): Promise<void> {
  if ((await client.panels()).some(({ plugin }) => plugin === "shop")) return;
  await cp(join(import.meta.dirname, "../../examples/plugins/shop"), join(pluginsDir, "shop"), { recursive: true });
  await client.folderPlugins();
  const { wants } = await client.folderPlugin("shop");
  await client.enableFolderPlugin("shop", wants);
}
