import { readFile } from "node:fs/promises";
import { AppError } from "@tutti/core";
import { z } from "zod";

const limitsSchema = z.strictObject({
  timeoutMs: z.int().positive(),
  memoryMb: z.int().positive(),
  cpus: z.number().positive(),
  pids: z.int().positive(),
  stdoutBytes: z.int().nonnegative(),
  fsMb: z.int().positive(),
  fileBytes: z.int().nonnegative(),
});

const mostNumber = z.strictObject({ pattern: z.string(), max: z.number() });

const mustSchema = z.strictObject({
  exitCode: z.int().optional(),
  exitCodeNot: z.int().optional(),
  stdout: z.string().optional(),
  stderr: z.string().optional(),
  file: z.strictObject({ name: z.string(), equals: z.string() }).optional(),
  timedOut: z.boolean().optional(),
});

const mustNotSchema = z.strictObject({
  outputContainsCanary: z.literal(true).optional(),
  output: z.string().optional(),
  listenerHit: z.literal(true).optional(),
  hostFileExists: z.array(z.string()).optional(),
  hostFileHash: z.array(z.string()).optional(),
  processAliveWithMark: z.literal(true).optional(),
  victimDead: z.literal(true).optional(),
  wallMsOver: z.number().optional(),
  runnerRssGrowthMbOver: z.number().optional(),
  stdoutBytesOver: z.number().optional(),
  filesBytesOver: z.number().optional(),
  numberOver: mostNumber.optional(),
  lastNumberOver: mostNumber.optional(),
  runnerPolluted: z.literal(true).optional(),
});

const caseSchema = z.strictObject({
  id: z.string().min(1),
  category: z.string().min(1),
  language: z.enum(["python", "javascript", "typescript", "shell"]),
  title: z.string(),
  code: z.string(),
  files: z.record(z.string(), z.string()).optional(),
  stdin: z.string().optional(),
  limits: limitsSchema.partial().optional(),
  must: mustSchema.optional(),
  mustNot: mustNotSchema.optional(),
  /** Never runs where it shares the machine's mounts. */
  needsOwnMountNs: z.boolean().optional(),
  /** May run without any sandbox, to show that its check can fail; the categories of `HARMLESS` may anyway. */
  isHarmless: z.boolean().optional(),
});

const batterySchema = z.object({ version: z.literal(1), defaults: limitsSchema, cases: z.array(caseSchema).min(1) });

/** A set of programs, each with what must and must not happen. */
export type Battery = z.infer<typeof batterySchema>;
export type BatteryCase = z.infer<typeof caseSchema>;
export type BatteryLimits = z.infer<typeof limitsSchema>;

/** Reads a battery; throws `invalid_input` with the place in it that is wrong. */
export async function readBattery(path: string): Promise<Battery> {
  let content: unknown;
  try {
    content = JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    throw new AppError("invalid_input", `wanted a battery as JSON in ${path}, got none: ${String(cause)}; name another file`, { cause });
  }
  const parsed = batterySchema.safeParse(content);
  if (!parsed.success)
    throw new AppError("invalid_input", `wanted a battery in ${path}, got: ${z.prettifyError(parsed.error)}; mend the file`);
  const ids = parsed.data.cases.map(({ id }) => id);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined) throw new AppError("invalid_input", `wanted each id once in ${path}, got "${twice}" twice; rename one`);
  return parsed.data;
}

/** A case with the words in double braces replaced, in its code, its files and what must not happen. */
export function fillCase(one: BatteryCase, words: Readonly<Record<string, string>>): BatteryCase {
  return caseSchema.parse(fill(one, words));
}

function fill(value: unknown, words: Readonly<Record<string, string>>): unknown {
  if (typeof value === "string") return fillText(value, words);
  if (Array.isArray(value)) return value.map((item) => fill(item, words));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [fillText(key, words), fill(item, words)]));
}

function fillText(text: string, words: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\{\{([A-Z_]+)\}\}/g, (whole, word: string) => words[word] ?? whole);
}
