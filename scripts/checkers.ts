// Each check as data: what to run, and how many files it read. A checker that reads nothing finds nothing,
// so a count of zero is a failure too.
import { spawn } from "node:child_process";
import { delimiter, dirname, join } from "node:path";
import { stripVTControlCharacters } from "node:util";

/** One check over a workspace. */
export interface Checker {
  readonly name: string;
  /** Programs from node_modules/.bin, or "node"; they run side by side. */
  readonly commands: readonly (readonly string[])[];
  /** What is printed for each file read, or once with the number in its first group. */
  readonly filesRead: RegExp;
  /** Lines that are there to be counted, not to be shown. */
  readonly isNoise?: RegExp;
}

/** What a checker said. */
export interface Verdict {
  readonly isGreen: boolean;
  readonly filesRead: number;
  readonly output: string;
  readonly tookMs: number;
}

const ownFile = /^(?!.*[/\\]node_modules[/\\]).*[/\\](?:packages|plugins|scripts|test|examples|bench)[/\\].*\.tsx?$/gm;
const tsc = (project: string): readonly string[] => ["tsc", "-p", project, "--listFiles", "--pretty", "false"];

export const checkers: readonly Checker[] = [
  {
    name: "types",
    commands: [tsc("tsconfig.json"), tsc("packages/core"), tsc("packages/client"), tsc("packages/console")],
    filesRead: ownFile,
    isNoise: /^[^\s(]+\.(?:tsx?|mts|cts|json)$/,
  },
  { name: "lint", commands: [["oxlint"]], filesRead: / on (\d+) files?/ },
  { name: "format", commands: [["oxfmt", "--check"]], filesRead: / on (\d+) files?/ },
  {
    name: "dead",
    commands: [["knip", "--no-progress", "--preprocessor", "./scripts/lint/knip-count.ts"]],
    filesRead: /knip read (\d+) files/,
  },
  {
    name: "dup",
    commands: [["jscpd", ".", "--no-colors"]],
    filesRead: /Total:\D+(\d+)/,
  },
  { name: "exports", commands: [["node", "scripts/check-exports.ts"]], filesRead: /in (\d+) file/ },
  { name: "docs", commands: [["node", "scripts/check-docs.ts"]], filesRead: /in (\d+) pages/ },
  { name: "console", commands: [["node", "scripts/check-console.ts"]], filesRead: /in (\d+) files/ },
  { name: "prove", commands: [["node", "scripts/prove-checks.ts"]], filesRead: /(\d+) planted faults/ },
];

/** Runs one check over the workspace in `folder`. */
export async function run(checker: Checker, folder: string): Promise<Verdict> {
  const startedAt = performance.now();
  const ends = await Promise.all(checker.commands.map((command) => execute(command, folder)));
  const tookMs = performance.now() - startedAt;
  const output = ends.map((end) => end.output).join("");
  const filesRead = countFiles(output, checker.filesRead);
  const isGreen = filesRead > 0 && ends.every((end) => end.code === 0);
  return { isGreen, filesRead, output: withoutNoise(output, checker.isNoise), tookMs };
}

interface End {
  readonly code: number;
  readonly output: string;
}

function execute([program = "", ...args]: readonly string[], folder: string): Promise<End> {
  const file = program === "node" ? process.execPath : join(folder, "node_modules", ".bin", program);
  // The tools are scripts for "node": let them find this one.
  const env = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env["PATH"] ?? ""}`, NO_COLOR: "1" };
  const { promise, resolve } = Promise.withResolvers<End>();
  const child = spawn(file, args, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output += text));
  child.once("error", (error) => resolve({ code: 1, output: `${program}: ${error.message}\n` }));
  // Some tools colour what they say when they see CI, whatever NO_COLOR says.
  child.once("close", (code) => resolve({ code: code ?? 1, output: stripVTControlCharacters(output) }));
  return promise;
}

function countFiles(output: string, pattern: RegExp): number {
  if (pattern.global) return output.match(pattern)?.length ?? 0;
  return Number(pattern.exec(output)?.[1] ?? 0);
}

function withoutNoise(output: string, noise: RegExp | undefined): string {
  if (noise === undefined) return output;
  return output
    .split("\n")
    .filter((line) => !noise.test(line))
    .join("\n");
}
