import type { SpendDimension, SpendRow } from "@tutti/client";
import { InvalidArgumentError, type Command } from "commander";
import { connect } from "../connect.ts";
import type { Shell } from "../shell.ts";
import { table } from "../table.ts";

const DIMENSIONS: readonly SpendDimension[] = ["key", "user", "team", "model", "provider", "workflow", "day"];

/** `tutti spend` */
export function defineSpend(command: Command, shell: Shell): void {
  command
    .description("show what was spent, by whom and on what, as the event log has it")
    .option("--by <what>", `one or more of ${DIMENSIONS.join(", ")}, with commas between`, readDimensions, ["key"])
    .option("--from <day>", "the first day in UTC, such as 2026-11-01; 30 days unless given")
    .option("--to <day>", "the last day; today unless given")
    .option("--csv", "print CSV")
    .addHelpText(
      "after",
      "\nExamples:\n  tutti spend\n  tutti spend --by team,model --from 2026-11-01\n  tutti spend --by day --csv > spend.csv",
    )
    .action((options: SpendOptions) => spend(shell, options));
}

interface SpendOptions {
  readonly by: readonly SpendDimension[];
  readonly from?: string;
  readonly to?: string;
  readonly csv?: boolean;
}

async function spend(shell: Shell, { by, from, to, csv = false }: SpendOptions): Promise<void> {
  await using connection = await connect(shell);
  const query = { by, ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
  if (csv) {
    process.stdout.write(await connection.client.spendCsv(query, shell.signal));
    return;
  }
  const report = await connection.client.spend(query, shell.signal);
  const names = by.includes("key")
    ? new Map((await connection.client.keys(shell.signal)).map(({ id, name }) => [id, name]))
    : new Map<string, string>();
  shell.printJson(report);
  if (report.rows.length === 0) return shell.print(`Nothing was spent from ${report.from} to ${report.to}.`);
  const rows = report.rows.map((row) => [
    ...by.map((dimension) => ({ text: nameOf(row, dimension, names) })),
    { text: String(row.requests) },
    { text: String(row.inputTokens) },
    { text: String(row.outputTokens) },
    { text: `$${row.costUsd.toFixed(4)}` },
    { text: notesOf(row) },
  ]);
  const headings = [...by.map((dimension) => dimension.toUpperCase()), "REQUESTS", "INPUT", "OUTPUT", "COST", "NOTES"];
  shell.print(...table(headings, rows, shell.out));
}

function nameOf(row: SpendRow, dimension: SpendDimension, names: ReadonlyMap<string, string>): string {
  const text = row[dimension] ?? "";
  if (dimension !== "key") return text === "" ? "-" : text;
  return text === "" ? "(owner)" : (names.get(text) ?? text);
}

function notesOf({ estimated, unpriced }: SpendRow): string {
  const notes = [...(estimated > 0 ? [`${estimated} counted by Tutti`] : []), ...(unpriced > 0 ? [`${unpriced} without a price`] : [])];
  return notes.join(", ");
}

function readDimensions(text: string): readonly SpendDimension[] {
  const asked = text.split(",").map((part) => part.trim());
  const known = asked.flatMap((name) => DIMENSIONS.filter((dimension) => dimension === name));
  if (known.length !== asked.length || new Set(known).size !== known.length)
    throw new InvalidArgumentError(`Wanted one or more of ${DIMENSIONS.join(", ")}, each once.`);
  return known;
}
