import type { Json } from "@tutti/core";
import type { Graph } from "@tutti/core/graph";
import type { Command } from "commander";
import { defineSavedGraphs, savedGraphOf } from "../graphs/saved.ts";
import { connect, type Connection } from "../connect.ts";
import { eventLine } from "../event-line.ts";
import { failWithFaults } from "../faults.ts";
import { named, readText } from "../graphs/graph-text.ts";
import { graphPicture } from "../graphs/picture.ts";
import { sign } from "../look.ts";
import { outcome } from "../run-report.ts";
import { EXIT, readJsonArgument, UsageError, type Shell } from "../shell.ts";
import { piece } from "../terminal.ts";
import { printable } from "../terminal-text.ts";

/** `tutti graphs …` */
export function defineGraphs(command: Command, shell: Shell): void {
  command
    .command("check <file>")
    .description("say everything that is wrong with a graph, each with its place")
    .addHelpText(
      "after",
      "\nExamples:\n  tutti graphs check order.yaml\n  tutti graphs check order.yaml --json | jq .problems\n\nThe exit code is 1 when there is anything.",
    )
    .action((file: string) => check(shell, file));
  command
    .command("run <file-or-name>")
    .description("run a graph, or a saved one, and follow it")
    .option("--input <json>", "the input: JSON, @file, or - for stdin", "{}")
    .option("--detach", "leave the run to the server and return at once")
    .addHelpText(
      "after",
      `\nExamples:\n  tutti graphs run order.yaml --input '{"amount": 120}'\n  tutti graphs run order.yaml --input @order.json --detach`,
    )
    .action((file: string, options: RunOptions) => run(shell, file, options));
  command
    .command("show <file-name-or-run>")
    .description("draw a graph, a saved one, or a run of one with where each node stands")
    .addHelpText("after", "\nExamples:\n  tutti graphs show order.yaml\n  tutti graphs show RUN")
    .action((target: string) => show(shell, target));
  command
    .command("amend <run> <file>")
    .description("change a running graph: the file holds the whole graph, or `changes`")
    .addHelpText(
      "after",
      "\nExamples:\n  tutti graphs amend RUN order.yaml\n  tutti graphs amend RUN changes.yaml --json\n\nNodes that have begun cannot change; then nothing is changed, and the reasons are told.",
    )
    .action((runId: string, file: string) => amend(shell, runId, file));
  defineSavedGraphs(command, shell);
}

interface RunOptions {
  readonly input: string;
  readonly detach?: boolean;
}

async function check(shell: Shell, file: string): Promise<void> {
  const source = await readText(file);
  await using connection = await connect(shell);
  const reply = await connection.client.checkGraph(source, shell.signal);
  shell.printJson(reply);
  if (reply.graph === undefined) return failWithFaults(shell, named(source, reply.problems));
  const { nodes, edges } = reply.graph;
  shell.printLine(
    piece(`${sign("done", shell.out)} `, "green"),
    piece(printable(`${file} can run: ${Object.keys(nodes).length} nodes, ${edges.length} edges`)),
  );
}

async function run(shell: Shell, file: string, options: RunOptions): Promise<void> {
  const input = (await readJsonArgument(options.input, "--input")) as Json;
  await using connection = await connect(shell);
  if (options.detach === true && !connection.isServer)
    throw new UsageError("--detach wants a running Tutti to leave the run to, got none; start `tutti up` first");
  const begun = await begin(shell, connection, { file, input });
  if (begun === undefined) return;
  const { graph, started } = begun;
  if (options.detach === true) {
    shell.printJson(started);
    shell.printLine(piece("started  ", "cyan"), piece(`${started.run.id}; look at it with \`tutti graphs show ${started.run.id}\``));
    return;
  }
  shell.printLine(
    piece(`${sign("started", shell.out)} `, "cyan"),
    piece(printable(`${graph.name} ${graph.version}  run ${started.run.id}`)),
  );
  await follow(shell, connection, started.run.id);
}

/** Starts the graph of a file, or the saved one of that name; tells what is wrong with it instead, and starts nothing. */
async function begin(shell: Shell, { client }: Connection, { file, input }: { readonly file: string; readonly input: Json }) {
  const saved = await savedGraphOf(client, file, shell.signal);
  if (saved !== undefined) return { graph: saved.graph, started: await client.startSavedGraph(file, { input }, shell.signal) };
  const source = await readText(file);
  const { graph, problems } = await client.checkGraph(source, shell.signal);
  if (graph === undefined) return failWithFaults(shell, named(source, problems));
  return { graph, started: await client.startGraph({ ...source, input }, shell.signal) };
}

async function follow(shell: Shell, { client }: Connection, runId: string): Promise<void> {
  for await (const event of client.watchRun({ runId, afterSeq: 0 }, shell.signal)) {
    const pieces = "key" in event ? eventLine(event, shell.out) : undefined;
    if (pieces !== undefined) shell.printLine(piece("  "), ...pieces);
    if (event.type === "run.paused") break;
  }
  const details = await client.run(runId, shell.signal);
  if (details.run.status !== "completed") shell.exitCode = EXIT.failed;
  shell.printJson(details);
  shell.print("", ...graphPicture(await client.graphOf(runId, shell.signal), shell.out), "", ...outcome(details, shell.out));
}

async function show(shell: Shell, target: string): Promise<void> {
  const source = await readText(target).catch(() => undefined);
  await using connection = await connect(shell);
  const { client } = connection;
  const saved = source === undefined ? await savedGraphOf(client, target, shell.signal) : undefined;
  if (saved !== undefined) return printGraph(shell, saved.graph);
  if (source === undefined) {
    const reading = await client.graphOf(target, shell.signal);
    shell.printJson(reading);
    shell.print(...graphPicture(reading, shell.out));
    return;
  }
  const { graph, problems } = await client.checkGraph(source, shell.signal);
  if (graph === undefined) return failWithFaults(shell, named(source, problems));
  printGraph(shell, graph);
}

function printGraph(shell: Shell, graph: Graph): void {
  shell.printJson({ graph });
  shell.print(...graphPicture({ graph }, shell.out));
}

async function amend(shell: Shell, runId: string, file: string): Promise<void> {
  const source = await readText(file);
  await using connection = await connect(shell);
  if (!connection.isServer) await connection.resume(runId);
  const done = await connection.client.amendGraph(runId, source, shell.signal);
  shell.printJson(done);
  shell.printLine(piece(`${sign("done", shell.out)} `, "green"), piece(`run ${printable(runId)} is amended`));
  for (const key of ["added", "removed", "replaced", "connected", "disconnected", "fields"] as const)
    if (done[key].length > 0) shell.printLine(piece(`  ${key.padEnd(13)}`, "dim"), piece(printable(done[key].join(", "))));
}
