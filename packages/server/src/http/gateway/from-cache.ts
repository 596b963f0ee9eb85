import { collect } from "@tutti/core/model";
import type { Attempted } from "../../host/index.ts";
import { cacheHeader, replayed, type CachedAnswer } from "../../models/index.ts";
import type { JsonObject, Serving } from "./serving.ts";

/** Answers from the cache, if it holds an answer: its bytes as they are, or in the form that this client asked for. */
export async function fromCache(serving: Serving): Promise<Attempted | undefined> {
  const { cache } = serving.app.models;
  if (!cache.isFor(serving.surface)) return undefined;
  const cached = await cache.find(serving);
  if (cached === undefined) return undefined;
  const bytes = cached.stream === serving.stream ? cached.bytes : await inOtherForm(serving, cached);
  const contentType = serving.stream ? "text/event-stream; charset=utf-8" : "application/json";
  const { response, call } = serving;
  response.writeHead(200, ["content-type", contentType, "tutti-run-id", call.runId, "tutti-cache", cacheHeader(cached)]);
  for (const piece of replayed({ stream: serving.stream, bytes })) response.write(piece);
  response.end();
  return { status: 200, details: { cache: { how: cached.how, ageMs: cached.ageMs }, bytes: bytes.length } };
}

/** A stored stream in one piece, or a stored piece as a stream. */
async function inOtherForm(serving: Serving, cached: CachedAnswer): Promise<Buffer> {
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
