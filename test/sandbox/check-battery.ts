import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { z } from "zod";

const caseSchema = z.looseObject({
  id: z.string(),
  status: z.enum(["held", "failed", "not run"]),
  problems: z.array(z.string()).optional(),
});
const printedSchema = z.object({
  backends: z.tuple([
    z.looseObject({ status: z.enum(["ran", "missing"]), reason: z.string().optional(), cases: z.array(caseSchema).default([]) }),
  ]),
});

/** What `npm run sandbox:battery` says of the project's own battery and one backend. */
export interface BatteryRun {
  readonly exitCode: number;
  readonly held: readonly string[];
  readonly failed: ReadonlyMap<string, string>;
  readonly notRun: readonly string[];
}

const TIMEOUT_MS = 1_000_000;

/** Runs the project's own battery through its command. */
export async function checkBattery(args: readonly string[]): Promise<BatteryRun> {
  const command = [join(import.meta.dirname, "sandbox-battery.ts"), join(import.meta.dirname, "battery.json"), "--json", ...args];
  const { promise, resolve } = Promise.withResolvers<{ readonly exitCode: number; readonly stdout: string; readonly stderr: string }>();
  const options = { timeout: TIMEOUT_MS, maxBuffer: 16_777_216 };
  const child = execFile(process.execPath, command, options, (_, stdout, stderr) =>
    resolve({ exitCode: child.exitCode ?? -1, stdout, stderr }),
  );
  const { exitCode, stdout, stderr } = await promise;
  assert.notEqual(stdout, "", stderr);
  const [{ status, reason, cases }] = printedSchema.parse(JSON.parse(stdout)).backends;
  assert.equal(status, "ran", reason);
  return {
    exitCode,
    held: cases.filter((one) => one.status === "held").map(({ id }) => id),
    failed: new Map(cases.filter((one) => one.status === "failed").map(({ id, problems = [] }) => [id, problems.join("; ")])),
    notRun: cases.filter((one) => one.status === "not run").map(({ id }) => id),
  };
}
