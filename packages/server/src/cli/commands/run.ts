import { realpath, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { Client, PluginEntry, RunDetails } from "@tutti/client";
import { AppError, canonicalJson, statusAfter, type Event, type Json, type RunRecord } from "@tutti/core";
import type { Command } from "commander";
import { allEvents } from "../all-events.ts";
import { connect, type Connection } from "../connect.ts";
import { eventLine } from "../event-line.ts";
import { printFailure } from "../failure.ts";
import { outcome, receiptLine } from "../run-report.ts";
import { EXIT, readJsonArgument, UsageError, type Shell } from "../shell.ts";
import { paint, piece } from "../terminal.ts";
import { printable } from "../terminal-text.ts";

const EXAMPLES = `
Examples:
  tutti run examples/triage-inbox
  tutti run examples/triage-inbox --input '{"output": "out"}'
  tutti run triage-inbox --input @input.json --new
  echo '{"message": "2 + 2"}' | tutti run holly --input - --json

Killed in the middle, the same command goes on where the run was. --new starts another one.`;

/** Unfinished runs of one workflow that are looked at for the same input. */
const UNFINISHED_MAX = 100;

/** `tutti run` */
export function defineRun(command: Command, shell: Shell): void {
  command
    .argument("<target>", "a workflow's name, or the folder of a plugin that brings one")
    .option("--input <json>", "the input: JSON, @file, or - for stdin", "{}")
    .option("--workflow <name>", "which of a plugin's workflows")
    .option("--new", "start a new run, also when an unfinished one has the same input")
    .option("--detach", "leave the run to the server and return at once")
    .addHelpText("after", EXAMPLES)
    .action((target: string, options: RunOptions) => run(shell, target, options));
}

interface RunOptions {
  readonly input: string;
  readonly workflow?: string;
  readonly new?: boolean;
  readonly detach?: boolean;
}

async function run(shell: Shell, target: string, options: RunOptions): Promise<void> {
  const input = (await readJsonArgument(options.input, "--input")) as Json;
  shell.progress("opening the data folder");
  await using connection = await connect(shell);
  if (options.detach === true && !connection.isServer)
    throw new AppError(
      "unsupported",
      "wanted a running Tutti to leave the run to, got none; start `tutti up` first, or leave out --detach",
    );
  const workflow = await findWorkflow(connection.client, { target, workflow: options.workflow }, shell.signal);
  const begun = await begin(shell, connection, { workflow, input, isNew: options.new === true });
  const url = `${connection.publicUrl}/v1/runs/${begun.run.id}`;
  if (options.detach === true) {
    shell.printJson({ run: begun.run, url });
    shell.printLine(piece("started  ", "cyan"), piece(`${begun.run.id}; follow it with \`tutti runs watch\``));
    return;
  }
  if (!begun.isStuck) await follow(shell, connection, begun);
  await finish(shell, connection, { runId: begun.run.id, url });
}

interface Begun {
  readonly run: RunRecord;
  readonly afterSeq: number;
  /** Paused, and nothing has changed that would let it go on. */
  readonly isStuck: boolean;
}

/** Goes on with the newest unfinished run of the same input, or starts one. */
async function begin(
  shell: Shell,
  connection: Connection,
  wanted: { readonly workflow: string; readonly input: Json; readonly isNew: boolean },
): Promise<Begun> {
  const { client } = connection;
  const unfinished = wanted.isNew ? undefined : await findUnfinished(client, wanted, shell.signal);
  if (unfinished === undefined) {
    const { run: started } = await client.startRun({ workflow: wanted.workflow, input: wanted.input }, shell.signal);
    shell.printLine(piece(`${printable(started.workflow)} ${printable(started.version)}  `, "bold"), piece(`run ${started.id}`, "dim"));
    return { run: started, afterSeq: 0, isStuck: false };
  }
  const events = await allEvents(client, unfinished.id, shell.signal);
  const steps = events.filter(({ type }) => type === "step.completed");
  const last = steps.at(-1);
  const place =
    last === undefined || !("name" in last)
      ? "from its first step"
      : `after ${steps.length} completed ${steps.length === 1 ? "step" : "steps"}, the last was ${printable(last.name)}`;
  shell.print(
    `${paint("Continuing run", "bold", shell.out)} ${unfinished.id} ${place} ${paint("(--new starts another)", "dim", shell.out)}`,
  );
  const isStuck = unfinished.status === "paused" && (connection.isServer || !(await client.replayRun(unfinished.id, shell.signal)).matches);
  if (!isStuck) await connection.resume(unfinished.id);
  return { run: unfinished, afterSeq: events.length, isStuck };
}

async function findUnfinished(
  client: Client,
  { workflow, input }: { readonly workflow: string; readonly input: Json },
  signal: AbortSignal,
): Promise<RunRecord | undefined> {
  const { runs } = await client.runs({ workflow, statuses: ["running", "waiting", "paused"], limit: UNFINISHED_MAX }, signal);
  for (const candidate of runs) {
    // Child runs belong to their parents.
    if (candidate.parentId !== null) continue;
    const [first] = await client.events(candidate.id, { limit: 1 }, signal);
    if (first?.type === "run.started" && canonicalJson(first.input) === canonicalJson(input)) return candidate;
  }
  return undefined;
}

/** The workflow that is meant; a plugin's folder is loaded first. */
async function findWorkflow(
  client: Client,
  { target, workflow }: { readonly target: string; readonly workflow: string | undefined },
  signal: AbortSignal,
): Promise<string> {
  const isPath = /[/\\]|^\.+$/.test(target) || (await isFolder(target, client, signal));
  if (!isPath) {
    if (workflow !== undefined && workflow !== target)
      throw new UsageError(`--workflow chooses among a plugin's workflows, got it beside the workflow "${target}"`);
    return target;
  }
  const path = resolve(target);
  await stat(path).catch((error: unknown) => {
    throw new AppError("not_found", `wanted a plugin's folder or module, got ${path}, which is not there`, { cause: error });
  });
  const { name, workflows } = (await findLoaded(client, path, signal)) ?? (await client.enablePlugin(path, signal));
  if (workflow !== undefined && workflows.includes(workflow)) return workflow;
  const [only] = workflows;
  if (workflow === undefined && only !== undefined && workflows.length === 1) return only;
  throw new UsageError(
    `wanted one workflow of the plugin "${name}", got ${workflow === undefined ? "no choice" : `"${workflow}"`}; choose with --workflow: ${workflows.join(", ") || "it has none"}`,
  );
}

/** A plugin that is loaded already need not be enabled again, which would leave a record each time. */
async function findLoaded(client: Client, path: string, signal: AbortSignal): Promise<PluginEntry | undefined> {
  const real = await realpath(path);
  return (await client.plugins(signal)).plugins.find(
    (plugin) => plugin.path === path || dirname(plugin.path) === path || dirname(plugin.path) === real,
  );
}

/** A bare name is a workflow's, unless only a folder has it. */
async function isFolder(target: string, client: Client, signal: AbortSignal): Promise<boolean> {
  const found = await stat(target).catch(() => undefined);
  if (found?.isDirectory() !== true) return false;
  return !(await client.workflows(signal)).some(({ name }) => name === target);
}

async function follow(shell: Shell, { client, isServer }: Connection, { run: { id }, afterSeq }: Begun): Promise<void> {
  let done = 0;
  try {
    for await (const event of client.watchRun({ runId: id, afterSeq }, shell.signal)) {
      show(shell, event);
      if (event.type === "run.paused") return;
      if (event.type === "step.completed") shell.progress(`${(done += 1)} done`);
    }
  } catch (thrown) {
    if (shell.signal.aborted)
      shell.note(
        isServer
          ? `The run goes on in the server. End it with: tutti runs cancel ${id}`
          : "Stopped. The same command goes on where the run was.",
      );
    throw thrown;
  } finally {
    shell.clearProgress();
  }
}

function show(shell: Shell, event: Event): void {
  const isRunItself = statusAfter(event) !== undefined && !("key" in event);
  const pieces = isRunItself && event.type !== "run.resumed" ? undefined : eventLine(event, shell.out);
  if (pieces !== undefined) shell.printLine(piece("  "), ...pieces);
}

async function finish(
  shell: Shell,
  { client, isServer }: Connection,
  { runId, url }: { readonly runId: string; readonly url: string },
): Promise<void> {
  const details: RunDetails = await client.run(runId, shell.signal);
  const { verdict, head } = await client.receipt(runId, {}, shell.signal);
  const { run: ended, output, error } = details;
  if (ended.status !== "completed" || !verdict.valid) shell.exitCode = EXIT.failed;
  if (shell.isJson) {
    shell.printJson({ run: ended, url, ...(output !== undefined && { output }), ...(error !== undefined && { error }), receipt: verdict });
    return;
  }
  if (error === undefined) shell.print("", ...outcome(details, shell.out));
  shell.print("", receiptLine(verdict, head, shell.out));
  shell.printLine(piece("Run      ", "bold"), piece(url), piece(isServer ? "" : "  (once `tutti up` runs)", "dim"));
  shell.printLine(piece("Steps    ", "bold"), piece(`tutti runs show ${runId}`));
  if (error !== undefined)
    printFailure(
      ended.status === "paused"
        ? {
            ...error,
            message: `${error.message}; ${isServer ? "once that is put right, start Tutti again, or " : ""}--new starts another run`,
          }
        : error,
      false,
    );
}
