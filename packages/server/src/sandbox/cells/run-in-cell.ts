import type { SandboxBackend, SandboxReason, SandboxResult } from "@tutti/core/sandbox";
import type { Program } from "../backend.ts";
import { capOutput } from "../shared/capped-output.ts";
import { collectFiles } from "../shared/collect-files.ts";
import { buildResult } from "../shared/result.ts";
import type { Cell } from "./cell.ts";
import { restOf } from "./launcher.ts";
import { packFiles } from "./pack-files.ts";

/** Runs a program in a cell that waits for one. Nothing of it runs any more afterwards; what is left of the cell, whoever made it removes. */
export async function runInCell(
  cell: Cell,
  program: Program,
  { backend, startMs, signal }: { readonly backend: SandboxBackend; readonly startMs: number; readonly signal: AbortSignal },
): Promise<SandboxResult> {
  const { limits } = program;
  const { stdin, stdout, stderr, control } = cell.stdio;
  let stopped: Exclude<SandboxReason, "exit"> | undefined;
  const stop = (reason: Exclude<SandboxReason, "exit">): void => {
    stopped ??= reason;
    cell.kill();
  };
  const output = capOutput(stdout, limits.outputBytes, () => stop("output"));
  const errors = capOutput(stderr, limits.outputBytes, () => stop("output"));
  const abort = (): void => cell.kill();
  signal.addEventListener("abort", abort);
  let timer: NodeJS.Timeout | undefined;
  try {
    await cell.confine(limits);
    signal.throwIfAborted();
    const began = performance.now();
    for (const stream of [stdin, control]) stream.on("error", ignore);
    control.end(packFiles(program));
    stdin.end(program.stdin);
    timer = setTimeout(() => stop("timeout"), limits.runTimeoutMs);
    const exit = await cell.exited;
    const wallMs = performance.now() - began;
    cell.kill();
    await cell.gone();
    signal.throwIfAborted();
    for (const piece of restOf(stdout)) output.take(piece);
    for (const piece of restOf(stderr)) errors.take(piece);
    const usage = await cell.usage();
    const files = await collectFiles(cell.folder, program);
    return buildResult({
      backend,
      stopped: stopped ?? usage.stopped,
      ...exit,
      stdout: output,
      stderr: errors,
      files,
      usage: { startMs, wallMs, cpuMs: usage.cpuMs, memoryPeakBytes: usage.memoryPeakBytes },
      ...(usage.hint === undefined ? {} : { hint: usage.hint }),
    });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  }
}

/** A program need not read what it is given. */
const ignore = (): void => {};
