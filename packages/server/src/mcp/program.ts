import { spawn } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { AppError } from "@tutti/core";
import type { Jail } from "@tutti/core/sandbox";

/** A program that speaks over its stdio, in a jail or outside. */
export type Program = Pick<Jail, "write" | "output" | "stderr" | "stop"> & {
  readonly exited: Promise<{ readonly reason?: string; readonly exitCode: number | null; readonly signal: string | null }>;
};

/** What a person needs of what a program said last; a server may talk for years. */
const STDERR_CHARACTERS_MAX = 2_000;
const LAST_LINES_MAX = 8;
/** A program whose output has ended is about to end, or lives on without it. */
const ENDING_MS = 1_000;

/** Starts a program outside of any jail, with this environment and no other. */
export function startProgram(
  {
    command,
    args,
    cwd,
    env,
  }: { readonly command: string; readonly args: readonly string[]; readonly cwd: string; readonly env: NodeJS.ProcessEnv },
  onStderr: (text: string) => void,
): Program {
  const child = spawn(command, args, { cwd, env, stdio: ["pipe", "pipe", "pipe"] });
  let said = "";
  const say = (text: string): void => {
    said = (said + text).slice(-STDERR_CHARACTERS_MAX);
    onStderr(text.slice(0, STDERR_CHARACTERS_MAX));
  };
  child.stderr.setEncoding("utf8").on("data", say);
  for (const stream of child.stdio) stream?.on("error", () => {});
  const exited = new Promise<{ readonly exitCode: number | null; readonly signal: string | null }>((resolve) => {
    child.once("error", (error) => {
      say(error.message);
      resolve({ exitCode: null, signal: null });
    });
    // After its streams: its last words are there.
    child.once("close", (exitCode, signal) => resolve({ exitCode, signal }));
  });
  return {
    output: child.stdout,
    stderr: () => said,
    exited,
    write: (bytes) =>
      new Promise((resolve, reject) => {
        if (!child.stdin.writable) return reject(new AppError("upstream", "the program has ended"));
        child.stdin.write(bytes, (error) =>
          error ? reject(new AppError("upstream", "the program does not read any more", { cause: error })) : resolve(),
        );
      }),
    stop: async (graceMs) => {
      child.stdin.end();
      await Promise.race([exited, delay(graceMs / 2, undefined, { ref: false })]);
      child.kill("SIGTERM");
      await Promise.race([exited, delay(graceMs / 2, undefined, { ref: false })]);
      child.kill("SIGKILL");
    },
  };
}

/** How a program that should have answered ended, with its last lines; `undefined` when it runs. */
export async function endingOf({ exited, stderr }: Program): Promise<string | undefined> {
  const ended = await Promise.race([exited, delay(ENDING_MS, undefined, { ref: false })]);
  if (ended === undefined) return undefined;
  const { reason = "exit", exitCode, signal } = ended;
  const how = exitCode !== null ? `ended with exit code ${exitCode}` : signal !== null ? `was ended by ${signal}` : "could not be started";
  const lines = stderr().slice(-STDERR_CHARACTERS_MAX).trim().split("\n").slice(-LAST_LINES_MAX).join("\n");
  return `${how}${reason === "exit" ? "" : ` (${reason})`}; ${lines === "" ? "it said nothing on stderr" : `it said: ${lines}`}`;
}
