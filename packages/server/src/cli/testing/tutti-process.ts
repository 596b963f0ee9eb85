import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const LAUNCHER = fileURLToPath(new URL("../../../bin/tutti.js", import.meta.url));
/** Of what hangs; a server lives as long as the file that tests it, and that is minutes on a busy machine. */
const TIMEOUT_MS = 15 * 60_000;

/** What a command printed and how it ended. */
export interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A command under way. */
export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves once a stream holds the text, with all of the stream so far. */
  printed(text: string, stream?: "stdout" | "stderr"): Promise<string>;
}

/** A folder to run the real command in, with nothing of this machine's environment. */
export interface Workplace extends AsyncDisposable {
  readonly dir: string;
  start(args: readonly string[], options?: StartOptions): Started;
  run(args: readonly string[], options?: StartOptions): Promise<Ended>;
  /** The one JSON document of a command that must succeed. */
  json<T>(args: readonly string[], options?: StartOptions): Promise<T>;
}

/** Input on stdin, more environment, whether to start it with an ipc channel, as the launcher does, and how long it may live. */
interface StartOptions {
  readonly timeoutMs?: number;
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly hasIpc?: boolean;
}

/** Makes a folder, with files in it. */
export async function openWorkplace(files: Readonly<Record<string, string>> = {}): Promise<Workplace> {
  const dir = await mkdtemp(join(tmpdir(), "tutti-cli-"));
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text);
  const children = new Set<ChildProcess>();
  const start = (args: readonly string[], options: StartOptions = {}): Started => {
    const env = { LANG: "C.UTF-8", TUTTI_PORT: "0", TUTTI_TOKEN: "a-token-for-tests-only", ...options.env };
    const child = spawn(process.execPath, [LAUNCHER, ...args], {
      cwd: dir,
      env,
      stdio: options.hasIpc === true ? ["pipe", "pipe", "pipe", "ipc"] : "pipe",
      timeout: options.timeoutMs ?? TIMEOUT_MS,
    });
    children.add(child.once("exit", () => children.delete(child)));
    // A command that ends before it has read all of its input is no failure of the test.
    child.stdin?.on("error", () => undefined).end(options.stdin ?? "");
    return follow(child, options.hasIpc === true ? "exit" : "close");
  };
  const run = async (args: readonly string[], options?: StartOptions): Promise<Ended> => start(args, options).ended;
  return {
    dir,
    start,
    run,
    async json<T>(args: readonly string[], options?: StartOptions): Promise<T> {
      const { code, stdout, stderr } = await run([...args, "--json"], options);
      if (code !== 0) throw new Error(`tutti ${args.join(" ")} ended with ${String(code)}: ${stdout}${stderr}`);
      return JSON.parse(stdout) as T;
    },
    async [Symbol.asyncDispose]() {
      for (const child of children) child.kill("SIGKILL");
      await rm(dir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Node tells no "close" of a child whose ipc channel the parent has closed. */
function follow(child: ChildProcess, end: "exit" | "close"): Started {
  let stdout = "";
  let stderr = "";
  const waiting = new Set<() => void>();
  const onData = (): void => waiting.forEach((look) => look());
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    onData();
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    onData();
  });
  const ended = once(child, end).then(([code, signal]): Ended => {
    onData();
    return { stdout, stderr, code: code as number | null, signal: signal as NodeJS.Signals | null };
  });
  return {
    child,
    ended,
    printed(text, stream = "stdout") {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      const look = (): void => {
        const soFar = stream === "stdout" ? stdout : stderr;
        if (!soFar.includes(text)) return;
        waiting.delete(look);
        resolve(soFar);
      };
      waiting.add(look);
      void ended.then(() => reject(new Error(`wanted ${text}, got ${stdout}${stderr}`)));
      look();
      return promise;
    },
  };
}
