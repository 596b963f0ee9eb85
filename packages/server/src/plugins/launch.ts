import { spawn } from "node:child_process";
import type { Duplex, Readable } from "node:stream";
import type { Command } from "./limits.ts";
import { CHANNEL_FD } from "./protocol.ts";
import { Spawner } from "./spawner.ts";

/** A plugin's process that was started. */
export interface Launched {
  readonly pid: number;
  readonly channel: Duplex;
  readonly outputs: readonly Readable[];
  /** How it ended: "exit 3", or the signal. */
  readonly ended: Promise<string>;
  kill(): void;
  /** Leaves a process of it only what nobody else wants of the processors, where the system can. */
  idle(pid: number): void;
}

let spawner: Spawner | undefined;

/** Starts a command in a folder, with no environment of Tutti's; throws when that does not work. */
export async function launch(command: Command, folder: string): Promise<Launched> {
  // Elsewhere the system starts processes without a copy of the parent.
  if (process.platform !== "linux") return launchHere(command, folder);
  if (spawner === undefined || spawner.isOver) spawner = new Spawner();
  const { output, ...spawned } = await spawner.spawn(command, folder);
  return { ...spawned, outputs: [output] };
}

async function launchHere({ file, args }: Command, folder: string): Promise<Launched> {
  const child = spawn(file, args, { cwd: folder, env: { TZ: "UTC", LANG: "C.UTF-8" }, stdio: ["ignore", "pipe", "pipe", "pipe"] });
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, killedBy) => resolve(killedBy ?? `exit ${String(code)}`));
  });
  return {
    pid: child.pid ?? 0,
    channel: child.stdio[CHANNEL_FD] as Duplex,
    outputs: [child.stdout, child.stderr].filter((stream) => stream !== null),
    ended,
    kill: () => void child.kill("SIGKILL"),
    idle: () => undefined,
  };
}
