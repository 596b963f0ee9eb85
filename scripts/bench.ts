// `npm run bench -- NAME` runs bench/NAME/run.ts, which prints a table and writes bench/NAME/results.json.
import { existsSync, globSync } from "node:fs";
import { dirname, join } from "node:path";

const folder = join(import.meta.dirname, "../bench");
const name = process.argv[2] ?? "";
const file = join(folder, name, "run.ts");
if (/^[a-z0-9-]+$/.test(name) && existsSync(file)) {
  await import(file);
} else {
  const names = globSync("*/run.ts", { cwd: folder }).map((path) => dirname(path));
  console.error(`unknown_bench: wanted one of ${names.join(", ")}, got "${name}"`);
  process.exitCode = 1;
}
