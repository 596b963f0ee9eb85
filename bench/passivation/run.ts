// What a hundred thousand runs cost that sleep for hours or wait for a signal: memory, start-up, and waking them. README.md tells more.
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { percentile, printTable, writeResults, type Row } from "../shared/results.ts";
import type { Figures, Phase } from "./phase.ts";

const RUNS = 100_000;
/** A process's memory differs by megabytes from start to start: the median of some counts. */
const STARTS = 5;

const folder = await mkdtemp(join(tmpdir(), "tutti-bench-passivation-"));
await using open = new AsyncDisposableStack();
open.defer(() => rm(folder, { recursive: true, force: true }));
const [empty, full] = [join(folder, "empty"), join(folder, "full")];
await mkdir(empty);
await mkdir(full);

const filled = await run("fill", full);
// The first start on an empty folder makes its files; the later ones are like the others.
await run("idle", empty);
const [emptyStarts, fullStarts]: [Figures[], Figures[]] = [[], []];
for (let start = 0; start < STARTS; start += 1) {
  emptyStarts.push(await run("idle", empty));
  fullStarts.push(await run("idle", full));
}
const woken = await run("wake", full);

const name = `${RUNS.toLocaleString("en")} waiting runs`;
const row = (metric: string, value: number | undefined): Row => ({ subject: "tutti", case: name, metric, value: value ?? Number.NaN });
const rows = [
  row("startedPerS", filled["startedPerS"]),
  row("rssPerRunStartedHereBytes", filled["rssPerRunBytes"]),
  row("rssPerRunBytes", (median(fullStarts, "rssBytes") - median(emptyStarts, "rssBytes")) / RUNS),
  row("openMs", median(fullStarts, "openMs")),
  row("openEmptyMs", median(emptyStarts, "openMs")),
  row("signal1000Ms", woken["bySignalMs"]),
  row("timer1000LateMs", woken["byTimerMs"]),
];
await writeResults("passivation", rows, { filled, emptyStarts, fullStarts, woken });
printTable(rows);

async function run(phase: Phase, dataDir: string): Promise<Figures> {
  const child = fork(join(import.meta.dirname, "phase.ts"), [phase, dataDir, `${RUNS}`], {
    execArgv: ["--expose-gc", "--disable-warning=ExperimentalWarning"],
  });
  const answer = Promise.withResolvers<Figures>();
  child.once("message", (figures: Figures) => answer.resolve(figures));
  child.once("exit", (code) => answer.reject(new Error(`the phase "${phase}" ended with ${code} and no figures`)));
  const exited = once(child, "exit");
  const figures = await answer.promise;
  await exited;
  return figures;
}

function median(all: readonly Figures[], metric: string): number {
  return percentile(
    all.map((figures) => figures[metric] ?? Number.NaN).toSorted((a, b) => a - b),
    0.5,
  );
}
