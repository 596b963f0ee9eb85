import type { PolicyFault } from "@tutti/client";
import { sign } from "./look.ts";
import { EXIT, type Shell } from "./shell.ts";
import { line, piece } from "./terminal.ts";
import { printable } from "./terminal-text.ts";

/** What is wrong in files that people write, each with its place, its line and a mark: the same of policies, routes and graphs. */
export function printFaults(shell: Shell, faults: readonly PolicyFault[], style: "red" | "yellow" = "red"): void {
  for (const { name, line: at, column, message, snippet } of faults) {
    shell.print(
      line(
        [
          piece(printable(`${name}:${at}:${column}  `), "bold"),
          ...(style === "yellow" ? [piece("warning: ", style)] : []),
          piece(printable(message)),
        ],
        { ...shell.out, columns: Infinity },
      ),
    );
    const number = String(at).padStart(5);
    shell.printLine(piece(`${number} | `, "dim"), piece(printable(snippet[0])));
    shell.printLine(piece(`${" ".repeat(number.length)} | `, "dim"), piece(printable(snippet[1]), style));
  }
}

/** The same, with how many there are, where the command fails by them. */
export function failWithFaults(shell: Shell, faults: readonly PolicyFault[]): void {
  shell.exitCode = EXIT.failed;
  printFaults(shell, faults);
  shell.print(
    "",
    line(
      [piece(`${sign("failed", shell.out)} `, "red"), piece(`${faults.length} ${faults.length === 1 ? "problem" : "problems"}`)],
      shell.out,
    ),
  );
}
