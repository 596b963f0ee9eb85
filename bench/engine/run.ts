// How many durable workflows a second, beside the least that durability costs (the same rows journaled by bare node:sqlite) and beside other
// engines, in one run at equal durability. README.md tells how to read it.
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { percentile, printTable, writeResults, type Row } from "../shared/results.ts";
import type { Measured } from "./measure.ts";
import { installPeers } from "../shared/peers.ts";
import { PEERS, PEERS_FOLDER } from "./peers.ts";
import { openRemote, type RemoteSubject } from "./remote-subject.ts";

const STEPS = 5;
/** Subjects take turns, so that what else the machine does hits all of them; the median round counts. */
const ROUNDS = 7;
const LIMIT = "bare node:sqlite";
const OWN = "tutti";
/** Peers are slow: they run fewer workflows a round, in about as much time or more. */
const CASES = [
  { concurrency: 50, count: 5000, peerCount: 400 },
  { concurrency: 1, count: 1000, peerCount: 100 },
];
const WARM_UP = { count: 20_000, peerCount: 1000 };

interface Contender {
  readonly subject: RemoteSubject;
  readonly isPeer: boolean;
}

interface Missing {
  readonly subject: string;
  readonly reason: string;
}

const folder = await mkdtemp(join(tmpdir(), "tutti-bench-engine-"));
await using open = new AsyncDisposableStack();
open.defer(() => rm(folder, { recursive: true, force: true }));
const missing: Missing[] = [];
const contenders = new Set<Contender>();
for (const name of ["bare-journal", "tutti"]) await enter(name, join(import.meta.dirname, `${name}.ts`), false);
const installed = installPeers(PEERS_FOLDER);
for (const { name, module } of PEERS) {
  if (installed.ok) await enter(name, module, true);
  else isMissing({ subject: name, reason: installed.reason });
}
for (const contender of contenders) await turn(contender, { concurrency: 50, ...WARM_UP });

const rows: Row[] = [];
for (const load of CASES) rows.push(...(await measureCase(load)));
const subjects = [...contenders].map(({ subject: { name, version, settings } }) => ({ name, version, settings }));
const measured = rows.filter(({ subject }) => missing.every((peer) => peer.subject !== subject));
await writeResults("engine", measured, { subjects, missing });
printTable(measured);
for (const { subject, reason } of missing) console.log(`not measured: ${subject}: ${reason}`);

async function enter(name: string, module: string, isPeer: boolean): Promise<void> {
  const own = join(folder, name);
  await mkdir(own);
  try {
    const subject = open.use(await openRemote(module, own));
    contenders.add({ subject, isPeer });
  } catch (error) {
    if (!isPeer) throw error;
    isMissing({ subject: name, reason: error instanceof Error ? error.message : String(error) });
  }
}

/** A peer that fails has no figures at all: half of a measurement would be a guess. */
function isMissing(peer: Missing): void {
  missing.push(peer);
  console.error(`not measured: ${peer.subject}: ${peer.reason}`);
}

async function turn(contender: Contender, load: (typeof CASES)[number]): Promise<Measured | undefined> {
  const { subject, isPeer } = contender;
  try {
    return await subject.measure({ concurrency: load.concurrency, count: isPeer ? load.peerCount : load.count });
  } catch (error) {
    if (!isPeer) throw error;
    contenders.delete(contender);
    isMissing({ subject: subject.name, reason: error instanceof Error ? error.message : String(error) });
    return undefined;
  }
}

async function measureCase(load: (typeof CASES)[number]): Promise<readonly Row[]> {
  const rounds = new Map<Contender, Measured[]>([...contenders].map((contender) => [contender, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const contender of contenders) {
      const measured = await turn(contender, load);
      if (measured !== undefined) rounds.get(contender)?.push(measured);
    }
  }
  const perS = (name: string): number => {
    const contender = [...contenders].find(({ subject }) => subject.name === name);
    const measured = (contender && rounds.get(contender)) ?? [];
    return percentile(
      measured.map((round) => round.perS).toSorted((a, b) => a - b),
      0.5,
    );
  };
  const fastestPeer = Math.max(0, ...[...contenders].filter(({ isPeer }) => isPeer).map(({ subject }) => perS(subject.name)));
  const name = `workflows × ${STEPS} steps, ${load.concurrency} at once`;
  return [...contenders].flatMap((contender) => {
    const { subject } = contender;
    const latencies = (rounds.get(contender) ?? []).flatMap(({ latenciesMs }) => latenciesMs).toSorted((a, b) => a - b);
    const row = (metric: string, value: number): Row => ({ subject: subject.name, case: name, metric, value });
    return [
      row("workflowsPerS", perS(subject.name)),
      row("p50Ms", percentile(latencies, 0.5)),
      row("p99Ms", percentile(latencies, 0.99)),
      row("shareOfLimit", perS(subject.name) / perS(LIMIT)),
      row("shareOfTutti", perS(subject.name) / perS(OWN)),
      ...(fastestPeer > 0 ? [row("timesFastestPeer", perS(subject.name) / fastestPeer)] : []),
    ];
  });
}
