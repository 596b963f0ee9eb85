import type { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import { AppError } from "@tutti/core";

/** The program has ended, so this is only for what is still in the pipe. */
const LAST_WORDS_MS = 500;
const STDERR_CHARACTERS_MAX = 500;

/** Waits for the first words on a stream. Throws with what the program complains about when it ends before, or when it takes too long. */
export async function firstWords(
  stream: Readable,
  program: { readonly name: string; readonly exited: Promise<unknown>; readonly stderr: Readable },
  signal: AbortSignal,
): Promise<string> {
  const complaints: Buffer[] = [];
  const listen = (chunk: Buffer): void => void complaints.push(chunk);
  // From the beginning: what nobody reads when a child ends, Node throws away.
  program.stderr.on("data", listen);
  const first = await Promise.race([
    new Promise<string>((resolve) => stream.once("data", (bytes: Buffer) => resolve(bytes.toString()))),
    program.exited.then(() => undefined),
    aborted(signal),
  ]);
  if (first === undefined && !signal.aborted) await Promise.race([finished(program.stderr).catch(() => {}), delay(LAST_WORDS_MS)]);
  program.stderr.off("data", listen);
  program.stderr.pause();
  if (first !== undefined) return first;
  if (signal.aborted)
    throw new AppError("timeout", `${program.name} did not start in time; raise startTimeoutMs`, { cause: signal.reason });
  const said = Buffer.concat(complaints).toString().trim();
  throw new AppError(
    "unsupported",
    `${program.name} did not start: ${said === "" ? "it said nothing" : said.slice(0, STDERR_CHARACTERS_MAX)}`,
  );
}

/** Resolves when a signal aborts. */
export function aborted(signal: AbortSignal): Promise<undefined> {
  if (signal.aborted) return Promise.resolve(undefined);
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(undefined), { once: true }));
}
