import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openConsole, pressKeys, until, violations, type TestConsole } from "./console.ts";

let tutti: TestConsole;
before(async () => {
  tutti = await openConsole();
});
after(async () => {
  await tutti[Symbol.asyncDispose]();
});

const PAGES = [
  "/",
  "/approvals",
  "/runs",
  "/schedules",
  "/queues",
  "/dead-letters",
  "/events",
  "/workflows",
  "/agents",
  "/compare",
  "/data",
  "/commerce",
  "/settings",
];

test("a one-time link signs in, leaves the address, and no script can read what it left", async () => {
  const page = await tutti.open("/runs");
  await page.getByRole("heading", { name: "Runs", level: 1 }).waitFor();
  assert.equal(new URL(page.url()).hash, "");
  assert.equal(await page.evaluate("document.cookie"), "");
  assert.doesNotMatch(JSON.stringify(await page.evaluate("({ ...localStorage, ...sessionStorage })")), /"token|secret|code/i);
});

test("whoever is not signed in gives the token, hears when it is wrong, and stays in after a reload", async () => {
  const context = await tutti.browser.newContext();
  const page = await context.newPage();
  await page.goto(`${tutti.tutti.url}/admin/settings`);
  await page.getByLabel("Token").fill("no such token");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText(/wanted/).waitFor();
  await page.getByLabel("Token").fill(tutti.tutti.token);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Settings", level: 1 }).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "Settings", level: 1 }).waitFor();
  assert.deepEqual(await violations(page), []);
});

test("every page opens by its address, has a name, breaks no rule of its policy, and is accessible", async () => {
  const page = await tutti.open("/");
  for (const path of PAGES) {
    await page.goto(`${tutti.tutti.url}/admin${path}`);
    await page.getByRole("heading", { level: 1 }).waitFor();
    // A page gives its name after it is drawn.
    await until(page, "/\\S · Tutti$/.test(document.title)");
    assert.deepEqual(await violations(page), [], path);
  }
  assert.deepEqual(page.problems, []);
});

test("a picture of nothing has no made-up scale and says when it fills", async () => {
  const page = await tutti.open("/");
  await page.getByText("No run has ended in the last day. This fills as runs end.").waitFor();
  await page.getByText(/^Nothing was spent in the last day\. This fills/).waitFor();
  await page.goto(`${tutti.tutti.url}/admin/runs`);
  await page.getByText("No run started in this time. This fills as runs start.").waitFor();
  assert.equal(await page.locator("canvas").count(), 0);
});

test("a run's id is copied, and where a browser gives no clipboard the page says why", async () => {
  const reply = await tutti.tutti.fetch("/v1/tools/execute", { tool: "safe_calc", input: { expression: "1+1" } });
  const { runId } = (await reply.json()) as { readonly runId: string };
  const page = await tutti.open(`/runs/${runId}`, { permissions: ["clipboard-read", "clipboard-write"] });
  const copy = async (): Promise<void> => {
    await page.getByRole("button", { name: "More actions" }).click();
    await page.getByRole("menuitem", { name: "Copy the run’s id" }).click();
  };
  await copy();
  await page.getByText("The run’s id is copied").waitFor();
  assert.equal(await page.evaluate("navigator.clipboard.readText()"), runId);
  await page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })");
  await copy();
  await page
    .getByRole("region", { name: "Notifications" })
    .getByText(/wanted the clipboard, got a browser/)
    .waitFor();
  assert.deepEqual(page.problems, []);
});

test("the palette goes anywhere by the keyboard alone, and help lists every key", async () => {
  const page = await tutti.open("/");
  await page.keyboard.press("Control+k");
  await page.locator("[role=combobox]:focus").waitFor();
  await page.keyboard.type("dead let");
  await page.locator("[role=option][aria-selected=true]").filter({ hasText: "Dead letters" }).waitFor();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Dead letters", level: 1 }).waitFor();
  await pressKeys(page, "g r");
  await page.getByRole("heading", { name: "Runs", level: 1 }).waitFor();
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keyboard and help" }).getByText("Go to Approvals").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
});

test("an address that leads nowhere says so and offers the way back", async () => {
  const page = await tutti.open("/no/such/page");
  await page.getByText("No page has this address").waitFor();
  await page.getByRole("link", { name: "Go to the overview" }).click();
  await page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
});

test("while the server is away the page says so, and goes on by itself when it is back", async () => {
  const page = await tutti.open("/");
  await page.getByRole("status").getByText("Live").waitFor();
  const asked = page.waitForRequest((request) => request.url().endsWith("/v1/session"));
  await tutti.restart(() => page.getByText("The server does not answer").waitFor());
  await page.getByRole("status").getByText("Live").waitFor();
  await page.getByText("The server does not answer").waitFor({ state: "detached" });
  // Everything is read again; the link that the page was opened by has been used and is not tried once more.
  assert.equal((await asked).method(), "GET");
});

test("a newcomer is shown the tour: it starts a run, asks, is approved, and its receipt is whole", async () => {
  const context = await tutti.browser.newContext();
  const page = await context.newPage();
  await page.goto(`${tutti.tutti.url}/admin/`);
  await page.getByLabel("Token").fill(tutti.tutti.token);
  await page.keyboard.press("Enter");
  const tour = page.getByRole("region", { name: "Tour", exact: true });
  await tour.waitFor();
  assert.deepEqual(await violations(page), []);
  // A double click is one wish, and a reload goes on with its run.
  await tour.getByRole("button", { name: "Start the run" }).dblclick();
  await tour.getByRole("link", { name: "Show the question" }).waitFor();
  await page.reload();
  await tour.getByRole("link", { name: "Show the question" }).click();
  await page.getByText("Order dinner for 12 for 294 euros?").first().waitFor();
  const { approvals } = (await (await tutti.tutti.fetch("/v1/approvals")).json()) as {
    readonly approvals: readonly { readonly runId: string; readonly key: string }[];
  };
  const [asked] = approvals;
  assert.ok(asked !== undefined);
  assert.equal(approvals.length, 1);
  await tutti.tutti.fetch(`/v1/runs/${asked.runId}/approvals/${asked.key}`, { approved: true, reason: "hungry" });
  await tour.getByRole("link", { name: "Open the receipt" }).click();
  await page.waitForURL(/\/runs\/.*tab=receipt/);
  await tour.waitFor({ state: "detached" });
  await page.reload();
  await page.getByRole("heading", { level: 1 }).waitFor();
  assert.equal(await tour.count(), 0);
});
