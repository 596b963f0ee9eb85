import type { SupervisedEntry } from "@tutti/client";
import type { Json } from "@tutti/core";
import type { Command } from "commander";
import { connect } from "../connect.ts";
import { EXIT, readJsonArgument, safeJson, type Shell } from "../shell.ts";
import { table } from "../table.ts";
import { piece, type Style } from "../terminal.ts";
import { printable } from "../terminal-text.ts";
import { ago } from "../time.ts";

const STYLES: Readonly<Record<string, Style>> = {
  running: "green",
  "waiting to restart": "yellow",
  stopping: "dim",
  "crash loop": "red",
  broken: "red",
  ok: "green",
  off: "dim",
  degraded: "yellow",
  down: "red",
};

/** `tutti supervisor …` */
export function defineSupervisor(command: Command, shell: Shell): void {
  command
    .command("list", { isDefault: true })
    .description("list supervised workflows and agents: which run, which wait, which crash")
    .addHelpText("after", "\nExamples:\n  tutti supervisor list\n  tutti supervisor list --json")
    .action(() => list(shell));
  command
    .command("show <name>")
    .description("show one: its policy, its restarts, its last failure, and steps that are stuck")
    .addHelpText("after", "\nExamples:\n  tutti supervisor show importer")
    .action((name: string) => show(shell, name));
  command
    .command("start <name> <workflow>")
    .description("run a workflow or an agent under supervision")
    .option("--input <json>", "the input: JSON, @file, or - for stdin")
    .option("--policy <json>", "how it is restarted: JSON, @file, or - for stdin", "{}")
    .addHelpText(
      "after",
      `\nExamples:\n  tutti supervisor start importer import-orders\n  tutti supervisor start importer import-orders --policy '{"restart": "always", "crashLoop": {"failuresMax": 3, "withinMs": 60000}}'`,
    )
    .action((name: string, workflow: string, options: StartOptions) => start(shell, { name, workflow }, options));
  command
    .command("resume <name>")
    .description("start it again now: after a crash loop, or instead of waiting")
    .addHelpText("after", "\nExamples:\n  tutti supervisor resume importer")
    .action((name: string) => resume(shell, name));
  command
    .command("stop <name>")
    .description("cancel the work and end its supervision")
    .option("--reason <text>", "why, for the log", "stopped on the command line")
    .addHelpText("after", "\nExamples:\n  tutti supervisor stop importer")
    .action((name: string, { reason }: { readonly reason: string }) => stop(shell, name, reason));
}

/** `tutti health` */
export function defineHealth(command: Command, shell: Shell): void {
  command
    .addHelpText("after", "\nExamples:\n  tutti health\n  tutti health --json\n\nIt ends with 1 when a part is down.")
    .action(() => health(shell));
}

interface StartOptions {
  readonly input?: string;
  readonly policy: string;
}

async function list(shell: Shell): Promise<void> {
  await using connection = await connect(shell);
  const supervised = await connection.client.supervised(shell.signal);
  shell.printJson({ supervised });
  if (supervised.length === 0) return shell.print("Nothing is supervised. Start something: tutti supervisor start NAME WORKFLOW");
  const nowMs = Date.now();
  const rows = supervised.map(({ name, status, since, restarts, workflow, error, stuck }) => [
    { text: name },
    { text: stuck.length > 0 ? "stuck" : status, style: stuck.length > 0 ? ("yellow" as const) : (STYLES[status] ?? "plain") },
    { text: ago(since, nowMs) },
    { text: String(restarts) },
    { text: workflow },
    { text: error === null ? "-" : `${error.code}: ${error.message}` },
  ]);
  shell.print(...table(["NAME", "STATUS", "SINCE", "RESTARTS", "WORKFLOW", "LAST FAILURE"], rows, shell.out));
}

async function show(shell: Shell, name: string): Promise<void> {
  await using connection = await connect(shell);
  const supervised = await connection.client.supervisedOne(name, shell.signal);
  shell.printJson({ supervised });
  for (const [what, text] of factsOf(supervised)) shell.printLine(piece(what.padEnd(14), "dim"), piece(printable(text)));
}

function factsOf(supervised: SupervisedEntry): readonly (readonly [string, string])[] {
  const { name, status, since, workflow, input, policy, restarts, failures, error, restartAt, runId, stuck, supervisorId } = supervised;
  return [
    ["name", name],
    ["status", `${status} since ${since}`],
    ["workflow", `${workflow} ${safeJson(input ?? null)}`],
    ["policy", safeJson(policy)],
    ["restarts", `${restarts}, ${failures} failures count`],
    ...(error === null ? [] : [["last failure", `${error.code}: ${error.message}`] as const]),
    ...(restartAt === null ? [] : [["restarts at", restartAt] as const]),
    ...stuck.map(({ step, attempt, since: from, message }) => ["stuck", `${step}, attempt ${attempt}, since ${from}: ${message}`] as const),
    ...(runId === null ? [] : [["run", runId] as const]),
    ["supervisor", supervisorId],
    ...(status === "crash loop" ? [["what to do", `mend the cause, then: tutti supervisor resume ${name}`] as const] : []),
  ];
}

async function start(shell: Shell, target: { readonly name: string; readonly workflow: string }, options: StartOptions): Promise<void> {
  const policy = (await readJsonArgument(options.policy, "--policy")) as Json;
  const input = options.input === undefined ? null : ((await readJsonArgument(options.input, "--input")) as Json);
  await using connection = await connect(shell);
  const supervised = await connection.client.supervise({ ...target, input, policy }, shell.signal);
  shell.printJson({ supervised });
  shell.printLine(piece("started  ", "green"), piece(printable(`${supervised.name}, supervised by run ${supervised.supervisorId}`)));
  if (!connection.isServer) shell.note("Nobody runs it now: start `tutti up`.");
}

async function resume(shell: Shell, name: string): Promise<void> {
  await using connection = await connect(shell);
  const supervised = await connection.client.resumeSupervised(name, shell.signal);
  shell.printJson({ supervised });
  shell.printLine(piece("resumed  ", "green"), piece(printable(name)));
}

async function stop(shell: Shell, name: string, reason: string): Promise<void> {
  await using connection = await connect(shell);
  const supervised = await connection.client.stopSupervised(name, reason, shell.signal);
  shell.printJson({ supervised });
  shell.printLine(piece("stopping  ", "dim"), piece(printable(name)));
}

async function health(shell: Shell): Promise<void> {
  await using connection = await connect(shell);
  const reply = await connection.client.health(shell.signal);
  shell.printJson(reply);
  if (reply.status === "down") shell.exitCode = EXIT.failed;
  const nowMs = Date.now();
  const rows = reply.components.map(({ name, status, since, reason, todo }) => [
    { text: name },
    { text: status, style: STYLES[status] ?? "plain" },
    { text: ago(since, nowMs) },
    { text: todo === null ? reason : `${reason}; ${todo}` },
  ]);
  shell.print(...table(["PART", "STATUS", "SINCE", "WHY, AND WHAT TO DO"], rows, shell.out));
}
