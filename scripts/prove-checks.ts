// A check that passes on a planted fault is worse than none. For each check this copies the tree, plants the faults of
// faults.ts that the check must find, and asks of each that the check went red and named its file.
import { execFileSync } from "node:child_process";
import { appendFileSync, cpSync, existsSync, mkdirSync, mkdtempDisposableSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { checkers, run, type Checker } from "./checkers.ts";
import { faults, type Fault } from "./faults.ts";

const root = join(import.meta.dirname, "..");
const files = git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0");

const checks = checkers.filter((checker) => checker.name !== "prove");
const problems = (await Promise.all(checks.map(prove))).flat();
for (const problem of problems) console.error(problem);
console.log(`${faults.length} planted faults in ${checks.length} checks, ${problems.length} of them not found`);
process.exitCode = problems.length > 0 ? 1 : 0;

/** What the check did not find. */
async function prove(checker: Checker): Promise<readonly string[]> {
  using copy = mkdtempDisposableSync(join(tmpdir(), "tutti-prove-"));
  copyTree(copy.path);
  const planted = faults.filter((fault) => fault.check === checker.name);
  for (const fault of planted) plant(copy.path, fault);
  const verdict = await run(checker, copy.path);
  const missed = planted
    .map((fault) => ({ ...fault, wanted: fault.times ?? 1, got: timesFound(fault, verdict.output) }))
    .filter((fault) => fault.got < fault.wanted)
    .map((fault) => `${checker.name}: wanted ${fault.path} named ${fault.wanted} times with "${fault.says}", got ${fault.got}`);
  if (planted.length === 0) return [`${checker.name}: wanted a fault to prove it with, got none`];
  if (verdict.isGreen || verdict.filesRead === 0) return [...missed, `${checker.name}: wanted it to go red, got green or no files read`];
  return missed;
}

/** The files that git knows or would know, with the installed packages but this copy's own workspaces. */
function copyTree(to: string): void {
  for (const file of files) if (file !== "" && existsSync(join(root, file))) cpSync(join(root, file), join(to, file));
  // The checkers look for .gitignore from the top of a repository.
  git(to, "init", "--quiet");
  for (const folder of [".", "packages/server"]) linkPackages(join(root, folder, "node_modules"), join(to, folder, "node_modules"));
  cpSync(join(root, "node_modules/@tutti"), join(to, "node_modules/@tutti"), { recursive: true, verbatimSymlinks: true });
  symlinkSync("../packages/server", join(to, "node_modules/tutti"));
}

function git(folder: string, ...args: readonly string[]): string {
  return execFileSync("git", args, { cwd: folder, encoding: "utf8" });
}

function linkPackages(from: string, to: string): void {
  if (!existsSync(from)) return;
  mkdirSync(to);
  const own = new Set(["@tutti", "tutti", ".cache"]);
  for (const name of readdirSync(from)) if (!own.has(name)) symlinkSync(join(from, name), join(to, name));
}

function plant(folder: string, fault: Fault): void {
  const file = join(folder, fault.path);
  mkdirSync(dirname(file), { recursive: true });
  if (fault.isAppended === true) appendFileSync(file, `${fault.text}\n`);
  else writeFileSync(file, `${fault.text}\n`);
}

/** How often a report says what it must beside the fault's file. */
function timesFound(fault: Fault, report: string): number {
  if (fault.check !== "lint") return report.split("\n").filter((line) => line.includes(fault.path) && line.includes(fault.says)).length;
  // "  x rule: message" (or "×"), then the place on the next lines. A warning has another sign.
  const entries = report.split(/^(?= {2}\S )/m);
  return entries.filter((entry) => /^ {2}[x×] /.test(entry) && entry.startsWith(`${fault.says}:`, 4) && entry.includes(`[${fault.path}:`))
    .length;
}
