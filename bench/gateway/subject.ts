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
  usage(): Promise<Usage>;
}

const PROBE = new URL("usage-probe.ts", import.meta.url).href;
const STOP_MS = 10_000;

/** Starts one of the bench's own servers, which tells its URL over the channel. */
export async function startServer(name: string, file: string, args: readonly string[]): Promise<Subject> {
  const child = fork(new URL(file, import.meta.url), args, { execArgv: ["--import", PROBE] });
  const [{ url }] = (await Promise.race([once(child, "message"), diesOf(child, name)])) as [{ readonly url: string }];
  return { name, url, usage: () => usageOf(child), [Symbol.asyncDispose]: () => stop(child) };
}

/** Starts Tutti as a user does, with a token, its journal on disk and all its checks; only the rate limit is raised. */
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
  return { name: "tutti", url, token, usage: () => usageOf(child), [Symbol.asyncDispose]: dispose };
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

async function diesOf(child: ChildProcess, name: string): Promise<never> {
  const [code] = (await once(child, "exit")) as [number | null];
  throw new Error(`wanted ${name} to run, but it exited with ${code}`);
}

async function usageOf(child: ChildProcess): Promise<Usage> {
  child.send("usage");
  const [usage] = (await once(child, "message")) as [Usage];
  return usage;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  await exited;
  clearTimeout(timer);
}
