import { client } from "../../server.ts";
import type { LoggedEvent } from "./logged-event.ts";

/** A part of the log that was read backwards; `nextBefore` is where to go on, 1 when its beginning was reached. */
export interface LogPart {
  readonly events: readonly LoggedEvent[];
  readonly nextBefore: number;
}

interface ReadBack {
  /** Only events before this position. */
  readonly before: number;
  readonly isWanted: (event: LoggedEvent) => boolean;
  /** It is read on until so many are found. */
  readonly enough: number;
}

const CHUNK = 1_000;
/** Chunks of one go: a search for something that is not there ends, and can be gone on with. */
const CHUNKS_MAX = 20;

/** Reads the log backwards from a position until enough events are found; newest first. */
export async function readBack({ before, isWanted, enough }: ReadBack, signal?: AbortSignal): Promise<LogPart> {
  const found: LoggedEvent[] = [];
  let nextBefore = before;
  for (let chunk = 0; chunk < CHUNKS_MAX && nextBefore > 1 && found.length < enough; chunk += 1) {
    const after = Math.max(0, nextBefore - 1 - CHUNK);
    const { events } = await client.trustEvents({ after, limit: CHUNK }, signal);
    const until = nextBefore;
    found.push(...events.filter((event) => event.position < until && isWanted(event)).toReversed());
    nextBefore = after + 1;
  }
  return { events: found, nextBefore };
}
