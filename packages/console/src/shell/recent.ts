import { keep } from "../kept.ts";

const RECENT_MAX = 8;

const recent = keep<{ readonly ids: readonly string[] }>("tutti.recent", ({ ids }) => ({
  ids: Array.isArray(ids) ? ids.filter((id) => typeof id === "string").slice(0, RECENT_MAX) : [],
}));

/** What was last done from the palette in this browser, by the ids of actions; the newest first. */
export const recentIds = (): readonly string[] => recent.now().ids;

/** Remembers that something was done, before what was done earlier; each once. */
export function rememberRecent(id: string): void {
  recent.set({ ids: [id, ...recentIds().filter((one) => one !== id)].slice(0, RECENT_MAX) });
}
