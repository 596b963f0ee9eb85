import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { bubblewrapBackend } from "../bubblewrap/index.ts";
import { landlockBackend } from "../landlock/index.ts";
import { openSandbox } from "../open-sandbox.ts";

const never = new AbortController().signal;
const MEBIBYTE = 1_048_576;

for (const { name } of [bubblewrapBackend, landlockBackend]) {
  suite(`memory under ${name}`, () => {
    test("a child that is out of memory ends its whole program, with the reason oom", async () => {
      const sandbox = await openSandbox({ backends: [name], level: "soft" }, never);
      const code = [
        "import os, time",
        "pid = os.fork()",
        "if pid == 0:",
        "  held = []",
        "  while True: held.append(b'x' * (4 << 20))",
        "os.waitpid(pid, 0)",
        "time.sleep(9)",
        "print('lives on')",
      ].join("\n");
      const result = await sandbox.run({ language: "python", code, limits: { memoryBytes: 96 * MEBIBYTE } }, never);
      await sandbox.close();
      assert.deepEqual([result.reason, result.stdout], ["oom", ""], result.stderr);
    });
  });
}
