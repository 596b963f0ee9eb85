import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { enableCompileCache } from "node:module";
import { fileURLToPath } from "node:url";

const FILL = "--fill-compile-cache";
const folder = fileURLToPath(new URL("../.cache/", import.meta.url));
/** What `tutti up` loads later than its first file does. */
const loadedLater = [
  "../src/cli/commands/up.ts",
  "../src/http/index.ts",
  "../src/telemetry/index.ts",
  "../src/store/sqlite/writer.ts",
  "@tutti/plugin-holly",
];

/**
 * Keeps what Node makes of each source file: starts take half the time, and a process that finds everything there never loads the part of
 * Node that strips types (35 MB). It stands beside the code, where nobody writes who could not change the code itself. The first process
 * of all lets another fill it, so that it need not carry that part for as long as it runs. A folder that cannot be written is fine.
 * @param {URL} entry
 */
export async function useCompileCache(entry) {
  const isFilling = process.argv[2] === FILL;
  const isCold = entry.href.endsWith(".ts") && !existsSync(folder);
  if (isCold && !isFilling) spawnSync(process.execPath, [process.argv[1], FILL], { stdio: "ignore" });
  enableCompileCache(folder);
  // Threads ask the environment.
  process.env.NODE_COMPILE_CACHE ??= folder;
  if (!isFilling) return;
  // The writer refuses to run outside its thread, which does not matter here.
  await Promise.allSettled(loadedLater.map((path) => import(path)));
  process.argv.splice(2, 1, "up", "--help");
}
