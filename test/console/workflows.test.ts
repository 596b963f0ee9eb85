import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createClient, type Client } from "@tutti/client";
import { defineWorkflow } from "@tutti/core";
import { z } from "zod";
import { openConsole, pressKeys, until, violations, type ConsolePage, type TestConsole } from "./console.ts";
import { writeCode } from "./write-code.ts";

const pay = defineWorkflow<{ amount: number; to: string }, { paid: number }>({
  name: "pay",
  version: "1",
  description: "Pays somebody.",
  input: z.object({ amount: z.number().max(100), to: z.string().min(2) }),
  run: (ctx, { amount }) => ctx.step("pay", () => Promise.resolve({ paid: amount })),
});

let tutti: TestConsole;
let client: Client;
before(async () => {
  tutti = await openConsole({ inlinePlugins: [{ name: "payments", workflows: [pay] }] });
  client = createClient({ baseUrl: tutti.tutti.url, token: tutti.tutti.token });
});
after(async () => {
  await tutti[Symbol.asyncDispose]();
});

/** Waits for the editor to have checked what it holds. */
async function checked(page: ConsolePage, words: string): Promise<void> {
  await page.getByRole("status").getByText(words, { exact: true }).waitFor();
}

async function ended(runId: string): Promise<unknown> {
  for await (const _ of client.watchRun({ runId, afterSeq: 0 }, AbortSignal.timeout(60_000))) continue;
  return (await client.run(runId)).output;
}

const write = (page: ConsolePage, text: string): Promise<void> => writeCode(page, page.getByLabel("The graph as YAML"), text);

const runIn = (page: ConsolePage): string => new URL(page.url()).pathname.split("/").at(-1) ?? "";

test("a workflow is found, started with a form, told what is wrong at its fields, and started again with its last input", async () => {
  const page = await tutti.open("/workflows");
  await page.getByLabel("Find").fill("somebody");
  const row = page.getByRole("row").filter({ hasText: "pay" });
  await page.waitForURL(/q=somebody/);
  await page.getByRole("row").filter({ hasText: "holly" }).waitFor({ state: "detached" });
  await row.getByText("code", { exact: true }).waitFor();
  assert.deepEqual(await violations(page), []);
  await row.getByRole("button", { name: "Start pay" }).click();
  const window = page.getByRole("dialog", { name: "Start pay" });
  await window.getByLabel("amount *").fill("500");
  await window.getByLabel("to *").fill("x");
  await window.getByRole("button", { name: "Start", exact: true }).click();
  await window.locator("[aria-invalid=true]").nth(1).waitFor();
  assert.deepEqual(await violations(page), []);
  await window.getByLabel("amount *").fill("12");
  await window.getByLabel("to *").fill("acme");
  await window.getByRole("button", { name: "Start", exact: true }).click();
  await page.waitForURL(/\/runs\/[0-9a-f-]{36}/);
  assert.deepEqual(await ended(runIn(page)), { paid: 12 });
  await page.goto(`${tutti.tutti.url}/admin/workflows/pay`);
  await page.getByRole("heading", { name: "pay", level: 1 }).waitFor();
  await page.getByRole("button", { name: /Last input/ }).click();
  await page.getByLabel("to *").and(page.locator("[value=acme]")).waitFor();
  await page.getByRole("button", { name: "As JSON" }).click();
  await page.getByRole("textbox", { name: "Input" }).fill("{ no json");
  await page.getByRole("button", { name: "Start", exact: true }).click();
  assert.match(page.url(), /workflows/);
  await page.getByRole("region", { name: "Recent runs" }).getByText("completed").waitFor();
  assert.deepEqual(await violations(page), []);
  assert.deepEqual(page.problems, []);
});

test("a graph is made with the keyboard alone: nodes, an edge, fields, a name for the change", async () => {
  const page = await tutti.open("/workflows");
  await page.getByRole("heading", { name: "Workflows", level: 1 }).waitFor();
  await page.getByRole("grid").waitFor();
  await page.keyboard.press("n");
  await page.locator("[role=dialog] input:focus").waitFor();
  await page.keyboard.type("doubled");
  await page.keyboard.press("Enter");
  await page.getByRole("region", { name: "The graph", exact: true }).waitFor();
  await checked(page, "nothing is wrong");
  await page.keyboard.press("a");
  await page.getByRole("dialog", { name: "Add a node" }).getByRole("button").first().waitFor();
  await tabTo(page, async () => (await focusedText(page)).startsWith("tool"));
  await page.keyboard.press("Enter");
  await page.getByRole("region", { name: "Node tool" }).waitFor();
  await checked(page, "something is wrong");
  await tabTo(page, async () => (await focusedLabel(page)) === "tool *");
  await page.keyboard.type("safe_calc");
  await tabTo(page, async () => (await focusedLabel(page)) === "input");
  await page.keyboard.press("Control+A");
  await page.keyboard.type('expression: "${ string(input.value) } * 2"');
  await page.keyboard.press("Escape");
  await page.locator(".react-flow__node[data-id=begin]").focus();
  await page.keyboard.press("Enter");
  await page.getByRole("region", { name: "Node begin" }).waitFor();
  await tabTo(page, async () => (await focusedLabel(page)) === "Add an edge to");
  await page.keyboard.type("tool");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await checked(page, "nothing is wrong");
  await page.getByLabel("What has changed").focus();
  await page.keyboard.type("a beginning");
  await page.keyboard.press("Control+S");
  await page.getByText("Saved as version 1").waitFor();
  const saved = await client.savedGraph("doubled");
  assert.deepEqual(
    [saved.message, Object.keys(saved.graph.nodes), saved.graph.edges],
    ["a beginning", ["begin", "tool"], [{ from: "begin", to: "tool" }]],
  );
  assert.deepEqual(await violations(page), []);
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await page.getByRole("dialog").getByLabel("Input").fill('{ "value": 21 }');
  await page.getByRole("dialog").getByRole("button", { name: "Start", exact: true }).click();
  await page.waitForURL(/\/runs\/[0-9a-f-]{36}/);
  assert.match(JSON.stringify(await ended(runIn(page))), /"42"/);
  assert.deepEqual(page.problems, []);
});

/** More stops than the page has: who is not there by then does not get there. */
const STOPS_MAX = 200;

/** Presses Tab until the keyboard is where it is wanted. */
async function tabTo(page: ConsolePage, isThere: () => Promise<boolean>): Promise<void> {
  for (let stop = 0; stop < STOPS_MAX; stop += 1) {
    if (await isThere()) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`wanted Tab to come to what is looked for, got no further than ${await focusedText(page)}`);
}

async function focusedText(page: ConsolePage): Promise<string> {
  return page.evaluate<string>("document.activeElement.innerText ?? ''");
}

async function focusedLabel(page: ConsolePage): Promise<string> {
  return page.evaluate<string>("document.activeElement.labels?.[0]?.textContent ?? ''");
}

const GRAPH = `name: shapes
nodes:
  first: { type: transform, value: 1 } # where it begins
  second: { type: transform, value: "\${ nodes.first.output }" }
edges:
  - { from: first, to: second }
`;

test("picture, form and text are one graph: an edit of any is an edit of all, and is taken back by one history", async () => {
  await client.saveGraph("shapes", { text: GRAPH });
  const page = await tutti.open("/workflows/shapes?tab=edit");
  const text = page.getByLabel("The graph as YAML");
  await page.locator(".react-flow__node[data-id=first]").click();
  await page.getByRole("region", { name: "Node first" }).getByLabel("Id").fill("begin");
  await page.keyboard.press("Enter");
  await page.locator(".react-flow__node[data-id=begin]").waitFor();
  await text.getByText(/nodes\.begin\.output/).waitFor();
  assert.match(await text.innerText(), /# where it begins/);
  await page.locator(".react-flow__node[data-id=begin]").focus();
  await page.keyboard.press("ArrowDown");
  await page.getByRole("region", { name: "Node second" }).waitFor();
  await page.keyboard.press("Control+D");
  await page.locator(".react-flow__node[data-id=second2]").waitFor();
  await page.keyboard.press("Delete");
  await page.locator(".react-flow__node[data-id=second2]").waitFor({ state: "detached" });
  await page.keyboard.press("Control+Z");
  await page.locator(".react-flow__node[data-id=second2]").waitFor();
  await page.keyboard.press("Control+Z");
  await page.keyboard.press("Control+Z");
  await page.locator(".react-flow__node[data-id=first]").waitFor();
  await write(page, GRAPH.replace("second:", "third:").replace("to: second", "to: third"));
  await page.locator(".react-flow__node[data-id=third]").waitFor();
  await page.reload();
  await page.getByText("not saved", { exact: true }).waitFor();
  await page.locator(".react-flow__node[data-id=third]").waitFor();
  await page.getByRole("button", { name: "Discard changes" }).click();
  await page.locator(".react-flow__node[data-id=second]").waitFor();
  assert.deepEqual(page.problems, []);
});

test("what is wrong with a graph stands at its node and its line, leads there, and is not saved", async () => {
  await client.saveGraph("wrongs", { text: GRAPH.replace("shapes", "wrongs") });
  const page = await tutti.open("/workflows/wrongs?tab=edit");
  await page.locator(".react-flow__node[data-id=second]").waitFor();
  await write(
    page,
    GRAPH.replace("shapes", "wrongs").replace("nodes.first.output", "nodes.nobody.output").replace("to: second }", "to: nowhere }"),
  );
  await checked(page, "something is wrong");
  const problems = page.getByRole("region", { name: "Problems" });
  await problems.getByText(/nowhere/).waitFor();
  await problems
    .getByRole("button", { name: /nobody/ })
    .first()
    .click();
  await page
    .getByRole("region", { name: "Node second" })
    .getByText(/nobody/)
    .first()
    .waitFor();
  await page.locator(".cm-lintRange-error").first().waitFor({ state: "attached" });
  assert.deepEqual(await violations(page), []);
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page
    .getByText(/it is not saved/)
    .first()
    .waitFor();
  await write(page, "nodes: [");
  await page.getByText(/The text cannot be read just now/).waitFor();
  await page.locator(".react-flow__node[data-id=second]").waitFor();
  assert.equal((await client.savedGraph("wrongs")).version, 1);
  assert.deepEqual(page.problems, []);
});

test("of two who edit one graph, the second sees what the first has saved, and nothing of either is lost", async () => {
  const text = GRAPH.replace("shapes", "shared");
  await client.saveGraph("shared", { text });
  const [one, two] = [await tutti.open("/workflows/shared?tab=edit"), await tutti.open("/workflows/shared?tab=edit")];
  for (const [page, value] of [
    [one, "11"],
    [two, "22"],
  ] as const)
    await write(page, text.replace("value: 1 }", `value: ${value} }`));
  await one.getByLabel("What has changed").fill("eleven");
  await one.getByRole("button", { name: "Save", exact: true }).click();
  await one.getByText("Saved as version 2").waitFor();
  await two.getByRole("button", { name: "Save", exact: true }).click();
  const window = two.getByRole("dialog", { name: "Version 2 was saved meanwhile" });
  await window.getByText("eleven").waitFor();
  await window.getByText(/value: 11/).waitFor();
  assert.deepEqual(await violations(two), []);
  await window.getByRole("button", { name: "Save mine as version 3" }).click();
  await two.getByText("Saved as version 3").waitFor();
  assert.match((await client.savedGraph("shared")).text ?? "", /value: 22/);
  assert.match((await client.savedGraph("shared", 2)).text ?? "", /value: 11/);
  assert.deepEqual([...one.problems, ...two.problems], []);
});

test("versions tell who saved what and why, what two differ in, and an old one is made new again", async () => {
  const text = GRAPH.replace("shapes", "old");
  await client.saveGraph("old", { text, message: "the first" });
  await client.saveGraph("old", { text: `${text}output: done\n`.replace("value: 1 }", "value: 9 }"), message: "the second" });
  const page = await tutti.open("/workflows/old?tab=history");
  await page.getByText("the second").waitFor();
  await page
    .getByRole("region", { name: "Node first" })
    .getByText(/value: 9/)
    .waitFor();
  await page.getByText("output", { exact: true }).waitFor();
  assert.deepEqual(await violations(page), []);
  await page.getByRole("tab", { name: "Text" }).click();
  await page.getByText(/output: done/).waitFor();
  await page.getByRole("button", { name: "Restore version 1" }).click();
  await page.getByText("not saved", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByText("Saved as version 3").waitFor();
  const restored = await client.savedGraph("old");
  assert.deepEqual([restored.text, restored.message], [text, "Version 1 again"]);
  assert.deepEqual(page.problems, []);
});

test("a running graph is amended in the editor, where what has begun is locked", async () => {
  const text = `name: slow
nodes:
  wait: { type: wait, signal: go }
  after: { type: transform, value: old }
edges:
  - { from: wait, to: after }
`;
  const { run } = await client.startGraph({ text, input: {} });
  const page = await tutti.open(`/runs/${run.id}?tab=graph`);
  await page.getByRole("button", { name: "Amend" }).click();
  const window = page.getByRole("dialog", { name: "Amend the running graph" });
  await window.locator(".react-flow__node[data-id=wait]").click();
  await window.getByText(/It has begun/).waitFor();
  await window.locator(".react-flow__node[data-id=after]").click();
  await window.getByRole("region", { name: "Node after" }).getByLabel("value *").fill("new");
  await window.getByRole("button", { name: "Amend", exact: true }).click();
  await window.waitFor({ state: "detached" });
  await client.signalRun(run.id, { name: "go", value: null });
  assert.equal(await ended(run.id), "new");
  assert.deepEqual(page.problems, []);
});

test("the first Escape in a text leaves the text only, and an amendment that is not sent is not thrown away unasked", async () => {
  const text =
    "name: unsent\nnodes:\n  wait: { type: wait, signal: go }\n  send: { type: transform, value: old }\nedges:\n  - { from: wait, to: send }\n";
  const { run } = await client.startGraph({ text, input: {} });
  const page = await tutti.open(`/runs/${run.id}`);
  await page.getByRole("heading", { name: "Run of unsent" }).waitFor();
  await pressKeys(page, "r s");
  const signal = page.getByRole("dialog", { name: "Send a signal" });
  await writeCode(page, signal.getByRole("textbox", { name: "Value (JSON)" }), '{"kept": true}');
  await page.keyboard.press("Escape");
  await page.keyboard.press("Shift+Tab");
  await signal.locator("input:focus").waitFor();
  await signal.getByText('{"kept": true}').waitFor();
  await page.keyboard.press("Escape");
  await signal.waitFor({ state: "detached" });
  await pressKeys(page, "r g");
  const window = page.getByRole("dialog", { name: "Amend the running graph" });
  await window.getByText("Nothing is changed yet.").waitFor();
  assert.deepEqual([new URL(page.url()).searchParams.get("tab"), new URL(page.url()).searchParams.get("do")], ["graph", "amend"]);
  const editor = window.getByLabel("The graph as YAML");
  await writeCode(page, editor, `${text}output: done\n`);
  await window.getByLabel("What changes", { exact: true }).getByText("output", { exact: true }).waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("Tab");
  await window.locator(":focus").waitFor();
  assert.ok(await page.evaluate<boolean>("document.activeElement !== document.body && document.activeElement.shadowRoot === null"));
  await page.keyboard.press("Escape");
  const asking = page.getByRole("dialog", { name: "Throw the amendment away?" });
  await asking.waitFor();
  assert.deepEqual(await violations(page), []);
  await page.keyboard.press("Escape");
  await asking.waitFor({ state: "detached" });
  await editor.getByText("output: done").waitFor();
  await window.getByRole("button", { name: "Amend", exact: true }).click();
  await window.waitFor({ state: "detached" });
  await page.getByRole("region", { name: "Amendments" }).getByText("output", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Amend", exact: true }).click();
  await writeCode(page, editor, `${text.replace("old", "new")}output: done\n`);
  await window.getByLabel("What changes", { exact: true }).getByText("send", { exact: true }).waitFor();
  await window.getByRole("button", { name: "Amend", exact: true }).click();
  await window.waitFor({ state: "detached" });
  await page.getByRole("region", { name: "Amendments" }).getByText("Changed nodes").waitFor();
  assert.deepEqual(await violations(page), []);
  await client.signalRun(run.id, { name: "go", value: null });
  assert.equal(await ended(run.id), "done");
  assert.deepEqual(page.problems, []);
});

test("the editor fits a narrow window, and a workflow that there is none of says so", async () => {
  const page = await tutti.open("/workflows/shapes?tab=edit");
  await page.setViewportSize({ width: 390, height: 844 });
  await page.locator(".react-flow__node").first().waitFor();
  await until(page, "document.documentElement.scrollWidth <= innerWidth");
  assert.deepEqual(await violations(page), []);
  await page.goto(`${tutti.tutti.url}/admin/workflows/nothing`);
  await page.getByText("No workflow is called that").waitFor();
  assert.deepEqual(await violations(page), []);
});
