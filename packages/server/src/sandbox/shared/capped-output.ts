import type { Readable } from "node:stream";

/** A stream, read to its end and kept up to a bound. */
export interface CappedOutput {
  readonly text: () => string;
  readonly isTruncated: () => boolean;
  /** Keeps what came another way, after the stream. */
  readonly take: (chunk: Buffer) => void;
  /** Resolves when the stream has ended or failed; what came until then is there. */
  readonly ended: Promise<void>;
}

/** Reads a stream, keeps its first `bytesMax` bytes, and tells once when there are more. */
export function capOutput(stream: Readable, bytesMax: number, onOverflow: () => void): CappedOutput {
  const chunks: Buffer[] = [];
  let size = 0;
  let isTruncated = false;
  const take = (chunk: Buffer): void => {
    const room = bytesMax - size;
    if (chunk.length <= room) chunks.push(chunk);
    if (chunk.length > room && room > 0) chunks.push(Buffer.from(chunk.subarray(0, room)));
    size += Math.min(chunk.length, Math.max(0, room));
    if (chunk.length <= room || isTruncated) return;
    isTruncated = true;
    onOverflow();
  };
  stream.on("data", take);
  // Whoever looked at it before may have paused it.
  stream.resume();
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  for (const event of ["end", "error", "close"]) stream.once(event, () => resolve());
  return { text: () => wholeCharacters(Buffer.concat(chunks), isTruncated), isTruncated: () => isTruncated, take, ended };
}

/** UTF-8; a character that the bound cut apart is left out. */
function wholeCharacters(bytes: Buffer, isTruncated: boolean): string {
  return new TextDecoder().decode(bytes, { stream: isTruncated });
}
