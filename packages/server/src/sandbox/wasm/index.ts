import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { AppError } from "@tutti/core";
import type { SandboxLanguage, SandboxLimits } from "@tutti/core/sandbox";
import type { BackendOptions, OpenBackend, SandboxBackendFactory } from "../backend.ts";
import { capOutput } from "../shared/capped-output.ts";
import { readFrames } from "../shared/frames.ts";
import { PlacePool } from "../shared/place-pool.ts";
import { WasmPlace } from "./wasm-place.ts";

const run = promisify(execFile);
const require = createRequire(import.meta.url);

const RUNNERS = ["channel.mjs", "run-python.mjs", "run-javascript.mjs"];
const SNAPSHOT_BYTES_MAX = 268_435_456;
const SAID_BYTES_MAX = 4_096;
const FILE = 4;
const END = 5;
/** What the interpreter is, before a program has any memory of its own. */
const PYTHON_BYTES = 33_554_432;

/** Backend C: interpreters in WebAssembly (Pyodide, QuickJS), each program in a process of Deno's that has no permission but to read them. */
export const wasmBackend: SandboxBackendFactory = {
  name: "wasm",
  level: "soft",
  howToGet: "npm install deno pyodide (pyodide only for Python)",
  open,
};

async function open({ folder, limits, warmMax }: BackendOptions, signal: AbortSignal): Promise<OpenBackend> {
  const deno = await findDeno(signal);
  const runners = join(folder, "wasm");
  await mkdir(runners, { recursive: true });
  for (const name of RUNNERS) await copyFile(fileURLToPath(new URL(name, import.meta.url)), join(runners, name));
  const quickjs = await linkQuickjs(runners);
  const pyodide = folderOf("pyodide");
  const flags = (readable: readonly string[]): string[] => [
    "run",
    "--quiet",
    "--no-prompt",
    "--no-remote",
    "--no-npm",
    "--no-config",
    "--no-lock",
    `--import-map=${quickjs.importMap}`,
    `--allow-read=${readable.join(",")}`,
  ];
  const snapshot = join(runners, "snapshot");
  const python = (memory: number, from: string): readonly string[] => [
    ...flags([runners, pyodide ?? runners]),
    join(runners, "run-python.mjs"),
    pyodide ?? "",
    String(memory),
    from,
  ];
  if (pyodide !== undefined) await makeSnapshot({ deno, args: python(limits.memoryBytes + PYTHON_BYTES, "make"), file: snapshot }, signal);
  const start = (kind: string, { memoryBytes }: SandboxLimits, starting: AbortSignal): Promise<WasmPlace> => {
    const javascript = [...flags([runners, ...quickjs.folders]), join(runners, "run-javascript.mjs"), String(memoryBytes)];
    return WasmPlace.start(deno, kind === "python" ? python(memoryBytes + PYTHON_BYTES, snapshot) : javascript, starting);
  };
  const pool = new PlacePool("wasm", start, warmMax);
  const languages: readonly SandboxLanguage[] = ["javascript", "typescript"];
  return {
    level: "soft",
    languages: pyodide === undefined ? languages : ["python", ...languages],
    means: {
      "no-network": "WebAssembly has none; Deno without permission for it",
      "no-host-files": "files in memory; Deno may read the interpreter alone",
      "clean-environment": "no environment is passed; Deno without permission for it",
      time: "SIGKILL to the process",
      memory: "a bound of the interpreter's memory, and a look at the process every 50 ms",
      processes: "WebAssembly has none; Deno without permission for it",
      cpu: "nothing: a program may use a whole core",
      output: "frames read up to a bound",
      "no-survivors": "one process, which is ended",
      "safe-files": "files in memory; names and sizes are checked as they come back",
    },
    lacks: ["cpu"],
    run: (program, running) => pool.run(program.language === "python" ? "python" : "javascript", program, running),
    close: () => pool.close(),
  };
}

/** Deno as an npm package of this installation, or the one that is installed on this machine. */
async function findDeno(signal: AbortSignal): Promise<string> {
  const folder = folderOf("deno");
  const name = process.platform === "win32" ? "deno.exe" : "deno";
  const found = folder === undefined ? undefined : join(folder, name);
  const deno = found !== undefined && existsSync(found) ? found : name;
  try {
    await run(deno, ["--version"], { signal });
    return deno;
  } catch (cause) {
    signal.throwIfAborted();
    throw new AppError("unsupported", "wanted Deno, which holds the interpreters, got none; run: npm install deno", { cause });
  }
}

function folderOf(name: string): string | undefined {
  try {
    return dirname(require.resolve(`${name}/package.json`));
  } catch {
    return undefined;
  }
}

/** Tells Deno, which shall look for no packages, where QuickJS stands. */
async function linkQuickjs(runners: string): Promise<{ readonly importMap: string; readonly folders: readonly string[] }> {
  const core = packageFolder(require.resolve("quickjs-emscripten-core"));
  const fromCore = createRequire(join(core, "package.json"));
  const variant = packageFolder(require.resolve("@jitl/quickjs-ng-wasmfile-release-sync"));
  const types = packageFolder(fromCore.resolve("@jitl/quickjs-ffi-types"));
  const url = (...parts: readonly string[]): string => pathToFileURL(join(...(parts as [string]))).href;
  const imports = {
    "quickjs-emscripten-core": url(core, "dist/index.mjs"),
    "@jitl/quickjs-ng-wasmfile-release-sync": url(variant, "dist/index.mjs"),
    "@jitl/quickjs-ng-wasmfile-release-sync/emscripten-module": url(variant, "dist/emscripten-module.mjs"),
    "@jitl/quickjs-ng-wasmfile-release-sync/ffi": url(variant, "dist/ffi.mjs"),
    "@jitl/quickjs-ffi-types": url(types, "dist/index.mjs"),
  };
  const importMap = join(runners, "import-map.json");
  await writeFile(importMap, JSON.stringify({ imports }));
  return { importMap, folders: [core, variant, types] };
}

/** The folder of the package that a file belongs to: the one above its "dist". */
function packageFolder(file: string): string {
  return file.slice(0, file.lastIndexOf(`${join("/", "dist")}`));
}

/** Starts the interpreter once and keeps how it looks then; later starts begin there. */
async function makeSnapshot(
  { deno, args, file }: { readonly deno: string; readonly args: readonly string[]; readonly file: string },
  signal: AbortSignal,
): Promise<void> {
  const child = spawn(deno, args, { env: { HOME: "/nonexistent", NO_COLOR: "1" }, stdio: ["ignore", "pipe", "pipe"] });
  const said = capOutput(child.stderr, SAID_BYTES_MAX, () => {});
  const exited = once(child, "exit");
  const abort = (): void => void child.kill("SIGKILL");
  signal.addEventListener("abort", abort, { once: true });
  let snapshot: Buffer | undefined;
  await readFrames(child.stdout, { from: "Pyodide", kindMax: END, bytesMax: SNAPSHOT_BYTES_MAX }, (kind, bytes) => {
    if (kind === FILE) snapshot = bytes.subarray(4 + bytes.readUInt32BE(0));
  }).finally(() => signal.removeEventListener("abort", abort));
  await exited;
  signal.throwIfAborted();
  if (snapshot === undefined)
    throw new AppError("unsupported", `wanted a snapshot of Pyodide, got none: ${said.text().slice(0, 300)}; install pyodide anew`);
  await writeFile(file, snapshot);
}
