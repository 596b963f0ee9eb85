import { PassThrough } from "node:stream";
import type { ResponseSink } from "../../models/index.ts";

/** Stands for a client's response where there is none: what is written can be read on the other side, at its reader's pace. */
export class MemoryResponse extends PassThrough implements ResponseSink {
  headersSent = false;
  status = 0;
  headers: readonly string[] = [];

  writeHead(status: number, headers: readonly string[]): this {
    this.status = status;
    this.headers = headers;
    this.headersSent = true;
    return this;
  }
}
