import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { CDPSession, Page } from "playwright-core";
import { addressesOf, assertAllRoutes, type Address } from "./addresses.ts";
import { until, violations, visit, type ConsolePage } from "./console.ts";
import { openFilledWorld, type FilledWorld } from "./filled-world.ts";
import { misplaced, notMirrored } from "./geometry.ts";

let world: FilledWorld;
let addresses: readonly Address[];
before(async () => {
  world = await openFilledWorld();
  addresses = addressesOf(world.runs);
});
after(async () => {
  await world[Symbol.asyncDispose]();
});

/** A browser page whose window is given another size and density without loading anything again. */
interface Sized {
  readonly page: ConsolePage;
  readonly resize: (size: Size) => Promise<void>;
}

interface Size {
  readonly width: number;
  readonly height: number;
  /** Device pixels in a CSS pixel. */
  readonly density?: number;
}

const DESK: Size = { width: 1440, height: 900 };
/** As wide as WCAG asks for (1.4.10): 1280 at 400 %. */
const NARROW: Size = { width: 320, height: 800 };
/**
 * Zoom at 200 % makes a CSS pixel two by two of the screen's: a window of 1440 by 900 is then laid out as one of 720 by 450, and drawn with
 * twice the density. That is all that a browser's zoom does, so this is the same.
 */
const ZOOMED: Size = { width: 720, height: 450, density: 2 };

async function openSized(path = "/"): Promise<Sized> {
  const page = await world.console.open(path, { reducedMotion: "reduce" });
  const devtools: CDPSession = await page.context().newCDPSession(page);
  return {
    page,
    async resize({ width, height, density = 1 }) {
      await devtools.send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: density, mobile: false });
      await drawn(page);
    },
  };
}

/** Two frames later what was asked for stands on the screen, and what watches sizes has seen the new ones; then what fades has to end. */
async function drawn(page: Page): Promise<void> {
  await page.evaluate("new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(resolve, 60))))");
  await until(
    page,
    "document.getAnimations().every(({ playState, effect }) => playState !== 'running' || effect.getComputedTiming().endTime === Infinity)",
  );
}

/** What is wrong on all pages, by what was looked at, so that one look tells of all of them. */
interface Findings {
  readonly rules: string[];
  readonly places: string[];
  readonly motion: string[];
  readonly colours: string[];
}

let walking: Promise<Findings> | undefined;

/** Opens every page once and looks at it in every way. It moves nothing: with motion only what fades would have to be waited for. */
function walk(): Promise<Findings> {
  return (walking ??= walkAll());
}

async function walkAll(): Promise<Findings> {
  const { page, resize } = await openSized();
  const found: Findings = { rules: [], places: [], motion: [], colours: [] };
  for (const address of addresses) {
    const note = (list: string[], how: string, wrong: readonly string[]): void =>
      void list.push(...wrong.map((one) => `${address.name}, ${how}: ${one}`));
    await resize(DESK);
    await visit(page, address.path);
    note(found.motion, "still", await page.evaluate<readonly string[]>(MOVING));
    for (const colorScheme of ["dark", "light"] as const) {
      await page.emulateMedia({ colorScheme });
      await drawn(page);
      note(found.rules, colorScheme, await violations(page));
    }
    await page.emulateMedia({ forcedColors: "active" });
    note(found.colours, "forced", await page.evaluate<readonly string[]>(LOST_IN_FORCED_COLOURS));
    await page.emulateMedia({ forcedColors: "none" });
    for (const direction of ["ltr", "rtl"] as const) {
      await page.evaluate(`document.documentElement.dir = "${direction}"`);
      for (const size of direction === "ltr" ? [DESK, NARROW, ZOOMED] : [ZOOMED, NARROW, DESK]) {
        await resize(size);
        note(found.places, `${direction} at ${size.width}`, await misplaced(page));
      }
      if (direction === "rtl") note(found.places, direction, await notMirrored(page));
    }
  }
  found.rules.push(...page.problems);
  return found;
}

test("every address of the router is looked at", async () => {
  await assertAllRoutes(addresses);
});

test("every page is accessible in the dark and in the light, and breaks no rule of its policy", async () => {
  assert.deepEqual((await walk()).rules, []);
});

test("every page fits a desk, a window of 320 px and a zoom of 200 %, read from the left and from the right", async () => {
  assert.deepEqual((await walk()).places, []);
});

test("nothing moves for whoever does not want that", async () => {
  assert.deepEqual((await walk()).motion, []);
});

test("forced colours leave every bar what it tells", async () => {
  assert.deepEqual((await walk()).colours, []);
});

const MOVING = `document.getAnimations().filter(({ playState, effect }) => playState === "running" && effect.getComputedTiming().activeDuration > 0)
  .map(({ effect }) => "moves: " + effect.target.outerHTML.slice(0, 100))`;

/** Grounds are taken away there. What is told by a ground alone, such as a bar, is told no more unless it keeps its own colours. */
const LOST_IN_FORCED_COLOURS = `(() => {
  const wrong = [];
  for (const node of document.querySelectorAll("main [style]")) {
    const { width, height } = node.getBoundingClientRect();
    const { forcedColorAdjust, borderTopWidth, borderInlineStartWidth, position } = getComputedStyle(node);
    const isBar = /(?:^|;)\\s*(?:width|inset-inline-start|left|height):[^;]*%/.test(node.getAttribute("style") ?? "");
    if (!isBar || width < 1 || height < 1 || node.childNodes.length > 0 || node.closest("svg, .react-flow, .uplot, .cm-editor, .skeleton")) continue;
    if (forcedColorAdjust !== "none" && borderTopWidth === "0px" && borderInlineStartWidth === "0px") wrong.push("a bar that is a ground: " + node.className.slice(0, 100) + " " + position);
  }
  return [...new Set(wrong)];
})()`;
