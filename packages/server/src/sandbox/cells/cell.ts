import type { Readable, Writable } from "node:stream";
import type { SandboxLimits, SandboxReason, SandboxResult } from "@tutti/core/sandbox";

/** A place that holds one program once. It has been started, its interpreter waits for the program, and then it is thrown away. */
export interface Cell {
  readonly stdio: { readonly stdin: Writable; readonly stdout: Readable; readonly stderr: Readable; readonly control: Writable };
  /** How the program ended, as soon as it did: what it left running may hold its pipes open. */
  readonly exited: Promise<CellExit>;
  /** Puts these limits in force. */
  confine(limits: SandboxLimits): Promise<void>;
  /** Ends all that runs in it, at once. */
  kill(): void;
  /** When nothing runs in it any more; to be asked for after `kill`. */
  gone(): Promise<void>;
  /** Where its working folder is seen from here, once it is gone. */
  readonly folder: string;
  usage(): Promise<CellUsage>;
  /** Gives everything back; it may be called at any time. */
  dispose(): Promise<void>;
}

/** How the program in a cell ended. */
export interface CellExit {
  readonly exitCode: number | null;
  readonly signal: string | null;
}

/** What it used, and why it was ended, if whatever guards the cell did that. */
export interface CellUsage {
  readonly cpuMs: number;
  readonly memoryPeakBytes: number;
  readonly stopped: Exclude<SandboxReason, "exit"> | undefined;
  readonly hint?: SandboxResult["hint"];
}

/** What is started ahead and waits: one kind runs JavaScript and TypeScript. */
export type CellKind = "python" | "node" | "shell";

/** What is said of a program of which nobody knows how it ended. */
export const LOST = { errno: "EIO", message: "what watches programs was ended from outside, and this one with it; run it again" } as const;

/** Node in every cell: enums and namespaces of TypeScript work too. */
export const nodeFlags: readonly string[] = [
  "--experimental-transform-types",
  "--disable-warning=ExperimentalWarning",
  // A program is one file: its syntax says what it is, and no package.json has to.
  "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON",
];
