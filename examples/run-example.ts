import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** Runs the `main.ts` beside a test as its reader would, and returns what it prints, by lines. It must warn of nothing. */
export async function runExample(testUrl: string): Promise<readonly string[]> {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [fileURLToPath(new URL("./main.ts", testUrl))]);
  assert.equal(stderr, "");
  return stdout.trimEnd().split("\n");
}
