import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { SandboxLanguage, SandboxRequest, SandboxResult } from "@tutti/core/sandbox";

const COMMANDS: Readonly<Record<SandboxLanguage, readonly [command: string, name: string]>> = {
  // The one that sandboxes run: a manager of versions in its place takes its own time.
  python: [existsSync("/usr/bin/python3") ? "/usr/bin/python3" : "python3", "main.py"],
  javascript: [process.execPath, "main.js"],
  typescript: [process.execPath, "main.ts"],
  shell: ["sh", "main.sh"],
};

/** No sandbox at all: a plain process. It shows that checks can fail, and what a program costs by itself. */
export async function runBare(request: SandboxRequest): Promise<Omit<SandboxResult, "backend">> {
  await using cleaning = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "tutti-bare-"));
  cleaning.defer(() => rm(folder, { recursive: true, force: true }));
  const [command, name] = COMMANDS[request.language];
  await writeFile(join(folder, "package.json"), "{}");
  await writeFile(join(folder, name), request.code);
  for (const [file, content] of Object.entries(request.files ?? {})) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), content);
  }
  const began = performance.now();
  const child = spawn(command, [name], { cwd: folder, timeout: request.limits?.runTimeoutMs, killSignal: "SIGKILL" });
  const texts = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", (text: string) => (texts[stream] += text));
  }
  child.stdin.on("error", () => {});
  child.stdin.end(request.stdin ?? "");
  const [exitCode, signal] = (await once(child, "exit")) as [number | null, string | null];
  const wallMs = performance.now() - began;
  // A daemon may hold the pipes; what was said by now is enough.
  await new Promise((resolve) => setImmediate(resolve));
  return {
    reason: child.killed ? "timeout" : "exit",
    exitCode,
    signal,
    ...texts,
    truncated: { stdout: false, stderr: false, files: false },
    files: await filesOf(folder, [name, "package.json"]),
    usage: { startMs: 0, wallMs, cpuMs: 0, memoryPeakBytes: 0 },
  };
}

/** As a careless collector reads them: symlinks are followed, folders too. */
async function filesOf(folder: string, own: readonly string[]): Promise<Record<string, Uint8Array>> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => !own.includes(name));
  const found = await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name)).catch(() => undefined)] as const));
  return Object.fromEntries(found.filter((entry): entry is [string, Buffer<ArrayBuffer>] => entry[1] !== undefined));
}
