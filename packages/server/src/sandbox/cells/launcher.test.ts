import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { openSandbox } from "../index.ts";

const never = new AbortController().signal;
const PATIENCE_MS = 120_000;
const BACKENDS = ["bubblewrap", "landlock"] as const;

for (const backend of BACKENDS) {
  suite(`what starts the programs of ${backend}`, { concurrency: false }, () => {
    test("when it is killed, what ran in it is told as such or goes on, nothing is left, and the next program runs", async (context) => {
      const sandbox = await openSandbox({ backends: [backend], level: "soft" }, never);
      context.after(() => sandbox.close());
      const mark = randomUUID();
      // What ends with it does not end before it.
      const code = `sh -c 'sleep ${backend === "landlock" ? 4 : 3_600}; echo over' ${mark}`;
      const running = sandbox.run({ language: "shell", code, limits: { runTimeoutMs: 300_000 } }, never);
      await until(() => withWord(mark).length > 0);
      for (const pid of launchers()) process.kill(pid, "SIGKILL");
      const result = await running;
      // A supervisor of its own watches what runs under Landlock.
      if (backend === "landlock") assert.deepEqual([result.reason, result.stdout], ["exit", "over\n"]);
      else assert.deepEqual([result.reason, result.hint?.errno], ["infra", "EIO"]);
      await until(() => withWord(mark).length === 0);
      const next = await sandbox.run({ language: "shell", code: "echo next" }, never);
      assert.deepEqual([next.reason, next.stdout], ["exit", "next\n"]);
    });

    test("when it is killed, a program without end still ends at its time", async (context) => {
      const sandbox = await openSandbox({ backends: [backend], level: "soft" }, never);
      context.after(() => sandbox.close());
      const mark = randomUUID();
      const code = `sh -c 'while :; do sleep 0.1; done' ${mark}`;
      const running = sandbox.run({ language: "shell", code, limits: { runTimeoutMs: backend === "landlock" ? 4_000 : 300_000 } }, never);
      await until(() => withWord(mark).length > 0);
      for (const pid of launchers()) process.kill(pid, "SIGKILL");
      assert.equal((await running).reason, backend === "landlock" ? "timeout" : "infra");
      await until(() => withWord(mark).length === 0);
    });

    test("when it does not answer, a program waits no longer than its start may take", async (context) => {
      const sandbox = await openSandbox({ backends: [backend], level: "soft", warmMax: 0 }, never);
      context.after(() => sandbox.close());
      const [pid] = launchers();
      assert.ok(pid !== undefined);
      process.kill(pid, "SIGSTOP");
      const result = await sandbox.run({ language: "shell", code: "echo late", limits: { startTimeoutMs: 200 } }, never);
      process.kill(pid, "SIGCONT");
      assert.equal(result.reason, "infra");
      assert.equal((await sandbox.run({ language: "shell", code: "echo on" }, never)).stdout, "on\n");
    });

    test("fifty programs at once, of two sandboxes, are kept apart", async (context) => {
      const sandboxes = await Promise.all([1, 2].map(() => openSandbox({ backends: [backend], level: "soft" }, never)));
      context.after(() => Promise.all(sandboxes.map((one) => one.close())));
      const numbers = Array.from({ length: 50 }, (_, index) => index);
      const said = await Promise.all(
        numbers.map(async (number) => {
          const code = `echo ${number}; echo ${number} > left`;
          const result = await sandboxes[number % 2]?.run({ language: "shell", code, limits: { startTimeoutMs: 60_000 } }, never);
          return [result?.stdout, Buffer.from(result?.files["left"] ?? "").toString()];
        }),
      );
      assert.deepEqual(
        said,
        numbers.map((number) => [`${number}\n`, `${number}\n`]),
      );
    });
  });
}

test("descriptors that whoever started Tutti left open reach neither programs nor jails", async () => {
  const script = join(import.meta.dirname, "../testing/listed-descriptors.ts");
  const file = openSync(import.meta.filename, "r");
  const child = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit", file, file, file, file, file] });
  closeSync(file);
  let said = "";
  child.stdout?.on("data", (bytes: Buffer) => (said += bytes.toString()));
  await once(child, "close");
  const { program, jail } = JSON.parse(said) as { readonly program: readonly string[]; readonly jail: readonly string[] };
  // A shell has what it lists open, and its script.
  const own = ["0", "1", "2", "3", "255"];
  for (const listed of [program, jail]) {
    assert.deepEqual(listed.slice(0, 3), own.slice(0, 3));
    assert.deepEqual(
      listed.filter((descriptor) => !own.includes(descriptor)),
      [],
    );
  }
});

test("a jail's variables may hold lines, and none may hold what divides them", async (context) => {
  const sandbox = await openSandbox({ backends: ["bubblewrap"], level: "soft" }, never);
  context.after(() => sandbox.close());
  const spec = { command: "/bin/sh", args: ["-c", 'printf "%s" "$TEXT"; echo "[$SMUGGLED]"'] };
  const jail = await sandbox.jail({ ...spec, env: { TEXT: "one\nSMUGGLED=two\n" } }, never);
  let said = "";
  for await (const bytes of jail.output) said += Buffer.from(bytes).toString();
  assert.equal(said, "one\nSMUGGLED=two\n[]\n");
  await assert.rejects(sandbox.jail({ ...spec, env: { TEXT: "one\0SMUGGLED=two" } }, never), { code: "invalid_input" });
});

/** The processes of ours that start programs. */
function launchers(): readonly number[] {
  return withWord("launch.pl").filter((pid) => new RegExp(`\\) \\S ${process.pid} `).test(textOf(`/proc/${pid}/stat`)));
}

/** Processes in whose command a word stands. */
function withWord(word: string): readonly number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => textOf(`/proc/${pid}/cmdline`).includes(word)).map(Number);
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // It has just ended.
    return "";
  }
}

async function until(isTrue: () => boolean): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (!isTrue()) {
    assert.ok(Date.now() < end, "it took too long");
    await delay(20);
  }
}
