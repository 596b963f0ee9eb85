// What Tutti's gateway is measured beside: nginx, which only passes on, and another gateway, at the versions of its lock file.
import { execFileSync, fork, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { installPeers } from "../shared/peers.ts";
import { diesOf, PROBE, stop, usageOf, type Subject } from "./subject.ts";

const FOLDER = join(import.meta.dirname, "peers");
const READY_TRIES = 100;
const READY_PAUSE_MS = 100;

/** nginx with one worker, keeping its connections to the upstream; `undefined` where it is not installed. */
export async function startNginx(upstreamUrl: string): Promise<Subject | undefined> {
  const file = ["/usr/sbin/nginx", "/usr/bin/nginx"].find(isThere);
  if (file === undefined) return undefined;
  const folder = await mkdtemp(join(tmpdir(), "tutti-nginx-"));
  const port = await freePort();
  const config = join(folder, "nginx.conf");
  await writeFile(config, nginxConfig({ folder, port, upstream: new URL(upstreamUrl).host }));
  const child = spawn(file, ["-c", config, "-p", folder], { stdio: ["ignore", "ignore", "inherit"] });
  const url = `http://127.0.0.1:${port}`;
  await Promise.race([answers(url), diesOf(child, "nginx")]);
  return {
    name: "nginx",
    url,
    usage: async () => processUsage(child),
    async [Symbol.asyncDispose]() {
      await stop(child);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Portkey's gateway; `undefined`, with the reason on standard error, where its packages cannot be had. */
export async function startPortkey(upstreamUrl: string): Promise<Subject | undefined> {
  const installed = installPeers(FOLDER);
  if (!installed.ok) {
    console.error(`Portkey's gateway is left out: ${installed.reason}`);
    return undefined;
  }
  const port = await freePort();
  const main = join(FOLDER, "node_modules/@portkey-ai/gateway/build/start-server.js");
  const child = fork(main, [`--port=${port}`, "--headless"], {
    execArgv: ["--require", join(import.meta.dirname, "loopback.cjs"), "--import", PROBE],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    env: { ...process.env, NODE_ENV: "production" },
  });
  const url = `http://127.0.0.1:${port}`;
  await Promise.race([answers(url), diesOf(child, "portkey")]);
  return {
    name: "@portkey-ai/gateway",
    url,
    token: "bench",
    headers: { "x-portkey-provider": "openai", "x-portkey-custom-host": `${upstreamUrl}/v1` },
    usage: () => usageOf(child),
    [Symbol.asyncDispose]: () => stop(child),
  };
}

function nginxConfig({ folder, port, upstream }: { readonly folder: string; readonly port: number; readonly upstream: string }): string {
  return `
daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log;
events { worker_connections 1024; }
http {
  access_log off; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi; uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  keepalive_requests 1000000;
  upstream models { server ${upstream}; keepalive 256; keepalive_requests 1000000; }
  server {
    listen 127.0.0.1:${port};
    location / { proxy_pass http://models; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }
  }
}
`;
}

/** What a process and its children have used, by the kernel's count. */
function processUsage(child: ChildProcess): { readonly cpuUs: number; readonly rssBytes: number } {
  const hertz = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));
  const pageBytes = Number(execFileSync("getconf", ["PAGESIZE"], { encoding: "utf8" }));
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => statOf(pid));
  const own = all.filter(({ pid, parent }) => pid === child.pid || parent === child.pid);
  return {
    cpuUs: (own.reduce((sum, { ticks }) => sum + ticks, 0) * 1_000_000) / hertz,
    rssBytes: own.reduce((sum, { pages }) => sum + pages, 0) * pageBytes,
  };
}

function statOf(pid: string): readonly { readonly pid: number; readonly parent: number; readonly ticks: number; readonly pages: number }[] {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    return [{ pid: Number(pid), parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]), pages: Number(fields[21]) }];
  } catch {
    // It ended between the list and the look.
    return [];
  }
}

async function answers(url: string): Promise<void> {
  for (let tries = 0; tries < READY_TRIES; tries += 1) {
    const answer = await fetch(url).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer !== undefined) return;
    await sleep(READY_PAUSE_MS);
  }
  throw new Error(`wanted an answer from ${url}, got none`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  return typeof address === "object" && address !== null ? address.port : 0;
}

function isThere(file: string): boolean {
  try {
    readFileSync(file);
    return true;
  } catch {
    return false;
  }
}
