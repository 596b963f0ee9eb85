import type { Duplex } from "node:stream";
import { TokenBucket } from "@tutti/core/resilience";

/** How much one side may send: bytes a second on average, and at once; a line counts as `lineBytes` at least. More waits in the sender's memory. */
interface Pace {
  readonly bytesPerSecond: number;
  readonly burstBytes: number;
  readonly lineBytes: number;
}

/** How lines are read. `tooLong` is told once, and nothing after it. */
interface LineOptions {
  readonly lineBytesMax: number;
  readonly pace?: Pace;
  readonly line: (text: string) => void;
  readonly tooLong: () => void;
}

const NEWLINE = 10;

/** Reads lines from a stream that nobody vouches for. It holds at most one line, and lets the other side wait when that sends too much. */
export function readLines(stream: Duplex, { lineBytesMax, pace, line, tooLong }: LineOptions): void {
  const bucket = pace && new TokenBucket({ perSecond: pace.bytesPerSecond, burst: pace.burstBytes }, performance.now());
  let parts: Buffer[] = [];
  let heldBytes = 0;
  let lines = 0;
  let isOver = false;
  const take = (chunk: Buffer): void => {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at !== -1 && !isOver; at = chunk.indexOf(NEWLINE, from)) {
      if (!hold(chunk.subarray(from, at))) return;
      const text = Buffer.concat(parts).toString("utf8");
      parts = [];
      heldBytes = 0;
      from = at + 1;
      lines += 1;
      line(text);
    }
    if (!isOver) hold(chunk.subarray(from));
  };
  const hold = (part: Buffer): boolean => {
    heldBytes += part.length;
    if (heldBytes <= lineBytesMax) {
      // A part of a chunk would keep all of it.
      parts.push(Buffer.from(part));
      return true;
    }
    isOver = true;
    parts = [];
    tooLong();
    return false;
  };
  stream.on("data", (chunk: Buffer) => {
    if (isOver) return;
    lines = 0;
    take(chunk);
    if (bucket !== undefined && pace !== undefined) rest(stream, bucket, Math.max(chunk.length, lines * pace.lineBytes));
  });
  // A stream that came through the spawner rests until somebody listens.
  stream.resume();
}

/** Pauses a stream until what was read of it fits its pace. */
export function rest(stream: { pause(): unknown; resume(): unknown }, bucket: TokenBucket, bytes: number): void {
  const waitMs = bucket.take(performance.now(), bytes);
  if (waitMs === 0) return;
  stream.pause();
  setTimeout(
    () => {
      bucket.take(performance.now(), bytes);
      stream.resume();
    },
    Math.min(waitMs, PAUSE_MAX_MS),
  ).unref();
}

const PAUSE_MAX_MS = 5_000;
