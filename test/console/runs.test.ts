import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { defineWorkflow, type EventDraft, type Plugin, type RunRecord } from "@tutti/core";
import { z } from "zod";
import { openConsole, until, violations, visit, type ConsolePage, type TestConsole } from "./console.ts";

/** Runs that are there from the beginning. */
const MANY = 10_000;

const plugin: Plugin = {
  name: "many",
  workflows: [
    defineWorkflow({ name: "wait", version: "1", input: z.json(), run: async (ctx) => (await ctx.waitFor("go")) ?? null }),
    defineWorkflow({
      name: "fail",
      version: "1",
      input: z.json(),
      run: (ctx) =>
        ctx.step("load", async () => {
          throw new Error("the shop is closed on Sundays");
        }),
    }),
  ],
};

let tutti: TestConsole;
before(async () => {
  tutti = await openConsole({ inlinePlugins: [plugin] });
  await fill(MANY);
});
after(async () => {
  await tutti[Symbol.asyncDispose]();
});

/** Puts runs into the log at once, as they would stand there: of three workflows, one in ten of them failed, two hours ago. */
async function fill(count: number): Promise<void> {
  const owner = { id: "owner", tenant: "default", roles: ["owner"] };
  const beginMs = Date.now() - 7_200_000;
  const events = Array.from({ length: count }, (_, index): readonly EventDraft[] => {
    const runId = `0190${String(index).padStart(4, "0")}-0000-7000-8000-000000000000`;
    const at = new Date(beginMs + index * 100).toISOString();
    const begun = { type: "run.started", workflow: `shop-${index % 3}`, version: "1", input: { index }, principal: owner } as const;
    const end =
      index % 10 === 0
        ? ({ type: "run.failed", code: "upstream", message: "no answer" } as const)
        : ({ type: "run.completed", output: { index } } as const);
    return [
      { ...begun, runId, seq: 1, at },
      { ...end, runId, seq: 2, at },
    ];
  });
  for (let at = 0; at < events.length; at += 1000) await tutti.tutti.app.store.append(events.slice(at, at + 1000).flat());
}

async function start(workflow: string, input: unknown = null): Promise<string> {
  const response = await tutti.tutti.fetch("/v1/runs", { workflow, input });
  return ((await response.json()) as { readonly run: RunRecord }).run.id;
}

async function statusOf(runId: string): Promise<string> {
  return ((await (await tutti.tutti.fetch(`/v1/runs/${runId}`)).json()) as { readonly run: RunRecord }).run.status;
}

const rows = (page: ConsolePage) => page.getByRole("grid", { name: "Runs" }).locator("[data-index]");
const rowOf = (page: ConsolePage, runId: string) => rows(page).filter({ has: page.locator(`[title="${runId}"]`) });
/** Until the address asks for this and no more. */
const asks = (page: ConsolePage, wanted: Readonly<Record<string, string>>): Promise<void> =>
  page.waitForURL(({ searchParams }) => isDeepStrictEqual(Object.fromEntries(searchParams), wanted));

/** Searches with the keyboard alone. */
async function search(page: ConsolePage, text: string): Promise<void> {
  await page.keyboard.press("/");
  await page.getByRole("searchbox").and(page.locator(":focus")).waitFor();
  await page.keyboard.type(text);
  await page.keyboard.press("Enter");
}

test("ten thousand runs are walked to their end with the keyboard, and only those in sight are drawn", async () => {
  const page = await tutti.open("/runs");
  await rows(page).first().waitFor();
  await page.keyboard.press("j");
  const shown = page.getByText(/\d shown/);
  for (let count = await shown.innerText(); !count.includes("all there are"); count = await shown.innerText()) {
    await page.keyboard.press("End");
    await page.getByText(count, { exact: true }).waitFor({ state: "detached" });
  }
  assert.match(await shown.innerText(), /10,\d\d\d shown, all there are/);
  await page.keyboard.press("End");
  await rowOf(page, "01900000-0000-7000-8000-000000000000").waitFor();
  assert.ok((await rows(page).count()) < 100);
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/runs\/0190/);
  await page.goBack();
  // Where somebody was, they are again.
  await page.getByText(/10,\d\d\d shown, all there are/).waitFor();
  await until(page, 'document.querySelector("[role=grid]").scrollTop > 100_000');
  assert.deepEqual(page.problems, []);
});

test("a new run stands on top at once; while somebody is within the list it is held back and told of", async () => {
  const page = await tutti.open("/runs?workflow=wait");
  await page.getByText("No run fits these filters").waitFor();
  const first = await start("wait");
  await rowOf(page, first).waitFor();
  await page.keyboard.press("j");
  const second = await start("wait");
  await page.getByRole("button", { name: "1 new" }).waitFor();
  assert.equal(await rowOf(page, second).count(), 0);
  await page.keyboard.press("n");
  await rowOf(page, second).waitFor();
  await tutti.tutti.fetch(`/v1/runs/${first}/signals/go`, { value: 1 });
  await rowOf(page, first).getByText("completed").waitFor();
  await tutti.tutti.fetch(`/v1/runs/${second}/signals/go`, { value: 1 });
});

test("a run that no longer has the status that is asked for leaves the list", async () => {
  const page = await tutti.open("/runs?workflow=wait&status=waiting");
  const runId = await start("wait");
  await rowOf(page, runId).waitFor();
  await tutti.tutti.fetch(`/v1/runs/${runId}/signals/go`, { value: 1 });
  await rowOf(page, runId).waitFor({ state: "detached" });
});

test("filters stand in the address, count what there is, and survive a reload", async () => {
  const page = await tutti.open("/runs");
  await page.getByRole("button", { name: /^failed 1,0\d\d$/ }).click();
  await page.getByRole("button", { name: "Workflow" }).click();
  await page.getByRole("textbox", { name: "Workflow or agent" }).fill("shop-1");
  await page.getByRole("checkbox", { name: /shop-1/ }).check();
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Any time" }).click();
  await page.getByRole("button", { name: "Last 24 hours" }).click();
  await asks(page, { status: "failed", workflow: "shop-1", last: "24h" });
  await page.reload();
  await rows(page).first().getByText("shop-1").waitFor();
  assert.equal(await rows(page).filter({ hasText: "completed" }).count(), 0);
  assert.deepEqual(await violations(page), []);
  await page.getByRole("button", { name: "Clear", exact: true }).click();
  await asks(page, {});
  await page.getByRole("button", { name: "Undo" }).click();
  await page.waitForURL(/status=failed/);
});

test("the numbers of the chips are of the runs that the other filters find; for a text there are none", async () => {
  const page = await tutti.open("/runs?workflow=shop-1");
  await page.getByRole("button", { name: "All 3,333" }).waitFor();
  await page.getByRole("button", { name: "failed 333" }).waitFor();
  await page.getByText(/^All runs of the last day, whatever the other filters: /).waitFor();
  await page.getByRole("button", { name: "shop-1" }).click();
  // How many there are of others is still told where others are chosen.
  await page.getByRole("checkbox", { name: /shop-2 3,333/ }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("searchbox").fill("no answer");
  await page.getByRole("button", { name: "Search Enter" }).click();
  await page.getByRole("button", { name: "failed", exact: true }).waitFor();
});

test("whatever else an address says is left out and named, and what the server refuses is told by its code", async () => {
  const page = await tutti.open("/runs?status=failed,nonsense&last=never&since=tomorrow&limit=-1");
  await rows(page).first().getByText("failed").waitFor();
  await page.getByText("Not filtered by what means nothing here: status nonsense, last never, since tomorrow").waitFor();
  assert.deepEqual(await violations(page), []);
  await page.getByRole("button", { name: "Take it out of the address" }).click();
  await page.waitForURL((url) => url.search === "?status=failed");
  await page.goto(`${tutti.tutti.url}/admin/runs?parent=${"x".repeat(300)}`);
  await page
    .getByText(/invalid_input|No run fits these filters/)
    .first()
    .waitFor();
  assert.deepEqual(page.problems, []);
});

test("a text is found in errors, and the id of a run leads to it", async () => {
  const runId = await start("fail");
  const page = await tutti.open("/runs");
  await rows(page).first().waitFor();
  await search(page, "closed on sundays");
  await asks(page, { q: "closed on sundays" });
  await rowOf(page, runId).waitFor();
  await search(page, runId);
  await page.waitForURL((url) => url.pathname.endsWith(`/runs/${runId}`));
});

test("a search by text goes on by itself: a run comes in when the text comes to stand in it, and changes in its row", async () => {
  const word = `needle-${crypto.randomUUID()}`;
  const page = await tutti.open(`/runs?q=${word}`);
  await page.getByText("No run fits these filters").waitFor();
  const named = await start("wait", { note: word });
  await rowOf(page, named).getByText("waiting").waitFor();
  const other = await start("wait");
  await tutti.tutti.fetch(`/v1/runs/${named}/signals/go`, { value: 1 });
  await rowOf(page, named).getByText("completed").waitFor();
  assert.equal(await rowOf(page, other).count(), 0);
  await tutti.tutti.fetch(`/v1/runs/${other}/signals/go`, { value: { said: word } });
  await rowOf(page, other).getByText("completed").waitFor();
  assert.deepEqual(await rows(page).count(), 2);
});

test("filters are saved as a view, renamed, opened, deleted and brought back", async () => {
  const page = await tutti.open("/runs?status=failed&last=1h");
  await page.getByRole("button", { name: "Views" }).waitFor();
  await page.keyboard.press("v");
  await page.getByLabel("Save these filters as").fill("Broken lately");
  await page.keyboard.press("Enter");
  await page.getByText('View "Broken lately" is saved').waitFor();
  await page.getByRole("button", { name: "Rename Broken lately" }).click();
  await page.getByLabel("New name of Broken lately").fill("Failed lately");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Failed lately", exact: true }).first().waitFor();
  await page.goto(`${tutti.tutti.url}/admin/runs`);
  await page.getByRole("button", { name: "Views" }).click();
  assert.deepEqual(await violations(page), []);
  await page.getByRole("dialog", { name: "Saved views" }).getByRole("button", { name: "Failed lately", exact: true }).click();
  await page.waitForURL(/status=failed&last=1h/);
  await page.keyboard.press("v");
  await page.getByRole("button", { name: "Delete Failed lately" }).click();
  await page.getByRole("button", { name: "Views" }).waitFor();
  await page.getByRole("button", { name: "Undo" }).click();
  // The list of views is called by the one that is shown.
  await page.getByRole("button", { name: "Failed lately", exact: true }).first().waitFor();
});

test("runs are selected with the keyboard and cancelled together; what came of it is told for each", async () => {
  const ids = [await start("wait"), await start("wait"), await start("wait")];
  const page = await tutti.open("/runs?workflow=wait&status=waiting");
  for (const id of ids) await rowOf(page, id).waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("x");
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("Shift+X");
  await page.getByText("3 selected").waitFor();
  assert.deepEqual(await violations(page), []);
  // One of them ends before the others are cancelled.
  await page.getByRole("button", { name: "Cancel 3" }).click();
  await tutti.tutti.fetch(`/v1/runs/${ids[0]}/signals/go`, { value: 1 });
  await page.getByLabel(/Reason/).fill("enough waited");
  await page.getByRole("button", { name: /^Cancel \d runs?$/ }).click();
  await page.getByRole("dialog").getByRole("grid", { name: "What came of it" }).waitFor();
  await page.getByText(/Done for/).waitFor();
  assert.deepEqual(await violations(page), []);
  await page.getByRole("button", { name: "Close" }).last().click();
  await rowOf(page, ids[2] ?? "").waitFor({ state: "detached" });
  assert.equal(await statusOf(ids[2] ?? ""), "cancelled");
});

test("all failed runs that fit the filters are retried, also those that were never shown", async () => {
  const runId = await start("fail");
  const page = await tutti.open("/runs?workflow=fail&status=failed");
  await rowOf(page, runId).waitFor();
  await page.keyboard.press("Control+a");
  await page.getByText(/^All \d+ that fit the filters$/).waitFor();
  await page.getByRole("button", { name: /^Retry \d+$/ }).click();
  await page.getByRole("button", { name: /^Retry \d+ runs?$/ }).click();
  await page
    .getByText(/goes on as/)
    .first()
    .waitFor();
});

test("drawing over the picture shows the runs of that time", async () => {
  const page = await tutti.open("/runs");
  // What is still coming above it would move it.
  await visit(page, "/runs");
  const picture = page.getByRole("figure", { name: "Runs started and failed" });
  await picture.locator("canvas").waitFor();
  const box = await picture.locator(".u-over").boundingBox();
  assert.ok(box !== null);
  await page.mouse.move(box.x + box.width * 0.8, box.y + 10);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.99, box.y + 12, { steps: 4 });
  await page.mouse.up();
  await page.waitForURL(/since=.*until=/);
  await rows(page).first().waitFor();
});

test("the list is usable on a narrow screen and at twice the size, from right to left, with nothing beside the page", async () => {
  for (const viewport of [
    { width: 320, height: 700 },
    { width: 720, height: 450 },
  ]) {
    const page = await tutti.open("/runs?status=failed");
    await page.setViewportSize(viewport);
    await rows(page).first().waitFor();
    await page.evaluate('document.documentElement.dir = "rtl"');
    await until(page, "document.documentElement.scrollWidth <= innerWidth");
    assert.deepEqual(await violations(page), []);
    await page.context().close();
  }
});

test("on a phone the list stays where it is when the counts come", async () => {
  const page = await tutti.open("/settings");
  await page.setViewportSize({ width: 390, height: 844 });
  const counting = Promise.withResolvers<void>();
  await page.route(/runs\/counts/, (route) => counting.promise.then(() => route.continue()));
  await page.goto(`${tutti.tutti.url}/admin/runs`);
  const grid = page.getByRole("grid", { name: "Runs" });
  await grid.waitFor();
  const topOf = async (): Promise<number | undefined> => (await grid.boundingBox())?.y;
  const before = await topOf();
  counting.resolve();
  await page
    .getByRole("group", { name: "Status" })
    .getByRole("button", { name: /^All [\d,]+/ })
    .waitFor();
  assert.equal(await topOf(), before);
});
