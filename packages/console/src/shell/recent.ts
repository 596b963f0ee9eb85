/** What was last done from the palette in this browser, by the ids of actions; the newest first. */
const KEPT = "tutti.recent";
const RECENT_MAX = 8;

/** The ids of what was done last. Whatever else stands in the browser's storage is left alone. */
export function recentIds(): readonly string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEPT) ?? "[]");
    return Array.isArray(kept) ? kept.filter((id) => typeof id === "string").slice(0, RECENT_MAX) : [];
  } catch {
    return [];
  }
}

/** Remembers that something was done. */
export function rememberRecent(id: string): void {
  localStorage.setItem(KEPT, JSON.stringify(withRecent(recentIds(), id)));
}

/** Something done, before what was done earlier; each once. Pure. */
export function withRecent(before: readonly string[], id: string): readonly string[] {
  return [id, ...before.filter((one) => one !== id)].slice(0, RECENT_MAX);
}
