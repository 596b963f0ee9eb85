import { AppError } from "@tutti/core";
import type { SandboxLimits } from "@tutti/core/sandbox";

const MEBIBYTE = 1_048_576;
const DAY_MS = 86_400_000;

/** What a program may use when nobody says otherwise. */
export const DEFAULT_LIMITS: SandboxLimits = {
  startTimeoutMs: 10_000,
  runTimeoutMs: 10_000,
  memoryBytes: 256 * MEBIBYTE,
  cpus: 1,
  processesMax: 64,
  outputBytes: MEBIBYTE,
  diskBytes: 64 * MEBIBYTE,
  fileBytes: 8 * MEBIBYTE,
  filesMax: 100,
};

/** The smallest and the largest value of each limit. */
export const LIMIT_BOUNDS: Readonly<Record<keyof SandboxLimits, readonly [min: number, max: number]>> = {
  startTimeoutMs: [100, 600_000],
  runTimeoutMs: [10, DAY_MS],
  memoryBytes: [16 * MEBIBYTE, 1_048_576 * MEBIBYTE],
  cpus: [0.05, 1_024],
  processesMax: [1, 10_000],
  outputBytes: [0, 64 * MEBIBYTE],
  diskBytes: [4_096, 65_536 * MEBIBYTE],
  fileBytes: [0, 256 * MEBIBYTE],
  filesMax: [0, 10_000],
};

const NAMES = Object.keys(LIMIT_BOUNDS) as readonly (keyof SandboxLimits)[];

/** The limits of one program: what it asks for, or what holds by default. Throws `invalid_input` for one that is out of bounds. */
export function resolveLimits(asked: Partial<SandboxLimits>, defaults: SandboxLimits = DEFAULT_LIMITS): SandboxLimits {
  const limits: Record<keyof SandboxLimits, number> = { ...defaults };
  for (const name of NAMES) limits[name] = checked(name, asked[name] ?? defaults[name]);
  return limits;
}

function checked(name: keyof SandboxLimits, value: number): number {
  const [min, max] = LIMIT_BOUNDS[name];
  const isRight = Number.isFinite(value) && value >= min && value <= max && (name === "cpus" || Number.isInteger(value));
  if (isRight) return value;
  const kind = name === "cpus" ? "a number" : "a whole number";
  throw new AppError("invalid_input", `wanted ${kind} from ${min} to ${max} as ${name}, got ${value}; change that limit`);
}
