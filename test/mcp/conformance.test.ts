import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { startConformanceServer } from "./conformance-server.ts";

const run = promisify(execFile);
const RUNNER = new URL("../../node_modules/@modelcontextprotocol/conformance/dist/index.js", import.meta.url).pathname;
const CLIENT = new URL("conformance-client.ts", import.meta.url).pathname;
/** The suite starts all its clients at once, and this machine may have other things to do. */
const CLIENT_TIMEOUT_MS = "240000";
const OUTPUT_BYTES_MAX = 64 * 1_048_576;

/** Revisions whose requirement sets the suite has; a set names all scenarios that count. */
const REVISIONS = ["2025-11-25", "2026-07-28"];

for (const revision of REVISIONS) {
  test(`the server passes every scored conformance scenario of ${revision}`, async () => {
    await using server = await startConformanceServer();
    const summary = await conformance(["server", "--url", server.url, "--requirements", revision]);
    assertAllPassed(summary, { revision, atLeast: revision === "2025-11-25" ? 30 : 37 });
  });
}

for (const revision of REVISIONS) {
  test(`the client passes every scored conformance scenario of ${revision}`, async () => {
    const summary = await conformance([
      "client",
      "--command",
      `${process.execPath} ${CLIENT}`,
      "--requirements",
      revision,
      "--timeout",
      CLIENT_TIMEOUT_MS,
    ]);
    assertAllPassed(summary, { revision, atLeast: revision === "2025-11-25" ? 18 : 32 });
  });
}

/** Runs the official suite in a folder that is thrown away; its exit code is the verdict on what is scored. */
async function conformance(args: readonly string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "tutti-mcp-"));
  try {
    const { stdout } = await run(process.execPath, [RUNNER, ...args, "--output-dir", folder], { cwd: folder, maxBuffer: OUTPUT_BYTES_MAX });
    return stdout;
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { readonly stdout?: string; readonly stderr?: string };
    const summary = summaryOf(stdout);
    assert.fail(`the suite found faults:\n${summary || stdout.slice(-4000)}\n${stderr.slice(-2000)}\n${await faultsIn(folder)}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What the suite wrote down of each scenario that did not pass, and the last that its client said. */
async function faultsIn(folder: string): Promise<string> {
  const files = await readdir(folder, { recursive: true });
  const told = files
    .filter((file) => file.endsWith("checks.json"))
    .map(async (file) => {
      const checks = await readFile(join(folder, file), "utf8");
      if (!checks.includes('"FAILURE"')) return "";
      const said = await readFile(join(folder, dirname(file), "stderr.txt"), "utf8").catch(() => "");
      return `${file}: ${checks.slice(-1000)}\n${said.slice(-1000)}`;
    });
  return (await Promise.all(told)).filter((text) => text !== "").join("\n");
}

/** A run that ran nothing must not count as one that passed everything. */
function assertAllPassed(output: string, { revision, atLeast }: { readonly revision: string; readonly atLeast: number }): void {
  const summary = summaryOf(output);
  const scenarios = new Set(summary.match(/^[✓✗] [\w/-]+(?=:)/gm)).size;
  assert.ok(scenarios >= atLeast, `wanted at least ${atLeast} scenarios of ${revision}, got ${scenarios}`);
  assert.match(summary, /passed/);
}

function summaryOf(output: string): string {
  return output.slice(Math.max(output.lastIndexOf("=== SUMMARY"), output.lastIndexOf("=== SUITE SUMMARY")));
}
