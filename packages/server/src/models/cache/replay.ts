import type { CachedAnswer } from "./answer-cache.ts";

/** The value of the `tutti-cache` header: how an answer was found, and how old it is. */
export function cacheHeader(answer: CachedAnswer | undefined): string {
  if (answer === undefined) return "miss";
  const age = `age=${Math.floor(answer.ageMs / 1000)}`;
  return answer.similarity === undefined ? `hit; exact; ${age}` : `hit; semantic; similarity=${answer.similarity.toFixed(3)}; ${age}`;
}

const EVENT_END = Buffer.from("\n\n");

/** An answer's bytes as they go out: a stream event by event, anything else in one piece. Copies nothing. */
export function* replayed({ stream, bytes }: Pick<CachedAnswer, "stream" | "bytes">): Generator<Buffer, void, undefined> {
  let start = 0;
  for (let end = stream ? bytes.indexOf(EVENT_END) : -1; end >= 0; end = bytes.indexOf(EVENT_END, start)) {
    yield bytes.subarray(start, end + EVENT_END.length);
    start = end + EVENT_END.length;
  }
  if (start < bytes.length) yield bytes.subarray(start);
}
