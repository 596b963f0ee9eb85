// Whether the console that is committed (packages/console/dist) is what its sources build to, and whether it keeps its budgets.
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "vite";

const root = join(import.meta.dirname, "..", "packages", "console");
const committed = join(root, "dist");
/** Gzipped bytes. The first is everything that is read before the first page shows. */
const BUDGETS = { initial: 200_000, scene: 260_000 };

/** Files that are told of; after a change most of them differ. */
const SHOWN = 20;

const folder = await mkdtemp(join(tmpdir(), "tutti-console-build-"));
try {
  await build({ root, configFile: join(root, "vite.config.ts"), logLevel: "error", build: { outDir: folder, emptyOutDir: true } });
  const [made, kept] = await Promise.all([read(folder), read(committed)]);
  const faults = [...differences(made, kept), ...overBudget(made)];
  for (const fault of faults) console.error(fault);
  console.log(`The console is ${made.size} files; compared in ${kept.size} files.`);
  process.exitCode = faults.length === 0 ? 0 : 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** Every file of a folder by its path. */
async function read(from: string): Promise<ReadonlyMap<string, Buffer>> {
  const entries = await readdir(from, { recursive: true, withFileTypes: true }).catch(() => []);
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(await Promise.all(paths.map(async (path) => [path.slice(from.length + 1), await readFile(path)] as const)));
}

function differences(made: ReadonlyMap<string, Buffer>, kept: ReadonlyMap<string, Buffer>): readonly string[] {
  const names = new Set([...made.keys(), ...kept.keys()]);
  const other = [...names].filter((name) => {
    const [ours, theirs] = [made.get(name), kept.get(name)];
    return ours === undefined || theirs === undefined || !ours.equals(theirs);
  });
  return other
    .toSorted()
    .slice(0, SHOWN)
    .map((name) => `packages/console/dist/${name}: stale_console: not what the sources build to; run npm run console:build and commit`);
}

function overBudget(made: ReadonlyMap<string, Buffer>): readonly string[] {
  const page = made.get("index.html")?.toString() ?? "";
  const first = [...page.matchAll(/(?:src|href)="\.\/(assets\/[^"]+\.js)"/g)].map(([, name = ""]) => name);
  const initial = first.reduce((sum, name) => sum + zipped(made.get(name)), 0);
  const scene = [...made].filter(([name]) => name.startsWith("assets/scene-")).reduce((sum, [, bytes]) => sum + zipped(bytes), 0);
  console.log(`Initial JavaScript ${kB(initial)} of ${kB(BUDGETS.initial)}, 3D ${kB(scene)} of ${kB(BUDGETS.scene)} (gzip).`);
  return [
    ...(first.length === 0 ? ["no_console: index.html names no script"] : []),
    ...(initial > BUDGETS.initial ? [`too_large: wanted initial JavaScript of at most ${kB(BUDGETS.initial)}, got ${kB(initial)}`] : []),
    ...(scene > BUDGETS.scene ? [`too_large: wanted 3D of at most ${kB(BUDGETS.scene)}, got ${kB(scene)}`] : []),
  ];
}

function zipped(bytes: Buffer | undefined): number {
  return bytes === undefined ? 0 : gzipSync(bytes, { level: 9 }).length;
}

function kB(size: number): string {
  return `${(size / 1000).toFixed(1)} kB`;
}
