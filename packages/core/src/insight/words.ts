const UNITS = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1000],
] as const;

/** A duration in words, in its two largest units: "3 minutes 5 seconds", "2 days", "120 ms". Pure. */
export function inWords(ms: number): string {
  if (!(ms >= 1000)) return `${Math.max(0, Math.round(Number.isNaN(ms) ? 0 : ms))} ms`;
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} seconds`;
  let restMs = Math.round(ms / 1000) * 1000;
  const words: string[] = [];
  for (const [unit, unitMs] of UNITS) {
    const count = Math.floor(restMs / unitMs);
    restMs -= count * unitMs;
    if (count > 0) words.push(`${count} ${unit}${count === 1 ? "" : "s"}`);
    // A second unit right below the first says enough.
    else if (words.length > 0) break;
    if (words.length === 2) break;
  }
  return words.join(" ");
}
