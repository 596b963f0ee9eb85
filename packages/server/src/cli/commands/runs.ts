import { statusAfter, type RunRecord, type RunStatus } from "@tutti/core";
import { InvalidArgumentError, type Command } from "commander";
import { allEvents } from "../all-events.ts";
import { connect } from "../connect.ts";
import { eventLine } from "../event-line.ts";
import { defineRunInsight } from "./insight.ts";
import { defineSteering } from "./steering.ts";
import { sign, statusStyle } from "../look.ts";
import { runReport } from "../run-report.ts";
import { EXIT, type Shell } from "../shell.ts";
import { table } from "../table.ts";
import { piece } from "../terminal.ts";
import { printable } from "../terminal-text.ts";
import { ago, took } from "../time.ts";

const STATUSES: readonly string[] = [
  "queued",
  "running",
  "waiting",
  "paused",
  "completed",
  "failed",
  "cancelled",
  "continued",
] satisfies readonly RunStatus[];
const LIMIT_MAX = 500;

/** `tutti runs …` */
export function defineRuns(command: Command, shell: Shell): void {
  command
    .command("list")
    .description("list runs, newest first")
    .option("--status <status,…>", `only these: ${STATUSES.join(", ")}`, readStatuses)
    .option("--workflow <name>", "only runs of this workflow")
    .option("--limit <count>", `at most so many, 1 to ${LIMIT_MAX}`, readLimit, 20)
    .addHelpText(
      "after",
      "\nExamples:\n  tutti runs list\n  tutti runs list --status failed,paused --limit 5\n  tutti runs list --workflow triage-inbox --json",
    )
    .action((options: ListOptions) => list(shell, options));
  command
    .command("show <run>")
    .description("draw a run's steps over time, and show what came out")
    .addHelpText("after", "\nExamples:\n  tutti runs show 0199f3a1-7c1e-7b6a-9d53-0f4b1a2c3d4e\n  tutti runs show RUN --json")
    .action((run: string) => show(shell, run));
  command
    .command("watch <run>")
    .description("follow a run until it has ended")
    .addHelpText("after", "\nExamples:\n  tutti runs watch RUN\n  tutti runs watch RUN --json | jq .type")
    .action((run: string) => watch(shell, run));
  command
    .command("cancel <run>")
    .description("cancel a run and its children")
    .option("--reason <text>", "why, for the log", "cancelled on the command line")
    .addHelpText("after", '\nExamples:\n  tutti runs cancel RUN\n  tutti runs cancel RUN --reason "wrong folder"')
    .action((run: string, { reason }: { readonly reason: string }) => cancel(shell, run, reason));
  command
    .command("replay <run>")
    .description("run the workflow again over its log, touching nothing, and say whether it still does the same")
    .addHelpText("after", "\nExamples:\n  tutti runs replay RUN\n  tutti runs replay RUN --json")
    .action((run: string) => replay(shell, run));
  defineSteering(command, shell);
  defineRunInsight(command, shell);
}

interface ListOptions {
  readonly status?: readonly RunStatus[];
  readonly workflow?: string;
  readonly limit: number;
}

async function list(shell: Shell, { status: statuses, workflow, limit }: ListOptions): Promise<void> {
  await using connection = await connect(shell);
  const page = await connection.client.runs(
    { limit, ...(statuses !== undefined && { statuses }), ...(workflow !== undefined && { workflow }) },
    shell.signal,
  );
  shell.printJson(page);
  if (page.runs.length === 0) {
    const isFiltered = statuses !== undefined || workflow !== undefined;
    shell.print(isFiltered ? "No run fits. `tutti runs list` shows all." : "No runs yet. Start one: tutti run examples/triage-inbox");
    return;
  }
  const nowMs = Date.now();
  const rows = page.runs.map((run) => [
    { text: run.id },
    { text: run.status, style: statusStyle(run.status) },
    { text: ago(run.startedAt, nowMs) },
    { text: took(run.startedAt, run.endedAt, nowMs) },
    { text: run.workflow },
  ]);
  shell.print(...table(["RUN", "STATUS", "STARTED", "TOOK", "WORKFLOW"], rows, shell.out));
  if (page.nextBefore !== null) shell.note(`There are more: --limit ${Math.min(LIMIT_MAX, limit * 5)}`);
}

async function show(shell: Shell, runId: string): Promise<void> {
  await using connection = await connect(shell);
  const details = await connection.client.run(runId, shell.signal);
  const events = await allEvents(connection.client, runId, shell.signal);
  shell.printJson({ ...details, events });
  shell.print(...runReport(details, events, shell.out));
}

async function watch(shell: Shell, runId: string): Promise<void> {
  await using connection = await connect(shell);
  const { run } = await connection.client.run(runId, shell.signal);
  const isStill = run.endedAt === null && !connection.isServer;
  const events = isStill
    ? await allEvents(connection.client, runId, shell.signal)
    : connection.client.watchRun({ runId, afterSeq: 0 }, shell.signal);
  for await (const event of events) {
    shell.printJsonLine(event);
    const pieces = eventLine(event, shell.out);
    if (pieces !== undefined) shell.printLine(piece(`${event.at.slice(11, 23)}  `, "dim"), ...pieces);
    if (statusAfter(event) === "failed") shell.exitCode = EXIT.failed;
  }
  if (isStill) shell.note(`Nobody is running it now: start \`tutti up\`, or \`tutti run ${run.workflow}\` with the same input.`);
}

async function cancel(shell: Shell, runId: string, reason: string): Promise<void> {
  await using connection = await connect(shell);
  const { run } = await connection.client.cancelRun(runId, reason, shell.signal);
  if (run.endedAt === null) shell.progress("waiting for the run to unwind and to undo what it did");
  const ended: RunRecord = await untilEnded(connection.client, run, shell.signal);
  shell.printJson({ run: ended });
  shell.printLine(
    piece(`run ${ended.id} `),
    piece(ended.status === "running" ? "is being cancelled" : ended.status, statusStyle(ended.status)),
  );
}

/** A run that is cancelled ends once its workflow has unwound, which an in-process Tutti must wait for. */
async function untilEnded(client: Awaited<ReturnType<typeof connect>>["client"], run: RunRecord, signal: AbortSignal): Promise<RunRecord> {
  if (run.endedAt !== null) return run;
  for await (const event of client.watchRun({ runId: run.id, afterSeq: run.events }, signal)) void event;
  return (await client.run(run.id, signal)).run;
}

async function replay(shell: Shell, runId: string): Promise<void> {
  await using connection = await connect(shell);
  const found = await connection.client.replayRun(runId, shell.signal);
  shell.printJson(found);
  if (!found.matches) shell.exitCode = EXIT.failed;
  if (found.matches)
    shell.printLine(
      piece(`${sign("done", shell.out)} `, "green"),
      piece(`the workflow still does the same: ${found.steps} steps match the log`),
    );
  else
    shell.printLine(
      piece(`${sign("failed", shell.out)} `, "red"),
      piece(`the workflow does something else after ${found.steps} steps: ${printable(found.reason)}`),
    );
}

function readStatuses(text: string): readonly string[] {
  const statuses = text.split(",");
  const unknown = statuses.find((status) => !STATUSES.includes(status));
  if (unknown !== undefined) throw new InvalidArgumentError(`Wanted some of ${STATUSES.join(", ")}, got "${unknown}".`);
  return statuses;
}

function readLimit(text: string): number {
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1 || limit > LIMIT_MAX)
    throw new InvalidArgumentError(`Wanted a whole number from 1 to ${LIMIT_MAX}.`);
  return limit;
}
