import { randomBytes } from "node:crypto";
import { access, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo, type ListenOptions } from "node:net";
import { join } from "node:path";
import { AppError } from "@tutti/core";
import type { SandboxLimits, SandboxPromise, SandboxResult } from "@tutti/core/sandbox";
import type { OpenBackend } from "../backend.ts";
import { readProgram } from "../shared/program.ts";
import { javascriptProbes } from "./javascript-probes.ts";
import { pythonProbes } from "./python-probes.ts";

const MEBIBYTE = 1_048_576;
const RUN_TIMEOUT_MS = 8_000;
const PROCESSES_MAX = 24;
const OUTPUT_BYTES = 65_536;
const MEMORY_MEBIBYTES = 160;
const CPUS = 0.2;

type Name = SandboxPromise["name"];
type Finding = { readonly name: Name; readonly problem: string | undefined };

/** Names that a program's environment may hold; none of them comes from ours. */
const CLEAN_NAMES: ReadonlySet<string> = new Set(
  "PATH HOME LANG LC_ALL LC_CTYPE TMPDIR TMP TEMP PWD OLDPWD SHLVL _ HOSTNAME TZ TERM USER LOGNAME PYTHONDONTWRITEBYTECODE PYTHONHASHSEED PYTHONUNBUFFERED NODE_NO_WARNINGS GPG_KEY PYTHON_VERSION PYTHON_SHA256 OPENSSL_CONF container".split(
    " ",
  ),
);

/** Runs what must not be possible, and says of each promise whether it holds here. Never asks for a version. */
export async function selfTest(
  backend: OpenBackend,
  options: { readonly folder: string; readonly limits: SandboxLimits },
  signal: AbortSignal,
): Promise<readonly SandboxPromise[]> {
  const test = new SelfTest(backend, options, signal);
  const findings = (await Promise.all([test.look(), test.time(), test.memory(), test.output(), test.survivors(), test.cpu()])).flat();
  return PROMISES.map((name) => {
    const problem = findings.find((finding) => finding.name === name && finding.problem !== undefined)?.problem;
    const isPromised = backend.lacks?.includes(name) !== true;
    return { name, holds: problem === undefined && isPromised, detail: problem ?? backend.means[name] };
  });
}

const PROMISES: readonly Name[] = [
  "no-network",
  "no-host-files",
  "clean-environment",
  "time",
  "memory",
  "processes",
  "cpu",
  "output",
  "no-survivors",
  "safe-files",
];

class SelfTest {
  readonly #backend: OpenBackend;
  readonly #folder: string;
  readonly #limits: SandboxLimits;
  readonly #signal: AbortSignal;
  readonly #probes;

  constructor(backend: OpenBackend, { folder, limits }: { readonly folder: string; readonly limits: SandboxLimits }, signal: AbortSignal) {
    this.#backend = backend;
    this.#folder = folder;
    this.#limits = limits;
    this.#signal = signal;
    this.#probes = backend.languages.includes("python") ? pythonProbes : javascriptProbes;
  }

  async look(): Promise<readonly Finding[]> {
    const canary = `canary-${randomBytes(12).toString("hex")}`;
    const canaryDir = join(this.#folder, "canary");
    const canaryFile = join(canaryDir, "secret.txt");
    await mkdir(canaryDir, { recursive: true, mode: 0o777 });
    await writeFile(canaryFile, canary, { mode: 0o644 });
    await using tcp = await listen({ host: "127.0.0.1", port: 0 });
    await using unix = await listen({ path: join(canaryDir, "s") });
    const facts = { port: tcp.port, unixPath: join(canaryDir, "s"), canaryFile, canaryDir, pid: process.pid };
    const result = await this.#run(this.#probes.look(JSON.stringify(facts)), { processesMax: PROCESSES_MAX });
    const wrote = await access(join(canaryDir, "written")).then(
      () => true,
      () => false,
    );
    await rm(canaryDir, { recursive: true, force: true });
    const said = result.stdout;
    const unclean = namesIn(said).filter((name) => !CLEAN_NAMES.has(name));
    const forked = numberAfter("FORKED", said);
    const leaked = said.includes(canary) || JSON.stringify(result.stderr).includes(canary);
    const broken = /^(FORKED|NAMES)/m.test(said) ? undefined : `the probe did not run: ${summary(result)}`;
    const inFiles = Object.entries(result.files).find(([name, bytes]) => name !== "sparse.bin" && Buffer.from(bytes).includes(canary))?.[0];
    return [
      finding(
        "no-network",
        broken ?? when(tcp.hits() + unix.hits() > 0 || said.includes("NETWORK reached"), "a program reached a socket of this machine"),
      ),
      finding("no-host-files", broken ?? when(leaked || wrote, "a program read or wrote a file outside of its folder")),
      finding(
        "clean-environment",
        broken ?? when(/^ENVIRONMENT/m.test(said) || unclean.length > 0, `a program saw variables of this process: ${unclean.join(", ")}`),
      ),
      finding(
        "processes",
        broken ?? when(forked > PROCESSES_MAX * 1.5, `a program that may have ${PROCESSES_MAX} processes had ${forked}`),
      ),
      finding("safe-files", broken ?? when(inFiles !== undefined, `${inFiles} came back with what a symlink points to`)),
    ];
  }

  async time(): Promise<readonly Finding[]> {
    const began = performance.now();
    const result = await this.#run(this.#probes.time, { runTimeoutMs: 300 });
    const wallMs = performance.now() - began;
    const problem = result.reason !== "timeout" ? `a program without end did not end at its time: ${summary(result)}` : undefined;
    return [finding("time", problem ?? when(wallMs > RUN_TIMEOUT_MS, `a program of 300 ms ended after ${Math.round(wallMs)} ms`))];
  }

  async memory(): Promise<readonly Finding[]> {
    const result = await this.#run(this.#probes.memory, { memoryBytes: MEMORY_MEBIBYTES * MEBIBYTE });
    const held = Math.max(0, ...[...result.stdout.matchAll(/HELD_MB (\d+)/g)].map((match) => Number(match[1])));
    const isBroken = result.reason === "infra" || (result.reason === "exit" && result.stdout === "" && result.exitCode === 0);
    const problem = isBroken ? `the probe did not run: ${summary(result)}` : undefined;
    return [
      finding("memory", problem ?? when(held > MEMORY_MEBIBYTES * 1.3, `its processes held ${held} MB, ${MEMORY_MEBIBYTES} were allowed`)),
    ];
  }

  async output(): Promise<readonly Finding[]> {
    const result = await this.#run(this.#probes.output, { outputBytes: OUTPUT_BYTES });
    const isRight = result.truncated.stdout && Buffer.byteLength(result.stdout) <= OUTPUT_BYTES;
    return [finding("output", when(!isRight, `a flood of output was not cut off: ${summary(result)}`))];
  }

  async survivors(): Promise<readonly Finding[]> {
    const mark = `tutti-survivor-${randomBytes(8).toString("hex")}`;
    const result = await this.#run(this.#probes.survivor(mark), {});
    const problem = result.reason === "infra" ? `the probe did not run: ${summary(result)}` : undefined;
    return [finding("no-survivors", problem ?? when(await isRunning(mark), "a process outlived its run"))];
  }

  async cpu(): Promise<readonly Finding[]> {
    // On a busy machine a program may seem to be held by what it is not.
    if (this.#backend.level === "soft") return [finding("cpu", this.#backend.means.cpu)];
    const result = await this.#run(this.#probes.cpu, { cpus: CPUS });
    const percent = numberAfter("CPU_PERCENT", result.stdout);
    const problem = Number.isNaN(percent) ? `the probe did not run: ${summary(result)}` : undefined;
    return [
      finding("cpu", problem ?? when(percent > CPUS * 100 * 1.75, `a program that may use ${CPUS * 100} % of a core used ${percent} %`)),
    ];
  }

  async #run(code: string, limits: Partial<SandboxLimits>): Promise<SandboxResult> {
    const asked = { ...this.#limits, runTimeoutMs: RUN_TIMEOUT_MS, ...limits };
    return this.#backend.run(readProgram({ language: this.#probes.language, code, limits: asked }, this.#limits), this.#signal);
  }
}

const finding = (name: Name, problem: string | undefined): Finding => ({ name, problem });
const when = (isProblem: boolean, problem: string): string | undefined => (isProblem ? problem : undefined);

function numberAfter(word: string, text: string): number {
  return Number(new RegExp(`^${word} (\\d+)`, "m").exec(text)?.[1] ?? Number.NaN);
}

function namesIn(text: string): readonly string[] {
  const found: unknown = JSON.parse(/^NAMES (\[.*\])$/m.exec(text)?.[1] ?? "[]");
  return Array.isArray(found) ? found.map(String) : [];
}

function summary({ reason, exitCode, signal, stderr, hint }: SandboxResult): string {
  const last = stderr.trim().split("\n").at(-1) ?? "";
  return [reason, exitCode === null ? signal : `exit code ${exitCode}`, hint?.message, last.slice(0, 300)].filter(Boolean).join("; ");
}

interface Listener extends AsyncDisposable {
  readonly port: number;
  readonly hits: () => number;
}

async function listen(options: ListenOptions): Promise<Listener> {
  let hits = 0;
  const server = createServer((socket) => {
    hits += 1;
    socket.on("error", () => {});
    socket.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => reject(new AppError("unsupported", "the self-test could not listen on this machine", { cause })));
    server.listen(options, resolve);
  });
  const address = server.address() as AddressInfo | string | null;
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    hits: () => hits,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** Whether a process of this machine has a word in its command line. Machines without /proc have backends that keep processes elsewhere. */
async function isRunning(mark: string): Promise<boolean> {
  const pids = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
  return lines.some((line) => line.includes(mark));
}
