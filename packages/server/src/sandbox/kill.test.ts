import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { ownControllers } from "./cells/cgroup-mounts.ts";

const PATIENCE_MS = 120_000;

for (const backend of ["bubblewrap", "landlock"]) {
  test(`after a SIGKILL of Tutti no process, cgroup or folder of ${backend} is left`, async () => {
    const tutti = spawn(process.execPath, [join(import.meta.dirname, "testing/running-sandbox.ts"), backend], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(tutti.stdout, "data");
    const pid = String(tutti.pid);
    await until(() => programsOf(pid).length > 0);
    // Beside its programs, what starts them and what cleans up after it.
    const [programs, folders, cgroups] = [[...programsOf(pid), ...childrenOf(pid)], foldersOf(pid), await cgroupsOf(pid)];
    assert.ok(folders.length > 0);
    tutti.kill("SIGKILL");
    await until(
      () =>
        programs.every((program) => !existsSync(`/proc/${program}`)) &&
        foldersOf(pid).length === 0 &&
        cgroups.every((path) => !existsSync(path)),
    );
  });
}

/** Sleeping programs below a process, wherever they are in its tree. */
function programsOf(root: string): readonly string[] {
  return childrenOf(root).flatMap((child) => [...(commandOf(child).startsWith("sleep 30") ? [child] : []), ...programsOf(child)]);
}

function childrenOf(parent: string): readonly string[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name) && parentOf(name) === parent);
}

function parentOf(pid: string): string | undefined {
  try {
    return /\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1];
  } catch {
    return undefined;
  }
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

function foldersOf(pid: string): readonly string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith("tutti-sandbox-") && name.includes(`-${pid}-`));
}

async function cgroupsOf(pid: string): Promise<readonly string[]> {
  const { version: _, ...folders } = await ownControllers();
  return [...new Set(Object.values(folders))].flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.startsWith("tutti-sandbox-") && name.includes(`-${pid}-`))
      .map((name) => join(folder, name)),
  );
}

async function until(isTrue: () => boolean): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (!isTrue()) {
    assert.ok(Date.now() < end, "it took too long");
    await delay(50);
  }
}
