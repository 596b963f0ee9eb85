import { writeFile } from "node:fs/promises";
import { cpus } from "node:os";

/** One measured figure. `case` is what was done, such as "json, 16 at once"; `metric` ends in its unit. */
export interface Row {
  readonly subject: string;
  readonly case: string;
  readonly metric: string;
  readonly value: number;
}

/** Writes `bench/NAME/results.json`; every subject in it was measured in the same run. `about` says what else a reader must know of it. */
export async function writeResults(name: string, rows: readonly Row[], about: Readonly<Record<string, unknown>> = {}): Promise<void> {
  const [cpu] = cpus();
  const results = {
    ranAt: new Date().toISOString(),
    cpu: `${cpus().length} × ${cpu?.model.trim() ?? "unknown"}`,
    node: process.version,
    ...about,
    rows,
  };
  await writeFile(new URL(`../${name}/results.json`, import.meta.url), `${JSON.stringify(results, null, 2)}\n`);
}

/** Prints rows as a table: a line for every case and subject, a column for every metric, in the order in which they come. */
export function printTable(rows: readonly Row[]): void {
  const metrics = [...new Set(rows.map(({ metric }) => metric))];
  const lines = new Map<string, Map<string, string>>();
  for (const { subject, case: name, metric, value } of rows) {
    const key = `${name}\u0000${subject}`;
    const line = lines.get(key) ?? new Map<string, string>();
    lines.set(key, line.set(metric, show(value)));
  }
  const cells = [...lines].map(([key, line]) => [...key.split("\u0000"), ...metrics.map((metric) => line.get(metric) ?? "")]);
  const table = [["case", "subject", ...metrics], ...cells];
  const widths = table[0]?.map((_, column) => Math.max(...table.map((line) => line[column]?.length ?? 0))) ?? [];
  const text = table.map((line) =>
    line.map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join("  "),
  );
  process.stdout.write(`${text.join("\n")}\n`);
}

/** The value below which a share of the sorted numbers lies (nearest rank); 0.5 is the median. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}

/** Three significant digits say more than a benchmark can tell apart. */
function show(value: number): string {
  if (value === 0) return "0";
  return Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(3)));
}
