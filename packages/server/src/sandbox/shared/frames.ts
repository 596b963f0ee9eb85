import type { Readable } from "node:stream";
import { AppError } from "@tutti/core";

const HEADER_BYTES = 8;

/** What a stream of frames may hold. */
export interface FrameRules {
  /** Whom the stream comes from, for messages: "the container engine". */
  readonly from: string;
  /** The highest kind; the lowest is 1. */
  readonly kindMax: number;
  readonly bytesMax: number;
}

/**
 * Reads frames to the end of their stream: one byte for the kind, three of zero, four for the length, and so many bytes. Rejects with `upstream`
 * for what is no frame, and for a stream that breaks off within one.
 */
export async function readFrames(source: Readable, rules: FrameRules, onFrame: (kind: number, bytes: Buffer) => void): Promise<void> {
  const { from } = rules;
  let chunks: Buffer[] = [];
  let size = 0;
  let wanted = HEADER_BYTES;
  for await (const chunk of source) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (size < wanted) continue;
    let rest = Buffer.concat(chunks);
    wanted = HEADER_BYTES;
    while (rest.length >= HEADER_BYTES) {
      wanted = HEADER_BYTES + frameBytes(rest, rules);
      if (rest.length < wanted) break;
      onFrame(rest.readUInt8(0), rest.subarray(HEADER_BYTES, wanted));
      rest = rest.subarray(wanted);
      wanted = HEADER_BYTES;
    }
    chunks = [rest];
    size = rest.length;
  }
  if (size > 0) throw new AppError("upstream", `wanted whole frames of output from ${from}, got a stream that broke off`);
}

function frameBytes(bytes: Buffer, { from, kindMax, bytesMax }: FrameRules): number {
  const kind = bytes.readUInt8(0);
  const size = bytes.readUInt32BE(4);
  if (kind >= 1 && kind <= kindMax && size <= bytesMax) return size;
  throw new AppError("upstream", `wanted a frame of output from ${from}, got bytes ${bytes.subarray(0, HEADER_BYTES).toString("hex")}`);
}
