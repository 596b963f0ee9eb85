import { InvalidArgumentError, type Command } from "commander";
import { connect } from "../connect.ts";
import type { Shell } from "../shell.ts";
import { piece } from "../terminal.ts";
import { printable } from "../terminal-text.ts";

/** `tutti prune` */
export function definePrune(command: Command, shell: Shell): void {
  command
    .requiredOption("--days <days>", "runs that ended longer ago than this", readDays)
    .option("--archive", "keep their logs in a file of the archive folder first (TUTTI_ARCHIVE_DIR)")
    .option("--dry-run", "only say how many")
    .addHelpText("after", "\nExamples:\n  tutti prune --days 90 --dry-run\n  tutti prune --days 90 --archive")
    .action((options: PruneOptions) => prune(shell, options));
}

interface PruneOptions {
  readonly days: number;
  readonly archive?: boolean;
  readonly dryRun?: boolean;
}

async function prune(shell: Shell, { days, archive = false, dryRun = false }: PruneOptions): Promise<void> {
  await using connection = await connect(shell);
  const pruned = await connection.client.prune({ days, archive, dry: dryRun }, shell.signal);
  shell.printJson(pruned);
  if (dryRun) return shell.print(`${pruned.runs} runs ended more than ${days} days ago. Nothing was removed.`);
  shell.printLine(piece("removed  ", "green"), piece(`${pruned.runs} runs and ${pruned.values} large values`));
  if (pruned.archive !== null) shell.printLine(piece(printable(`their logs are in ${pruned.archive}`), "dim"));
}

function readDays(text: string): number {
  const days = Number(text);
  if (text.trim() !== "" && days >= 0 && days <= 36_500) return days;
  throw new InvalidArgumentError("Wanted a number of days from 0 to 36500.");
}
