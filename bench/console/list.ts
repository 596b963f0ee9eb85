import { setTimeout as sleep } from "node:timers/promises";
import type { Page } from "playwright-core";
import { framesOf, type Frames, type MeasuredBrowser } from "./browser.ts";
import type { Tutti } from "./tutti.ts";

/** How long the renderer's CPU is measured, and then the frames: counting them costs something itself. */
const CPU_MS = 10_000;
const FRAMES_MS = 5_000;
/** Until the runs that were started write as many events as are wanted. */
const WARM_MS = 3_000;
/** The page counts runs anew for a while after the last event. */
const QUIET_MS = 3_000;
const EVENTS_PER_S = 1_000;
const ROUNDS = 2;
const SCROLL_PAUSE_MS = 100;

/** What a page costs. */
export interface Cost extends Frames {
  /** The part of one core that the renderer used. */
  readonly cpu: number;
  readonly eventsPerS: number;
  /** How often the list was drawn anew; its clock does so once a second. */
  readonly drawingsPerS: number;
  /** The part of one core that the server used. */
  readonly serverCpu: number;
}

/** A page without events, and then with them; the same page, in turns. */
export interface Costs {
  readonly idle: readonly Cost[];
  readonly live: readonly Cost[];
}

interface Place {
  readonly browser: MeasuredBrowser;
  readonly tutti: Tutti;
}

/** Measures a page in turns without and with events. */
export async function costsOf(place: Place, page: Page, rounds = ROUNDS): Promise<Costs> {
  const costs = { idle: [] as Cost[], live: [] as Cost[] };
  for (let round = 0; round < rounds; round += 1) {
    await sleep(QUIET_MS);
    costs.idle.push(await costOf(place, page));
    await place.tutti.load(EVENTS_PER_S);
    await sleep(WARM_MS);
    costs.live.push(await costOf(place, page));
    await place.tutti.rest();
  }
  return costs;
}

async function costOf({ browser, tutti }: Place, page: Page): Promise<Cost> {
  const startMs = performance.now();
  const [usageBefore, cpuBefore] = [await tutti.usage(), await browser.rendererCpuS()];
  await sleep(CPU_MS);
  const [usageAfter, cpuAfter] = [await tutti.usage(), await browser.rendererCpuS()];
  const seconds = (performance.now() - startMs) / 1000;
  return {
    cpu: (cpuAfter - cpuBefore) / seconds,
    serverCpu: (usageAfter.cpuUs - usageBefore.cpuUs) / 1e6 / seconds,
    eventsPerS: (usageAfter.position - usageBefore.position) / seconds,
    ...(await drawn(page)),
  };
}

/** How a page draws, and how often its list changes meanwhile. */
async function drawn(page: Page): Promise<Frames & { readonly drawingsPerS: number }> {
  await page.evaluate(`{
    globalThis.drawings = 0;
    globalThis.watching = new MutationObserver(() => (globalThis.drawings += 1));
    const all = { subtree: true, childList: true, attributes: true, characterData: true };
    watching.observe(${GRID} ?? document.documentElement, all);
  }`);
  const frames = await framesOf(page, FRAMES_MS);
  const drawings = await page.evaluate<number>("watching.disconnect(), globalThis.drawings");
  return { ...frames, drawingsPerS: (drawings * 1000) / FRAMES_MS };
}

const GRID = "document.querySelector('[role=grid][aria-label=Runs]')";

/** The list of runs, read until it has so many. */
export async function openList({ browser, tutti }: Place, rows: number): Promise<Page> {
  const page = await (await browser.profile(tutti)).newPage();
  await page.goto(`${tutti.url}/admin/runs`);
  const grid = page.getByRole("grid", { name: "Runs" });
  await grid.locator("[data-index]").first().waitFor();
  // Scrolling reads on, as it does for people.
  for (let shown = 0; shown < rows; shown = Number(await grid.getAttribute("aria-rowcount")) - 1) {
    await page.evaluate(`${GRID}.scrollTop = ${GRID}.scrollHeight`);
    await sleep(SCROLL_PAUSE_MS);
  }
  await page.evaluate(`${GRID}.scrollTop = 0`);
  return page;
}

/** A page that takes the same frames of the same feed, parses them, acknowledges them, and draws nothing: no list can cost less. */
export async function openBare({ browser, tutti }: Place): Promise<Page> {
  const page = await (await browser.profile(tutti)).newPage();
  await page.goto(`${tutti.url}/admin/icon.svg`);
  await page.evaluate(`new Promise((resolve) => {
    const socket = new WebSocket(${JSON.stringify(`${tutti.url.replace("http", "ws")}/v1/live`)});
    socket.onopen = () => socket.send(JSON.stringify({ type: "subscribe", id: "bare", topic: "runs", filter: { parent: "none" } }));
    socket.onmessage = ({ data }) => {
      const { type, id, position } = JSON.parse(data);
      if (type === "frame") socket.send(JSON.stringify({ type: "ack", id, position }));
      if (type === "subscribed") resolve();
    };
  })`);
  return page;
}

/** What a page holds after its garbage was collected. */
export interface Held {
  readonly atS: number;
  readonly heapMib: number;
  readonly nodes: number;
  readonly rssMib: number;
}

/** What it holds while events come, and, before and after them, at rest. */
export interface Holding {
  readonly before: Held;
  readonly during: readonly Held[];
  readonly after: Held;
}

/** Looks every so often at what the page holds while events come. */
export async function heldBy({ browser, tutti }: Place, page: Page, seconds: number): Promise<Holding> {
  const session = await page.context().newCDPSession(page);
  const startMs = performance.now();
  const look = async (): Promise<Held> => {
    await session.send("HeapProfiler.collectGarbage");
    const { usedSize } = await session.send("Runtime.getHeapUsage");
    const { nodes } = await session.send("Memory.getDOMCounters");
    return { atS: (performance.now() - startMs) / 1000, heapMib: usedSize / 1_048_576, nodes, rssMib: await browser.rendererRssMib() };
  };
  await sleep(QUIET_MS);
  const before = await look();
  const during: Held[] = [];
  await tutti.load(EVENTS_PER_S);
  const loadedMs = performance.now();
  const everyS = Math.max(2, Math.min(10, seconds / 30));
  for (let next = everyS; next <= seconds; next += everyS) {
    await sleep(Math.max(0, loadedMs + next * 1000 - performance.now()));
    during.push(await look());
  }
  await tutti.rest();
  await sleep(QUIET_MS);
  return { before, during, after: await look() };
}
