import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { AppError, parse, type Json, type Schema } from "@tutti/core";
import type { HttpContext } from "./env.ts";

/** Bounds of what a client may send. */
export interface BodyLimits {
  readonly requestBytesMax: number;
  readonly requestDepthMax: number;
}

/** A body's bytes, at most `bytesMax` of them. Listens itself: an async iterator over the stream costs as much as the rest of a small request. */
export function readBytes(incoming: IncomingMessage, bytesMax: number): Promise<Buffer> {
  if (Number(incoming.headers["content-length"] ?? 0) > bytesMax) return Promise.reject(tooLarge(bytesMax));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    incoming.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= bytesMax) return void chunks.push(chunk);
      incoming.pause();
      reject(tooLarge(bytesMax));
    });
    incoming.on("end", () => resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, size)));
    // Every request closes; an error is dear, so it is made for those only that are not whole.
    const onLeft = (): void => {
      if (!incoming.complete) reject(new AppError("cancelled", "the client went away before its request was whole"));
    };
    incoming.on("error", onLeft);
    incoming.on("close", onLeft);
  });
}

function tooLarge(bytesMax: number): AppError {
  return new AppError("too_large", `wanted a body of at most ${bytesMax} bytes, got more; send less, or raise requestBytesMax`);
}

/** Bytes as JSON: valid UTF-8, not too deep, well formed. */
export function parseJson(bytes: Buffer, depthMax: number): Json {
  return parseCounted(bytes, depthMax).value;
}

/** The same, with how many keys the outermost object has in the bytes: of a key that stands there twice, the value holds one. */
export function parseCounted(bytes: Buffer, depthMax: number): { readonly value: Json; readonly keys: number } {
  if (!isUtf8(bytes)) throw new AppError("invalid_input", "wanted a JSON body in UTF-8, got bytes that are not UTF-8");
  const keys = topLevelKeys(bytes, depthMax);
  if (keys === undefined) throw new AppError("invalid_input", `wanted a JSON body nested at most ${depthMax} deep, got a deeper one`);
  try {
    return { value: JSON.parse(bytes.toString("utf8")) as Json, keys };
  } catch (error) {
    throw new AppError("invalid_input", `wanted a JSON body, got one that does not parse: ${error instanceof Error ? error.message : ""}`, {
      cause: error,
    });
  }
}

/** A request's JSON body as its schema types it. */
export async function readJson<T>(ctx: HttpContext, schema: Schema<T>, limits: BodyLimits): Promise<T> {
  const bytes = await readBytes(ctx.env.incoming, limits.requestBytesMax);
  return parse(schema, parseJson(bytes, limits.requestDepthMax), "the request body");
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;

/**
 * The colons of the outermost level, `undefined` where the bytes are nested too deep. Looks at what stands outside strings only; runs before
 * `JSON.parse`, so that nothing deep is ever built.
 */
function topLevelKeys(bytes: Buffer, depthMax: number): number | undefined {
  let depth = 0;
  let keys = 0;
  let inString = false;
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index];
    if (inString && byte === BACKSLASH) index += 1;
    else if (byte === QUOTE) inString = !inString;
    else if (!inString) {
      depth += step(byte);
      if (byte === COLON && depth === 1) keys += 1;
    }
    if (depth > depthMax) return undefined;
  }
  return keys;
}

/** What one byte does to the depth: "[" and "{" open, "]" and "}" close. They differ from each other in one bit. */
function step(byte: number | undefined): number {
  if (byte === 0x5b || byte === 0x7b) return 1;
  return byte === 0x5d || byte === 0x7d ? -1 : 0;
}
