import { InvalidArgumentError } from "commander";

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A duration for people, at most seven characters up to 99 days: "0.4 ms", "312 ms", "1.24 s", "3m 05s", "2h 03m", "4d 07h". Pure. */
export function formatDuration(ms: number): string {
  if (ms < 9.95) return ms <= 0 ? "0 ms" : `${Math.max(0.1, ms).toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 9_995) return `${(ms / 1000).toFixed(2)} s`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3_600) return pair([Math.floor(seconds / 60), "m"], [seconds % 60, "s"]);
  const minutes = Math.round(seconds / 60);
  if (minutes < 1_440) return pair([Math.floor(minutes / 60), "h"], [minutes % 60, "m"]);
  const hours = Math.round(minutes / 60);
  return pair([Math.floor(hours / 24), "d"], [hours % 24, "h"]);
}

type Amount = readonly [count: number, unit: string];

function pair([large, largeUnit]: Amount, [small, smallUnit]: Amount): string {
  return `${large}${largeUnit} ${String(small).padStart(2, "0")}${smallUnit}`;
}

/** A duration as people write it as an option, in milliseconds. */
export function readDuration(text: string): number {
  const found = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text);
  if (found === null) throw new InvalidArgumentError("Wanted a duration such as 500ms, 30s, 5m, 2h or 1d.");
  return Number(found[1]) * (UNIT_MS[found[2] ?? ""] ?? 1);
}
