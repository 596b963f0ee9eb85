/** Whether a name fits a pattern in which `*` stands for any characters: "gpt-*", "ollama/*:7b". Linear in the name. */
function fitsPattern(pattern: string, name: string): boolean {
  const pieces = pattern.split("*");
  const [first = "", ...rest] = pieces;
  const last = rest.pop();
  if (last === undefined) return pattern === name;
  if (!name.startsWith(first) || name.length < first.length + last.length || !name.endsWith(last)) return false;
  let from = first.length;
  for (const piece of rest) {
    const at = name.indexOf(piece, from);
    if (at < 0) return false;
    from = at + piece.length;
  }
  return from <= name.length - last.length;
}

/** Whether a name fits one of the patterns; no patterns fit every name. */
export function fitsAny(patterns: readonly string[] | undefined, name: string): boolean {
  return patterns === undefined || patterns.some((pattern) => fitsPattern(pattern, name));
}
