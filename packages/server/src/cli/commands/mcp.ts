import { diffJson } from "@tutti/core/insight";
import type { McpServerEntry, McpToolEntry } from "@tutti/client";
import type { Json } from "@tutti/core";
import type { Command } from "commander";
import { connect } from "../connect.ts";
import { EXIT, readJsonArgument, safeJson, UsageError, type Shell } from "../shell.ts";
import { table } from "../table.ts";
import { cut, printable, printableLines } from "../terminal-text.ts";
import type { Style } from "../terminal.ts";

const STATE_STYLES: Readonly<Record<McpServerEntry["state"] | McpToolEntry["state"], Style>> = {
  idle: "dim",
  connected: "green",
  down: "red",
  approved: "green",
  new: "yellow",
  changed: "red",
  gone: "dim",
};

const DESCRIPTION_CHARACTERS_MAX = 80;
/** A name that a server gives itself is cut to this. */
const NAME_COLUMNS = 60;

/** `tutti mcp …` */
export function defineMcp(command: Command, shell: Shell): void {
  command
    .command("serve", { isDefault: true })
    .description("be an MCP server over stdio: carry what a client says to the running Tutti, or to one in this process")
    .addHelpText(
      "after",
      '\nExamples:\n  tutti mcp                  in a client\'s configuration: {"command": "tutti", "args": ["mcp"]}\n  tutti mcp serve',
    )
    .action(() => serve(shell));
  command
    .command("list")
    .description("list the MCP servers whose tools are used, and how each is")
    .addHelpText("after", "\nExamples:\n  tutti mcp list\n  tutti mcp list --json")
    .action(() => list(shell));
  command
    .command("show <server>")
    .description("show a server's tools beside what was approved of them")
    .option("--full", "all that each tool says of itself, instead of its first line")
    .addHelpText("after", "\nExamples:\n  tutti mcp show files\n  tutti mcp show files --full\n  tutti mcp show files --json")
    .action((name: string, { full = false }: { readonly full?: boolean }) => show(shell, name, full));
  defineChanges(command, shell);
}

function defineChanges(command: Command, shell: Shell): void {
  command
    .command("add <server> [command...]")
    .description("use another server: a program after --, or an address with --url; its tools wait for approval")
    .option("--url <url>", "an address over HTTP, instead of a program")
    .option("--setting <json>", "everything else of `mcpServers`, as JSON, @file or -", "{}")
    .addHelpText(
      "after",
      `\nExamples:\n  tutti mcp add files --setting '{"mounts": [{"path": "node_modules"}, {"path": "notes"}]}' -- node "$PWD/node_modules/@modelcontextprotocol/server-filesystem/dist/index.js" "$PWD/notes"\n  tutti mcp add issues --url https://mcp.example.com/mcp --setting '{"auth": {"type": "bearer", "tokenEnv": "ISSUES_TOKEN"}}'\n\nA program runs in a jail, without network and without files but its mounts: install what it needs (npm install) instead of npx, which fetches it.\nWith --setting '{"isolation": "process"}' it may do all that you may.`,
    )
    .action((name: string, program: readonly string[], options: AddOptions) => add(shell, { name, program, ...options }));
  command
    .command("remove <server>")
    .description("use a server no more, and forget what was approved of it")
    .addHelpText("after", "\nExamples:\n  tutti mcp remove files")
    .action((name: string) => remove(shell, name));
  command
    .command("test <server>")
    .description("connect to a server and read its list of tools")
    .addHelpText("after", "\nExamples:\n  tutti mcp test files\n  tutti mcp test files --json")
    .action((name: string) => tryOut(shell, name));
  command
    .command("approve <server> [tools...]")
    .description("let a server's tools be used as they are now: all, or those named")
    .addHelpText("after", "\nExamples:\n  tutti mcp approve files\n  tutti mcp approve files read_text_file list_directory")
    .action((name: string, tools: readonly string[]) => approve(shell, name, tools));
  command
    .command("login <server>")
    .description("log in at a server with auth of the type oauth, in a browser")
    .addHelpText("after", "\nExamples:\n  tutti mcp login issues")
    .action((name: string) => login(shell, name));
}

interface AddOptions {
  readonly url?: string;
  readonly setting: string;
}

async function serve(shell: Shell): Promise<void> {
  const { relayStdio } = await import("../mcp-relay.ts");
  await using connection = await connect(shell);
  await relayStdio(connection.endpoint, shell.signal);
}

async function list(shell: Shell): Promise<void> {
  await using connection = await connect(shell);
  const servers = await connection.client.mcpServers(shell.signal);
  shell.printJson({ servers });
  if (servers.length === 0)
    return shell.print("No MCP server is used yet. Add one: tutti mcp add NAME -- COMMAND, or tutti mcp add NAME --url URL");
  const rows = servers.map(({ name, transport, state, tools, reason, server }) => [
    { text: name },
    { text: transport },
    { text: state, style: STATE_STYLES[state] },
    { text: String(tools.approved) },
    { text: String(tools.waiting), style: tools.waiting > 0 ? ("yellow" as const) : ("plain" as const) },
    { text: reason ?? (server === undefined ? "" : `${server.name} ${server.version}, ${server.revision}`) },
  ]);
  shell.print(...table(["SERVER", "BY", "STATE", "APPROVED", "WAITING", "WHAT"], rows, shell.out));
}

async function show(shell: Shell, name: string, isFull: boolean): Promise<void> {
  await using connection = await connect(shell);
  const entry = await connection.client.mcpServer(name, shell.signal);
  // Nobody has asked it yet: what it lists is better than nothing.
  const server = entry.pinned.length === 0 ? await connection.client.testMcpServer(name, shell.signal) : entry;
  shell.printJson({ server });
  printTools(shell, server, isFull);
}

async function add(
  shell: Shell,
  { name, program, url, setting }: AddOptions & { readonly name: string; readonly program: readonly string[] },
): Promise<void> {
  const more = (await readJsonArgument(setting, "--setting")) as Readonly<Record<string, Json>>;
  const [file, ...args] = program;
  if ((file === undefined) === (url === undefined)) throw new UsageError("give either a program after -- or --url");
  const way = url === undefined ? { command: file ?? "", args } : { url };
  await using connection = await connect(shell);
  const server = await connection.client.addMcpServer({ ...more, name, ...way }, shell.signal);
  shell.printJson({ server });
  shell.print(`Added ${name}. Look at its tools with: tutti mcp show ${name}`, `Then let them be used with: tutti mcp approve ${name}`);
}

async function remove(shell: Shell, name: string): Promise<void> {
  await using connection = await connect(shell);
  await connection.client.removeMcpServer(name, shell.signal);
  shell.printJson({ removed: name });
  shell.print(`Removed ${name}.`);
}

async function tryOut(shell: Shell, name: string): Promise<void> {
  await using connection = await connect(shell);
  const server = await connection.client.testMcpServer(name, shell.signal);
  shell.printJson({ server });
  const { name: own = "", version = "", revision = "" } = server.server ?? {};
  shell.print(printable(`${name} answers: ${cut(own, NAME_COLUMNS)} ${cut(version, NAME_COLUMNS)}, revision ${revision}.`));
  printTools(shell, server);
}

async function approve(shell: Shell, name: string, tools: readonly string[]): Promise<void> {
  await using connection = await connect(shell);
  const server = await connection.client.approveMcpServer(name, tools.length === 0 ? {} : { tools }, shell.signal);
  shell.printJson({ server });
  printTools(shell, server);
  shell.note("What may call them is for policy to say: tool_policy.yaml, or toolsAllow.");
}

async function login(shell: Shell, name: string): Promise<void> {
  await using connection = await connect(shell);
  const url = await connection.client.loginMcpServer(name, shell.signal);
  shell.printJson({ url });
  if (url === null) return shell.print(`${name} is logged in.`);
  shell.print(`Open this page in a browser of this machine: ${url}`);
  if (!connection.isServer) {
    shell.warn("Nobody listens for the browser to come back: start `tutti up`, and log in again.");
    shell.exitCode = EXIT.failed;
  }
}

function printTools(shell: Shell, { name, pinned }: McpServerEntry, isFull = false): void {
  if (pinned.length === 0) return shell.print(`${name} lists no tools.`);
  const rows = pinned.map(({ name: tool, state, hash, tool: shown }) => [
    { text: tool },
    { text: state, style: STATE_STYLES[state] },
    { text: hash.slice(0, 12) },
    { text: isFull ? "" : firstLineOf(descriptionOf(shown)) },
  ]);
  const headings = ["TOOL", "STATE", "HASH", isFull ? "" : "DESCRIPTION"];
  if (isFull)
    for (const [index, row] of rows.entries())
      shell.print(
        ...(index === 0 ? [] : [""]),
        ...table(headings, [row], shell.out),
        ...printableLines(descriptionOf(pinned[index]?.tool ?? null)),
      );
  else {
    shell.print(...table(headings, rows, shell.out));
    shell.note(`All that they say: tutti mcp show ${name} --full`);
  }
  for (const tool of pinned)
    if (tool.state === "changed") shell.print("", `${tool.name} changed since it was approved:`, ...changesOf(tool));
}

function changesOf({ was, tool }: McpToolEntry): readonly string[] {
  const { differences, more } = diffJson(was ?? null, tool);
  const lines = differences.flatMap(({ path, a, b }) => [
    `  ${path}`,
    ...(a === undefined ? [] : printableLines(`    - ${safeJson(a)}`)),
    ...(b === undefined ? [] : printableLines(`    + ${safeJson(b)}`)),
  ]);
  return more > 0 ? [...lines, `  and ${more} more`] : lines;
}

/** Enough to know it by; models read all of it, and so may people. */
function firstLineOf(text: string): string {
  const line = text.split("\n", 1)[0] ?? "";
  return line.length > DESCRIPTION_CHARACTERS_MAX ? `${line.slice(0, DESCRIPTION_CHARACTERS_MAX - 1)}…` : line;
}

function descriptionOf(tool: Json): string {
  return typeof tool === "object" && tool !== null && "description" in tool && typeof tool.description === "string" ? tool.description : "";
}
