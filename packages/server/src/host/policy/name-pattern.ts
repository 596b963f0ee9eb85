/** Whether a name fits; "*" stands for any characters, everything else for itself. */
export type NamePattern = (name: string) => boolean;

/** Compiles a name or a pattern such as "crm.*". Looking is linear in the name for each star. */
export function namePattern(pattern: string): NamePattern {
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop();
  if (last === undefined) return (name) => name === pattern;
  return (name) => {
    if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return false;
    const end = name.length - last.length;
    let from = first.length;
    for (const piece of rest) {
      const at = name.indexOf(piece, from);
      if (at < 0 || at + piece.length > end) return false;
      from = at + piece.length;
    }
    return true;
  };
}

/** Whether a name fits one of some patterns. */
export function anyNamePattern(patterns: readonly string[]): NamePattern {
  const exact = new Set(patterns.filter((pattern) => !pattern.includes("*")));
  const others = patterns.filter((pattern) => pattern.includes("*")).map(namePattern);
  return (name) => exact.has(name) || others.some((fits) => fits(name));
}
