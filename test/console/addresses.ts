/** Every address of the console in the filled world, with a picture's name for each. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { FilledRuns } from "./filled-world.ts";

const SOURCES = join(import.meta.dirname, "../../packages/console/src");
const ROUTER = join(SOURCES, "router.tsx");
const SETTINGS = join(SOURCES, "shell/places.ts");

/** An address, the route it belongs to, and what it is called. */
export interface Address {
  readonly name: string;
  readonly route: string;
  readonly path: string;
}

/** Sections of the settings; `assertAllRoutes` holds them against those there are. */
export const SECTIONS = [
  "access",
  "models",
  "policy",
  "plugins",
  "mcp",
  "sandbox",
  "budgets",
  "health",
  "configuration",
  "voice",
  "appearance",
];
/** Views of one run. */
export const RUN_TABS = ["timeline", "log", "graph", "values", "receipt", "cost", "raw"];

/** All of them. */
export function addressesOf(runs: FilledRuns): readonly Address[] {
  const run = (name: string, runId: string, tab: string): Address => ({ name, route: "/runs/$runId", path: `/runs/${runId}?tab=${tab}` });
  const tabs = (route: string, prefix: string, ids: readonly string[]): readonly Address[] =>
    ids.map((tab) => ({ name: `${prefix}-${tab}`, route, path: `${route}?tab=${tab}` }));
  const one = (name: string, route: string, path = route): Address => ({ name, route, path });
  return [
    one("overview", "/"),
    ...tabs("/approvals", "approvals", ["asked", "grants", "given"]),
    one("runs", "/runs"),
    one("runs-failed", "/runs", "/runs?status=failed"),
    ...RUN_TABS.map((tab) => run(`run-${tab}`, runs.done, tab)),
    run("run-graph-workflow", runs.graph, "graph"),
    run("run-graph-timeline", runs.graph, "timeline"),
    run("run-failed", runs.failed, "timeline"),
    run("run-forked", runs.forked, "values"),
    run("run-asking", runs.asking, "timeline"),
    run("run-long", runs.long, "timeline"),
    run("run-cancelled", runs.cancelled, "log"),
    run("run-triage", runs.triage, "timeline"),
    run("run-queued", runs.queued, "timeline"),
    run("run-child", runs.child, "timeline"),
    one("schedules", "/schedules"),
    one("queues", "/queues"),
    one("dead-letters", "/dead-letters"),
    one("events", "/events"),
    one("workflows", "/workflows"),
    one("workflow", "/workflows/$name", "/workflows/nightly-report"),
    one("workflow-insight", "/workflows/$name", "/workflows/nightly-report?tab=insight"),
    one("workflow-graph", "/workflows/$name", "/workflows/report"),
    one("workflow-editor", "/workflows/$name", "/workflows/report?tab=edit"),
    one("workflow-versions", "/workflows/$name", "/workflows/report?tab=history"),
    one("agents", "/agents"),
    one("agent-chat", "/agents/$name", `/agents/clara?run=${runs.chat}`),
    one("agent-about", "/agents/$name", "/agents/clara?tab=about"),
    one("agent-run", "/agents/$name", "/agents/clara?tab=run"),
    one("compare", "/compare", "/compare?a=lamps-large&b=lamps-small"),
    ...tabs("/data", "data", ["spend", "datasets", "values"]),
    one("data-search", "/data", "/data?tab=search&q=where+is+my+parcel"),
    one("commerce", "/commerce"),
    one("plugin-panel", "/panels/$plugin/$panel", "/panels/lamp-shop/support"),
    one("settings", "/settings"),
    ...SECTIONS.map((section) => one(`settings-${section}`, "/settings/$section", `/settings/${section}`)),
  ];
}

/** Fails when the router or the settings have a page that is not among the addresses, or the other way round. */
export async function assertAllRoutes(addresses: readonly Address[]): Promise<void> {
  const routes = [...(await readFile(ROUTER, "utf8")).matchAll(/\b(?:page\(|path: )"([^"]+)"/g)].map(([, route]) => route);
  assert.ok(routes.length > 0);
  assert.deepEqual(new Set(addresses.map(({ route }) => route)), new Set(routes));
  const sections = [...(await readFile(SETTINGS, "utf8")).matchAll(/\{ id: "(\w+)", title/g)].map(([, section]) => section);
  assert.deepEqual(new Set(SECTIONS), new Set(sections));
}
