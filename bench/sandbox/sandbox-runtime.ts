import { spawn } from "node:child_process";
import { once } from "node:events";
import { SandboxManager } from "@anthropic-ai/sandbox-runtime";

/** A program in another project's sandbox, as its readme says: a command is wrapped, and a shell runs what comes back. It starts nothing ahead. */
export interface SandboxRuntime {
  readonly run: () => Promise<{ readonly stdout: string }>;
  readonly close: () => Promise<void>;
}

/** Starts it, or tells what it lacks here (bubblewrap, socat). */
export async function openSandboxRuntime(command: string): Promise<SandboxRuntime | string> {
  try {
    const network = { allowedDomains: [], deniedDomains: [] };
    await SandboxManager.initialize({ network, filesystem: { denyRead: [], allowWrite: [], denyWrite: [] } });
  } catch (error) {
    return String(error);
  }
  return {
    run: async () => {
      const child = spawn("/bin/sh", ["-c", await SandboxManager.wrapWithSandbox(command)], { stdio: ["ignore", "pipe", "inherit"] });
      const pieces: Buffer[] = [];
      child.stdout.on("data", (piece: Buffer) => pieces.push(piece));
      await once(child, "close");
      SandboxManager.cleanupAfterCommand();
      return { stdout: Buffer.concat(pieces).toString() };
    },
    close: () => SandboxManager.reset(),
  };
}
