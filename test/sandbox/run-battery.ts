import { existsSync, rmSync } from "node:fs";
import { AppError } from "@tutti/core";
import type { Sandbox, SandboxLimits, SandboxRequest, SandboxResult } from "@tutti/core/sandbox";
import { fillCase, type Battery, type BatteryCase, type BatteryLimits } from "./battery-file.ts";
import { judge } from "./judge.ts";
import { hashesOf, isMarkAlive, newMark, realmOf, resetMemoryPeak, type Surroundings } from "./surroundings.ts";

const MEBIBYTE = 1_048_576;
/** Of all cases that run without any sandbox, these categories touch nothing that matters. */
const HARMLESS: ReadonlySet<string> = new Set(["control", "network", "files", "secrets"]);

/** How one case went: `held`, `failed` with what went against it, or not run and why. */
export type CaseOutcome = { readonly id: string; readonly category: string } & (
  | { readonly status: "held"; readonly wallMs: number; readonly reason: string }
  | { readonly status: "failed"; readonly wallMs: number; readonly reason: string; readonly problems: readonly string[] }
  | { readonly status: "not run"; readonly why: string }
);

/** What runs the cases: a sandbox, or nothing around them at all. */
export interface Subject {
  readonly languages: readonly string[];
  readonly isIsolated: boolean;
  run(request: SandboxRequest): Promise<Ran>;
}

type Ran = Pick<SandboxResult, "reason" | "exitCode" | "stdout" | "stderr" | "files">;

/** A sandbox as the subject of a battery. */
export function subjectOf(sandbox: Sandbox, signal: AbortSignal): Subject {
  return { languages: sandbox.report.languages, isIsolated: true, run: (request) => sandbox.run(request, signal) };
}

/** Runs the cases one after the other and judges each from outside. */
export async function runBattery(battery: Battery, subject: Subject, surroundings: Surroundings): Promise<readonly CaseOutcome[]> {
  const outcomes: CaseOutcome[] = [];
  for (const one of battery.cases) {
    const why = whyNot(one, subject);
    const { id, category } = one;
    outcomes.push(why === undefined ? await runCase(one, { battery, subject, surroundings }) : { id, category, status: "not run", why });
  }
  return outcomes;
}

function whyNot(one: BatteryCase, { languages, isIsolated }: Subject): string | undefined {
  if (!languages.includes(one.language)) return `it has no ${one.language}`;
  if (isIsolated) return undefined;
  if (one.needsOwnMountNs === true) return "it would mount on this machine";
  return HARMLESS.has(one.category) || one.isHarmless === true ? undefined : "it may do harm without a sandbox";
}

interface Around {
  readonly battery: Battery;
  readonly subject: Subject;
  readonly surroundings: Surroundings;
}

async function runCase(template: BatteryCase, { battery, subject, surroundings }: Around): Promise<CaseOutcome> {
  const mark = newMark();
  const one = fillCase(template, surroundings.words(mark));
  const forbidden = one.mustNot?.hostFileExists ?? [];
  const hashesBefore = await hashesOf(one.mustNot?.hostFileHash ?? []);
  const hitsBefore = await surroundings.listeners.hits();
  const realmBefore = realmOf();
  for (const path of forbidden) rmSync(path, { recursive: true, force: true });
  const growthMb = resetMemoryPeak();
  const began = performance.now();
  const result = await runOrRefuse(subject, requestOf(one, battery.defaults));
  const wallMs = performance.now() - began;
  const rssGrowthMb = growthMb();
  const isAlive = isMarkAlive(mark);
  const hashesAfter = await hashesOf([...hashesBefore.keys()]);
  // A sandbox that breaks holds nothing.
  const broken = result.reason === "infra" ? [`the sandbox itself failed: ${result.stderr}`] : [];
  const judged = judge(one, {
    result,
    canary: surroundings.canary,
    wallMs,
    rssGrowthMb,
    listenerHits: (await surroundings.listeners.hits()) - hitsBefore,
    filesFound: forbidden.filter((path) => existsSync(path)),
    hashes: new Map([...hashesBefore].map(([path, before]) => [path, { before, after: hashesAfter.get(path) ?? "gone" }])),
    isMarkAlive: isAlive,
    isVictimWell: surroundings.isVictimWell(),
    isPolluted: realmOf() !== realmBefore,
  });
  const problems = [...broken, ...judged];
  for (const path of forbidden) rmSync(path, { recursive: true, force: true });
  const told = { id: one.id, category: one.category, wallMs: Math.round(wallMs), reason: result.reason };
  return problems.length === 0 ? { ...told, status: "held" } : { ...told, status: "failed", problems };
}

/** A request that the sandbox refuses at its door ran nothing; what must not happen can then be judged all the same. */
async function runOrRefuse(subject: Subject, request: SandboxRequest): Promise<Ran> {
  try {
    return await subject.run(request);
  } catch (error) {
    const { code, message } = AppError.from(error);
    return {
      reason: code === "invalid_input" ? "policy" : "infra",
      exitCode: null,
      stdout: "",
      stderr: `${code}: ${message.slice(0, 300)}`,
      files: {},
    };
  }
}

function requestOf(one: BatteryCase, defaults: BatteryLimits): SandboxRequest {
  const { files, stdin } = one;
  return {
    language: one.language,
    code: one.code,
    ...(files === undefined ? {} : { files }),
    ...(stdin === undefined ? {} : { stdin }),
    limits: limitsOf(defaults, one.limits ?? {}),
  };
}

function limitsOf(defaults: BatteryLimits, own: NonNullable<BatteryCase["limits"]>): Partial<SandboxLimits> {
  const given = Object.entries(own).filter(([, value]) => value !== undefined);
  const limits: BatteryLimits = { ...defaults, ...Object.fromEntries(given) };
  return {
    runTimeoutMs: limits.timeoutMs,
    memoryBytes: limits.memoryMb * MEBIBYTE,
    cpus: limits.cpus,
    processesMax: limits.pids,
    outputBytes: limits.stdoutBytes,
    diskBytes: limits.fsMb * MEBIBYTE,
    fileBytes: limits.fileBytes,
  };
}
