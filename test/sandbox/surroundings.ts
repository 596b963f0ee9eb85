import { spawn, type ChildProcess } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { openListeners, type Listeners } from "./listeners.ts";

/** What stands around the sandbox while programs run in it, for the runner to see from outside whether one came out. */
export interface Surroundings extends AsyncDisposable {
  /** No program may get hold of this text. It stands in a file and in a variable of the runner's. */
  readonly canary: string;
  readonly canaryDir: string;
  readonly listeners: Listeners;
  /** The words that a case's text may hold; `mark` is new for each case. */
  words(mark: string): Readonly<Record<string, string>>;
  /** Whether the bystander still runs: neither ended nor stopped. */
  isVictimWell(): boolean;
}

/** Makes a canary, listeners and a bystander, and puts the canary into this process's environment. */
export async function openSurroundings(): Promise<Surroundings> {
  await using opening = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "tutti-battery-"));
  opening.defer(() => rm(folder, { recursive: true, force: true }));
  // Only rules of a sandbox may keep a program out, not the modes of our own files.
  await chmod(folder, 0o755);
  const canaryDir = join(folder, "secrets");
  await mkdir(canaryDir);
  await chmod(canaryDir, 0o777);
  const canary = `CANARY-${randomBytes(12).toString("hex")}`;
  const canaryFile = join(canaryDir, "secret.txt");
  await writeFile(canaryFile, canary, { mode: 0o644 });
  process.env["LAB_SECRET"] = canary;
  const unixPath = join(folder, "host.sock");
  const listeners = opening.use(await openListeners(unixPath));
  await chmod(unixPath, 0o777);
  const hostMark = basename(process.argv[1] ?? "sandbox-battery");
  const victim = opening.adopt(await startVictim(hostMark), endVictim);
  const fixed = randomBytes(6).toString("hex");
  const kept = opening.move();
  return {
    canary,
    canaryDir,
    listeners,
    words: (mark) => ({
      CANARY_FILE: canaryFile,
      CANARY_DIR: canaryDir,
      MARK: mark,
      TCP_PORT: String(listeners.port),
      UNIX_PATH: unixPath,
      HOST_PID: String(victim.pid),
      HOST_MARK: hostMark,
      WORK_PARENT: tmpdir(),
      FIXED: fixed,
    }),
    isVictimWell: () => isWell(Number(victim.pid)),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** A mark that no other case has. */
export const newMark = (): string => `mark-${randomBytes(8).toString("hex")}`;

/** Whether a process of this machine has the mark in its command line. */
export function isMarkAlive(mark: string): boolean {
  return readdirSync("/proc").some((pid) => /^\d+$/.test(pid) && readOrEmpty(`/proc/${pid}/cmdline`).includes(mark));
}

/** SHA-256 of files of this machine; what is not there, or empty and so the same everywhere, is left out. */
export async function hashesOf(paths: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const hashes = new Map<string, string>();
  for (const path of paths.filter((one) => existsSync(one))) {
    const content = await readFile(path);
    if (content.length > 0) hashes.set(path, createHash("sha256").update(content).digest("hex"));
  }
  return hashes;
}

/** Measures how much this process grew, at its highest, since the last call. */
export function resetMemoryPeak(): () => number {
  // 5 resets the peak (proc_pid_clear_refs(5)).
  writeFileSync("/proc/self/clear_refs", "5");
  const beforeKib = statusKib("VmRSS");
  return () => Math.max(0, statusKib("VmHWM") - beforeKib) / 1_024;
}

/** Names of the globals and prototypes of this process, as one text to compare. */
export function realmOf(): string {
  const objects = [globalThis, Object, Object.prototype, Array.prototype, Function.prototype, Promise.prototype, String.prototype, process];
  return objects.map((one) => Reflect.ownKeys(one).map(String).join(" ")).join("\n");
}

async function startVictim(hostMark: string): Promise<ChildProcess> {
  // It ends with the runner, whose end of its stdin closes then.
  const code = "process.stdin.resume(); process.stdin.on('end', () => process.exit()); console.log('up')";
  const victim = spawn(process.execPath, ["-e", code, hostMark], { stdio: ["pipe", "pipe", "ignore"], env: {} });
  await once(victim.stdout, "data");
  return victim;
}

async function endVictim(victim: ChildProcess): Promise<void> {
  if (victim.exitCode !== null || victim.signalCode !== null) return;
  const exited = once(victim, "exit");
  victim.kill("SIGKILL");
  await exited;
}

/** Whether a process is there, goes on, and has no signal before it that it has not felt yet, as on a busy machine (`proc_pid_status(5)`). */
function isWell(pid: number): boolean {
  const status = readOrEmpty(`/proc/${pid}/status`);
  const state = /^State:\s+(\w)/m.exec(status)?.[1] ?? "X";
  return !"TtZX".includes(state) && !/^(?:SigPnd|ShdPnd):\s+0*[1-9a-f]/m.test(status);
}

function statusKib(name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(readOrEmpty("/proc/self/status"))?.[1] ?? 0);
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // The process has ended meanwhile.
    return "";
  }
}
