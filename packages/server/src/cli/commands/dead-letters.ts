import type { DeadLetterEntry, RetryRequest } from "@tutti/client";
import type { Json } from "@tutti/core";
import { InvalidArgumentError, type Command } from "commander";
import { connect } from "../connect.ts";
import { readJsonArgument, safeJson, type Shell } from "../shell.ts";
import { table } from "../table.ts";
import { piece } from "../terminal.ts";
import { printable } from "../terminal-text.ts";
import { ago } from "../time.ts";

const LIMIT_MAX = 500;
const STYLES = { waiting: "yellow", retrying: "cyan", retried: "green", dismissed: "dim" } as const;

/** `tutti dead-letters …` */
export function defineDeadLetters(command: Command, shell: Shell): void {
  command
    .command("list", { isDefault: true })
    .description("list work that failed for good, newest first")
    .option("--ended", "those that were retried or dismissed")
    .option("--limit <count>", `at most so many, 1 to ${LIMIT_MAX}`, readLimit, 20)
    .addHelpText("after", "\nExamples:\n  tutti dead-letters list\n  tutti dead-letters list --ended --json")
    .action((options: ListOptions) => list(shell, options));
  command
    .command("show <letter>")
    .description("show what failed, why, and how often")
    .addHelpText("after", "\nExamples:\n  tutti dead-letters show LETTER")
    .action((id: string) => show(shell, id));
  command
    .command("retry <letters...>")
    .description("try again: from the step that failed, or from the start")
    .option("--from <place>", "step: go on before the step that failed; start: start anew", readPlace)
    .option("--input <json>", "another input: JSON, @file, or - for stdin")
    .addHelpText(
      "after",
      "\nExamples:\n  tutti dead-letters retry LETTER\n  tutti dead-letters retry LETTER --from start --input @mended.json",
    )
    .action((ids: readonly string[], options: RetryOptions) => retry(shell, ids, options));
  command
    .command("dismiss <letters...>")
    .description("leave it")
    .option("--reason <text>", "why, for the log", "dismissed on the command line")
    .addHelpText("after", '\nExamples:\n  tutti dead-letters dismiss LETTER --reason "the order was withdrawn"')
    .action((ids: readonly string[], { reason }: { readonly reason: string }) => dismiss(shell, ids, reason));
}

interface ListOptions {
  readonly ended?: boolean;
  readonly limit: number;
}

interface RetryOptions {
  readonly from?: NonNullable<RetryRequest["from"]>;
  readonly input?: string;
}

async function list(shell: Shell, { ended = false, limit }: ListOptions): Promise<void> {
  await using connection = await connect(shell);
  const deadLetters = await connection.client.deadLetters({ ended, limit }, shell.signal);
  shell.printJson({ deadLetters });
  if (deadLetters.length === 0)
    return shell.print(ended ? "None has been retried or dismissed." : "No dead letters: nothing has failed for good.");
  const nowMs = Date.now();
  const rows = deadLetters.map(({ id, status, since, attempts, source, error }) => [
    { text: id },
    { text: status, style: STYLES[status] },
    { text: ago(since, nowMs) },
    { text: String(attempts) },
    { text: source },
    { text: `${error.code}: ${error.message}` },
  ]);
  shell.print(...table(["LETTER", "STATUS", "SINCE", "TRIED", "SOURCE", "WHY"], rows, shell.out));
}

async function show(shell: Shell, id: string): Promise<void> {
  await using connection = await connect(shell);
  const deadLetter = await connection.client.deadLetter(id, shell.signal);
  shell.printJson({ deadLetter });
  for (const [what, text] of factsOf(deadLetter)) shell.printLine(piece(what.padEnd(10), "dim"), piece(printable(text)));
}

function factsOf({
  id,
  source,
  since,
  status,
  attempts,
  error,
  runId,
  workflow,
  input,
}: DeadLetterEntry): readonly (readonly [string, string])[] {
  return [
    ["letter", id],
    ["status", status],
    ["source", source],
    ["since", since],
    ["tried", attempts === 1 ? "once" : `${attempts} times`],
    ["why", `${error.code}: ${error.message}`],
    ...(workflow === undefined ? [] : [["workflow", workflow] as const]),
    ...(input === undefined ? [] : [["input", safeJson(input)] as const]),
    ...(runId === undefined ? [] : [["run", `${runId}; see it with \`tutti runs show\``] as const]),
  ];
}

async function retry(shell: Shell, ids: readonly string[], { from, input }: RetryOptions): Promise<void> {
  const request = {
    ...(from !== undefined && { from }),
    ...(input !== undefined && { input: (await readJsonArgument(input, "--input")) as Json }),
  };
  await using connection = await connect(shell);
  const deadLetters: DeadLetterEntry[] = [];
  for (const id of ids) deadLetters.push(await connection.client.retryDeadLetter(id, request, shell.signal));
  shell.printJson({ deadLetters });
  for (const { id } of deadLetters) shell.printLine(piece("retrying  ", "cyan"), piece(id));
  if (!connection.isServer) shell.note("Nobody runs it now: start `tutti up`.");
}

async function dismiss(shell: Shell, ids: readonly string[], reason: string): Promise<void> {
  await using connection = await connect(shell);
  const deadLetters: DeadLetterEntry[] = [];
  for (const id of ids) deadLetters.push(await connection.client.dismissDeadLetter(id, reason, shell.signal));
  shell.printJson({ deadLetters });
  for (const { id } of deadLetters) shell.printLine(piece("dismissed  ", "dim"), piece(id));
}

function readPlace(text: string): "step" | "start" {
  if (text === "step" || text === "start") return text;
  throw new InvalidArgumentError(`Wanted step or start, got "${text}".`);
}

function readLimit(text: string): number {
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1 || limit > LIMIT_MAX)
    throw new InvalidArgumentError(`Wanted a whole number from 1 to ${LIMIT_MAX}.`);
  return limit;
}
