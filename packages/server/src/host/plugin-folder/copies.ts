import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

/** Versions of a plugin whose copies are kept, so that runs that began with them go on after a restart. */
const COPIES_MAX = 5;

/** Copies of one plugin, by their hash, the newest first. */
export async function copiesOf(dir: string): Promise<readonly string[]> {
  const names = (await readdir(dir).catch(() => [])).filter((name) => !name.startsWith("."));
  const dated = await Promise.all(
    names.map(async (name) => ({ name, atMs: (await stat(join(dir, name)).catch(() => undefined))?.mtimeMs ?? 0 })),
  );
  return dated.toSorted((a, b) => b.atMs - a.atMs).map(({ name }) => name);
}

/** Deletes the oldest copies of one plugin that nobody uses. */
export async function pruneCopies(dir: string, used: readonly (string | undefined)[]): Promise<void> {
  const stale = (await copiesOf(dir)).filter((hash) => !used.includes(hash)).slice(COPIES_MAX);
  for (const hash of stale) await rm(join(dir, hash), { recursive: true, force: true });
}
