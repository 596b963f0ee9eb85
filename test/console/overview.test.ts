import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createClient, type Client } from "@tutti/client";
import { AppError, defineWorkflow, type Decision, type Plugin } from "@tutti/core";
import { z } from "zod";
import { startOpenAiUpstream, type OpenAiUpstream } from "../../packages/server/src/testing/openai-upstream.ts";
import { openConsole, until, violations, visit, type ConsolePage, type TestConsole } from "./console.ts";

/** Work of every kind that can need somebody. */
const works: Plugin = {
  name: "works",
  policies: [
    ({ kind, resource }): Decision | undefined =>
      kind === "tool.call" && resource === "echo" ? { effect: "ask", reason: "words are looked at", rule: "words" } : undefined,
  ],
  workflows: [
    defineWorkflow({ name: "hold", version: "1", input: z.json(), run: async (ctx) => (await ctx.waitFor("go")) ?? null }),
    defineWorkflow({ name: "report", version: "1", input: z.json(), run: async () => "done" }),
    defineWorkflow({
      name: "breaks",
      version: "1",
      input: z.json(),
      run: () => Promise.reject(new AppError("upstream", "the bank is closed")),
    }),
    defineWorkflow({
      name: "silent",
      version: "1",
      input: z.json(),
      run: (ctx) =>
        ctx.step(
          "load",
          ({ signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("left")), { once: true })),
          { heartbeatMs: 100, attemptsMax: 1_000, backoff: { delayMs: 1, delayMaxMs: 1 } },
        ),
    }),
  ],
};

let upstream: OpenAiUpstream;
let tutti: TestConsole;
let client: Client;
before(async () => {
  upstream = await startOpenAiUpstream(undefined, { models: ["gpt-4o-mini"] });
  tutti = await openConsole({
    inlinePlugins: [works],
    toolsAllow: ["safe_calc"],
    providers: [{ name: "openai", kind: "openai", baseUrl: upstream.baseUrl, apiKey: "sk-stand-in", models: ["gpt-4o-mini"] }],
  });
  client = createClient({ baseUrl: tutti.tutti.url, token: tutti.tutti.token });
});
after(async () => {
  await tutti[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

const region = (page: ConsolePage, name: string | RegExp) => page.getByRole("region", { name });
const needs = (page: ConsolePage) => region(page, /^Needs you now/);
/** Nothing that needs somebody is on its way to its place. */
const STANDING = `[...document.querySelectorAll("section[aria-label^='Needs you now'] li")].every((line) => {
  const { opacity, transform } = getComputedStyle(line);
  return opacity === "1" && transform === "none";
})`;
/** Goes to the overview, until all of it is there: what comes later moves what stands below it. */
async function back(page: ConsolePage): Promise<void> {
  await visit(page, "/?scene=2d");
  await until(page, STANDING);
}

test("what needs somebody appears without a reload, each kind in its own words, and leads to where it is dealt with", async () => {
  const page = await tutti.open("/?scene=2d");
  await needs(page).getByText("Nothing needs you").waitFor();
  assert.deepEqual(await violations(page), []);

  const asked = tutti.tutti.fetch("/v1/tools/execute", { tool: "echo", input: { text: "loud words" }, wait: true });
  await client.supervise({
    name: "teller",
    workflow: "breaks",
    policy: { crashLoop: { failuresMax: 1, withinMs: 60_000, action: "pause" } },
  });
  await client.supervise({ name: "reader", workflow: "silent" });
  await spendAll("shop");
  const need = (kind: string) => needs(page).getByRole("link").filter({ hasText: kind });
  await need("approval").filter({ hasText: "echo" }).waitFor();
  await need("crash loop").filter({ hasText: "the bank is closed" }).waitFor();
  await need("stuck").filter({ hasText: "reader" }).waitFor();
  await need("spent").filter({ hasText: "shop" }).waitFor();
  // Each comes in gently; half there it is pale.
  await until(page, STANDING);
  assert.deepEqual(await violations(page), []);
  assert.equal(await needs(page).getByText("supervised teller").count(), 0);

  await need("crash loop").click();
  await region(page, "teller").getByText("crash loop").waitFor();
  await back(page);
  await need("spent").click();
  await page.getByRole("meter", { name: /per total/ }).waitFor();
  await back(page);
  await need("approval").click();
  await page.waitForURL(/approvals\?approval=/);
  await page.getByRole("article", { name: "Approval of echo" }).waitFor();
  await page.getByRole("button", { name: "Deny" }).click();
  assert.equal((await asked).status, 403);
  await back(page);
  await need("crash loop").waitFor();
  await need("approval").waitFor({ state: "detached" });
  assert.deepEqual([...page.problems], []);
});

test("counters, errors, cost, schedules and health change as things happen, and lead to their pages", async () => {
  const page = await tutti.open("/?scene=2d");
  const stat = (name: string) => page.getByRole("link", { name: new RegExp(`^${name}`) });
  await stat("Waiting").waitFor();
  const { run } = await client.startRun({ workflow: "hold", input: null });
  await stat("Waiting")
    .getByText(/^[1-9]/)
    .waitFor();
  await client.startRun({ workflow: "breaks", input: "once" });
  const errors = region(page, "Errors");
  await errors.getByText("the bank is closed").first().waitFor();
  await errors.getByText("upstream", { exact: true }).first().waitFor();
  await stat("Cost, last day")
    .getByText(/\$0\.0*[1-9]/)
    .waitFor();
  await client.createSchedule({ name: "nightly", workflow: "report", when: { cron: "0 3 * * *" } });
  await region(page, "Next to start").getByRole("link", { name: "nightly" }).waitFor();
  await region(page, "Health").getByText("store").waitFor();
  await page.getByRole("table").filter({ hasText: "US dollars, by half hours" }).waitFor({ state: "attached" });

  await back(page);
  for (const [link, address] of [
    ["Waiting", /runs\?status=waiting/],
    ["Failed, last day", /runs\?status=failed/],
    ["Cost, last day", /data\?by=model/],
  ] as const) {
    await stat(link).click();
    await page.waitForURL(address);
    await back(page);
  }
  await errors.getByRole("link").filter({ hasText: "breaks" }).first().click();
  await page.waitForURL(/runs\/[0-9a-f-]+/);
  await back(page);
  await region(page, "Health").getByRole("link", { name: "Why, and what to do" }).click();
  await page.getByRole("region", { name: "Parts" }).waitFor();
  await client.cancelRun(run.id, "enough");
});

test("each body of the constellation is a link, with the mouse and with the keyboard; runs circle what runs", async () => {
  const page = await tutti.open("/?scene=2d");
  const sky = page.getByRole("group", { name: "Agents, models, tools and workflows" });
  const { run } = await client.startRun({ workflow: "hold", input: null });
  await page.getByRole("link", { name: /^[1-9]\d* runs? under way$/ }).waitFor();
  await back(page);
  await sky.getByRole("link", { name: "workflow hold" }).click();
  await page.getByRole("heading", { level: 1, name: "hold" }).waitFor();
  await back(page);
  const links = sky.getByRole("link");
  // What is read comes one after the other, and each kind takes its place among the others.
  for (const kind of ["agent", "model", "tool", "workflow"])
    await sky
      .getByRole("link", { name: new RegExp(`^${kind} `) })
      .first()
      .waitFor();
  await links.first().focus();
  await page.keyboard.press("ArrowRight");
  await links.nth(1).and(page.locator(":focus")).waitFor();
  assert.equal(await sky.locator("a[tabindex='0']").count(), 1);
  await page.keyboard.press("Home");
  await page.keyboard.press("End");
  await sky
    .getByRole("link", { name: /^tool / })
    .and(page.locator(":focus"))
    .waitFor();
  await sky.getByRole("link", { name: "agent holly" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "holly" }).waitFor();
  await client.cancelRun(run.id, "enough");
});

test("the picture in depth comes only when it is asked for or drawn well, and the keyboard reaches its bodies too", async () => {
  const still = await tutti.open("/", { reducedMotion: "reduce" });
  await still.getByRole("group", { name: "Agents, models, tools and workflows" }).waitFor();
  const scenes: string[] = [];
  const page = await tutti.open("/?scene=2d");
  page.on("request", (request) => request.url().includes("scene-sky") && scenes.push(request.url()));
  await page.getByRole("group", { name: "Agents, models, tools and workflows" }).waitFor();
  assert.deepEqual(scenes, []);
  await page.keyboard.press("Control+k");
  await page.locator("[role=combobox]:focus").waitFor();
  await page.keyboard.insertText("Constellation in depth");
  await page.locator("[role=option][aria-selected=true]").filter({ hasText: "Constellation in depth" }).waitFor();
  await page.keyboard.press("Enter");
  await page.waitForURL(/scene=3d/);
  const list = page.getByRole("list", { name: "Agents, models, tools and workflows" });
  await list.getByRole("link", { name: "agent holly" }).focus();
  await region(page, "Constellation").locator("canvas").waitFor({ state: "attached" });
  assert.equal(scenes.length, 1);
  assert.deepEqual(await violations(page), []);
  // Its colours are the theme's, also when the device changes it.
  const drawn = await region(page, "Constellation").locator("canvas").elementHandle();
  await page.emulateMedia({ colorScheme: "dark" });
  await page.waitForFunction((canvas) => canvas?.isConnected === false, drawn);
  await region(page, "Constellation").locator("canvas").waitFor({ state: "attached" });
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "holly" }).waitFor();
  assert.deepEqual([...page.problems, ...still.problems], []);
});

test("where a device draws no depth after all, the flat picture is there and the page stays whole", async () => {
  const page = await tutti.open("/?scene=2d");
  await page.context().addInitScript(`
    const get = HTMLCanvasElement.prototype.getContext;
    HTMLCanvasElement.prototype.getContext = function (kind, ...rest) { return kind.startsWith("webgl") ? null : get.call(this, kind, ...rest); };
    delete window.requestIdleCallback; // Safari has none, and needs none.
  `);
  await page.goto(`${tutti.tutti.url}/admin/?scene=3d`);
  const sky = page.getByRole("group", { name: "Agents, models, tools and workflows" });
  await sky.getByRole("link", { name: "agent holly" }).waitFor();
  await page.getByRole("heading", { level: 2, name: "Health" }).waitFor();
  assert.equal(await page.locator("canvas[data-engine]").count(), 0);
  await page.keyboard.press("Control+k");
  await page.locator("[role=combobox]:focus").waitFor();
});

/** Makes a key with a budget of a few tokens, and uses it up. */
async function spendAll(name: string): Promise<void> {
  const { secret } = await client.createKey({ name, limits: { budgets: [{ tokens: 20, per: "total" }] } });
  for (let turn = 0; turn < 4; turn += 1)
    await fetch(`${tutti.tutti.url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${secret}`, "content-type": "application/json" },
      body: JSON.stringify({ model: "gpt-4o-mini", max_tokens: 5, messages: [{ role: "user", content: "one two three four five" }] }),
    });
}
