import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { AppError } from "@tutti/core";
import type { SandboxLanguage, SandboxLevel, SandboxResult } from "@tutti/core/sandbox";
import { InvalidArgumentError, Option, type Command } from "commander";
import type { SandboxExamination } from "../../host/index.ts";
import { EXIT, readStdin, UsageError, type Shell } from "../shell.ts";
import { table } from "../table.ts";
import { piece, type Style } from "../terminal.ts";
import { printable, printableLines } from "../terminal-text.ts";

const LANGUAGES: Readonly<Record<string, SandboxLanguage>> = {
  ".py": "python",
  ".js": "javascript",
  ".mjs": "javascript",
  ".ts": "typescript",
  ".mts": "typescript",
  ".sh": "shell",
};
const MEBIBYTE = 1_048_576;
const TIMEOUT_EXIT = 124;
const MEMORY_EXIT = 137;

/** `tutti sandbox …` */
export function defineSandbox(command: Command, shell: Shell): void {
  command
    .command("doctor", { isDefault: true })
    .description("test every sandbox on this machine, and show what each one promises")
    .argument("[backends...]", "only these: bubblewrap, landlock, …")
    .addHelpText(
      "after",
      "\nExamples:\n  tutti sandbox doctor\n  tutti sandbox doctor bubblewrap --json\n\nThe exit code is 1 when none may run code at the level that is set.",
    )
    .action((names: readonly string[]) => doctor(shell, names));
  command
    .command("run <file>")
    .description("run a program in a sandbox, as the tools that run code do")
    .addOption(
      new Option("--language <name>", "instead of what the file's name says").choices(["python", "javascript", "typescript", "shell"]),
    )
    .addOption(
      new Option("--backend <name>", "this one, instead of what the configuration says").choices([
        "bubblewrap",
        "landlock",
        "wasm",
        "docker",
        "gvisor",
        "remote",
      ]),
    )
    .addOption(new Option("--level <level>", "the least it must promise").choices(["soft", "hard", "strangers"]))
    .option("--timeout <ms>", "milliseconds it may run", readCount)
    .option("--memory <MiB>", "mebibytes it may use", readCount)
    .option("--file <path...>", "files for its working folder")
    .option("--stdin", "give it what comes on stdin")
    .option("--out <folder>", "where the files that it writes are put")
    .addHelpText(
      "after",
      "\nExamples:\n  tutti sandbox run report.py --file data.csv --out results\n  echo 'print(6 * 7)' > a.py && tutti sandbox run a.py --level soft\n\nThe exit code is the program's own; 124 when its time was over, 137 when its memory was, 1 when the sandbox ended or refused it.",
    )
    .action((file: string, options: RunOptions) => run(shell, file, options));
}

async function doctor(shell: Shell, names: readonly string[]): Promise<void> {
  const { config } = await shell.readConfig();
  const { examineSandboxes } = await import("../../host/index.ts");
  const found: SandboxExamination[] = [];
  shell.progress("testing each sandbox …");
  for await (const examination of examineSandboxes(config, names, shell.signal)) {
    found.push(examination);
    shell.progress(`${examination.backend}: ${examination.status} …`);
  }
  if (found.length === 0) throw new UsageError(`wanted names of sandboxes, got ${names.join(", ")}; leave them out to test all`);
  const ranks: Readonly<Record<SandboxLevel, number>> = { soft: 0, hard: 1, strangers: 2 };
  const usable = found.find(
    ({ status, report }) => status === "ready" && report !== undefined && ranks[report.level] >= ranks[config.sandboxLevel],
  );
  shell.printJson({ level: config.sandboxLevel, setting: config.sandbox, usable: usable?.backend ?? null, backends: found });
  for (const examination of found) tell(shell, examination);
  conclude(shell, { usable, setting: config.sandbox, level: config.sandboxLevel });
}

function tell(shell: Shell, { backend, status, report, reason, howToGet }: SandboxExamination): void {
  const style: Style = status === "ready" ? "green" : status === "failed" ? "red" : "dim";
  shell.printLine(
    piece(backend, "bold"),
    piece(`  ${status}`, style),
    piece(report === undefined ? "" : `  level ${report.level}; ${report.languages.join(", ")}`, "plain"),
  );
  if (report === undefined) shell.print(`  ${printable(reason ?? "")}`, `  how to get it: ${printable(howToGet)}`);
  else {
    const rows = report.promises.map(({ name, holds, detail }) => [
      { text: `  ${name}` },
      { text: holds ? "holds" : "does not hold", style: holds ? ("green" as const) : ("yellow" as const) },
      { text: detail },
    ]);
    shell.print(...table(["  promise", "", "by what"], rows, shell.out));
  }
  shell.print("");
}

function conclude(
  shell: Shell,
  { usable, setting, level }: { readonly usable: SandboxExamination | undefined; readonly setting: unknown; readonly level: SandboxLevel },
): void {
  if (usable === undefined) {
    shell.print(
      `No sandbox here promises "${level}", so no code is run. Install one of them, or ask for less with TUTTI_SANDBOX_LEVEL=soft.`,
    );
    shell.exitCode = EXIT.failed;
    return;
  }
  shell.print(
    setting === "off"
      ? `Code execution is off. With TUTTI_SANDBOX=auto it would run under ${usable.backend}; each tool also needs a policy that allows it.`
      : `Code runs under ${usable.backend}.`,
  );
}

interface RunOptions {
  readonly language?: SandboxLanguage;
  readonly backend?: string;
  readonly level?: SandboxLevel;
  readonly timeout?: number;
  readonly memory?: number;
  readonly file?: readonly string[];
  readonly stdin?: boolean;
  readonly out?: string;
}

async function run(shell: Shell, path: string, options: RunOptions): Promise<void> {
  const language = options.language ?? LANGUAGES[extname(path)];
  if (language === undefined)
    throw new UsageError(`wanted a file that ends with ${Object.keys(LANGUAGES).join(", ")}, got ${path}; or say --language`);
  const code = await read(path);
  const files = Object.fromEntries(
    await Promise.all((options.file ?? []).map(async (name) => [basename(name), new Uint8Array(await read(name))] as const)),
  );
  const stdin = options.stdin === true ? await readStdin() : "";
  const { openSandboxFor } = await import("../../host/index.ts");
  const { config } = await shell.readConfig(flagsOf(options));
  shell.progress("testing the sandbox …");
  const sandbox = await openSandboxFor(config, shell.signal);
  try {
    shell.progress(`running under ${sandbox.report.backend} …`);
    const limits = {
      ...(options.timeout === undefined ? {} : { runTimeoutMs: options.timeout }),
      ...(options.memory === undefined ? {} : { memoryBytes: options.memory * MEBIBYTE }),
    };
    const result = await sandbox.run({ language, code: code.toString(), files, stdin, limits }, shell.signal);
    if (options.out !== undefined) await save(options.out, result);
    show(shell, result);
  } finally {
    await sandbox.close();
  }
}

function flagsOf({ backend, level }: RunOptions): Readonly<Record<string, unknown>> {
  return { ...(backend === undefined ? {} : { sandbox: backend }), ...(level === undefined ? {} : { sandboxLevel: level }) };
}

async function read(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new AppError("not_found", `wanted a file that can be read, got ${path}; check its name`, { cause });
  }
}

async function save(folder: string, { files }: SandboxResult): Promise<void> {
  // Names were checked by the sandbox: relative, without "..".
  for (const [name, bytes] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), bytes);
  }
}

/** The program's own output goes where a program's output goes; how it ended is a remark. */
function show(shell: Shell, result: SandboxResult): void {
  const { files, ...rest } = result;
  const names = Object.keys(files);
  shell.printJson({ ...rest, files: Object.entries(files).map(([name, bytes]) => ({ name, bytes: bytes.byteLength })) });
  if (!shell.isJson) {
    shell.clearProgress();
    // A pipe gets what the program wrote, byte for byte; a terminal nothing that could act on it.
    process.stdout.write(shell.out.isTerminal ? printableLines(result.stdout).join("\n") : result.stdout);
    process.stderr.write(shell.err.isTerminal ? printableLines(result.stderr).join("\n") : result.stderr);
  }
  const { wallMs, cpuMs, memoryPeakBytes } = result.usage;
  const ended = result.exitCode === null ? result.signal : `exit code ${result.exitCode}`;
  shell.note(
    `${result.backend}: ${result.reason === "exit" ? ended : `${result.reason} (${ended})`} after ${Math.round(wallMs)} ms, ${Math.round(cpuMs)} ms of CPU, ${Math.ceil(memoryPeakBytes / MEBIBYTE)} MiB` +
      (names.length === 0 ? "" : `; files: ${names.join(", ")}`),
  );
  if (result.hint !== undefined) shell.note(`${result.hint.errno}: ${result.hint.message}`);
  shell.exitCode = exitCodeOf(result);
}

/** The program's own; for what ended it, the codes that `timeout` and the kernel's killer are known by. */
function exitCodeOf({ reason, exitCode }: SandboxResult): number {
  if (reason === "timeout") return TIMEOUT_EXIT;
  if (reason === "oom") return MEMORY_EXIT;
  return reason === "exit" ? (exitCode ?? EXIT.failed) : EXIT.failed;
}

function readCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count > 0) return count;
  throw new InvalidArgumentError("It must be a whole number above 0.");
}
