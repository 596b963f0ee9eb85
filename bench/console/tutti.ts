import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { diesOf, stop } from "../gateway/subject.ts";
import { fillRuns } from "../growth/fill.ts";
import type { Told, Wish } from "./world.ts";

/** The Tutti whose console is measured. */
export interface Tutti extends AsyncDisposable {
  readonly url: string;
  readonly token: string;
  /** Real runs from now on, which write so many events a second. */
  load(eventsPerS: number): Promise<void>;
  /** No more runs; resolves when those under way have ended. */
  rest(): Promise<void>;
  /** How many events the log has, and what the process has used. */
  usage(): Promise<{ readonly position: number; readonly cpuUs: number }>;
  /** A run of ten thousand steps. */
  longRun(): Promise<{ readonly runId: string; readonly events: number }>;
}

/** Fills a data folder with so many completed runs and opens a Tutti on it. */
export async function openTutti(runs: number): Promise<Tutti> {
  await using opening = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), "tutti-bench-console-"));
  opening.defer(() => rm(dataDir, { recursive: true, force: true }));
  await fillRuns(dataDir, runs);
  const child = fork(new URL("world.ts", import.meta.url), [dataDir], { execArgv: ["--disable-warning=ExperimentalWarning"] });
  opening.defer(() => stop(child));
  const dies = diesOf(child, "the console's Tutti");
  const hear = async <T extends Told["type"]>(type: T): Promise<Extract<Told, { readonly type: T }>> => {
    const [told] = (await Promise.race([once(child, "message"), dies])) as [Told];
    if (told.type !== type) throw new Error(`wanted to hear "${type}", got "${told.type}"`);
    return told as Extract<Told, { readonly type: T }>;
  };
  const ask = <T extends Wish["type"]>(wish: Extract<Wish, { readonly type: T }>): Promise<Extract<Told, { readonly type: T }>> => {
    child.send(wish);
    return hear(wish.type as T);
  };
  const { url, token } = await hear("started");
  const opened = opening.move();
  return {
    url,
    token,
    load: async (eventsPerS) => void (await ask({ type: "load", eventsPerS })),
    async rest() {
      await ask({ type: "load", eventsPerS: 0 });
      await ask({ type: "settled" });
    },
    usage: () => ask({ type: "position" }),
    longRun: () => ask({ type: "long" }),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
