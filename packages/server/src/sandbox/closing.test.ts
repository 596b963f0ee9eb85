import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openSandbox } from "./index.ts";
import { FOLDER_PREFIX, makeFolder } from "./shared/folder.ts";
import { cellArguments } from "./bubblewrap/arguments.ts";
import { startCell } from "./bubblewrap/bubblewrap-cell.ts";
import { openCgroups } from "./cells/cgroups.ts";
import { Launcher } from "./cells/launcher.ts";
import { DEFAULT_LIMITS } from "./shared/limits.ts";
import { installTools } from "./shared/runners.ts";
import { seccompFilter } from "./seccomp/filter.ts";

const never = new AbortController().signal;

test("a sandbox that closes while it starts a place ahead leaves no process", async () => {
  for (let round = 0; round < 3; round += 1) {
    const sandbox = await openSandbox({ backends: ["bubblewrap"], level: "soft" }, never);
    await sandbox.run({ language: "shell", code: "true" }, never);
    await sandbox.close();
    assert.deepEqual(withMark(`-${process.pid}-bubblewrap-`), []);
  }
});

test("a place that is given up before bubblewrap says anything leaves no process", async (context) => {
  const folder = await makeFolder("bubblewrap");
  context.after(() => rm(folder, { recursive: true, force: true }));
  const cgroups = await openCgroups();
  context.after(() => cgroups.close());
  const filter = join(folder, "filter");
  await writeFile(filter, seccompFilter(process.arch, { allowsUnixSockets: false }));
  for (const name of ["passwd", "group"]) await writeFile(join(folder, name), "");
  const tools = await installTools(folder);
  const args = cellArguments("shell", { tools, accounts: folder, limits: DEFAULT_LIMITS });
  const launcher = new Launcher(tools.runners);
  await assert.rejects(startCell({ args, limits: DEFAULT_LIMITS, filter, cgroups, uids: undefined, launcher }, AbortSignal.abort()));
  await launcher.close();
  assert.deepEqual(withMark(folder), []);
});

test("`tutti sandbox doctor` leaves no process", async (context) => {
  const folder = await mkdtemp(join(tmpdir(), "tutti-doctor-"));
  context.after(() => rm(folder, { recursive: true, force: true }));
  // Programs under another number have to pass through it.
  await chmod(folder, 0o711);
  const tutti = join(import.meta.dirname, "../../bin/tutti.js");
  // Its sandboxes make their folders where this says, which marks all their processes.
  const env = { PATH: process.env["PATH"] ?? "", LANG: "C.UTF-8", TMPDIR: folder };
  const said = execFileSync(process.execPath, [tutti, "sandbox", "doctor", "bubblewrap"], { cwd: folder, env, encoding: "utf8" });
  assert.match(said, /bubblewrap {2}ready/);
  assert.deepEqual(withMark(join(folder, FOLDER_PREFIX)), []);
});

/** Processes whose command names a text. */
function withMark(mark: string): readonly string[] {
  const commands = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => (existsSync(`/proc/${pid}/cmdline`) ? [commandOf(pid)] : []));
  return commands.filter((command) => command.startsWith("bwrap") && command.includes(mark));
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    // It has just ended.
    return "";
  }
}
