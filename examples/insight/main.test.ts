import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const main = fileURLToPath(new URL("./main.ts", import.meta.url));

test("the example says what makes its workflow slow and what would help", async () => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [main]);
  assert.equal(stderr, "");
  assert.match(stdout, /Run 3 took \d+ ms; \d+ of its steps decided that:/);
  assert.match(stdout, /Its 1 failed attempt cost \d+ ms\./);
  assert.match(stdout, /have 9 equal steps; their inputs differ: \[\{"path":"\/order","a":1,"b":3\}\]/);
  assert.match(stdout, /What makes it slow, over 6 runs:[^]* {2}#+\.* resize, \d+ ms a run/);
  assert.match(stdout, /Run 4 branches at once instead of 2 at 2 \("resize"\): saves \d+ ms a run/);
  assert.match(stdout, /Run "load customer" and "load stock" at the same time \(ctx\.all\): saves \d+ ms a run/);
  assert.match(stdout, /if "load stock" needs nothing that "load customer" gives or does: the log does not hold what "load stock" reads/);
});
