import { Transform, type Readable, PassThrough } from "node:stream";
import { pipeline } from "node:stream/promises";
import { AppError } from "@tutti/core";

const HEADER_BYTES = 8;
/** The engine copies in pieces of 32 KiB; more than this is no stream of an engine. */
const FRAME_BYTES_MAX = 16_777_216;

/** An engine's stream, taken apart. */
export interface Demultiplexed {
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves at the end of the stream; rejects with `upstream` when it broke off within a frame. */
  readonly ended: Promise<void>;
}

/** Takes apart the stream in which an engine sends stdout and stderr as frames: one byte for which, three of zero, four for the length. */
export function demultiplex(source: Readable): Demultiplexed {
  const outputs = [undefined, new PassThrough(), new PassThrough()] as const;
  let rest: Buffer = Buffer.alloc(0);
  const frames = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      try {
        while (rest.length >= HEADER_BYTES) {
          const size = frameSize(rest);
          if (rest.length < HEADER_BYTES + size) break;
          outputs[rest[0] as 1 | 2].write(rest.subarray(HEADER_BYTES, HEADER_BYTES + size));
          rest = rest.subarray(HEADER_BYTES + size);
        }
        done();
      } catch (error) {
        done(error as Error);
      }
    },
    flush(done) {
      done(
        rest.length === 0
          ? null
          : new AppError("upstream", "wanted whole frames of output from the container engine, got a stream that broke off"),
      );
    },
  });
  const ended = pipeline(source, frames.resume()).finally(() => {
    for (const output of outputs) output?.end();
  });
  return { stdout: outputs[1], stderr: outputs[2], ended };
}

function frameSize(bytes: Buffer): number {
  const size = bytes.readUInt32BE(4);
  const isFrame = (bytes[0] === 1 || bytes[0] === 2) && size <= FRAME_BYTES_MAX;
  if (isFrame) return size;
  throw new AppError(
    "upstream",
    `wanted a frame of output from the container engine, got bytes ${bytes.subarray(0, HEADER_BYTES).toString("hex")}`,
  );
}
