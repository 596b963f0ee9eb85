import { collect } from "@tutti/core/model";
import type { Attempted } from "../../host/index.ts";
import { cacheHeader, replayed, type CachedAnswer } from "../../models/index.ts";
import { finalOf } from "./final.ts";
import type { JsonObject, Serving } from "./serving.ts";

/** Answers from the cache, if it holds an answer: its bytes as they are, or in the form that this client asked for. */
export async function fromCache(serving: Serving): Promise<Attempted | undefined> {
  const { cache } = serving.app.models;
  if (!cache.isFor(serving.surface)) return undefined;
  const cached = await cache.find(serving);
  if (cached === undefined) return undefined;
  // A response repeats its request and has a name of its own, under which it may be kept: each client gets one that is theirs.
  const isShared = cached.stream === serving.stream && serving.surface !== "responses";
  const bytes = isShared ? cached.bytes : await writtenAgain(serving, cached);
  const contentType = serving.stream ? "text/event-stream; charset=utf-8" : "application/json";
  const { response, call } = serving;
  response.writeHead(200, ["content-type", contentType, "tutti-run-id", call.runId, "tutti-cache", cacheHeader(cached)]);
  const final = serving.onFinal && finalOf(bytes, contentType);
  if (final !== undefined) serving.onFinal?.(final, { providerName: "cache", isNative: false });
  for (const piece of replayed({ stream: serving.stream, bytes })) response.write(piece);
  response.end();
  return { status: 200, details: { cache: { how: cached.how, ageMs: cached.ageMs }, bytes: bytes.length } };
}

/** A stored answer under this call's own head, streamed or in one piece. */
async function writtenAgain(serving: Serving, cached: CachedAnswer): Promise<Buffer> {
  const { codec, call, model, body, echo, id } = serving;
  const head = { id: id ?? call.runId, createdAt: Math.floor(Date.now() / 1000), model, body: echo ?? body };
  const parts = codec.decodeAnswer(inOnePiece(cached.bytes));
  if (!serving.stream) return Buffer.from(JSON.stringify(codec.encodeAnswer(await collect(parts), head) as JsonObject));
  const encoder = codec.streamEncoder(head);
  let text = "";
  for await (const part of parts) text += encoder.push(part);
  return Buffer.from(text);
}

async function* inOnePiece(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}
