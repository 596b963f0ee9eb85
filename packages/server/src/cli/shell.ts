import { AppError } from "@tutti/core";
import type { ConfigReading } from "../host/config/index.ts";
import { line, terminalOf, type Piece, type Terminal } from "./terminal.ts";
import { printable } from "./terminal-text.ts";

/** What a command may end with. */
export const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** Options that every command takes. */
export interface CommonFlags {
  readonly json?: boolean;
  readonly config?: string;
  readonly dataDir?: string;
  readonly logLevel?: string;
}

const DUMB: Terminal = { columns: 80, isTerminal: false, hasUnicode: false, hasColour: false };

/** What a command needs of the world: where to print, what was asked for in common, and when to stop. */
export class Shell {
  /** What stdout and stderr can show; dumb until `open`. */
  out: Terminal = DUMB;
  err: Terminal = DUMB;
  /** Aborts at Ctrl-C, at SIGTERM and when whoever started this process is gone. */
  readonly signal: AbortSignal;
  exitCode: number = EXIT.ok;
  readonly #flags: () => CommonFlags;
  #hasProgress = false;

  constructor(options: { readonly flags: () => CommonFlags; readonly signal: AbortSignal }) {
    this.#flags = options.flags;
    this.signal = options.signal;
  }

  /** Looks at the terminals. Apart from the constructor, because reading the environment loads far more than `tutti version` needs. */
  async open(): Promise<void> {
    const { readLocale } = await import("../host/config/index.ts");
    this.out = terminalOf(process.stdout, readLocale());
    this.err = terminalOf(process.stderr, readLocale());
  }

  get isJson(): boolean {
    return this.#flags().json === true;
  }

  /** The configuration: the process's, with the flags over it. */
  async readConfig(flags: Readonly<Record<string, unknown>> = {}): Promise<ConfigReading> {
    const { readProcessConfig } = await import("../host/config/index.ts");
    const { json: _, ...common } = this.#flags();
    return readProcessConfig({ ...common, ...flags });
  }

  /** The configuration without what names secrets, which only a server has to have. */
  async readConfigWithoutSecrets(flags: Readonly<Record<string, unknown>> = {}): Promise<ConfigReading> {
    const { readProcessConfig } = await import("../host/config/index.ts");
    const { json: _, ...common } = this.#flags();
    return readProcessConfig({ ...common, ...flags }, true);
  }

  /** Lines for people, which are safe to print already (`printable`, `line`). Nothing is printed with --json. */
  print(...lines: readonly string[]): void {
    if (this.isJson || lines.length === 0) return;
    this.clearProgress();
    process.stdout.write(`${lines.join("\n")}\n`);
  }

  /** One line of pieces for people, cut to the terminal. */
  printLine(...pieces: readonly Piece[]): void {
    this.print(line(pieces, this.out));
  }

  /** The one document of a command, with --json only. */
  printJson(value: unknown): void {
    if (this.isJson) process.stdout.write(`${safeJson(value, 2)}\n`);
  }

  /** One of many documents, one a line, with --json only. */
  printJsonLine(value: unknown): void {
    if (this.isJson) process.stdout.write(`${safeJson(value)}\n`);
  }

  /** A remark beside the result, on stderr. */
  note(text: string): void {
    if (!this.isJson) this.warn(text);
  }

  /** What must be told whatever is printed otherwise, on stderr. */
  warn(text: string): void {
    this.clearProgress();
    process.stderr.write(`${printable(text)}\n`);
  }

  /** What is being done, on a line of its own that the next output overwrites. Only where somebody looks. */
  progress(text: string): void {
    if (this.isJson || !this.err.isTerminal) return;
    process.stderr.write(`\r\u001b[2K${line([{ text: printable(text), style: "dim" }], this.err)}`);
    this.#hasProgress = true;
  }

  clearProgress(): void {
    if (this.#hasProgress) process.stderr.write("\r\u001b[2K");
    this.#hasProgress = false;
  }
}

/** A mistake in how a command was called. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** JSON that is safe on a terminal too: C1 controls and bidirectional marks, which `JSON.stringify` leaves alone, are escaped. */
export function safeJson(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, undefined, indent) ?? "null";
  return text.replaceAll(
    /[\u007F-\u009F\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069\uFEFF]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** A JSON value from the command line: itself, `@file`, or `-` for stdin. */
export async function readJsonArgument(argument: string, what: string): Promise<unknown> {
  const text = await readArgument(argument, what);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new UsageError(
      `${what} must be JSON, @file or -, got ${JSON.stringify(text.slice(0, 60))}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

async function readArgument(argument: string, what: string): Promise<string> {
  if (argument === "-") return readStdin();
  if (!argument.startsWith("@")) return argument;
  const { readFile } = await import("node:fs/promises");
  return readFile(argument.slice(1), "utf8").catch((error: unknown) => {
    throw new UsageError(`${what} names a file that cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  });
}

const STDIN_BYTES_MAX = 64 * 1_048_576;

/** All of stdin as text. */
export async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > STDIN_BYTES_MAX) throw new AppError("too_large", `wanted at most ${STDIN_BYTES_MAX} bytes on stdin, got more`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
