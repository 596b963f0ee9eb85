/** What all keys begin with: other pages of this address may keep something too. */
const OURS = "tutti";

/** A text that this tab holds: it outlives a reload and leaves with the tab. */
export function readKept(key: string): string | undefined {
  try {
    return sessionStorage.getItem(key) ?? undefined;
  } catch {
    // A browser may forbid the storage.
    return undefined;
  }
}

/** Keeps a text in this tab, or forgets it. */
export function keepText(key: string, text: string | undefined): void {
  try {
    if (text === undefined) sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, text);
  } catch {
    // Without storage it lives as long as its page.
  }
}

/** Lets go of all texts: whoever signs out leaves none for the next. */
export function forgetTab(): void {
  try {
    for (const key of Object.keys(sessionStorage)) if (key.startsWith(OURS)) sessionStorage.removeItem(key);
  } catch {
    // Without storage there is nothing to let go of.
  }
}
