import type { Readable } from "node:stream";
import { TokenBucket } from "@tutti/core/resilience";
import { rest } from "./lines.ts";

/** What is kept of what a plugin printed, the end of it. */
const KEPT_BYTES_MAX = 65_536;
/** What is read of it: a plugin that prints more waits until it is read, and one that waits too long hangs. */
const PACE = { perSecond: 65_536, burst: 262_144 };

/** What a process printed on stdout and stderr, read at a pace and kept up to a bound. */
export class Captured {
  #chunks: Buffer[] = [];
  #keptBytes = 0;
  #bytes = 0;
  #isFlooding = false;

  /** All that was printed so far, also what is no longer kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether it printed faster than it is read. */
  get isFlooding(): boolean {
    return this.#isFlooding;
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString("utf8");
  }

  read(stream: Readable): void {
    const bucket = new TokenBucket(PACE, performance.now());
    const pacing = { pause: () => void ((this.#isFlooding = true), stream.pause()), resume: () => stream.resume() };
    stream.on("error", () => undefined);
    stream.on("data", (chunk: Buffer) => {
      this.#keep(chunk);
      rest(pacing, bucket, chunk.length);
    });
    stream.resume();
  }

  #keep(chunk: Buffer): void {
    this.#bytes += chunk.length;
    this.#chunks.push(chunk);
    this.#keptBytes += chunk.length;
    while (this.#keptBytes - (this.#chunks[0]?.length ?? 0) >= KEPT_BYTES_MAX) this.#keptBytes -= this.#chunks.shift()?.length ?? 0;
  }
}
