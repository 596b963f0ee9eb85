// `npm run sandbox:battery -- FILE [--backend NAME] [--json]` runs a file of hostile programs in every sandbox that this machine has.
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { parseArgs, styleText } from "node:util";
import { AppError } from "@tutti/core";
import { sandboxBackends, tryBackend, type SandboxOptions } from "../../packages/server/src/sandbox/index.ts";
import { runBare } from "./bare.ts";
import { readBattery, type Battery } from "./battery-file.ts";
import { runBattery, subjectOf, type CaseOutcome, type Subject } from "./run-battery.ts";
import { openSurroundings } from "./surroundings.ts";

const USAGE = `Usage: npm run sandbox:battery -- FILE [options]

Runs the programs in FILE (JSON; test/sandbox/battery.json is one) in each sandbox of this machine and says what came out.

  --backend NAME   only this one (may be given more than once): ${sandboxBackends.map(({ name }) => name).join(", ")};
                   "none" runs the harmless cases in a plain process, where many must fail
  --case ID        only this case (may be given more than once)
  --image NAME     the image of container backends
  --socket PATH    the unix socket of the container engine
  --url URL        where a remote sandbox listens
  --json           the results as JSON

Exit code: 0 when every case that ran was held, 1 when one was not, 2 when nothing could run.
`;

/** What became of one backend. */
type Outcome =
  | { readonly backend: string; readonly status: "ran"; readonly level: string; readonly cases: readonly CaseOutcome[] }
  | { readonly backend: string; readonly status: "missing"; readonly reason: string };

await main();

async function main(): Promise<void> {
  try {
    process.exitCode = await start();
  } catch (error) {
    const { code, message } = AppError.from(error);
    process.stderr.write(`${code}: ${message}\n`);
    process.exitCode = 2;
  }
}

async function start(): Promise<number> {
  const { values, positionals } = parse();
  const [file] = positionals;
  if (values.help === true || file === undefined) {
    process.stdout.write(USAGE);
    return values.help === true ? 0 : 2;
  }
  const isOwnMounts = process.env["TUTTI_BATTERY_MOUNTS"] !== undefined;
  if (!isOwnMounts) {
    const code = inOwnMounts();
    if (code !== undefined) return code;
  }
  const read = await readBattery(resolve(file));
  const wanted = values.case;
  const battery = wanted === undefined ? read : { ...read, cases: read.cases.filter(({ id }) => wanted.includes(id)) };
  const names = values.backend ?? sandboxBackends.map(({ name }) => name);
  const outcomes: Outcome[] = [];
  for (const name of names) {
    const outcome = await runBackend(name, battery, values);
    outcomes.push(outcome);
    if (values.json !== true) process.stdout.write(show(outcome));
  }
  if (values.json === true) process.stdout.write(`${JSON.stringify({ file, backends: outcomes }, null, 2)}\n`);
  const ran = outcomes.filter((outcome) => outcome.status === "ran");
  if (ran.length === 0) return 2;
  return ran.every(({ cases }) => cases.every(({ status }) => status !== "failed")) ? 0 : 1;
}

function parse() {
  return parseArgs({
    allowPositionals: true,
    options: {
      backend: { type: "string", multiple: true },
      case: { type: "string", multiple: true },
      image: { type: "string" },
      socket: { type: "string" },
      url: { type: "string" },
      json: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
}

type Values = ReturnType<typeof parse>["values"];

/**
 * Root's programs that come out of a sandbox could mount over this machine. So that they cannot, the runner gives itself mounts of its own where
 * it may; where it may not, neither may they. Tells the exit code of the run that it started, if it did.
 */
function inOwnMounts(): number | undefined {
  const args = ["--mount", process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  if (spawnSync("unshare", ["--mount", "true"], { stdio: "ignore" }).status !== 0) return undefined;
  return spawnSync("unshare", args, { stdio: "inherit", env: { ...process.env, TUTTI_BATTERY_MOUNTS: "own" } }).status ?? 2;
}

async function runBackend(name: string, battery: Battery, values: Values): Promise<Outcome> {
  await using around = new AsyncDisposableStack();
  const { signal } = new AbortController();
  // First, so that whatever the sandbox starts ahead has the canary in reach too.
  const surroundings = around.use(await openSurroundings());
  let subject: Subject = { languages: ["python", "javascript", "typescript", "shell"], isIsolated: false, run: runBare };
  let level = "none";
  if (name !== "none") {
    const factory = sandboxBackends.find((one) => one.name === name);
    if (factory === undefined) throw new AppError("invalid_input", `wanted a backend of --help, got "${name}"`);
    const candidate = await tryBackend(factory, optionsOf(values), signal);
    if (candidate.status !== "ready") return { backend: name, status: "missing", reason: `${candidate.reason} (${candidate.howToGet})` };
    around.defer(() => candidate.sandbox.close());
    subject = subjectOf(candidate.sandbox, signal);
    ({ level } = candidate.sandbox.report);
  }
  return { backend: name, status: "ran", level, cases: await runBattery(battery, subject, surroundings) };
}

function optionsOf({ image, socket, url }: Values): SandboxOptions {
  return {
    backends: "auto",
    level: "soft",
    ...(image === undefined ? {} : { image }),
    ...(socket === undefined ? {} : { engineSocket: socket }),
    ...(url === undefined ? {} : { remoteUrl: url }),
  };
}

function show(outcome: Outcome): string {
  if (outcome.status === "missing") return `${styleText("bold", outcome.backend)}  not here: ${outcome.reason}\n`;
  const { backend, level, cases } = outcome;
  const lines = cases.flatMap((one) => {
    if (one.status === "held") return [];
    const detail = one.status === "failed" ? one.problems.join("; ") : one.why;
    return [
      `  ${one.status === "failed" ? styleText("red", "FAILED ") : "not run"}  ${one.category}  ${one.id}: ${detail.replaceAll(/\s+/g, " ")}`,
    ];
  });
  const held = cases.filter(({ status }) => status === "held").length;
  const ran = cases.filter(({ status }) => status !== "not run").length;
  return [`${styleText("bold", backend)} (${level})  ${held} of ${ran} held, ${cases.length - ran} not run`, ...lines, ""].join("\n");
}
