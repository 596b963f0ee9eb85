import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { readManifest } from "./manifest.ts";
import { installFolder } from "./snapshot.ts";

const PLUGINS_MAX = 200;

/** Copies a plugin's folder into the folder of plugins, under its own name; nothing of it runs. Returns the name. */
export async function installPlugin(from: string, dir: string): Promise<string> {
  const { name } = await readManifest(from);
  await mkdir(dir, { recursive: true });
  await installFolder(from, join(dir, name));
  return name;
}

/** The names of the folders that plugins may be in, in their order; none where there is no folder of plugins. */
export async function subfolders(dir: string): Promise<readonly string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => []);
  const names = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith(".")).map(({ name }) => name);
  return names.toSorted().slice(0, PLUGINS_MAX);
}
