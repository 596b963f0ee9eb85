import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const main = fileURLToPath(new URL("./main.ts", import.meta.url));

test("the example answers with its tools, forgets old messages and prints its decisions", async () => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [main]);
  assert.equal(stderr, "");
  assert.match(stdout, /you {4}What is 12 \* \(3 \+ 4\)\?\ntutti {2}.*"result":"84"/);
  assert.match(stdout, /tutti {2}\{"words":6\}\n/);
  assert.match(stdout, /tutti {2}That failed: division by zero, at position 2\n/);
  assert.match(stdout, /Before that you said: How many words: to be or not to be \| What is 1\/0\? \| What is 0\.1 \+ 0\.2\?\n/);
  assert.deepEqual(stdout.slice(stdout.indexOf("The decisions:")).trim().split("\n"), [
    "The decisions:",
    "run 1  allow run.start first-orchestrator, because the owner may do this (owner)",
    'run 1  route: "arithmetic"',
    "run 1  allow tool.call safe_calc, because the tool touches nothing outside the run (safe-tools)",
    "run 2  allow run.start first-orchestrator, because the owner may do this (owner)",
    'run 2  route: "counting"',
    "run 2  allow tool.call count_words, because it only counts (example)",
    "run 3  allow run.start first-orchestrator, because the owner may do this (owner)",
    'run 3  route: "arithmetic"',
    "run 3  allow tool.call safe_calc, because the tool touches nothing outside the run (safe-tools)",
    "run 4  allow run.start first-orchestrator, because the owner may do this (owner)",
    'run 4  route: "none"',
  ]);
});

test("the example stays short enough to be read in five minutes", () => {
  assert.ok(readFileSync(main, "utf8").split("\n").length <= 100);
});
