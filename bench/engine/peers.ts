import { spawnSync, type SpawnSyncOptions } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

const folder = join(import.meta.dirname, "../peers");

/** The modules of the engines Tutti is measured beside. Plain JavaScript: their types are only there once they are installed. */
export const PEERS: readonly { readonly name: string; readonly module: string }[] = [
  "restate",
  "dbos",
  "bullmq",
  "langgraph",
  "mastra",
].map((name) => ({ name, module: join(folder, `${name}.js`) }));

/** Brings the peers' packages, at the versions of their lock file, unless they are there; says why when it cannot. */
export function installPeers(): { readonly ok: true } | { readonly ok: false; readonly reason: string } {
  if (areInstalled()) return { ok: true };
  console.error("Bringing the peers' packages into bench/peers/node_modules (npm install, about 500 MB) …");
  const env = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env["PATH"] ?? ""}` };
  const { npm_execpath: npm } = process.env;
  const options: SpawnSyncOptions = { cwd: folder, env, stdio: ["ignore", "ignore", "inherit"] };
  const done =
    npm === undefined
      ? spawnSync("npm install --no-save", { ...options, shell: true })
      : spawnSync(process.execPath, [npm, "install", "--no-save"], options);
  if (done.status === 0) return { ok: true };
  return { ok: false, reason: `npm install in bench/peers ended with ${done.status ?? done.signal ?? done.error?.message}` };
}

function areInstalled(): boolean {
  const { dependencies } = read("package.json") as { readonly dependencies: Readonly<Record<string, string>> };
  return Object.entries(dependencies).every(([name, version]) => {
    const file = join("node_modules", name, "package.json");
    return existsSync(join(folder, file)) && (read(file) as { readonly version: string }).version === version;
  });
}

function read(file: string): unknown {
  return JSON.parse(readFileSync(join(folder, file), "utf8"));
}
