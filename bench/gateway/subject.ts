import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** What a process has used so far, and holds now. */
interface Usage {
  readonly cpuUs: number;
  readonly rssBytes: number;
}

/** A server in a process of its own. */
export interface Subject extends AsyncDisposable {
  readonly name: string;
  readonly url: string;
  readonly token?: string;
  /** What else every request needs. */
  readonly headers?: Readonly<Record<string, string>>;
  usage(): Promise<Usage>;
  /** What its JavaScript heap holds after a collection, in bytes; only of subjects with the probe. */
  heapBytes?(): Promise<number>;
}

/** Makes a subject tell what it has used. */
export const PROBE = new URL("usage-probe.ts", import.meta.url).href;
const STOP_MS = 10_000;

/** Starts one of the bench's own servers, which tells its URL over the channel. */
export async function startServer(name: string, file: string, args: readonly string[]): Promise<Subject> {
  const child = fork(new URL(file, import.meta.url), args, { execArgv: ["--import", PROBE] });
  const [{ url }] = (await Promise.race([once(child, "message"), diesOf(child, name)])) as [{ readonly url: string }];
  return { name, url, usage: () => usageOf(child), [Symbol.asyncDispose]: () => stop(child) };
}

/** Starts Tutti as a user does, its journal on disk and all its checks on; only the rate limit is raised. Callers have a key with limits and a budget. */
export async function startTutti(upstreamUrl: string): Promise<Subject> {
  const dataDir = await mkdtemp(join(tmpdir(), "tutti-bench-"));
  const token = "bench-token-of-32-characters-long";
  const env = {
    ...process.env,
    TUTTI_MODEL_BASE_URL: `${upstreamUrl}/v1`,
    TUTTI_MODEL: "bench-model",
    TUTTI_TOKEN: token,
    TUTTI_DATA_DIR: dataDir,
    TUTTI_PORT: "0",
    TUTTI_LOG_LEVEL: "warn",
    TUTTI_RATE_LIMIT_PER_SECOND: "1000000",
    TUTTI_RATE_LIMIT_BURST: "1000000",
  };
  const bin = fileURLToPath(new URL("../../packages/server/bin/tutti.js", import.meta.url));
  const child = fork(bin, ["up", "--json"], {
    execArgv: ["--import", PROBE],
    env,
    cwd: dataDir,
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  const url = await Promise.race([announcedUrl(child), diesOf(child, "tutti")]);
  const dispose = async (): Promise<void> => {
    await stop(child);
    await rm(dataDir, { recursive: true, force: true });
  };
  const key = await createKey(url, token);
  return { name: "tutti", url, token: key, usage: () => usageOf(child), heapBytes: () => heapOf(child), [Symbol.asyncDispose]: dispose };
}

/** A key whose every limit has to be looked at, and none of which is ever reached. */
async function createKey(url: string, token: string): Promise<string> {
  const limits = {
    requestsPerMinute: 10_000_000,
    tokensPerMinute: 1_000_000_000_000,
    parallel: 10_000,
    budgets: [{ tokens: 1_000_000_000_000, amountUsd: 1_000_000, per: "day" }],
  };
  const answer = await fetch(`${url}/v1/keys`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ name: "bench", models: ["bench-*"], limits }),
  });
  const { secret } = (await answer.json()) as { readonly secret?: string };
  if (secret === undefined) throw new Error(`wanted a key from tutti, got status ${answer.status}`);
  return secret;
}

/** Tutti prints its URL as soon as it answers. */
async function announcedUrl(child: ChildProcess): Promise<string> {
  let text = "";
  for await (const chunk of child.stdout ?? []) {
    text += String(chunk);
    const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(text) ?? [];
    if (url === undefined) continue;
    child.stdout?.resume();
    return url;
  }
  throw new Error(`wanted a URL from tutti, got ${text}`);
}

/** Rejects when a subject ends by itself. */
export async function diesOf(child: ChildProcess, name: string): Promise<never> {
  const [code] = (await once(child, "exit")) as [number | null];
  throw new Error(`wanted ${name} to run, but it exited with ${code}`);
}

/** What a subject with the probe has used. */
export async function usageOf(child: ChildProcess): Promise<Usage> {
  child.send("usage");
  const [usage] = (await once(child, "message")) as [Usage];
  return usage;
}

async function heapOf(child: ChildProcess): Promise<number> {
  child.send("heap");
  const [{ heapBytes }] = (await once(child, "message")) as [{ readonly heapBytes: number }];
  return heapBytes;
}

/** Ends a subject. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  await exited;
  clearTimeout(timer);
}
