import { once } from "node:events";
import { PassThrough, Readable } from "node:stream";
import { readFrames } from "../shared/frames.ts";

/** The engine copies in pieces of 32 KiB; more than this is no stream of an engine. */
const RULES = { from: "the container engine", kindMax: 2, bytesMax: 16_777_216 };
const STDOUT = 1;

/** An engine's stream, taken apart. */
export interface Demultiplexed {
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves at the end of the stream; rejects with `upstream` when it broke off within a frame. */
  readonly ended: Promise<void>;
}

/** Takes apart the stream in which an engine sends stdout and stderr as frames, no faster than both are read. */
export function demultiplex(source: Readable): Demultiplexed {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const slowed = Readable.from(whileRead(source, [stdout, stderr]));
  const ended = readFrames(slowed, RULES, (kind, bytes) => void (kind === STDOUT ? stdout : stderr).write(bytes)).finally(() => {
    stdout.end();
    stderr.end();
  });
  return { stdout, stderr, ended };
}

/** Waits with the next piece while nobody takes what came before. */
async function* whileRead(source: Readable, targets: readonly PassThrough[]): AsyncGenerator<unknown> {
  for await (const chunk of source) {
    yield chunk;
    for (const target of targets) if (target.writableNeedDrain) await once(target, "drain");
  }
}
