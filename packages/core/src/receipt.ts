import { canonicalJson } from "./json.ts";
import type { Event } from "./event.ts";

/** The hash before a run's first event. */
const GENESIS_HASH = "0".repeat(64);

/** SHA-256 of a UTF-8 text as 64 lower-case hex digits. Passed in, because core runs where `node:crypto` does not. */
export type Sha256 = (text: string) => string;

/** A receipt's verdict: how far the chain holds, and what breaks it. */
export type ChainVerdict =
  | { readonly valid: true; readonly events: number; readonly head: string }
  | { readonly valid: false; readonly events: number; readonly atSeq: number; readonly reason: string };

/** The text whose SHA-256 is an event's hash: the previous hash (64 zeros before the first) and the event's canonical JSON (RFC 8785) without its own hash. */
export function hashInput(previousHash: string | undefined, canonicalEvent: string): string {
  return `${previousHash ?? GENESIS_HASH}\n${canonicalEvent}`;
}

/**
 * Checks one run's events against their hashes: a changed, removed, inserted or reordered event is found at its place.
 * `head` is the last hash the store knows of, so that a cut tail is found too.
 */
export function verifyChain(events: readonly Event[], head: string, sha256: Sha256): ChainVerdict {
  let previous: string | undefined;
  for (const [index, { hash, ...event }] of events.entries()) {
    const broken = (reason: string): ChainVerdict => ({ valid: false, events: events.length, atSeq: index + 1, reason });
    if (event.seq !== index + 1) return broken(`wanted event ${index + 1}, got event ${event.seq}: one was removed, inserted or moved`);
    if (event.runId !== events[0]?.runId) return broken(`event ${event.seq} belongs to run ${event.runId}`);
    if (sha256(hashInput(previous, canonicalJson(event))) !== hash)
      return broken(`event ${event.seq} (${event.type}) is not what was journaled`);
    previous = hash;
  }
  if (previous === head) return { valid: true, events: events.length, head };
  return { valid: false, events: events.length, atSeq: events.length + 1, reason: "the last events are missing" };
}
