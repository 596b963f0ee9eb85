import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { verifyChain, type Event, type Json, type RunRecord } from "@tutti/core";

const KILLS = 50;
const RUNS_A_ROUND = 4;

interface Server {
  readonly process: ChildProcess;
  readonly url: string;
  readonly token: string;
}

async function startServer(dataDir: string, effects: string): Promise<Server> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "server.ts"), dataDir], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, CHAOS_EFFECTS: effects },
  });
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  return { process: child, ...(JSON.parse(line) as { readonly url: string; readonly token: string }) };
}

async function request<T>({ url, token }: Server, path: string, body?: Json): Promise<T> {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const response = await fetch(
    new URL(path, url),
    body === undefined ? { headers } : { headers, method: "POST", body: JSON.stringify(body) },
  );
  assert.ok(response.ok, `${path}: ${response.status}`);
  return (await response.json()) as T;
}

async function kill({ process: child }: Server): Promise<void> {
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

/** The idempotency keys of all steps whose completion is on disk, and how often each is. */
function completedSteps(dataDir: string): ReadonlyMap<string, number> {
  using db = new DatabaseSync(join(dataDir, "tutti.db"), { readOnly: true });
  const bodies = db
    .prepare("SELECT body FROM events")
    .all()
    .map((row) => JSON.parse(String(row["body"])) as Event);
  const counts = new Map<string, number>();
  for (const event of bodies)
    if (event.type === "step.completed") counts.set(`${event.runId}/${event.key}`, (counts.get(`${event.runId}/${event.key}`) ?? 0) + 1);
  return counts;
}

const effectsOf = (file: string): readonly string[] => readFileSync(file, "utf8").split("\n").filter(Boolean);

async function outputOf(server: Server, runId: string): Promise<Json> {
  for (;;) {
    const { run, output } = await request<{ readonly run: RunRecord; readonly output?: Json }>(server, `/v1/runs/${runId}`);
    if (run.status === "completed") return output ?? null;
    assert.ok(run.status === "running" || run.status === "waiting", `${runId} is ${run.status}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test(`after ${KILLS} kills at random moments every run completes like an undisturbed one, no completed step runs again, and receipts verify`, async () => {
  const folder = await mkdtemp(join(tmpdir(), "tutti-chaos-"));
  const dataDir = join(folder, "data");
  const effects = join(folder, "effects");
  await writeFile(effects, "");
  const runs = new Map<string, number>();
  let seen = 0;
  let completedBefore: ReadonlyMap<string, number> = new Map();
  let next = 1;
  for (let round = 0; round <= KILLS; round += 1) {
    const server = await startServer(dataDir, effects);
    for (let index = 0; index < (round < KILLS ? RUNS_A_ROUND : 0); index += 1, next += 1) {
      const { run } = await request<{ readonly run: RunRecord }>(server, "/v1/runs", { workflow: "chaos", input: next });
      runs.set(run.id, next);
    }
    if (round < KILLS) await new Promise((resolve) => setTimeout(resolve, Math.random() * 60));
    else await verifyAll(server, runs);
    await kill(server);
    const done = effectsOf(effects);
    const repeated = done.slice(seen).filter((key) => completedBefore.has(key));
    assert.deepEqual(repeated, [], `steps that were complete before round ${round} ran again in it`);
    seen = done.length;
    completedBefore = completedSteps(dataDir);
  }
  assert.deepEqual(
    [...completedBefore].filter(([, count]) => count !== 1),
    [],
    "no step is recorded twice",
  );
  await rm(folder, { recursive: true });
});

/** Waits for every run and compares it with what its input gives when nothing goes wrong. */
async function verifyAll(server: Server, runs: ReadonlyMap<string, number>): Promise<void> {
  const { run } = await request<{ readonly run: RunRecord }>(server, "/v1/runs", { workflow: "chaos", input: 1 });
  const undisturbed = JSON.stringify(await outputOf(server, run.id));
  for (const [runId, n] of runs) {
    const output = await outputOf(server, runId);
    assert.deepEqual(output, expected(n), runId);
    if (n === 1) assert.equal(JSON.stringify(output), undisturbed);
    const { events, head } = await request<{ readonly events: readonly Event[]; readonly head: string }>(
      server,
      `/v1/runs/${runId}/receipt?full=true`,
    );
    assert.equal(verifyChain(events, head, (text) => createHash("sha256").update(text).digest("hex")).valid, true, runId);
  }
}

function expected(n: number): Json {
  let sum = n;
  for (let index = 0; index < 3; index += 1) sum += sum + index;
  const calc = { exact: true, expression: `${n} * 7`, result: String(n * 7), text: `${n} * 7 = ${n * 7}` };
  return { sum, branches: [n + 1, n * 2 + 2], mapped: [n, n * 2, n * 3, n * 4], calc, child: [n, n + 1], large: 70_000 };
}
