import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Event, RunRecord } from "@tutti/core";

const root = fileURLToPath(new URL("../..", import.meta.url));

let folder = "";

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "triage-inbox-"));
});

after(() => rm(folder, { recursive: true, force: true }));

interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

/** Runs the real command with its data in `data`; kills it once it has printed so many lines. */
async function tutti(data: string, args: readonly string[], killAfterLines = Number.POSITIVE_INFINITY): Promise<Ended> {
  const child = spawn(process.execPath, ["packages/server/bin/tutti.js", ...args, "--data-dir", join(folder, data)], {
    cwd: root,
    env: { LANG: "C.UTF-8", TUTTI_TOKEN: "a-token-for-tests-only" },
    timeout: 300_000,
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    if (stdout.split("\n").length > killAfterLines) child.kill("SIGKILL");
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const [code] = (await once(child, "close")) as [number | null];
  return { stdout, stderr, code };
}

const runArgs = (output: string): readonly string[] => [
  "run",
  "examples/triage-inbox",
  "--input",
  JSON.stringify({ output: join(folder, output) }),
];

const read = (output: string, file: string): Promise<string> => readFile(join(folder, output, file), "utf8");

test("twelve mails become a queue with the dangerous one first, sums checked and the long letter summarised", async () => {
  const { stdout, stderr, code } = await tutti("undisturbed", runArgs("undisturbed-out"));
  assert.deepEqual([stderr, code], ["", 0]);
  assert.match(stdout, /"safety: THIS IS THE THIRD TIME I WRITE!!!",\n[^]*✓ verified/);
  const markdown = await read("undisturbed-out", "report.md");
  assert.match(markdown, /^# 12 mails, most urgent first\n/);
  assert.match(markdown, /5 items come to 1627\.80, but the mail says 1672\.80, which is off by 45\.00/);
  assert.match(markdown, /3 items come to 292\.60, as the mail says/);
  const queue = JSON.parse(await read("undisturbed-out", "report.json")) as readonly { readonly file: string; readonly summary: string }[];
  const letter = queue.find(({ file }) => file === "09-a-long-story.eml")?.summary ?? "";
  assert.ok(letter.length > 100 && letter.length < 1000, letter);
});

test("killed again and again, it ends with the same report, and each step was completed once", async () => {
  let kills = 0;
  for (const lines of [1, 4, 9]) {
    const { code } = await tutti("killed", runArgs("killed-out"), lines);
    if (code === null) kills += 1;
  }
  assert.ok(kills > 0, "the run was over before it could be killed");
  const { code, stdout } = await tutti("killed", runArgs("killed-out"));
  assert.equal(code, 0, stdout);
  for (const file of ["report.md", "report.json"]) assert.equal(await read("killed-out", file), await read("undisturbed-out", file));
  const { runs } = JSON.parse((await tutti("killed", ["runs", "list", "--workflow", "triage-inbox", "--json"])).stdout) as {
    readonly runs: readonly RunRecord[];
  };
  for (const { id } of runs) {
    const { events } = JSON.parse((await tutti("killed", ["runs", "show", id, "--json"])).stdout) as { readonly events: readonly Event[] };
    const keys = events.flatMap((event) => (event.type === "step.completed" ? [event.key] : []));
    assert.deepEqual(keys.length, new Set(keys).size, "a step was completed twice");
    assert.equal((await tutti("killed", ["receipt", id])).code, 0);
    assert.match((await tutti("killed", ["runs", "replay", id])).stdout, /still does the same/);
  }
});

test("a folder that is not there fails with what to do", async () => {
  const { stderr, code } = await tutti("missing", [
    "run",
    "examples/triage-inbox",
    "--input",
    JSON.stringify({ mails: join(folder, "none") }),
  ]);
  assert.match(stderr, /^tutti: .*wanted a folder of mails, got .*none, which cannot be read.*\[not_found\]\n$/);
  assert.equal(code, 1);
  const wrong = await tutti("missing", ["run", "examples/triage-inbox", "--input", '{"mail": "x"}']);
  assert.match(wrong.stderr, /^tutti: .*mail: is not known; there are mails, output \[invalid_input\]\n$/);
});
