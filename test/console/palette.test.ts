import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createClient } from "@tutti/client";
import { OPERATIONS } from "../../packages/console/src/shell/api/operations.ts";
import { openConsole, violations, type ConsolePage, type TestConsole } from "./console.ts";

let tutti: TestConsole;
before(async () => {
  tutti = await openConsole();
});
after(async () => {
  await tutti[Symbol.asyncDispose]();
});

async function openPalette(page: ConsolePage): Promise<void> {
  await page.keyboard.press("Control+k");
  await page.locator("[role=combobox]:focus").waitFor();
}

/** Chooses from the palette as people do: typed, then Enter. */
async function choose(page: ConsolePage, title: string): Promise<void> {
  await openPalette(page);
  await page.keyboard.insertText(title);
  await page.locator("[role=option][aria-selected=true]").filter({ hasText: title }).waitFor();
  await page.keyboard.press("Enter");
}

test("every operation of the API that changes or starts something has an entry, and no entry is of an operation that is gone", async () => {
  const description = (await (await tutti.tutti.fetch("/openapi.json")).json()) as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  };
  const withEffect = Object.entries(description.paths)
    .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`))
    .filter((operation) => !operation.startsWith("GET "));
  assert.deepEqual(Object.keys(OPERATIONS).toSorted(), withEffect.toSorted());
  for (const [operation, entry] of Object.entries(OPERATIONS))
    assert.match(entry.at === "programs" ? entry.why : entry.title, /\S{3}/, operation);
  const titles = Object.values(OPERATIONS).flatMap((entry) => (entry.at === "programs" ? [] : [entry.title]));
  assert.equal(new Set(titles).size, titles.length, "two entries have one title");
});

test("each entry leads by the keyboard alone to the page where it is done", async () => {
  const page = await tutti.open("/");
  for (const entry of Object.values(OPERATIONS)) {
    if (entry.at !== "page") continue;
    await choose(page, entry.title);
    // What is done with a thing asks which one first; the list of them is always offered.
    if (entry.which !== undefined) {
      await page.getByRole("combobox", { name: entry.title, exact: true }).waitFor();
      await page.keyboard.insertText("Show the list");
      await page.locator("[role=option][aria-selected=true]").filter({ hasText: "Show the list" }).waitFor();
      await page.keyboard.press("Enter");
    }
    const [path = "", search = ""] = entry.to.split("?");
    const wanted = [...new URLSearchParams(search)];
    await page.waitForURL(
      ({ pathname, searchParams }) => pathname === `/admin${path}` && wanted.every(([name, value]) => searchParams.get(name) === value),
    );
    if (!search.includes("form=")) {
      await page.getByRole("heading", { level: 1 }).waitFor();
      continue;
    }
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
  }
  assert.deepEqual(page.problems, []);
});

test("each entry that has no page opens a window made from the API's description, which asks for what the operation takes", async () => {
  const page = await tutti.open("/");
  for (const [operation, entry] of Object.entries(OPERATIONS)) {
    if (entry.at !== "window") continue;
    await choose(page, entry.title);
    const window = page.getByRole("dialog", { name: entry.title });
    await window.getByText(operation, { exact: true }).waitFor();
    await window.getByRole("button", { name: "Do it" }).waitFor();
    for (const [, name = ""] of operation.matchAll(/\{(\w+)\}/g)) await window.getByLabel(`${name} *`).first().waitFor();
    await page.keyboard.press("Escape");
    await window.waitFor({ state: "detached" });
  }
  assert.deepEqual(page.problems, []);
});

test("an operation is done from its window: what is missing is said by its code, what it answers is shown", async () => {
  const page = await tutti.open("/");
  await choose(page, "Publish an event");
  const window = page.getByRole("dialog", { name: "Publish an event" });
  await window.getByLabel("type *").fill("order.placed");
  await window.getByLabel("time").fill("no time at all");
  await page.keyboard.press("Enter");
  await window.getByRole("alert").getByText("invalid_input").waitFor();
  assert.deepEqual(await violations(page), []);
  await page.keyboard.press("Escape");
  await window.waitFor({ state: "detached" });
  await choose(page, "Clear the cache of answers");
  const clearing = page.getByRole("dialog", { name: "Clear the cache of answers" });
  // The form is read after the window has opened; the keyboard begins in its first field all the same.
  await clearing.locator("input:focus").waitFor();
  await clearing.getByRole("button", { name: "Go back" }).click();
  await clearing.waitFor({ state: "detached" });
  await choose(page, "Clear the cache of answers");
  await clearing.getByRole("button", { name: "Do it" }).click();
  await page.getByText("Done", { exact: true }).waitFor();
  assert.deepEqual(await violations(page), []);
  assert.deepEqual(page.problems, []);
});

test("what is done with a run asks which one, among those with which it can be done, and opens the window for it there", async () => {
  const text = JSON.stringify({ name: "holding", version: "1", nodes: { hold: { type: "wait", signal: "go" } }, edges: [] });
  const reply = await tutti.tutti.fetch("/v1/graphs/runs", { text, input: null });
  const { run } = (await reply.json()) as { readonly run: { readonly id: string } };
  const page = await tutti.open("/");
  await choose(page, "Cancel a run");
  await page.getByRole("combobox", { name: "Cancel a run", exact: true }).waitFor();
  await page.getByRole("option", { name: /tutti\.graph .*, waiting, started/ }).waitFor();
  assert.deepEqual(await violations(page), []);
  // Backspace where nothing is written goes back to everything.
  await page.keyboard.press("Backspace");
  await page.getByRole("combobox", { name: "Search or do anything" }).waitFor();
  await page.keyboard.insertText("Cancel a run");
  await page.locator("[role=option][aria-selected=true]").filter({ hasText: "Cancel a run" }).waitFor();
  await page.keyboard.press("Enter");
  await page.locator("[role=option][aria-selected=true]").filter({ hasText: "waiting" }).waitFor();
  await page.keyboard.press("Enter");
  await page.waitForURL(new RegExp(`/runs/${run.id}`));
  const window = page.getByRole("dialog", { name: "Cancel this run?" });
  await window.getByLabel(/^Reason/).fill("not needed");
  await page.keyboard.press("Enter");
  // It goes by itself after a while.
  await page.getByText("The run is asked to cancel.").waitFor();
  await window.waitFor({ state: "detached" });
  await page.waitForURL((url) => !url.searchParams.has("do"));
  assert.deepEqual(page.problems, []);
});

test("a run of a graph that was started by its name is found to be amended too", async () => {
  const text = JSON.stringify({ name: "held", version: "1", nodes: { hold: { type: "wait", signal: "go" } }, edges: [] });
  const client = createClient({ baseUrl: tutti.tutti.url, token: tutti.tutti.token });
  await client.saveGraph("held", { text });
  await client.startSavedGraph("held", { input: null });
  const page = await tutti.open("/");
  await choose(page, "Amend a running graph");
  await page.keyboard.insertText("held");
  await page
    .locator("[role=option][aria-selected=true]")
    .filter({ hasText: /held .*started/ })
    .waitFor();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog", { name: "Amend the running graph" }).waitFor();
  assert.deepEqual(page.problems, []);
});

test("what is typed right after the palette's key, before it is there, is written into its field and is no key of the page", async () => {
  const page = await tutti.open("/");
  const loaded = Promise.withResolvers<undefined>();
  await page.route(/assets\/palette-.*\.js$/, async (route) => {
    await loaded.promise;
    await route.continue();
  });
  await page.reload();
  await page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
  await page.keyboard.press("Control+k");
  await page.keyboard.type("go to quex");
  await page.keyboard.press("Backspace");
  await page.keyboard.type("ues");
  assert.match(page.url(), /\/admin\/$/);
  loaded.resolve(undefined);
  await page.locator("[role=combobox][value='go to queues']:focus").waitFor();
  await page.locator("[role=option][aria-selected=true]").filter({ hasText: "Go to Queues" }).waitFor();
  await page.keyboard.press("Enter");
  await page.waitForURL(/queues/);
  assert.deepEqual(page.problems, []);
});

test("a tool is found by its name and called with a form of its own; its run is a click away", async () => {
  const page = await tutti.open("/");
  await choose(page, "Call the tool safe_calc");
  const window = page.getByRole("dialog", { name: "Call safe_calc" });
  await window.getByLabel("expression *").fill("6*7");
  await page.keyboard.press("Tab");
  await window.locator("button:focus").filter({ hasText: "Go back" }).waitFor();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await window.getByText('"42"').first().waitFor();
  assert.deepEqual(await violations(page), []);
  await window.getByRole("link").click();
  await page.waitForURL(/\/runs\//);
  assert.deepEqual(page.problems, []);
});

test("runs, agents, schedules and settings are found by their names, fuzzily, and what was done last comes first", async () => {
  const started = await tutti.tutti.fetch("/v1/tools/execute", { tool: "safe_calc", input: { expression: "271828" } });
  const { runId } = (await started.json()) as { readonly runId: string };
  await tutti.tutti.fetch("/v1/schedules", { name: "nightly", workflow: "agent", input: {}, when: { everyMs: 3_600_000 } });
  const page = await tutti.open("/");
  await openPalette(page);
  await page.keyboard.insertText("271828");
  await page
    .locator("[role=option][aria-selected=true]")
    .filter({ hasText: /^Run .* of .*, completed$/ })
    .waitFor();
  assert.deepEqual(await violations(page), []);
  await page.keyboard.press("Enter");
  await page.waitForURL(new RegExp(runId));
  await openPalette(page);
  await page.keyboard.insertText("stgs budg");
  await page.locator("[role=option][aria-selected=true]").filter({ hasText: "Settings: Keys and budgets" }).waitFor();
  await page.keyboard.press("Enter");
  await page.waitForURL(/settings\/budgets/);
  await openPalette(page);
  await page.getByRole("group", { name: "Last done" }).getByRole("option").first().getByText("Settings: Keys and budgets").waitFor();
  await page.keyboard.insertText("no such thing at all xyzzy");
  await page.getByText("Nothing is called that").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await choose(page, "Go to Queues");
  await page.waitForURL(/queues/);
  await openPalette(page);
  await page
    .getByRole("group", { name: "Last done" })
    .getByRole("option", { name: /Go to Queues/ })
    .waitFor();
  assert.equal(await page.getByRole("option").first().innerText(), await page.getByRole("option", { name: /Go to Queues/ }).innerText());
  assert.deepEqual(page.problems, []);
});

test("keys of one letter do nothing while somebody types, and the browser's own keys stay the browser's", async () => {
  const page = await tutti.open("/runs");
  const search = page.getByRole("searchbox").or(page.getByRole("textbox")).first();
  await search.click();
  await page.keyboard.type("gr?c");
  assert.equal(await search.inputValue(), "gr?c");
  await page.keyboard.press("Control+a");
  assert.equal(
    await page.evaluate(
      "getSelection().toString() || document.activeElement.value.slice(document.activeElement.selectionStart, document.activeElement.selectionEnd)",
    ),
    "gr?c",
  );
  assert.equal(await page.getByText(/selected/).count(), 0);
  assert.deepEqual(page.problems, []);
});

test("what is done with a key or with supervised work asks which one, and opens the window for it there", async () => {
  const client = createClient({ baseUrl: tutti.tutti.url, token: tutti.tutti.token });
  for (const name of ["shop", "warehouse"]) await client.createKey({ name });
  const page = await tutti.open("/");
  await choose(page, "Revoke a key");
  await page.getByRole("combobox", { name: "Revoke a key", exact: true }).waitFor();
  await page.keyboard.insertText("ware");
  await page.locator("[role=option][aria-selected=true]").filter({ hasText: "warehouse" }).waitFor();
  await page.keyboard.press("Enter");
  const window = page.getByRole("dialog", { name: "Revoke warehouse?" });
  await window.getByRole("button", { name: "Revoke", exact: true }).click();
  await window.waitFor({ state: "detached" });
  await page.waitForURL((url) => url.pathname.endsWith("/settings/budgets") && !url.searchParams.has("do"));
  await page.getByRole("listitem", { name: "warehouse" }).getByText("revoked").waitFor();
  await choose(page, "Change a key or its budgets");
  await page.locator("[role=option][aria-selected=true]").filter({ hasText: "shop" }).waitFor();
  assert.equal(await page.getByRole("option", { name: /warehouse/ }).count(), 0);
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").getByLabel("Requests a minute").waitFor();
  await page.keyboard.press("Escape");
  await page.waitForURL((url) => !url.searchParams.has("do"));
  await choose(page, "Stop supervised work");
  await page.getByText("There is no such supervised work now").waitFor();
  assert.deepEqual(page.problems, []);
});
