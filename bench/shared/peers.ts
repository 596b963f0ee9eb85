import { spawnSync, type SpawnSyncOptions } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

/** Brings the packages of a folder of peers, at the versions of their lock file, unless they are there; says why when it cannot. */
export function installPeers(folder: string): { readonly ok: true } | { readonly ok: false; readonly reason: string } {
  if (areInstalled(folder)) return { ok: true };
  console.error(`Bringing the packages of ${folder} (npm install) …`);
  const env = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env["PATH"] ?? ""}` };
  const { npm_execpath: npm } = process.env;
  const options: SpawnSyncOptions = { cwd: folder, env, stdio: ["ignore", "ignore", "inherit"] };
  const done =
    npm === undefined
      ? spawnSync("npm install --no-save", { ...options, shell: true })
      : spawnSync(process.execPath, [npm, "install", "--no-save"], options);
  if (done.status === 0) return { ok: true };
  return { ok: false, reason: `npm install in ${folder} ended with ${done.status ?? done.signal ?? done.error?.message}` };
}

function areInstalled(folder: string): boolean {
  const { dependencies } = read(folder, "package.json") as { readonly dependencies: Readonly<Record<string, string>> };
  return Object.entries(dependencies).every(([name, version]) => {
    const file = join("node_modules", name, "package.json");
    return existsSync(join(folder, file)) && (read(folder, file) as { readonly version: string }).version === version;
  });
}

function read(folder: string, file: string): unknown {
  return JSON.parse(readFileSync(join(folder, file), "utf8"));
}
