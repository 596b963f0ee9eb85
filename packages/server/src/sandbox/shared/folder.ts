import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, lstat, mkdtemp, readdir, readlink, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AppError } from "@tutti/core";

/** The first part of the name of every folder that sandboxes make, and of every cgroup. */
export const FOLDER_PREFIX = "tutti-sandbox-";

/**
 * The name of what belongs to this process: it tells the process and its space of process numbers, so that what a killed one left behind is
 * found, and what one in another container has is left alone.
 */
export async function ownName(): Promise<string> {
  return `${FOLDER_PREFIX}${await processSpace()}-${process.pid}`;
}

/** A new folder of this process. */
export async function makeFolder(name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `${await ownName()}-${name}-`));
  // A program under another uid has to pass through it; what is in it, it cannot list.
  await chmod(folder, 0o711);
  return folder;
}

/** Removes a folder whatever is in it: a program can nest folders deeper than any path can say, which `rm` of coreutils walks all the same. */
export async function removeTree(folder: string): Promise<void> {
  const isRemoved = await rm(folder, { recursive: true, force: true }).then(
    () => true,
    () => false,
  );
  if (isRemoved) return;
  const child = spawn("rm", ["-rf", "--", folder], { stdio: "ignore", env: { PATH: "/usr/bin:/bin" } });
  const [code] = (await once(child, "exit")) as readonly unknown[];
  if (code !== 0) throw new AppError("internal", `wanted ${folder} removed, got exit code ${String(code)} of rm; remove it by hand`);
}

/** Removes folders of processes that are gone. */
export async function removeStaleFolders(): Promise<void> {
  const space = await processSpace();
  for (const name of await readdir(tmpdir()).catch(() => [])) {
    const [, owner = "", pid = "0"] = /^tutti-sandbox-(\d+)-(\d+)-/.exec(name) ?? [];
    if (owner === space && !isAlive(Number(pid))) await removeTree(join(tmpdir(), name)).catch(() => {});
  }
}

/** Whether a process of ours or of somebody else has this number. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

async function processSpace(): Promise<string> {
  const link = await readlink("/proc/self/ns/pid").catch(() => "");
  return /\d+/.exec(link)?.[0] ?? "0";
}

const ENTRIES_MAX = 20_000;

/** What the files of a folder take on the disk; `Infinity` for more entries than anybody should have. */
export async function folderBytes(root: string): Promise<number> {
  let bytes = 0;
  let entries = 0;
  const folders = [root];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
      entries += 1;
      if (entries > ENTRIES_MAX) return Infinity;
      const path = join(folder, entry.name);
      if (entry.isDirectory()) folders.push(path);
      bytes += await lstat(path).then(
        ({ blocks }) => blocks * BLOCK_BYTES,
        () => 0,
      );
    }
  }
  return bytes;
}

const BLOCK_BYTES = 512;
