// A whole Tutti in a process of its own, with many runs in its list: `node world.ts FOLDER`. It makes real runs as fast as it is told.
import type { Principal } from "@tutti/core";
import { startTestApp } from "tutti/testing";
import { long, order } from "./workflows.ts";

/** What the bench asks of its Tutti; each is answered by what it asked for. */
export type Wish =
  | { readonly type: "load"; readonly eventsPerS: number }
  | { readonly type: "position" }
  | { readonly type: "settled" }
  | { readonly type: "long" };
/** What it says: where it is, and then an answer to each wish. */
export type Told =
  | { readonly type: "started"; readonly url: string; readonly token: string }
  | { readonly type: "load" | "settled" }
  | { readonly type: "position"; readonly position: number; readonly cpuUs: number }
  | { readonly type: "long"; readonly runId: string; readonly events: number };

const OWNER: Principal = { id: "owner", tenant: "default", roles: ["owner"] };
/** Runs are started a few at a time, so often. */
const TICK_MS = 20;
const LONG_MS_MAX = 120_000;

const [, , dataDir = ""] = process.argv;
const { app, url, token } = await startTestApp({ dataDir, inlinePlugins: [{ name: "bench", workflows: [order, long] }] });
const eventsPerRun = await eventsOfOne();
const under = new Set<Promise<unknown>>();
let runsPerMs = 0;
let owed = 0;
let lastMs = performance.now();
setInterval(() => {
  const nowMs = performance.now();
  owed += runsPerMs * (nowMs - lastMs);
  lastMs = nowMs;
  for (; owed >= 1; owed -= 1) start();
}, TICK_MS);
process.on("message", (message) => void answer(message as Wish));
tell({ type: "started", url, token });

function tell(told: Told): void {
  process.send?.(told);
}

async function answer(wish: Wish): Promise<void> {
  switch (wish.type) {
    case "load":
      runsPerMs = wish.eventsPerS / eventsPerRun / 1000;
      return tell({ type: "load" });
    case "position": {
      const { user, system } = process.cpuUsage();
      return tell({ type: "position", position: await app.store.position(), cpuUs: user + system });
    }
    case "settled":
      await Promise.all(under);
      return tell({ type: "settled" });
    case "long": {
      const { runId } = await app.engine.start("long", null, { principal: OWNER });
      await app.engine.result(runId, AbortSignal.timeout(LONG_MS_MAX));
      return tell({ type: "long", runId, events: (await app.store.run(runId))?.events ?? 0 });
    }
  }
}

async function eventsOfOne(): Promise<number> {
  const { runId } = await app.engine.start("order", 0, { principal: OWNER });
  await app.engine.result(runId, AbortSignal.timeout(LONG_MS_MAX));
  return (await app.store.run(runId))?.events ?? 1;
}

function start(): void {
  const run = app.engine
    .start("order", 1, { principal: OWNER })
    .then(({ runId }) => app.engine.result(runId, AbortSignal.timeout(LONG_MS_MAX)))
    .finally(() => under.delete(run));
  under.add(run);
}
