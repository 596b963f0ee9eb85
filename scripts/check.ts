// `npm run check` runs every check side by side; `npm run check -- types lint` runs those.
import { join } from "node:path";
import { checkers, run } from "./checkers.ts";

const names = process.argv.slice(2);
const unknown = names.filter((name) => !checkers.some((checker) => checker.name === name));
if (unknown.length > 0) {
  console.error(`unknown_check: wanted one of ${checkers.map((checker) => checker.name).join(", ")}, got ${unknown.join(", ")}`);
  process.exit(1);
}

const root = join(import.meta.dirname, "..");
const chosen = checkers.filter((checker) => names.length === 0 || names.includes(checker.name));
const verdicts = await Promise.all(chosen.map(async (checker) => ({ name: checker.name, ...(await run(checker, root)) })));

for (const verdict of verdicts.filter((each) => !each.isGreen)) console.log(`── ${verdict.name}\n${verdict.output.trim()}\n`);
for (const { name, isGreen, filesRead, tookMs } of verdicts) {
  console.log(
    `${isGreen ? "✔" : "✖"} ${name.padEnd(8)} ${String(filesRead).padStart(4)} files ${(tookMs / 1000).toFixed(1).padStart(5)} s`,
  );
}
process.exitCode = verdicts.every((verdict) => verdict.isGreen) ? 0 : 1;
