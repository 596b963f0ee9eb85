import { Transform, type TransformCallback } from "node:stream";

/** Passes bytes on until a mark comes, and ends there; what stands behind the mark is dropped. */
export class UntilMark extends Transform {
  readonly #mark: Buffer;
  #held = Buffer.alloc(0);
  #isPast = false;

  constructor(mark: string) {
    super();
    this.#mark = Buffer.from(mark);
  }

  /** Whether the mark has come. */
  get isPast(): boolean {
    return this.#isPast;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    if (this.#isPast) return done();
    const bytes = Buffer.concat([this.#held, chunk]);
    const at = bytes.indexOf(this.#mark);
    if (at >= 0) {
      this.#isPast = true;
      this.#held = Buffer.alloc(0);
      this.push(bytes.subarray(0, at));
      this.push(null);
      return done();
    }
    // The beginning of a mark may be at the end of what came.
    const sure = Math.max(0, bytes.length - this.#mark.length + 1);
    this.#held = Buffer.from(bytes.subarray(sure));
    done(null, bytes.subarray(0, sure));
  }

  override _flush(done: TransformCallback): void {
    done(null, this.#isPast ? undefined : this.#held);
  }
}
