import type { Json } from "@tutti/core";
import type { Command } from "commander";
import { connect } from "../connect.ts";
import { receiptLine } from "../run-report.ts";
import { EXIT, safeJson, type Shell } from "../shell.ts";
import { paint } from "../terminal.ts";
import { printable } from "../terminal-text.ts";

const DETAIL_FIELDS = ["workflow", "name", "action", "decision", "input", "output", "code", "message", "reason", "value"] as const;

/** Of a hash, so many are enough to compare it by eye. */
const HASH_CHARACTERS = 12;

/** `tutti receipt` */
export function defineReceipt(command: Command, shell: Shell): void {
  command
    .argument("<run>", "the run's id")
    .option("--full", "with nothing masked or cut, so that the chain can be verified elsewhere")
    .addHelpText(
      "after",
      "\nExamples:\n  tutti receipt RUN\n  tutti receipt RUN --full --json > receipt.json\n\nThe exit code is 1 when the run's log is not what was journaled.",
    )
    .action((run: string, options: { readonly full?: boolean }) => receipt(shell, run, options.full === true));
}

async function receipt(shell: Shell, runId: string, full: boolean): Promise<void> {
  await using connection = await connect(shell);
  const found = await connection.client.receipt(runId, { full }, shell.signal);
  shell.printJson(found);
  shell.print(...found.events.flatMap((event) => eventLines(event, full)), "");
  shell.print(paint(printable(found.algorithm), "dim", shell.out));
  shell.print(receiptLine(found.verdict, found.head, shell.out));
  if (!found.verdict.valid) shell.exitCode = EXIT.failed;
}

/** One event on one line, or, in full, as it is hashed. */
function eventLines(event: Json, full: boolean): readonly string[] {
  const fields = (typeof event === "object" && event !== null && !Array.isArray(event) ? event : {}) as Readonly<Record<string, Json>>;
  if (full) return [printable(safeJson(event))];
  const details = DETAIL_FIELDS.flatMap((field) => (fields[field] === undefined ? [] : `${field}=${safeJson(fields[field])}`));
  const policy = text(fields["policyHash"]).slice(0, HASH_CHARACTERS);
  if (policy !== "") details.push(`policy=${policy}`);
  const start = [
    text(fields["seq"]).padStart(4),
    text(fields["at"]),
    text(fields["hash"]).slice(0, HASH_CHARACTERS),
    text(fields["type"]).padEnd(15),
    text(fields["key"]).padEnd(6),
  ];
  return [printable([...start, ...details].join("  "))];
}

function text(value: Json | undefined): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}
