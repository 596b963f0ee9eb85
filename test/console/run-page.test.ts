import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import type { Event, Json, RunRecord } from "@tutti/core";
import type { Locator } from "playwright-core";
import { writeCode } from "./write-code.ts";
import { openConsole, pressKeys, until, violations, type ConsolePage, type TestConsole } from "./console.ts";
import { changes, HOSTILE, runWorkflows } from "./run-workflows.ts";

let tutti: TestConsole;
before(async () => {
  tutti = await openConsole({ inlinePlugins: [runWorkflows] });
});
after(async () => {
  await tutti[Symbol.asyncDispose]();
});

async function ask<T>(path: string, body?: Json): Promise<T> {
  const response = await tutti.tutti.fetch(path, body);
  assert.ok(response.ok, `${path}: ${response.status} ${response.ok ? "" : await response.text()}`);
  return (await response.json()) as T;
}

async function start(workflow: string, input: Json = {}): Promise<string> {
  return (await ask<{ readonly run: RunRecord }>("/v1/runs", { workflow, input })).run.id;
}

async function eventsOf(runId: string): Promise<readonly Event[]> {
  return (await ask<{ readonly events: readonly Event[] }>(`/v1/runs/${runId}/events`)).events;
}

/** No run here takes as long, however busy the machine is. */
const PATIENCE_MS = 180_000;

/** Resolves once the run stands so, as its own feed tells it. */
async function stands(runId: string, ...types: readonly Event["type"][]): Promise<void> {
  const response = await fetch(new URL(`/v1/runs/${runId}/events`, tutti.tutti.url), {
    headers: { authorization: `Bearer ${tutti.tutti.token}`, accept: "text/event-stream" },
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString();
    if (types.some((type) => text.includes(`event: ${type}\n`))) return;
  }
  assert.fail(`wanted one of ${types.join(", ")} in the log of ${runId}, got ${text}`);
}

const signal = (runId: string, name: string, value: Json): Promise<unknown> => ask(`/v1/runs/${runId}/signals/${name}`, { value });

const row = (page: ConsolePage, name: RegExp | string): Locator => page.getByRole("row", { name }).first();
const tab = (page: ConsolePage, name: string): Locator => page.getByRole("tab", { name });

/** Whether the selected row lies wholly within what scrolls. */
const IS_SELECTED_IN_SIGHT = `(() => {
  const outer = document.querySelector("[role=treegrid]").getBoundingClientRect();
  const inner = document.querySelector("[role=row][aria-selected=true]").getBoundingClientRect();
  return inner.top >= outer.top && inner.bottom <= outer.bottom;
})()`;

/** An action of the run that has no button of its own. */
async function act(page: ConsolePage, name: string): Promise<void> {
  await page.getByRole("button", { name: "More actions" }).click();
  await page.getByRole("menuitem", { name }).click();
}

/** The run that the page went to. */
async function wentFrom(page: ConsolePage, runId: string): Promise<string> {
  await page.waitForURL((url) => url.pathname.includes("/runs/") && !url.pathname.endsWith(runId));
  return new URL(page.url()).pathname.split("/").at(-1) ?? "";
}

test("the timeline shows steps, attempts, branches and the steps of a child run; its address keeps what is selected and in sight", async () => {
  const runId = await start("everything");
  await stands(runId, "run.completed");
  const page = await tutti.open(`/runs/${runId}`);
  await page.getByRole("heading", { name: "Run of everything" }).waitFor();
  await page.getByRole("row", { name: "resize" }).nth(2).waitFor();
  assert.equal(await page.getByRole("row", { name: "resize" }).count(), 3);
  await row(page, /send mail.*2 attempts/).click();
  const pane = page.getByRole("complementary", { name: "Step send mail" });
  await pane.getByText("the mail server is busy").first().waitFor();
  await pane.getByRole("group", { name: "Differences of the attempts" }).getByText("/error").waitFor();
  await page.waitForURL((url) => url.searchParams.get("span") === "1");
  assert.deepEqual(await violations(page), []);
  // The child run is read when somebody opens it.
  await row(page, /small/).focus();
  await page.keyboard.press("ArrowRight");
  await row(page, /second/).waitFor();
  await page.keyboard.press("+");
  await page.waitForURL(/from=[\d.]+&to=[\d.]+/);
  await page.reload();
  await pane.waitFor();
  await page.getByText(/in sight/).waitFor();
  await page.getByRole("searchbox", { name: "Find a step" }).fill("resi");
  await page.getByText("3 found").waitFor();
  assert.deepEqual(page.problems, []);
});

test("the whole timeline can be used with the keyboard alone", async () => {
  const runId = await start("everything");
  await stands(runId, "run.completed");
  const page = await tutti.open(`/runs/${runId}`);
  await row(page, /small/).waitFor();
  await row(page, /everything/).focus();
  for (const key of ["ArrowDown", "ArrowDown", "ArrowRight"]) await page.keyboard.press(key);
  await row(page, /attempt 2/).waitFor();
  await page.keyboard.press("Enter");
  await page.getByRole("complementary", { name: "Step send mail" }).waitFor();
  await page.keyboard.press("ArrowLeft");
  await page.getByRole("row", { name: /attempt 2/ }).waitFor({ state: "detached" });
  await page.keyboard.press("End");
  await page.locator("[role=row]:focus", { hasText: "small" }).waitFor();
  await page.keyboard.press("2");
  await page.getByRole("grid", { name: "Log" }).waitFor();
});

test("Tab comes to one line of the timeline, the selected one if it is in sight, and dragging the bars moves them in time without selecting", async () => {
  const runId = await start("everything");
  await stands(runId, "run.completed");
  const page = await tutti.open(`/runs/${runId}`);
  await row(page, /send mail/).click();
  await page.getByRole("complementary", { name: "Step send mail" }).waitFor();
  const stops = page.locator("[role=treegrid] [role=row][tabindex='0']");
  await stops.filter({ hasText: "send mail" }).waitFor();
  assert.equal(await stops.count(), 1);
  await page.keyboard.press("+");
  await page.waitForURL(/from=/);
  const from = (): number => Number(new URL(page.url()).searchParams.get("from"));
  const before = from();
  const bars = await page.getByRole("columnheader", { name: "Time" }).boundingBox();
  const line = await row(page, /load/).boundingBox();
  assert.ok(bars !== null && line !== null);
  const [x, y] = [bars.x + bars.width * 0.2, line.y + line.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x + bars.width * 0.3, y, { steps: 5 });
  await page.mouse.up();
  await page.waitForURL((url) => Number(url.searchParams.get("from")) < before);
  assert.equal(new URL(page.url()).searchParams.get("span"), "1");
  assert.deepEqual(page.problems, []);
});

test("what is confirmed twice is done once", async () => {
  const runId = await start("everything", { wait: true });
  const page = await tutti.open(`/runs/${runId}`);
  const answered = Promise.withResolvers<undefined>();
  let asked = 0;
  await page.route(/\/cancel$/, async (route) => {
    asked += 1;
    await answered.promise;
    await route.continue();
  });
  await page.getByRole("button", { name: "Cancel", exact: true }).click();
  const window = page.getByRole("dialog", { name: "Cancel this run?" });
  await window.getByLabel(/^Reason/).fill("enough");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  await window.getByRole("button", { name: "Cancel the run" }).click({ force: true });
  answered.resolve(undefined);
  await window.waitFor({ state: "detached" });
  await stands(runId, "run.cancelled");
  assert.equal(asked, 1);
});

test("a run with ten thousand steps opens whole, draws only what is in sight, and goes to its end", async () => {
  const runId = await start("wide", { count: 10_000 });
  await stands(runId, "run.completed");
  const page = await tutti.open(`/runs/${runId}`);
  await page.getByText("10,000 steps").waitFor();
  assert.ok((await page.getByRole("row").count()) < 100);
  await row(page, /wide/).focus();
  await page.keyboard.press("End");
  await page.locator('[aria-rowindex="10003"]:focus').waitFor();
  await page.goto(`${tutti.tutti.url}/admin/runs/${runId}?span=0.5070.0`);
  await page.getByRole("row", { selected: true }).waitFor();
  await until(page, IS_SELECTED_IN_SIGHT);
  await tab(page, "Log").click();
  await page.getByText("10,003 events").waitFor();
  await tab(page, "Receipt").click();
  await page.getByText("The chain holds: 10,003 events").waitFor();
  await tab(page, "Graph").click();
  await page.getByText("200 of 200 done").first().waitFor();
  assert.deepEqual(page.problems, []);
});

test("the log is found through by type and words, leads to steps, and can be held and followed while it grows", async () => {
  const runId = await start("ticking");
  await stands(runId, "step.waiting");
  const page = await tutti.open(`/runs/${runId}?tab=log`);
  await page.getByRole("button", { name: "Pause" }).click();
  await signal(runId, "tick", 1);
  await page.getByRole("button", { name: /Go on \([1-9]/ }).waitFor();
  assert.equal(await page.getByRole("row", { name: /signal\.received/ }).count(), 0);
  await page.getByRole("button", { name: /Go on/ }).click();
  await row(page, /step\.completed.*turn 1/).waitFor();
  await page.getByRole("combobox", { name: "Type of event" }).selectOption("signal.received");
  await page.getByText(/^1 of \d+ events/).waitFor();
  await page.getByRole("searchbox", { name: "Words in the log" }).fill("nothing like that");
  await page.getByText("No event has these words").waitFor();
  const { at } = (await tutti.tutti.app.store.read(runId, { afterSeq: 0, limit: 1 }))[0] ?? { at: "" };
  const inTokyo = await tutti.open(`/runs/${runId}?tab=log`, { timezoneId: "Asia/Tokyo", locale: "en-GB" });
  const there = new Date(Date.parse(at) + 9 * 3_600_000).toISOString().slice(11, 23);
  await row(inTokyo, /run\.started/)
    .getByText(there)
    .waitFor();
  await page.goto(`${tutti.tutti.url}/admin/runs/${runId}?tab=log&text=turn%201`);
  await row(page, /step\.completed.*turn 1/).click();
  assert.deepEqual(await violations(page), []);
  await page.getByRole("button", { name: "Show its step" }).click();
  await page.getByRole("complementary", { name: "Step turn 1" }).waitFor();
  await page.waitForURL((url) => !url.searchParams.has("tab"));
});

test("the log has neither a gap nor a duplicate after the server was gone and came back", async () => {
  const runId = await start("ticking");
  await stands(runId, "step.waiting");
  const page = await tutti.open(`/runs/${runId}?tab=log`);
  await signal(runId, "tick", 1);
  await row(page, /turn 1/).waitFor();
  await tutti.restart(async () => {
    await page.getByRole("alert").getByText("does not answer").waitFor();
  });
  await signal(runId, "tick", 2);
  await signal(runId, "tick", "stop");
  await stands(runId, "run.completed");
  await row(page, /run\.completed/).waitFor();
  const shown = await page
    .getByRole("grid", { name: "Log" })
    .getByRole("row")
    .evaluateAll((rows) => rows.slice(1).map((one) => one.firstElementChild?.textContent));
  assert.deepEqual(
    shown,
    (await eventsOf(runId)).map(({ seq }) => String(seq)),
  );
});

test("what a run asks is answered with a reason, and the page shows what came of it without being asked", async () => {
  const runId = await start("asking");
  await stands(runId, "step.waiting");
  const page = await tutti.open(`/runs/${runId}`);
  await page.getByRole("list", { name: "What it waits for" }).getByText("May the order be shipped?").waitFor();
  await pressKeys(page, "r a");
  const asked = page.getByRole("dialog");
  await asked.getByText("9.50").waitFor();
  assert.deepEqual(await violations(page), []);
  await asked.getByRole("textbox", { name: /Reason/ }).fill("paid in full");
  await asked.getByRole("button", { name: "Approve" }).click();
  await page.getByText("completed").first().waitFor();
  await tab(page, "Input & output").click();
  await page.getByRole("group", { name: "Output" }).getByText("paid in full").waitFor();
});

test("a signal is sent by name with a JSON value, and what is no JSON is refused in its place", async () => {
  const runId = await start("ticking");
  await stands(runId, "step.waiting");
  const page = await tutti.open(`/runs/${runId}`);
  await act(page, "Send a signal");
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Signal").and(page.locator("[value=tick]")).waitFor();
  await writeCode(page, dialog.getByRole("textbox", { name: "Value (JSON)" }), "stop");
  await dialog.getByText(/wanted JSON/).waitFor();
  assert.ok(await dialog.getByRole("button", { name: "Send" }).isDisabled());
  await writeCode(page, dialog.getByRole("textbox", { name: "Value (JSON)" }), '"stop"');
  await dialog.getByRole("button", { name: "Send" }).click();
  await page.getByText("completed").first().waitFor();
});

test("a run is cancelled with a reason that stands in its log", async () => {
  const runId = await start("ticking");
  await stands(runId, "step.waiting");
  const page = await tutti.open(`/runs/${runId}`);
  await page.getByRole("button", { name: "Cancel", exact: true }).click();
  await page.getByRole("dialog").getByRole("textbox").fill("not needed any more");
  await page.getByRole("button", { name: "Cancel the run" }).click();
  await page.getByText("not needed any more").first().waitFor();
  await page.getByRole("button", { name: "Cancel", exact: true }).waitFor({ state: "detached" });
});

test("a failed run is retried from the step that failed, and forked with another input, which lets it end well", async () => {
  const runId = await start("failing");
  await stands(runId, "run.failed");
  const page = await tutti.open(`/runs/${runId}`);
  await page.getByText("nobody is at home").first().waitFor();
  await page.getByRole("button", { name: "Retry" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Retry" }).click();
  const retried = await wentFrom(page, runId);
  await page.getByText("Forked from").waitFor();
  await stands(retried, "run.failed");
  await act(page, "Fork from a step");
  const dialog = page.getByRole("dialog");
  await dialog.getByText("Another input").click();
  await writeCode(page, dialog.getByRole("textbox", { name: "Another input (JSON)" }), "{ not json");
  await dialog.getByText(/wanted JSON/).waitFor();
  assert.ok(await dialog.getByRole("button", { name: "Fork" }).isDisabled());
  assert.deepEqual(await violations(page), []);
  await writeCode(page, dialog.getByRole("textbox", { name: "Another input (JSON)" }), '{ "good": true }');
  await dialog.getByText("Another output of an earlier step").click();
  await writeCode(page, dialog.getByRole("textbox", { name: "Its output (JSON)" }), '{ "ready": "edited" }');
  await dialog.getByRole("button", { name: "Fork" }).click();
  const forked = await wentFrom(page, retried);
  await stands(forked, "run.completed");
  const output = (await eventsOf(forked)).find((event) => event.type === "step.completed" && event.name === "prepare");
  assert.deepEqual(output?.type === "step.completed" && output.output, { ready: "edited" });
});

test("a run is replayed, which says that it is the same, and started again with the same input", async () => {
  const runId = await start("everything", { name: "twice" });
  await stands(runId, "run.completed");
  const page = await tutti.open(`/runs/${runId}`);
  await act(page, "Replay");
  await page
    .getByRole("dialog")
    .getByText(/recorded steps come again as they were/)
    .waitFor();
  await page.keyboard.press("Escape");
  await act(page, "Start again");
  await page.getByRole("dialog").getByRole("button", { name: "Start" }).click();
  const again = await wentFrom(page, runId);
  const [first] = await eventsOf(again);
  assert.deepEqual(first?.type === "run.started" && first.input, { name: "twice" });
});

test("a run whose code has changed is paused, says so, and goes on when somebody resumes it", async () => {
  const runId = await start("changing");
  await stands(runId, "step.waiting");
  await tutti.restart(async () => {
    changes.isChanged = true;
  });
  await stands(runId, "run.paused");
  changes.isChanged = false;
  const page = await tutti.open(`/runs/${runId}`);
  await page.getByText("workflow_changed").first().waitFor();
  await page.getByRole("button", { name: "Resume" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Resume" }).click();
  await page.getByText("The run goes on.").waitFor();
  await signal(runId, "go", null);
  await page.getByText("completed").first().waitFor();
});

test("two runs are compared step by step", async () => {
  const [a, b] = [await start("failing"), await start("failing", { good: true })];
  await stands(a, "run.failed");
  await stands(b, "run.completed");
  const page = await tutti.open(`/runs/${a}?tab=values`);
  await page.getByLabel("or any run, by its id").fill(b);
  await page.getByRole("button", { name: "Compare", exact: true }).click();
  await page.getByRole("group", { name: "Differences of the inputs" }).getByText("/good").waitFor();
  await page.getByRole("region", { name: "Steps" }).getByText("ended otherwise").waitFor();
  await page.waitForURL((url) => url.searchParams.get("with") === b);
  assert.deepEqual(await violations(page), []);
  await page.getByLabel("or any run, by its id").fill("none of that name");
  await page.getByRole("button", { name: "Compare", exact: true }).click();
  await page.getByRole("alert").getByText("not_found").waitFor();
});

test("costs, the raw run and its download are there, and every view is accessible in the light theme too", async () => {
  const runId = await start("everything");
  await stands(runId, "run.completed");
  const page = await tutti.open(`/runs/${runId}`, { colorScheme: "light" });
  for (const name of ["Timeline", "Log", "Graph", "Input & output", "Receipt", "Cost", "Raw"]) {
    await tab(page, name).click();
    await page.getByRole("tabpanel", { name }).waitFor();
    await page.locator("[role=tabpanel] .skeleton").first().waitFor({ state: "detached" });
    assert.deepEqual(await violations(page), [], name);
  }
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download all as JSON" }).click();
  const saved = JSON.parse(await readFile(await (await downloading).path(), "utf8")) as { readonly events: readonly Json[] };
  assert.equal(saved.events.length, (await eventsOf(runId)).length);
  assert.deepEqual(page.problems, []);
});

test("no view scrolls sideways on a page of 320 pixels", async () => {
  const runId = await start("everything", { wait: true });
  await stands(runId, "step.waiting");
  const page = await tutti.open(`/runs/${runId}?span=1`);
  await page.setViewportSize({ width: 320, height: 640 });
  for (const name of ["Timeline", "Log", "Graph", "Input & output", "Receipt", "Cost", "Raw"]) {
    await tab(page, name).click();
    await page.getByRole("tabpanel", { name }).waitFor();
    await page.locator("[role=tabpanel] .skeleton").first().waitFor({ state: "detached" });
    await until(page, "[document.documentElement, document.getElementById('content')].every(({ scrollWidth }) => scrollWidth === 320)");
  }
});

test("a receipt whose log was changed on the disk shows where its chain is broken", async () => {
  const runId = await start("everything");
  await stands(runId, "run.completed");
  const page = await tutti.open(`/runs/${runId}?tab=receipt`);
  await page.getByText("The chain holds:").waitFor();
  await tutti.restart(async () => {
    const db = new DatabaseSync(join(tutti.tutti.dataDir, "tutti.db"));
    db.prepare("UPDATE events SET body = replace(body, 'Ada', 'Bob') WHERE seq = 3 AND run = (SELECT num FROM runs WHERE id = ?)").run(
      runId,
    );
    db.close();
  });
  await page.reload();
  await page.getByRole("alert").getByText("The chain is broken at event 3").waitFor();
  assert.match(await row(page, /broken here/).innerText(), /^3\b/);
  assert.equal(await page.getByText("holds", { exact: true }).count(), 2);
  assert.deepEqual(await violations(page), []);
});

test("names and values of strangers are text in every view, whatever they look like, and read in their own direction", async () => {
  const runId = await start("hostile");
  await stands(runId, "run.completed");
  const page = await tutti.open(`/runs/${runId}`);
  await row(page, /onerror/).click();
  await page.getByRole("complementary").getByText("<script>", { exact: false }).first().waitFor();
  for (const name of ["Log", "Graph", "Input & output", "Receipt", "Cost", "Raw", "Timeline"]) {
    await tab(page, name).click();
    await page.getByRole("tabpanel", { name }).waitFor();
  }
  assert.equal(await page.evaluate("globalThis.hacked"), undefined);
  assert.equal(await page.locator("a[href^=javascript]").count(), 0);
  assert.deepEqual(page.problems, []);
  assert.ok(HOSTILE.includes("onerror"));
});

test("the graph of a run shows where its nodes stand while it runs", async () => {
  const text = await readFile(new URL("../../examples/graph-amended/report.yaml", import.meta.url), "utf8");
  const runId = (await ask<{ readonly run: RunRecord }>("/v1/graphs/runs", { text, input: {} })).run.id;
  await stands(runId, "step.waiting");
  const page = await tutti.open(`/runs/${runId}?tab=graph`);
  await page.getByRole("heading", { name: "Run of report" }).waitFor();
  await page.getByRole("button", { name: /wait review waiting/ }).waitFor();
  await page.getByRole("button", { name: /emit send pending/ }).waitFor();
  assert.deepEqual(await violations(page), []);
  await signal(runId, "reviewed", null);
  await page.getByRole("button", { name: /emit send completed report.sent/ }).waitFor();
});
