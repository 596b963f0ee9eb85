// How fast the console's pages open in Lighthouse's eyes: on the network and processor that its two presets imitate, with nothing cached.
import { openConsole } from "../../test/console/console.ts";
import { openAuditor, type Preset } from "../../test/console/lighthouse.ts";
import { printTable, writeResults, type Row } from "../shared/results.ts";

const PRESETS: readonly Preset[] = ["desktop", "mobile"];
const PAGES = ["/", "/runs", "/settings"];
const FIGURES = {
  "first-contentful-paint": "firstContentfulPaintMs",
  "largest-contentful-paint": "largestContentfulPaintMs",
  "total-blocking-time": "totalBlockingTimeMs",
  "cumulative-layout-shift": "layoutShiftScore",
} as const;

await using world = await openConsole();
await using auditor = await openAuditor();
const { tutti } = world;
const rows: Row[] = [];
await look("/runs", "the way in");
const { code } = (await (await tutti.fetch("/v1/sessions/invitations", {})).json()) as { readonly code: string };
await auditor.signIn(tutti.url, code);
for (const path of PAGES) await look(path, path);
await writeResults("lighthouse", rows);
printTable(rows);

async function look(path: string, name: string): Promise<void> {
  for (const preset of PRESETS) {
    const { scores, figures } = await auditor.look(`${tutti.url}/admin${path}`, { categories: ["performance"], preset });
    const found = Object.entries(FIGURES).map(([id, metric]) => [metric, figures[id] ?? 0] as const);
    for (const [metric, value] of [["performanceScore", scores.performance ?? 0] as const, ...found])
      rows.push({ subject: "tutti", case: `${name}, ${preset}`, metric, value });
  }
}
