import { keepText, readKept } from "../../tab-storage.ts";

/** A graph's text that is not saved yet, and the version it was made from; 0 when there is none yet. */
export interface Draft {
  readonly text: string;
  readonly version: number;
  /** What to say about it when it is saved. */
  readonly message?: string;
}

const keyOf = (name: string): string => `tutti graph draft ${name}`;

/** The draft of a graph that this tab holds. It outlives a reload and leaves with the tab. */
export function readDraft(name: string): Draft | undefined {
  try {
    const kept = readKept(keyOf(name));
    if (kept === undefined) return undefined;
    const { text, version, message } = JSON.parse(kept) as Partial<Draft>;
    if (typeof text !== "string" || typeof version !== "number") return undefined;
    return { text, version, ...(typeof message === "string" && { message }) };
  } catch {
    // A browser may hold something of an earlier version.
    return undefined;
  }
}

/** What a draft is once what was sent of it is saved: what was typed meanwhile stays, and follows the version that was saved. */
export function draftAfterSaving(now: Draft, sent: Draft, saved: Draft): Draft {
  return {
    text: now.text === sent.text ? saved.text : now.text,
    version: saved.version,
    ...(now.message !== undefined && now.message !== sent.message && { message: now.message }),
  };
}

/** Keeps a draft, or forgets it. */
export function keepDraft(name: string, draft: Draft | undefined): void {
  keepText(keyOf(name), draft && JSON.stringify(draft));
}
