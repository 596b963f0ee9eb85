import type { BrowserContext, Page } from "playwright-core";
import { framesOf, type Frames, type MeasuredBrowser } from "./browser.ts";
import type { Tutti } from "./tutti.ts";

const TRIES = 5;
const SCROLL_MS = 4_000;
const SCROLL_PX = 300;

/** How long pages took from the beginning of the navigation, in ms. */
export interface Opened {
  /** With nothing in any cache, until the waterfall is painted. */
  readonly coldMs: readonly number[];
  /** The same page again. */
  readonly againMs: readonly number[];
  /** A page that only fetches the same events, page by page, and parses them. */
  readonly bareMs: readonly number[];
  /** While the page rests, and while it is scrolled. */
  readonly resting: Frames;
  readonly scrolling: Frames;
}

/** Opens the page of a long run, several times. */
export async function openings(browser: MeasuredBrowser, tutti: Tutti): Promise<Opened> {
  const { runId, events } = await tutti.longRun();
  const [coldMs, againMs, bareMs] = [[] as number[], [] as number[], [] as number[]];
  let frames: Pick<Opened, "resting" | "scrolling"> | undefined;
  for (let round = 0; round < TRIES; round += 1) {
    const context = await browser.profile(tutti);
    const page = await context.newPage();
    await page.addInitScript(PAINTED);
    coldMs.push(await paintedMs(page, `${tutti.url}/admin/runs/${runId}`));
    if (round === TRIES - 1) frames = { resting: await framesOf(page, SCROLL_MS), scrolling: await framesOf(page, SCROLL_MS, SCROLL) };
    againMs.push(await paintedMs(page, `${tutti.url}/admin/runs/${runId}`));
    bareMs.push(await fetchedMs(context, { url: tutti.url, runId, events }));
    await context.close();
  }
  if (frames === undefined) throw new Error("wanted frames, got none");
  return { coldMs, againMs, bareMs, ...frames };
}

/** Tells when the first frame with steps in it was handed over. */
const PAINTED = `
  globalThis.painted = new Promise((resolve) => {
    const look = () => {
      if (document.querySelector("[role=treegrid] [data-index]") === null) requestAnimationFrame(look);
      else requestAnimationFrame(() => setTimeout(() => resolve(performance.now())));
    };
    requestAnimationFrame(look);
  });`;
const SCROLL = `document.querySelector("[role=treegrid]").scrollTop += ${SCROLL_PX}`;

async function paintedMs(page: Page, url: string): Promise<number> {
  await page.goto(url, { waitUntil: "commit" });
  return page.evaluate<number>("globalThis.painted");
}

/** As many requests at once as the console makes. */
const AT_ONCE = 4;
const PAGE = 1000;

async function fetchedMs(
  context: BrowserContext,
  { url, runId, events }: { readonly url: string; readonly runId: string; readonly events: number },
): Promise<number> {
  const page = await context.newPage();
  await page.goto(`${url}/admin/icon.svg`, { waitUntil: "commit" });
  const script = `(async () => {
    let after = 0;
    const lane = async () => {
      while (after < ${events}) {
        const from = after;
        after += ${PAGE};
        const answer = await fetch("/v1/runs/${runId}/events?limit=${PAGE}&after=" + from);
        JSON.parse(await answer.text());
      }
    };
    await Promise.all(Array.from({ length: ${AT_ONCE} }, lane));
    return performance.now();
  })()`;
  const ms = await page.evaluate<number>(script);
  await page.close();
  return ms;
}
