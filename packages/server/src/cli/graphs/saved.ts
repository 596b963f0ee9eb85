import type { Client, GraphVersion, SavedGraph } from "@tutti/client";
import type { Command } from "commander";
import { connect } from "../connect.ts";
import { failWithFaults } from "../faults.ts";
import { sign } from "../look.ts";
import { UsageError, type Shell } from "../shell.ts";
import { table } from "../table.ts";
import { piece } from "../terminal.ts";
import { printable } from "../terminal-text.ts";
import { named, readText } from "./graph-text.ts";

/** Commands about graphs that are kept under a name. */
export function defineSavedGraphs(command: Command, shell: Shell): void {
  command
    .command("save <name> <file>")
    .description("keep a graph under a name, as its next version")
    .option("--message <text>", "what has changed", "")
    .option("--if-version <number>", "only if this is the newest version; 0: only if the name is free")
    .addHelpText(
      "after",
      '\nExamples:\n  tutti graphs save order order.yaml --message "asks above 500"\n  tutti graphs save order order.yaml --if-version 3',
    )
    .action((name: string, file: string, options: SaveOptions) => save(shell, { name, file }, options));
  command
    .command("list")
    .description("list the saved graphs")
    .addHelpText("after", "\nExamples:\n  tutti graphs list\n  tutti graphs list --json")
    .action(() => list(shell));
  command
    .command("history <name>")
    .description("list all versions of a saved graph, newest first")
    .addHelpText("after", "\nExamples:\n  tutti graphs history order")
    .action((name: string) => history(shell, name));
  command
    .command("diff <name> [from] [to]")
    .description("say what two versions differ in; the newest and the one before it unless named")
    .addHelpText("after", "\nExamples:\n  tutti graphs diff order\n  tutti graphs diff order 1 4 --json")
    .action((name: string, from?: string, to?: string) => diff(shell, name, { from, to }));
  command
    .command("delete <name>")
    .description("give the name of a saved graph up; its runs go on")
    .addHelpText("after", "\nExamples:\n  tutti graphs delete order")
    .action((name: string) => remove(shell, name));
}

interface SaveOptions {
  readonly message: string;
  readonly ifVersion?: string;
}

/** The saved graph of a name; `undefined` when none has it. */
export async function savedGraphOf(client: Client, name: string, signal: AbortSignal): Promise<SavedGraph | undefined> {
  if (!(await client.savedGraphs(signal)).some((saved) => saved.name === name)) return undefined;
  return client.savedGraph(name, undefined, signal);
}

async function save(
  shell: Shell,
  { name, file }: { readonly name: string; readonly file: string },
  { message, ifVersion }: SaveOptions,
): Promise<void> {
  const source = await readText(file);
  await using connection = await connect(shell);
  const request = { text: source.text, message, ...(ifVersion !== undefined && { ifVersion: numberOf(ifVersion, "--if-version") }) };
  const reply = await connection.client.saveGraph(name, request, shell.signal);
  shell.printJson(reply);
  if (!reply.ok) return failWithFaults(shell, named(source, reply.problems));
  const { version, hash } = reply.saved;
  const told = reply.isNew ? `${name} is saved as version ${version}` : `${name} is what version ${version} is already`;
  shell.printLine(piece(`${sign("done", shell.out)} `, "green"), piece(printable(told)), piece(`  ${hash.slice(0, 12)}`, "dim"));
}

async function list(shell: Shell): Promise<void> {
  await using connection = await connect(shell);
  const graphs = await connection.client.savedGraphs(shell.signal);
  shell.printJson({ graphs });
  if (graphs.length === 0) return shell.print("No graphs are saved. Save one with `tutti graphs save NAME FILE`.");
  shell.print(...versionTable(shell, graphs, "NAME"));
}

async function history(shell: Shell, name: string): Promise<void> {
  await using connection = await connect(shell);
  const versions = await connection.client.graphVersions(name, shell.signal);
  shell.printJson({ versions });
  shell.print(...versionTable(shell, versions, "GRAPH"));
}

function versionTable(shell: Shell, versions: readonly GraphVersion[], title: string): readonly string[] {
  const rows = versions.map(({ name, version, hash, savedAt, by, message }) => [
    { text: name },
    { text: String(version) },
    { text: hash.slice(0, 12) },
    { text: savedAt },
    { text: by },
    { text: message },
  ]);
  return table([title, "VERSION", "HASH", "SAVED", "BY", "MESSAGE"], rows, shell.out);
}

async function diff(
  shell: Shell,
  name: string,
  asked: { readonly from: string | undefined; readonly to: string | undefined },
): Promise<void> {
  await using connection = await connect(shell);
  const { client } = connection;
  const to =
    asked.to === undefined ? (await client.savedGraph(name, undefined, shell.signal)).version : numberOf(asked.to, "the second version");
  const from = asked.from === undefined ? Math.max(1, to - 1) : numberOf(asked.from, "the first version");
  const found = await client.graphDifference(name, { from, to }, shell.signal);
  shell.printJson(found);
  shell.printLine(piece(printable(`${name}  ${from} → ${to}`), "bold"));
  const lines = (["added", "removed", "replaced", "connected", "disconnected", "fields"] as const).filter((key) => found[key].length > 0);
  if (lines.length === 0) return shell.print("  nothing");
  for (const key of lines) shell.printLine(piece(`  ${key.padEnd(13)}`, "dim"), piece(printable(found[key].join(", "))));
}

async function remove(shell: Shell, name: string): Promise<void> {
  await using connection = await connect(shell);
  await connection.client.deleteGraph(name, {}, shell.signal);
  shell.printJson({ deleted: name });
  shell.printLine(piece(`${sign("done", shell.out)} `, "green"), piece(printable(`${name} is free; its runs go on`)));
}

function numberOf(text: string, what: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new UsageError(`wanted ${what} to be a whole number, got "${text}"`);
}
