import type { ForkRequest, StartedRun } from "@tutti/client";
import { AppError, type Event, type Json } from "@tutti/core";
import type { Command } from "commander";
import { allEvents } from "../all-events.ts";
import { connect } from "../connect.ts";
import { readJsonArgument, safeJson, type Shell } from "../shell.ts";
import { table } from "../table.ts";
import { piece } from "../terminal.ts";
import { printable } from "../terminal-text.ts";

/** `tutti runs steps|signal|query|resume|fork|retry` */
export function defineSteering(command: Command, shell: Shell): void {
  command
    .command("steps <run>")
    .description("list a run's steps, with the keys that `fork` takes")
    .addHelpText("after", "\nExamples:\n  tutti runs steps RUN")
    .action((run: string) => steps(shell, run));
  command
    .command("signal <run> <name> [value]")
    .description("send a signal to a run; the value is JSON, @file, or - for stdin")
    .addHelpText("after", "\nExamples:\n  tutti runs signal RUN paid '{\"amount\": 90}'")
    .action((run: string, name: string, value: string | undefined) => signal(shell, run, { name, value }));
  command
    .command("query <run> <name>")
    .description("ask a run what it knows now")
    .addHelpText("after", "\nExamples:\n  tutti runs query RUN progress")
    .action((run: string, name: string) => query(shell, run, name));
  command
    .command("resume <run>")
    .description("go on with a paused run")
    .option("--on <version>", "on this version of its workflow")
    .addHelpText("after", "\nExamples:\n  tutti runs resume RUN --on 1")
    .action((run: string, { on }: { readonly on?: string }) => resume(shell, run, on === undefined ? {} : { version: on }));
  command
    .command("fork <run>")
    .description("start a run whose log begins with this one's")
    .option("--before <key>", "leave it before this step; `tutti runs steps` lists them")
    .option("--input <json>", "another input: JSON, @file, or - for stdin")
    .option("--set <key=json>", "what an earlier step gave, instead of what it did; may be repeated", collect, [])
    .addHelpText("after", "\nExamples:\n  tutti runs fork RUN --before 3\n  tutti runs fork RUN --before 3 --set '1={\"price\": 9}'")
    .action((run: string, options: ForkOptions) => fork(shell, run, options));
  command
    .command("retry <run>")
    .description("run a failed run again, from the step that failed it")
    .addHelpText("after", "\nExamples:\n  tutti runs retry RUN")
    .action((run: string) => fork(shell, run, { set: [] }));
}

interface ForkOptions {
  readonly before?: string;
  readonly input?: string;
  readonly set: readonly string[];
}

async function steps(shell: Shell, runId: string): Promise<void> {
  await using connection = await connect(shell);
  const ended = (await allEvents(connection.client, runId, shell.signal)).flatMap((event) => (isStepEnd(event) ? [event] : []));
  shell.printJson({ steps: ended });
  if (ended.length === 0) return shell.print("No step has ended yet.");
  const rows = ended.map((event) => [
    { text: event.key },
    { text: event.kind },
    { text: event.name },
    event.type === "step.completed" ? { text: safeJson(event.output) } : { text: `${event.code}: ${event.message}`, style: "red" as const },
  ]);
  shell.print(...table(["KEY", "KIND", "NAME", "OUTPUT"], rows, shell.out));
}

function isStepEnd(event: Event): event is Extract<Event, { readonly type: "step.completed" | "step.failed" }> {
  return event.type === "step.completed" || (event.type === "step.failed" && event.retryAt === null);
}

async function signal(
  shell: Shell,
  runId: string,
  { name, value }: { readonly name: string; readonly value: string | undefined },
): Promise<void> {
  const parsed = value === undefined ? null : ((await readJsonArgument(value, "the value")) as Json);
  await using connection = await connect(shell);
  const { run } = await connection.client.signalRun(runId, { name, value: parsed }, shell.signal);
  shell.printJson({ run });
  shell.printLine(piece("sent  ", "green"), piece(`${printable(name)} to run ${run.id}`));
  if (!connection.isServer) shell.note("Nobody runs it now: start `tutti up`.");
}

async function query(shell: Shell, runId: string, name: string): Promise<void> {
  await using connection = await connect(shell);
  const value = await connection.client.queryRun(runId, name, shell.signal);
  shell.printJson({ value });
  shell.print(printable(safeJson(value)));
}

async function resume(shell: Shell, runId: string, options: { readonly version?: string }): Promise<void> {
  await using connection = await connect(shell);
  const { run } = await connection.client.resumeRun(runId, options, shell.signal);
  shell.printJson({ run });
  shell.printLine(piece("resumed  ", "green"), piece(`run ${run.id}`));
}

async function fork(shell: Shell, runId: string, { before, input, set }: ForkOptions): Promise<void> {
  const request: ForkRequest = {
    ...(before !== undefined && { beforeKey: before }),
    ...(input !== undefined && { input: (await readJsonArgument(input, "--input")) as Json }),
    ...(set.length > 0 && { outputs: Object.fromEntries(set.map(readOutput)) }),
  };
  await using connection = await connect(shell);
  const started: StartedRun = await connection.client.forkRun(runId, request, shell.signal);
  shell.printJson(started);
  shell.printLine(piece("forked  ", "green"), piece(`run ${started.run.id}`));
  if (!connection.isServer) shell.note("Nobody runs it now: start `tutti up`.");
}

function collect(text: string, all: readonly string[]): readonly string[] {
  return [...all, text];
}

function readOutput(text: string): readonly [string, Json] {
  const at = text.indexOf("=");
  try {
    if (at > 0) return [text.slice(0, at), JSON.parse(text.slice(at + 1)) as Json];
  } catch {
    // Said below, as for a text without "=".
  }
  throw new AppError("invalid_input", `wanted --set KEY=JSON, such as --set '1={"price": 9}', got "${text}"`);
}
