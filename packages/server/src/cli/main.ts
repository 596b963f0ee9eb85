import { Command, CommanderError } from "commander";
import { COMMANDS } from "./commands.ts";
import { failureOf, printFailure } from "./failure.ts";
import { interruption } from "./interruption.ts";
import { EXIT, Shell, type CommonFlags } from "./shell.ts";

const EXAMPLES = `
Examples:
  tutti up                              start the server
  tutti chat holly "What is 12 * 7?"    ask the starter agent
  tutti run examples/triage-inbox       run a workflow that survives being killed
  tutti runs show RUN                   see what a run did, step by step

Every command takes --json and --help. The documentation is in docs/cli.md.`;

/** Runs one command line and returns its exit code. */
async function main(args: readonly string[]): Promise<number> {
  const program = new Command("tutti");
  const shell = new Shell({ flags: () => program.opts<CommonFlags>(), signal: interruption() });
  program
    .description("Tutti, a self-hosted AI orchestrator: agents, models, tools and durable workflows.")
    .option("--json", "print JSON and nothing else: one document, or one a line where results come one after the other")
    .option("--config <file>", "the configuration file (default: tutti.yaml, if it is there)")
    .option("--data-dir <folder>", "the folder that holds everything Tutti keeps")
    .option("--log-level <level>", "the least important lines that are logged")
    .addHelpText("after", EXAMPLES)
    .showHelpAfterError(false)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeErr: () => undefined })
    .exitOverride()
    .version((await import("./commands/version.ts")).VERSION, "-V, --version", "print the version");
  program.hook("preAction", (_, command) => (command.name() === "version" ? undefined : shell.open()));
  await addCommands(program, shell, args);
  try {
    await program.parseAsync(args.length === 0 ? ["--help"] : args, { from: "user" });
    return shell.exitCode;
  } catch (thrown) {
    return end(thrown, shell, args.includes("--json"));
  }
}

/** Every command is listed; only the one that is called is loaded, because loading all takes longer than most commands run. */
async function addCommands(program: Command, shell: Shell, args: readonly string[]): Promise<void> {
  for (const { name, summary, load } of COMMANDS) {
    const command = program.command(name).description(summary);
    if (args.includes(name)) (await load())(command, shell);
  }
}

async function end(thrown: unknown, shell: Shell, isJson: boolean): Promise<number> {
  // Help and the version end like this too.
  if (thrown instanceof CommanderError && thrown.exitCode === EXIT.ok) return EXIT.ok;
  shell.clearProgress();
  const failure = failureOf(thrown);
  printFailure(failure, isJson);
  if (failure.stack !== undefined && (await isDebugging(shell))) process.stderr.write(`${failure.stack}\n`);
  return failure.exitCode;
}

/** A stack helps whoever asked for details, and nobody else. */
async function isDebugging(shell: Shell): Promise<boolean> {
  try {
    const { logLevel } = (await shell.readConfigWithoutSecrets()).config;
    return logLevel === "debug" || logLevel === "trace";
  } catch {
    // The configuration itself may be what failed, and that has been said.
    return false;
  }
}

// Whoever reads our output may stop reading: `tutti runs list | head -1` is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? EXIT.ok : EXIT.failed));
const exitCode = await main(process.argv.slice(2));
// By hand, because a step that ignores its signal would keep the process alive; after what was written is out.
for (const stream of [process.stdout, process.stderr]) await new Promise((resolve) => void stream.write("", resolve));
process.exit(exitCode);
