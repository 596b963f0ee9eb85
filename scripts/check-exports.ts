// Core is what every plugin author reads first, so it stays small: a bound on what it exports.
import { readFileSync } from "node:fs";
import { join } from "node:path";

const EXPORTS_MAX = 60;

const file = join(import.meta.dirname, "../packages/core/src/index.ts");
const source = readFileSync(file, "utf8");
const lists = [...source.matchAll(/^export (?:type )?\{([^}]*)\} from "[^"]+";$/gm)];
const names = lists.flatMap((list) => (list[1] ?? "").split(",")).filter((name) => name.trim() !== "");
const others = source.match(/^export (?:\*|default|const|function|class|async)/gm) ?? [];

console.log(`@tutti/core exports ${names.length} names (at most ${EXPORTS_MAX}) in 1 file`);
if (others.length > 0) {
  console.error(`packages/core/src/index.ts: wanted only 'export { … } from "…"', which can be counted; got ${others.join(", ")}`);
}
if (names.length > EXPORTS_MAX) console.error(`packages/core/src/index.ts: exports ${names.length} names, wanted at most ${EXPORTS_MAX}`);
process.exitCode = others.length > 0 || names.length > EXPORTS_MAX ? 1 : 0;
