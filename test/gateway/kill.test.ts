import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { startMeter, type Meter } from "../../packages/server/src/testing/meter.ts";
import { startOpenAiUpstream } from "../../packages/server/src/testing/openai-upstream.ts";

const KILLS = 2;
const WORKERS = 6;
const ROUND = 40;

const parts = new AsyncDisposableStack();
let meter: Meter;
let dataDir: string;

before(async () => {
  const upstream = parts.use(await startOpenAiUpstream(undefined, { models: ["gpt-4o"] }));
  meter = parts.use(await startMeter(upstream.baseUrl));
  dataDir = await mkdtemp(join(tmpdir(), "tutti-killed-"));
  parts.defer(() => rm(dataDir, { recursive: true, force: true }));
});

after(() => parts.disposeAsync());

test("a killed server knows at its next start what was journaled: keys, ledger and budgets", async () => {
  let server = await startServer();
  const { secret } = (await (
    await ask(server, "/v1/keys", { name: "survivor", limits: { budgets: [{ tokens: 1_000_000, per: "total" }] } })
  ).json()) as {
    readonly secret: string;
  };
  let journaled = 0;
  for (let kill = 0; kill < KILLS; kill += 1) {
    const answered = await spendUntilKilled(server, secret);
    server = await startServer();
    const row = await ledgerRow(server);
    // What the client was answered just before the kill may not have been written: those are the requests that were under way.
    assert.ok(row.requests >= journaled, `${row.requests} are in the ledger, and ${journaled} were there before`);
    assert.ok(row.requests <= journaled + answered.whole + WORKERS, "nothing is counted twice");
    assert.ok(row.requests >= journaled + answered.known, `${answered.known} more were known to be journaled`);
    journaled = row.requests;
    const log = await spendsInLog(server);
    assert.deepEqual({ requests: row.requests, tokens: row.inputTokens + row.outputTokens }, log, "the ledger is a reading of the log");
  }
  const { tokens } = await spendsInLog(server);
  const id = secret.split("_")[1] ?? "";
  await ask(server, `/v1/keys/${id}`, { limits: { budgets: [{ tokens, per: "total" }] } });
  assert.equal((await chat(server, secret))?.status, 402, "the budget knows it too");
  await server.kill();
});

interface Server {
  readonly url: string;
  readonly token: string;
  kill(): Promise<void>;
}

async function startServer(): Promise<Server> {
  const settings = { dataDir, providers: [{ name: "hosted", baseUrl: meter.baseUrl, models: ["gpt-4o"] }] };
  const args = ["--disable-warning=ExperimentalWarning", join(import.meta.dirname, "server.ts"), JSON.stringify(settings)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const gone = once(child, "exit").then(([code]) => Promise.reject(new Error(`the server ended with ${code} before it was ready`)));
  const [line] = (await Promise.race([once(createInterface({ input: child.stdout }), "line"), gone])) as [string];
  gone.catch(() => undefined);
  const { url, token } = JSON.parse(line) as { readonly url: string; readonly token: string };
  return {
    url,
    token,
    async kill() {
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    },
  };
}

/** Asks at full speed and kills the server in the middle of it. `known`: answered before somebody read the ledger. */
async function spendUntilKilled(server: Server, secret: string): Promise<{ readonly whole: number; readonly known: number }> {
  let whole = 0;
  let known = 0;
  let isKilled = false;
  const before = (await ledgerRow(server)).requests;
  const worker = async (): Promise<void> => {
    for (let count = 0; count < ROUND && !isKilled; count += 1) {
      const response = await chat(server, secret);
      if (response?.status === 200) whole += 1;
    }
  };
  const working = Promise.all(Array.from({ length: WORKERS }, worker)).then(() => {
    isKilled = true;
  });
  while (whole < ROUND && !isKilled) known = (await ledgerRow(server)).requests - before;
  isKilled = true;
  await server.kill();
  await working;
  assert.ok(whole >= ROUND, `${whole} requests were answered before the kill`);
  return { whole, known };
}

async function chat(server: Server, secret: string): Promise<Response | undefined> {
  const body = { model: "gpt-4o", messages: [{ role: "user", content: "one two three" }] };
  try {
    const response = await ask({ url: server.url, token: secret }, "/v1/chat/completions", body);
    await response.clone().text();
    return response;
  } catch {
    // The server was killed before it had answered.
    return undefined;
  }
}

function ask({ url, token }: Pick<Server, "url" | "token">, path: string, body?: object): Promise<Response> {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  return fetch(new URL(path, url), { headers, ...(body !== undefined && { method: "POST", body: JSON.stringify(body) }) });
}

interface Row {
  readonly requests: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

async function ledgerRow(server: Server): Promise<Row> {
  const { rows } = (await (await ask(server, "/v1/spend?by=model")).json()) as { readonly rows: readonly Row[] };
  return rows[0] ?? { requests: 0, inputTokens: 0, outputTokens: 0 };
}

/** The same sums, from every event of the log itself. */
async function spendsInLog(server: Server): Promise<{ readonly requests: number; readonly tokens: number }> {
  let [requests, tokens, after] = [0, 0, 0];
  for (;;) {
    const response = await ask(server, `/v1/trust/events?after=${after}&limit=500`);
    const { events } = (await response.json()) as { readonly events: readonly { readonly position: number; readonly event: Recorded }[] };
    for (const { position, event } of events) {
      after = position;
      const usage = event.outcome?.output?.spend?.usage;
      if (usage === undefined) continue;
      requests += 1;
      tokens += usage.inputTokens + usage.outputTokens;
    }
    if (events.length < 500) return { requests, tokens };
  }
}

interface Recorded {
  readonly outcome?: { readonly output?: { readonly spend?: { readonly usage: Pick<Row, "inputTokens" | "outputTokens"> } } | null };
}
