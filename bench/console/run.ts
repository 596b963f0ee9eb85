// What the console costs a browser: the live list under a thousand events a second, its memory, and the page of a long run. README.md tells more.
// `npm run bench -- console SECONDS` looks at the memory for another time than ten minutes.
import { percentile, printTable, writeResults, type Row } from "../shared/results.ts";
import { openBrowser } from "./browser.ts";
import { costsOf, heldBy, openBare, openList, type Cost, type Costs, type Held } from "./list.ts";
import { openings } from "./run-page.ts";
import { openTutti } from "./tutti.ts";

const SECONDS = Number(process.argv[3] ?? 600);
const RUNS = 10_000;
/** What comes before this part of the time is warming up. */
const EARLY = 0.2;

await using tutti = await openTutti(RUNS);
await using browser = await openBrowser();
const place = { browser, tutti };

const barePage = await openBare(place);
const bare = await costsOf(place, barePage);
await barePage.context().close();
console.error("The bare page is measured; the list comes next.");

const listPage = await openList(place, RUNS);
const list = await costsOf(place, listPage);
console.error(`The list is measured; its memory is looked at for ${SECONDS} s.`);
const held = await heldBy(place, listPage, SECONDS);
await listPage.context().close();
console.error("The run page comes last.");
const opened = await openings(browser, tutti);

const LIST = `${RUNS.toLocaleString("en")} runs in the list, 1,000 events/s`;
const MEMORY = `the same for ${SECONDS} s`;
const RUN_PAGE = "a run of 10,000 spans";
const listRow = (subject: string, metric: string, value: number): Row => ({ subject, case: LIST, metric, value });
const memoryRow = (metric: string, value: number): Row => ({ subject: "console", case: MEMORY, metric, value });
const runRow = (subject: string, metric: string, value: number): Row => ({ subject, case: RUN_PAGE, metric, value });
const rows: readonly Row[] = [
  ...costRows("console", list),
  ...costRows("bare page", bare),
  ...memoryRows(held.during),
  memoryRow("nodesAtRestBefore", held.before.nodes),
  memoryRow("nodesAtRestAfter", held.after.nodes),
  runRow("console", "coldMs", median(opened.coldMs)),
  runRow("console", "coldMaxMs", Math.max(...opened.coldMs)),
  runRow("console", "againMs", median(opened.againMs)),
  runRow("console", "scrollFps", opened.scrolling.fps),
  runRow("console", "scrollToIdleFps", opened.scrolling.fps / opened.resting.fps),
  runRow("console", "scrollLongestFrameMs", opened.scrolling.longestMs),
  runRow("bare page", "coldMs", median(opened.bareMs)),
];
await writeResults("console", rows, { chromium: browser.version, seconds: SECONDS, list, bare, opened, held });
printTable(rows);

function costRows(subject: string, { idle, live }: Costs): readonly Row[] {
  const of = (costs: readonly Cost[], metric: keyof Cost): number => median(costs.map((cost) => cost[metric]));
  return [
    listRow(subject, "eventsPerS", of(live, "eventsPerS")),
    listRow(subject, "drawingsPerS", of(live, "drawingsPerS")),
    listRow(subject, "rendererCpuIdlePercent", 100 * of(idle, "cpu")),
    listRow(subject, "rendererCpuPercent", 100 * of(live, "cpu")),
    listRow(subject, "fpsIdle", of(idle, "fps")),
    listRow(subject, "fps", of(live, "fps")),
    listRow(subject, "fpsToIdle", of(live, "fps") / of(idle, "fps")),
    listRow(subject, "longestFrameMs", of(live, "longestMs")),
    listRow(subject, "serverCpuPercent", 100 * of(live, "serverCpu")),
  ];
}

function memoryRows(all: readonly Held[]): readonly Row[] {
  const settled = all.filter(({ atS }) => atS >= SECONDS * EARLY);
  const third = Math.max(1, Math.floor(settled.length / 3));
  const part = (metric: keyof Held, from: number, to?: number): number => median(settled.slice(from, to).map((one) => one[metric]));
  return (["heapMib", "nodes", "rssMib"] as const).flatMap((metric) => [
    memoryRow(`${metric}Early`, part(metric, 0, third)),
    memoryRow(`${metric}Late`, part(metric, -third)),
    memoryRow(`${metric}LateToEarly`, part(metric, -third) / part(metric, 0, third)),
    memoryRow(`${metric}SlopePerMinute`, 60 * slopeOf(settled, metric)),
  ]);
}

/** How much it grows a second: the line that fits best. */
function slopeOf(all: readonly Held[], metric: keyof Held): number {
  const mean = (of: (one: Held) => number): number => all.reduce((sum, one) => sum + of(one), 0) / all.length;
  const [meanS, meanValue] = [mean(({ atS }) => atS), mean((one) => one[metric])];
  const spread = mean(({ atS }) => (atS - meanS) ** 2);
  return mean((one) => (one.atS - meanS) * (one[metric] - meanValue)) / spread;
}

function median(values: readonly number[]): number {
  return percentile(
    values.toSorted((a, b) => a - b),
    0.5,
  );
}
