import { PassThrough, type Readable } from "node:stream";
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

/** Takes apart the stream in which an engine sends stdout and stderr as frames. */
export function demultiplex(source: Readable): Demultiplexed {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const ended = readFrames(source, RULES, (kind, bytes) => void (kind === STDOUT ? stdout : stderr).write(bytes)).finally(() => {
    stdout.end();
    stderr.end();
  });
  return { stdout, stderr, ended };
}
