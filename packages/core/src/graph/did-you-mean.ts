/** Longer names are compared by their beginning. */
const LETTERS_MAX = 64;

/** The name that was probably meant, if any comes close. Case, dashes and underscores do not count. */
export function didYouMean(name: string, names: readonly string[]): string | undefined {
  const wanted = plain(name);
  let nearest: { readonly candidate: string; readonly distance: number } | undefined;
  for (const candidate of names) {
    const letters = distance(wanted, plain(candidate));
    if (nearest === undefined || letters < nearest.distance) nearest = { candidate, distance: letters };
  }
  return nearest !== undefined && nearest.distance <= Math.max(2, Math.floor(wanted.length / 3)) ? nearest.candidate : undefined;
}

/** The same as the end of a sentence: what was probably meant, else all there are. */
export function orMeant(name: string, names: readonly string[]): string {
  const meant = didYouMean(name, names);
  if (meant !== undefined) return `did you mean "${meant}"?`;
  return names.length === 0
    ? "there are none"
    : `there are: ${names.slice(0, NAMES_SHOWN_MAX).join(", ")}${names.length > NAMES_SHOWN_MAX ? ", …" : ""}`;
}

const NAMES_SHOWN_MAX = 12;

const plain = (name: string): string => name.toLowerCase().replaceAll(/[-_]/g, "").slice(0, LETTERS_MAX);

/** How many letters must be added, removed or replaced (Levenshtein). */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let index = 0; index < from.length; index += 1) {
    const next = [index + 1];
    for (let column = 1; column <= to.length; column += 1) {
      const replaced = (row[column - 1] ?? 0) + (from[index] === to[column - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
