import { constants } from "node:os";
import type { SandboxBackend, SandboxReason, SandboxResult } from "@tutti/core/sandbox";
import type { CappedOutput } from "./capped-output.ts";
import type { CollectedFiles } from "./collect-files.ts";
import { hintOf } from "./hint.ts";

/** All that is known when a program has ended. */
export interface Ending {
  readonly backend: SandboxBackend;
  /** Why the sandbox ended it; `undefined` when it ended by itself. */
  readonly stopped: Exclude<SandboxReason, "exit"> | undefined;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly stdout: Pick<CappedOutput, "text" | "isTruncated">;
  readonly stderr: Pick<CappedOutput, "text" | "isTruncated">;
  readonly files: CollectedFiles;
  readonly usage: SandboxResult["usage"];
  /** When the sandbox knows better than what the program said. */
  readonly hint?: SandboxResult["hint"];
}

/** No file came back. */
export const NO_FILES: CollectedFiles = { files: {}, isTruncated: false };

/** The result of a program, in the one shape that every backend gives. */
export function buildResult(ending: Ending): SandboxResult {
  const { stdout, stderr, files } = ending;
  const status = unwrapSignal(ending);
  const said = { stdout: stdout.text(), stderr: stderr.text() };
  const reason = ending.stopped ?? (status.signal === "SIGSYS" ? "policy" : isOutOfMemory(status, said.stderr) ? "oom" : "exit");
  const hint = ending.hint ?? hintOf({ reason, ...status, stderr: said.stderr });
  return {
    reason,
    ...status,
    ...(hint === undefined ? {} : { hint }),
    ...said,
    truncated: { stdout: stdout.isTruncated(), stderr: stderr.isTruncated(), files: files.isTruncated },
    files: files.files,
    usage: ending.usage,
    backend: ending.backend,
  };
}

/** A shell and bubblewrap report a child's signal as 128 and its number. */
function unwrapSignal({ exitCode, signal }: Pick<Ending, "exitCode" | "signal">): {
  readonly exitCode: number | null;
  readonly signal: string | null;
} {
  const name = exitCode === null || exitCode <= 128 ? undefined : SIGNALS.get(exitCode - 128);
  return name === undefined ? { exitCode, signal } : { exitCode: null, signal: name };
}

const SIGNALS: ReadonlyMap<number, string> = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));

/** A program that the bound of its memory ended by refusing more, rather than by a signal from outside. */
function isOutOfMemory(
  { exitCode, signal }: { readonly exitCode: number | null; readonly signal: string | null },
  stderr: string,
): boolean {
  const tail = stderr.trimEnd().slice(-2_048);
  if (signal === "SIGABRT" || signal === "SIGTRAP" || signal === "SIGILL") return /heap out of memory|Out of memory/i.test(stderr);
  return (
    exitCode !== null &&
    exitCode !== 0 &&
    /^(MemoryError\b.*|RangeError: .*(?:could not allocate memory|Array buffer allocation failed))$/m.test(
      tail.slice(tail.lastIndexOf("\n") + 1),
    )
  );
}
