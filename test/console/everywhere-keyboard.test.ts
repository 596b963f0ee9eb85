import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Page } from "playwright-core";
import { addressesOf, type Address } from "./addresses.ts";
import { pressKeys, until, visit } from "./console.ts";
import { openFilledWorld, type FilledWorld } from "./filled-world.ts";

let world: FilledWorld;
let addresses: readonly Address[];
before(async () => {
  world = await openFilledWorld();
  addresses = addressesOf(world.runs);
});
after(async () => {
  await world[Symbol.asyncDispose]();
});

/** More stops than any page has: who is not out by then is trapped. */
const STOPS_MAX = 400;

/** Notes each thing that gets the keyboard, and whether it can be seen that it has it. */
const WATCH = `(() => {
  globalThis.stops = [];
  globalThis.unseen = [];
  const tell = (node) => node.localName + " " + JSON.stringify((node.getAttribute("aria-label") || node.innerText || "").slice(0, 50)) + " " + String(node.className?.baseVal ?? node.className ?? "").slice(0, 60);
  addEventListener("focusin", ({ target }) => {
    if (globalThis.stops.includes(target)) { globalThis.isRound = true; return; }
    globalThis.stops.push(target);
    let isSeen = false;
    for (let at = target, up = 0; at && up < 4; at = at.parentElement, up += 1) {
      const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(at);
      if (outlineStyle !== "none" && parseFloat(outlineWidth) >= 1) isSeen = true;
      if (up === 0 && boxShadow !== "none") isSeen = true;
    }
    // A thing that is drawn has its ring drawn with it.
    const isDrawn = ({ stroke, opacity }) => stroke !== "none" && opacity === "1";
    if (target.ownerSVGElement && [...target.children].some((part) => isDrawn(getComputedStyle(part)))) isSeen = true;
    const { width, height, bottom, top } = target.getBoundingClientRect();
    if (!isSeen) globalThis.unseen.push("without a ring: " + tell(target));
    if (width > 0 && height > 0 && (bottom < 0 || top > innerHeight)) globalThis.unseen.push("out of sight: " + tell(target));
  });
  const CONTROLS = "a[href],button,input,select,textarea,summary,[tabindex],[contenteditable=true]";
  globalThis.missed = () => [...document.querySelectorAll(CONTROLS)]
    .filter((node) => node.tabIndex >= 0 && !node.disabled && !node.closest("[inert],[aria-hidden=true]") && node.checkVisibility({ visibilityProperty: true }))
    .filter((node) => !(node.type === "radio" && !node.checked))
    .filter((node) => !globalThis.stops.includes(node))
    .map((node) => "not reached: " + tell(node));
})()`;

/** Goes through the page with Tab alone, from the address bar on. */
async function walk(page: Page): Promise<readonly string[]> {
  await page.evaluate(WATCH);
  for (let stop = 0; stop < STOPS_MAX; stop += 10) {
    for (let press = 0; press < 10; press += 1) {
      // In a code editor Tab indents, until Escape was pressed: the editor says so.
      if (await page.evaluate<boolean>("document.activeElement?.shadowRoot?.activeElement?.closest('.cm-content') != null"))
        await page.keyboard.press("Escape");
      await page.keyboard.press("Tab");
    }
    if (await page.evaluate<boolean>("globalThis.isRound === true"))
      return page.evaluate<readonly string[]>("[...new Set([...globalThis.unseen, ...globalThis.missed()])].slice(0, 8)");
  }
  return ["trapped: Tab does not come back to where it began"];
}

test("Tab reaches everything that can be pressed on every page, shows where it is, and comes out again", async () => {
  const page = await world.console.open("/");
  const wrong: string[] = [];
  for (const { name, path } of addresses) {
    await visit(page, path);
    wrong.push(...(await walk(page)).map((one) => `${name}: ${one}`));
  }
  assert.deepEqual(wrong, []);
  assert.deepEqual(page.problems, []);
});

/** What the help window lists: each action and its keys. */
async function helpOf(page: Page): Promise<readonly { readonly title: string; readonly keys: string }[]> {
  // Whoever writes into something writes a question mark; whoever leaves it asks for help.
  await page.evaluate("document.activeElement?.blur()");
  await page.keyboard.press("?");
  const help = page.getByRole("dialog", { name: "Keyboard and help" });
  await help.getByRole("listitem").first().waitFor();
  const listed = await help.getByRole("listitem").evaluateAll((items) =>
    items.map((item) => ({
      title: item.firstElementChild?.textContent ?? "",
      keys: [...item.querySelectorAll("kbd")].map((key) => key.textContent).join(" "),
    })),
  );
  await page.keyboard.press("Escape");
  await help.waitFor({ state: "detached" });
  return listed;
}

test("the help lists keys that mean one thing on each page", async () => {
  const page = await world.console.open("/");
  for (const { name, path } of addresses) {
    await visit(page, path);
    const keys = (await helpOf(page)).map((one) => one.keys.toLowerCase());
    assert.ok(keys.length > 10, name);
    assert.deepEqual(keys.toSorted(), [...new Set(keys)].toSorted(), name);
  }
});

test("the keys that the help lists go to every page, open the palette, and turn the leaves of a page with tabs", async () => {
  const page = await world.console.open("/");
  for (const { title, keys } of await helpOf(page)) {
    const [, place] = /^Go to (.+)$/.exec(title) ?? [];
    if (place === undefined) continue;
    await pressKeys(page, keys.toLowerCase());
    await page.getByRole("heading", { level: 1, name: place, exact: true }).waitFor();
  }
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("combobox").waitFor({ state: "detached" });
  for (const path of [`/runs/${world.runs.done}`, "/workflows/report", "/agents/clara"]) {
    await visit(page, path);
    const tabs = page.getByRole("tablist").first().getByRole("tab");
    await tabs.first().waitFor();
    for (let index = (await tabs.count()) - 1; index >= 0; index -= 1) {
      // What is typed into takes the digits for itself; whoever leaves it has them back.
      await page.evaluate("document.activeElement?.blur()");
      await page.keyboard.press(String(index + 1));
      await until(
        page,
        `document.querySelectorAll("[role=tablist]")[0].querySelectorAll("[role=tab]")[${index}].getAttribute("aria-selected") === "true"`,
      );
    }
  }
  assert.deepEqual(page.problems, []);
});
