// Takes the pictures of the console that the docs show: docs/img/console-*.png, of the built console over the filled world of its tests.
// Run it with: npm run console:build && npm run console:screenshots (names after -- take those only)
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { BrowserContextOptions, Page } from "playwright-core";
import { addressesOf } from "../test/console/addresses.ts";
import { visit } from "../test/console/console.ts";
import { openFilledWorld, type FilledWorld } from "../test/console/filled-world.ts";
import { withPalette } from "./palette-png.ts";

const FOLDER = join(import.meta.dirname, "../docs/img");
const DESK = { viewport: { width: 1440, height: 900 }, colorScheme: "dark" } as const;
const LIGHT = { ...DESK, colorScheme: "light" } as const;
const PHONE = { viewport: { width: 390, height: 844 }, colorScheme: "dark", deviceScaleFactor: 1.5 } as const;
/** What moves has come to rest by then. */
const REST_MS = 400;

/** A picture: where, how, and what is done first. */
interface Picture {
  readonly name: string;
  readonly path: string;
  readonly look?: BrowserContextOptions;
  readonly prepare?: (page: Page) => Promise<unknown>;
}

/** Addresses that look as another one does. */
const SAME: ReadonlySet<string> = new Set(["runs-failed", "run-child", "run-queued", "run-long", "settings", "run-triage"]);

/** What is done at an address before its picture is taken. */
const PREPARED: Readonly<Record<string, Pick<Picture, "prepare">>> = {
  "run-receipt": { prepare: (page) => page.getByText(/chain/i).first().waitFor() },
  compare: { prepare: compare },
};

/** One browser for all pictures of one look: each would be one more that is signed in. */
const pages = new Map<BrowserContextOptions, Page>();

const wanted = process.argv.slice(2);
await mkdir(FOLDER, { recursive: true });
await using world = await openFilledWorld();
for (const picture of picturesOf(world)) {
  if (wanted.length > 0 && !wanted.includes(picture.name)) continue;
  await take(world, picture);
  console.log(picture.name);
}

function picturesOf({ runs }: FilledWorld): readonly Picture[] {
  const addresses = addressesOf(runs);
  const pathOf = (name: string): string => addresses.find((one) => one.name === name)?.path ?? "/";
  return [
    ...addresses.filter(({ name }) => !SAME.has(name)).map(({ name, path }) => ({ name, path, ...PREPARED[name] })),
    {
      name: "palette",
      path: "/runs",
      prepare: (page) => page.keyboard.press("Control+k").then(() => page.getByRole("combobox").fill("cl")),
    },
    { name: "help", path: pathOf("run-timeline"), prepare: (page) => page.keyboard.press("?") },
    { name: "tour", path: "/", look: { ...DESK }, prepare: tour },
    {
      name: "sign-in",
      look: { ...DESK },
      path: "/",
      prepare: (page) =>
        page
          .context()
          .clearCookies()
          .then(() => page.reload()),
    },
    { name: "overview-light", path: "/", look: LIGHT },
    { name: "run-timeline-light", path: pathOf("run-timeline"), look: LIGHT },
    { name: "overview-phone", path: "/", look: PHONE },
    { name: "approvals-phone", path: "/approvals", look: PHONE },
    { name: "run-timeline-phone", path: pathOf("run-timeline"), look: PHONE },
    { name: "agent-chat-phone", path: pathOf("agent-chat"), look: PHONE },
  ];
}

async function compare(page: Page): Promise<void> {
  await page.getByRole("textbox").last().fill("Can I return a lamp that I have used?");
  await page.keyboard.press("Control+Enter");
  await page.waitForLoadState("networkidle");
}

async function tour(page: Page): Promise<void> {
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox").fill("take the tour");
  await page.getByRole("option", { name: "Take the tour" }).click();
  await page.getByRole("region", { name: "Tour" }).waitFor();
}

async function take(world: FilledWorld, { name, path, look = DESK, prepare }: Picture): Promise<void> {
  const { viewport, ...rest } = look;
  const page = pages.get(look) ?? (await world.console.open("/settings/appearance", { reducedMotion: "reduce", ...rest }));
  pages.set(look, page);
  // Only now: where the window is small nobody would see that the navigation is there.
  if (viewport !== undefined && viewport !== null) await page.setViewportSize(viewport);
  await visit(page, path);
  await prepare?.(page);
  await page.waitForTimeout(REST_MS);
  await writeFile(join(FOLDER, `console-${name}.png`), withPalette(await page.screenshot()));
}
