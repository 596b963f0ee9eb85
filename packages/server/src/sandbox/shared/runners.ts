import { constants } from "node:fs";
import { chmod, copyFile, link, mkdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const RUNNERS = ["run.py", "run.cjs", "run.sh", "supervise.pl", "launch.pl"] as const;

/** What a cell needs from this machine: the programs that wait in it, and interpreters that a program under another uid can reach. */
export interface Tools {
  readonly runners: string;
  readonly node: string;
  readonly python: string | undefined;
}

/** The system's own Python, whatever else is first on the path: what stands in somebody's home is not shown to programs. */
const PYTHONS = ["/usr/bin/python3", "/usr/local/bin/python3"] as const;

/** Puts copies of what is needed into a folder that every uid can pass through. */
export async function installTools(folder: string): Promise<Tools> {
  const runners = join(folder, "runners");
  await mkdir(runners, { mode: 0o755 });
  for (const name of RUNNERS) {
    await copyFile(fileURLToPath(new URL(`../runners/${name}`, import.meta.url)), join(runners, name));
    await chmod(join(runners, name), 0o644);
  }
  const node = (await isReachable(process.execPath)) ? process.execPath : await copyNode(join(folder, "node"));
  const python = (await Promise.all(PYTHONS.map(async (path) => ((await isReachable(path)) ? path : undefined)))).find(
    (path) => path !== undefined,
  );
  return { runners, node, python };
}

/** Whether everybody may run it where it stands. */
async function isReachable(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || (found.mode & 0o005) !== 0o005) return false;
  for (let folder = dirname(path); folder !== "/"; folder = dirname(folder)) if (((await stat(folder)).mode & 0o001) === 0) return false;
  return true;
}

async function copyNode(target: string): Promise<string> {
  const { mode } = await stat(process.execPath);
  try {
    if ((mode & 0o005) === 0o005) await link(process.execPath, target);
  } catch {
    // On another disk, or not ours to link.
  }
  await copyFile(process.execPath, target, constants.COPYFILE_EXCL).then(
    () => chmod(target, 0o755),
    (error: NodeJS.ErrnoException) => (error.code === "EEXIST" ? undefined : Promise.reject(error)),
  );
  return target;
}
