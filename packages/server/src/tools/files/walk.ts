import { AppError } from "@tutti/core";
import { DEPTH_MAX, partsOf, type Entry, type Workspace } from "./workspace.ts";

/** So many entries are looked at in one call. */
const LOOKED_AT_MAX = 50_000;

/** What is in a folder, with its path from the workspace's root; folders before what is in them. */
export async function* filesBelow(
  workspace: Workspace,
  { path, isDeep }: { readonly path: string; readonly isDeep: boolean },
  signal: AbortSignal,
): AsyncGenerator<Entry & { readonly path: string }> {
  const start = partsOf(path).join("/");
  const folders: { readonly path: string; readonly depth: number }[] = [{ path: start, depth: 0 }];
  let lookedAt = 0;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    signal.throwIfAborted();
    const { path: at, depth } = folder;
    const entries = await workspace.list(at).catch((error: unknown) => {
      // A folder that is gone or closed since it was listed is left out; the one that was asked for is not.
      if (depth > 0) return [];
      throw error;
    });
    lookedAt += entries.length;
    if (lookedAt > LOOKED_AT_MAX)
      throw new AppError(
        "too_large",
        `wanted at most ${LOOKED_AT_MAX} entries below ${start || "the workspace"}, got more; begin further down`,
      );
    const below: typeof folders = [];
    for (const entry of entries) {
      const inner = at === "" ? entry.name : `${at}/${entry.name}`;
      yield { ...entry, path: inner };
      if (isDeep && entry.type === "folder" && depth < DEPTH_MAX) below.push({ path: inner, depth: depth + 1 });
    }
    folders.push(...below.toReversed());
  }
}
