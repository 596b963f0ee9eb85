import { join, resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import type { FolderPlugin } from "@tutti/client";
import type { Command } from "commander";
import { connect } from "../connect.ts";
import { sign } from "../look.ts";
import { EXIT, UsageError, type Shell } from "../shell.ts";
import { table } from "../table.ts";
import { paint, piece } from "../terminal.ts";
import { printable, printableLines } from "../terminal-text.ts";

const STATUS_STYLES = { loaded: "green", off: "dim", asks: "yellow", failed: "red", "crash loop": "red" } as const;

/** `tutti plugins …` */
export function definePlugins(command: Command, shell: Shell): void {
  command
    .command("list", { isDefault: true })
    .description("list the plugins of the plugins folder")
    .addHelpText("after", "\nExamples:\n  tutti plugins\n  tutti plugins list --json")
    .action(() => list(shell));
  command
    .command("new <name>")
    .description("write a small plugin that works, to begin from")
    .option("--dir <folder>", "where, instead of the plugins folder")
    .addHelpText("after", "\nExamples:\n  tutti plugins new hello\n  tutti plugins new hello --dir ./work")
    .action((name: string, { dir }: { readonly dir?: string }) => create(shell, name, dir));
  command
    .command("add <path>")
    .description("copy a plugin's folder to the plugins folder")
    .addHelpText("after", "\nExamples:\n  tutti plugins add ~/downloads/weather\n\nNothing of it runs before `tutti plugins enable`.")
    .action((path: string) => add(shell, resolve(path)));
  command
    .command("show <name>")
    .description("show what a plugin is, what it asks for, what it brings and what it printed last")
    .addHelpText("after", "\nExamples:\n  tutti plugins show hello")
    .action((name: string) => show(shell, name));
  command
    .command("enable <name>")
    .description("grant what a plugin asks for, and load it")
    .option("--yes", "without being asked")
    .addHelpText(
      "after",
      "\nExamples:\n  tutti plugins enable hello\n  tutti plugins enable hello --yes\n\nWhat it asks for is shown first. When it asks for more later, it is asked again.",
    )
    .action((name: string, { yes }: { readonly yes?: boolean }) => enable(shell, name, yes === true));
  command
    .command("disable <name>")
    .description("unload a plugin until it is enabled again")
    .addHelpText("after", "\nExamples:\n  tutti plugins disable hello")
    .action((name: string) => disable(shell, name));
  command
    .command("remove <name>")
    .description("unload a plugin and delete its folder, its grant and what it kept")
    .addHelpText("after", "\nExamples:\n  tutti plugins remove hello")
    .action((name: string) => remove(shell, name));
  command
    .command("doctor [name]")
    .description("say what is wrong with plugins, and what to do about it")
    .addHelpText(
      "after",
      "\nExamples:\n  tutti plugins doctor\n  tutti plugins doctor hello --json\n\nEnds with 1 when a plugin that is enabled is not well.",
    )
    .action((name: string | undefined) => doctor(shell, name));
}

async function list(shell: Shell): Promise<void> {
  await using connection = await connect(shell);
  const plugins = await connection.client.folderPlugins(shell.signal);
  shell.printJson({ plugins });
  if (plugins.length === 0)
    return shell.print("No plugins. `tutti plugins new NAME` writes one to begin from, `tutti plugins add PATH` copies one.");
  const rows = plugins.map(({ name, status, version, loaded, description, problem }) => [
    { text: name },
    { text: status, style: STATUS_STYLES[status] },
    { text: loaded?.version ?? version ?? "-" },
    { text: loaded?.tools.join(", ") ?? "-" },
    { text: problem ?? description },
  ]);
  shell.print(...table(["PLUGIN", "STATUS", "VERSION", "TOOLS", "ABOUT"], rows, shell.out));
}

async function create(shell: Shell, name: string, dir: string | undefined): Promise<void> {
  const { newPlugin } = await import("../../host/index.ts");
  const folder = await newPlugin(name, dir === undefined ? await pluginsDir(shell) : resolve(dir));
  shell.printJson({ name, folder });
  done(shell, `wrote ${folder}`);
  shell.note(`next: look at ${join(folder, "index.ts")}, then \`tutti plugins ${dir === undefined ? `enable ${name}` : `add ${folder}`}\``);
}

async function add(shell: Shell, path: string): Promise<void> {
  const { installPlugin } = await import("../../host/index.ts");
  const name = await installPlugin(path, await pluginsDir(shell));
  await using connection = await connect(shell);
  const plugin = await connection.client.folderPlugin(name, shell.signal);
  shell.printJson({ plugin });
  printAsked(shell, plugin);
  shell.note(`next: \`tutti plugins enable ${name}\``);
}

async function pluginsDir(shell: Shell): Promise<string> {
  const [{ pluginsDirOf }, { config }] = await Promise.all([import("../../host/index.ts"), shell.readConfigWithoutSecrets()]);
  return pluginsDirOf(config);
}

async function show(shell: Shell, name: string): Promise<void> {
  await using connection = await connect(shell);
  const plugin = await connection.client.folderPlugin(name, shell.signal);
  shell.printJson({ plugin });
  printAsked(shell, plugin);
  shell.print("", ...stateLines(shell, plugin));
  if (plugin.output !== "") shell.print("", paint("It printed last:", "bold", shell.out), ...printableLines(plugin.output.trimEnd()));
}

async function enable(shell: Shell, name: string, isAgreed: boolean): Promise<void> {
  await using connection = await connect(shell);
  const { client } = connection;
  const asking = await client.folderPlugin(name, shell.signal);
  printAsked(shell, asking);
  if (!isAgreed && !(await agrees(shell))) {
    shell.exitCode = EXIT.failed;
    return shell.note("not enabled; nothing of it runs");
  }
  const plugin = await client.enableFolderPlugin(name, asking.wants, shell.signal);
  shell.printJson({ plugin });
  done(shell, `${name} ${plugin.loaded?.version ?? ""} is loaded`);
  const tools = plugin.loaded?.tools ?? [];
  if (tools.length > 0) shell.note(`tools: ${tools.join(", ")}; call one with \`tutti tools call ${tools[0] ?? ""}\``);
}

async function agrees(shell: Shell): Promise<boolean> {
  if (!process.stdin.isTTY || shell.isJson)
    throw new UsageError("--yes is needed where nobody can be asked, got none; the lines above say what the plugin asks for");
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(?:es)?$/i.test((await reader.question("Grant this and load it? [y/N] ", { signal: shell.signal })).trim());
  } finally {
    reader.close();
  }
}

async function disable(shell: Shell, name: string): Promise<void> {
  await using connection = await connect(shell);
  const plugin = await connection.client.disableFolderPlugin(name, shell.signal);
  shell.printJson({ plugin });
  done(shell, `${name} is unloaded; \`tutti plugins enable ${name}\` loads it again`);
}

async function remove(shell: Shell, name: string): Promise<void> {
  await using connection = await connect(shell);
  await connection.client.removeFolderPlugin(name, shell.signal);
  shell.printJson({ removed: name });
  done(shell, `${name} is gone, with its folder, its grant and what it kept`);
}

async function doctor(shell: Shell, name: string | undefined): Promise<void> {
  await using connection = await connect(shell);
  const { client } = connection;
  const plugins = name === undefined ? await client.folderPlugins(shell.signal) : [await client.folderPlugin(name, shell.signal)];
  const findings = plugins.map((plugin) => ({
    name: plugin.name,
    status: plugin.status,
    isWell: isWell(plugin),
    todo: todoOf(plugin),
    problem: plugin.problem,
  }));
  const gaps = [...new Set(plugins.flatMap(({ process: running }) => running?.gaps ?? []))];
  shell.printJson({ findings, gaps });
  for (const gap of gaps) shell.printLine(piece("! ", "yellow"), piece(gap));
  if (findings.length === 0) shell.print("No plugins, so nothing is wrong. `tutti plugins new NAME` writes one to begin from.");
  for (const { name: plugin, status, isWell: isFine, todo, problem } of findings) {
    shell.printLine(
      piece(`${sign(isFine ? "done" : "failed", shell.out)} `, isFine ? "green" : "red"),
      piece(printable(`${plugin}: ${status}`)),
    );
    if (problem !== null) shell.print(...printableLines(`  ${problem}`));
    if (todo !== null) shell.print(...printableLines(`  ${todo}`));
  }
  if (findings.some(({ isWell: isFine }) => !isFine)) shell.exitCode = EXIT.failed;
}

function isWell({ status }: FolderPlugin): boolean {
  return status === "loaded" || status === "off";
}

function todoOf({ name, status, asks, loaded }: FolderPlugin): string | null {
  switch (status) {
    case "loaded":
      return null;
    case "off":
      return `\`tutti plugins enable ${name}\` shows what it asks for, and loads it`;
    case "asks":
      return `it asks for more: ${asks.join("; ")}. \`tutti plugins enable ${name}\` grants it${loaded === null ? "" : `; version ${loaded.version} goes on meanwhile`}`;
    case "failed":
      return `mend it in its folder: it is loaded once it is saved. \`tutti plugins show ${name}\` shows what it printed`;
    case "crash loop":
      return `\`tutti plugins show ${name}\` shows what it printed; mend it, or \`tutti plugins enable ${name}\` to try again`;
  }
}

function printAsked(shell: Shell, plugin: FolderPlugin): void {
  shell.printLine(piece(`${printable(plugin.name)} ${plugin.version ?? ""}`, "bold"), piece(`  ${printable(plugin.description)}`));
  shell.printLine(piece(plugin.folder, "dim"));
  shell.print(
    "It wants to",
    ...plugin.wants.map((want) => `  - ${printable(want)}${plugin.asks.includes(want) ? "" : paint("  (granted)", "dim", shell.out)}`),
  );
}

function stateLines(shell: Shell, { status, loaded, process: running, problem }: FolderPlugin): readonly string[] {
  const lines = [`status    ${paint(status, STATUS_STYLES[status], shell.out)}`];
  if (loaded !== null)
    lines.push(
      `loaded    ${loaded.version} (${loaded.hash})`,
      `tools     ${loaded.tools.join(", ") || "none"}`,
      `skills    ${loaded.skills.join(", ") || "none"}`,
    );
  if (running !== null)
    lines.push(`process   ${running.status}${running.pid === null ? "" : `, pid ${running.pid}`}, started again ${running.restarts} times`);
  if (problem !== null) lines.push(...printableLines(`problem   ${problem}`));
  return lines;
}

function done(shell: Shell, text: string): void {
  shell.printLine(piece(`${sign("done", shell.out)} `, "green"), piece(printable(text)));
}
