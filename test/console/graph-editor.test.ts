import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createClient, type Client } from "@tutti/client";
import { openConsole, until, violations, type ConsolePage, type TestConsole } from "./console.ts";

let tutti: TestConsole;
let client: Client;
before(async () => {
  tutti = await openConsole();
  client = createClient({ baseUrl: tutti.tutti.url, token: tutti.tutti.token });
});
after(async () => {
  await tutti[Symbol.asyncDispose]();
});

const GRAPH = `name: three
nodes:
  one: { type: transform, value: 1 }
  two: { type: transform, value: 2 }
  three: { type: transform, value: 3 }
edges:
  - { from: one, to: two }
  - { from: two, to: three }
`;

async function edit(name: string): Promise<ConsolePage> {
  await client.saveGraph(name, { text: GRAPH.replace("name: three", `name: ${name}`) });
  const page = await tutti.open(`/workflows/${name}?tab=edit`);
  await node(page, "one").waitFor();
  return page;
}

const node = (page: ConsolePage, id: string) => page.locator(`.react-flow__node[data-id="${id}"]`);
const chosen = (page: ConsolePage, count: number) => page.getByRole("status").getByText(`${count} nodes selected`).waitFor();

test("several nodes are selected by the keyboard, duplicated with the edge between them, removed, and brought back", async () => {
  const page = await edit("several");
  await node(page, "one").focus();
  await page.keyboard.press("Enter");
  await page.getByRole("region", { name: "Node one" }).waitFor();
  await node(page, "one").focus();
  await page.keyboard.press("Shift+ArrowDown");
  await chosen(page, 2);
  await page.keyboard.press("Control+d");
  await node(page, "two2").waitFor();
  const text = page.getByLabel("The graph as YAML");
  await text.getByText("from: one2, to: two2").waitFor();
  await node(page, "three").focus();
  await page.keyboard.press("Control+a");
  await chosen(page, 5);
  assert.deepEqual(await violations(page), []);
  await page.keyboard.press("Delete");
  await node(page, "one").waitFor({ state: "detached" });
  await node(page, "two2").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Undo" }).click();
  await node(page, "two2").waitFor();
  await page.getByRole("button", { name: "Undo" }).click();
  await node(page, "two2").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Redo" }).click();
  await node(page, "two2").waitFor();
  assert.deepEqual(page.problems, []);
});

test("nodes are added to what is selected with Shift and a click, cut, and pasted with their edge", async () => {
  const page = await edit("cutting");
  await node(page, "two").click();
  await node(page, "three").click({ modifiers: ["Shift"] });
  await chosen(page, 2);
  await node(page, "three").click({ modifiers: ["Shift"] });
  await page.getByText("2 nodes selected").waitFor({ state: "detached" });
  await node(page, "three").click({ modifiers: ["Shift"] });
  await chosen(page, 2);
  await node(page, "two").focus();
  await page.keyboard.press("Control+x");
  await node(page, "two").waitFor({ state: "detached" });
  await node(page, "three").waitFor({ state: "detached" });
  await node(page, "one").focus();
  await page.keyboard.press("Control+v");
  await node(page, "three").waitFor();
  await page.getByLabel("The graph as YAML").getByText("from: two, to: three").waitFor();
  assert.deepEqual(page.problems, []);
});

/** The place and the size of the picture. */
const PLACE = 'document.querySelector(".react-flow__viewport").style.transform';

test("the picture comes nearer, goes away and is shown whole by the keyboard", async () => {
  const page = await edit("zooming");
  await node(page, "one").focus();
  for (const key of ["-", "+", "-", "0"]) {
    const before = await page.evaluate<string>(PLACE);
    await page.keyboard.press(key);
    await until(page, `${PLACE} !== ${JSON.stringify(before)}`);
  }
  assert.deepEqual(page.problems, []);
});

test("what the editor can do is in the palette, for what is selected now", async () => {
  const page = await edit("commanded");
  await node(page, "two").click();
  await page.keyboard.press("Control+k");
  await page.locator("[role=combobox]:focus").waitFor();
  await page.keyboard.insertText("Remove what is selected");
  await page.getByRole("option", { name: /Remove what is selected/ }).waitFor();
  await page.keyboard.press("Enter");
  await node(page, "two").waitFor({ state: "detached" });
  await page.keyboard.press("Control+k");
  await page.locator("[role=combobox]:focus").waitFor();
  await page.keyboard.insertText("Select all nodes");
  await page.getByRole("option", { name: "Select all nodes" }).waitFor();
  await page.keyboard.press("Enter");
  await chosen(page, 2);
  assert.deepEqual(page.problems, []);
});

test("from right to left the picture stays as it is and the words turn; keys lead where they point", async () => {
  const page = await edit("turned");
  await page.evaluate("document.documentElement.dir = 'rtl'");
  await node(page, "one").focus();
  await page.keyboard.press("Enter");
  await node(page, "one").focus();
  await page.keyboard.press("ArrowDown");
  await page.getByRole("region", { name: "Node two" }).waitFor();
  await until(page, "document.documentElement.scrollWidth <= innerWidth");
  assert.deepEqual(await violations(page), []);
  assert.deepEqual(page.problems, []);
});
