import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtempDisposable, chmod, readdir, readFile, realpath, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, suite, test } from "node:test";
import { AppError } from "@tutti/core";
import type { Jail, JailSpec, Sandbox } from "@tutti/core/sandbox";
import type { SandboxBackendFactory } from "../backend.ts";
import { openSandbox, type SandboxOptions } from "../open-sandbox.ts";

const never = new AbortController().signal;
const PATIENCE_MS = 60_000;
const shell = (script: string, more: Partial<JailSpec> = {}): JailSpec => ({ command: "/bin/sh", args: ["-c", script], ...more });

/** What every backend that has jails must do; each runs this suite against the real thing. */
export function jailConformance({ name }: SandboxBackendFactory, options: Pick<SandboxOptions, "image" | "engineSocket"> = {}): void {
  suite(`jails of ${name}`, () => {
    let sandbox: Sandbox;

    before(async () => {
      sandbox = await openSandbox({ backends: [name], level: "soft", ...options }, never);
    });
    after(() => sandbox?.close());

    test("its report says that it has them", () => {
      assert.equal(sandbox.report.jails, true);
    });

    test("a jailed program is spoken to over stdio, and ends when it is told to", async () => {
      const jail = await sandbox.jail(shell('while read -r line; do echo "got $line"; done; echo bye >&2'), never);
      await jail.write("hello\n");
      assert.equal(await firstLine(jail), "got hello\n");
      await jail.stop(60_000);
      assert.equal((await jail.exited).reason, "exit");
      await assert.rejects(jail.write("more\n"), { code: "conflict" });
    });

    test("Node runs in a jail under the path that it has outside", async () => {
      const jail = await sandbox.jail({ command: process.execPath, args: ["-e", "console.log(6 * 7)"] }, never);
      assert.equal(await firstLine(jail), "42\n");
      assert.deepEqual(await jail.exited, { reason: "exit", exitCode: 0, signal: null });
    });

    test("a jail that nobody talks to, and one that lived long enough, are ended", async () => {
      const [idle, old] = await Promise.all([
        sandbox.jail(shell("sleep 60", { idleTimeoutMs: 200 }), never),
        sandbox.jail(shell("while :; do echo x; sleep 0.05; done", { lifetimeMs: 300 }), never),
      ]);
      assert.equal((await idle.exited).reason, "timeout");
      for await (const _ of old.output);
      assert.equal((await old.exited).reason, "timeout");
    });

    test("its volume stays between its lives and is bounded; nothing else stays", async () => {
      await using volume = await mkdtempDisposable(join(tmpdir(), "tutti-volume-"));
      const spec = { volume: { path: volume.path, quotaBytes: 100_000 } };
      const first = await sandbox.jail(shell("echo kept > $HOME/a; echo lost > /tmp/b", spec), never);
      await first.exited;
      const second = await sandbox.jail(shell("cat $HOME/a; cat /tmp/b", spec), never);
      assert.equal(await firstLine(second), "kept\n");
      assert.equal((await second.exited).exitCode, 1);
      const greedy = await sandbox.jail(
        shell("i=0; while [ $i -lt 9 ]; do i=$((i+1)); head -c 40000 /dev/zero > $HOME/f$i; done; sleep 60", spec),
        never,
      );
      assert.equal((await greedy.exited).reason, "policy");
      await assert.rejects(sandbox.jail(shell("true", spec), never), { code: "storage_full" });
    });

    test("a jail sees its mounts and its socket, and no other network", async () => {
      await using folder = await mkdtempDisposable(join(tmpdir(), "tutti-jail-"));
      await chmod(folder.path, 0o755);
      await writeFile(join(folder.path, "code.txt"), "mounted\n");
      const socketPath = join(folder.path, "s");
      const server = createServer((socket) => void socket.end("from tutti\n"));
      await new Promise<void>((resolve) => server.listen(socketPath, resolve));
      await chmod(socketPath, 0o666);
      const code = `
    const { readFileSync, writeFileSync } = require("node:fs"); const { connect } = require("node:net");
    console.log(readFileSync("/plugin/code.txt", "utf8").trim());
    try { writeFileSync("/plugin/code.txt", "x"); console.log("wrote"); } catch (error) { console.log(error.code); }
    connect(process.env.TUTTI_SOCKET).on("data", (data) => { console.log(String(data).trim()); connect(80, "127.0.0.1").on("error", (error) => console.log(error.code)); });`;
      const mounts = [{ from: folder.path, to: "/plugin", isWritable: false }];
      const jail = await sandbox.jail({ command: "node", args: ["-e", code], mounts, socketPath }, never);
      let text = "";
      for await (const bytes of jail.output) text += Buffer.from(bytes).toString();
      server.close();
      assert.deepEqual(text.trim().split("\n"), ["mounted", "EROFS", "from tutti", "EAFNOSUPPORT"], jail.stderr());
      assert.equal(await readFile(join(folder.path, "code.txt"), "utf8"), "mounted\n");
    });

    test("memory over a jail's bound ends it", async () => {
      const jail = await sandbox.jail(
        {
          command: "node",
          args: ["-e", "const a = []; for (;;) a.push(Buffer.alloc(8 << 20, 1))"],
          limits: { memoryBytes: 128 * 1_048_576 },
        },
        never,
      );
      assert.equal((await jail.exited).reason, "oom");
    });

    test("a jail has the variables it is given and none of this process, and cannot write outside of its folders", async () => {
      const variables = { KEY_OF_THIS_JAIL: "given" };
      const jail = await sandbox.jail(shell("touch /usr/x || echo refused; env", { env: variables }), never);
      const [refused, ...lines] = (await allOf(jail)).trim().split("\n");
      assert.equal(refused, "refused");
      assert.ok(lines.includes("KEY_OF_THIS_JAIL=given"));
      const known = ["KEY_OF_THIS_JAIL", "PATH", "HOME", "TMPDIR", "LANG", "PWD", "OLDPWD", "SHLVL", "HOSTNAME", "_"];
      assert.deepEqual(
        lines.map((line) => line.split("=")[0] ?? "").filter((name) => !known.includes(name)),
        [],
      );
    });

    test("it begins in the folder that is asked for, and a program or folder that is not there is told", async () => {
      await using folder = await mkdtempDisposable(join(await realpath(tmpdir()), "tutti-jail-"));
      await chmod(folder.path, 0o755);
      const mounts = [{ from: folder.path, to: folder.path, isWritable: false }];
      const jail = await sandbox.jail(shell("pwd -P", { mounts, cwd: folder.path }), never);
      assert.ok((await firstLine(jail)).endsWith(`/${basename(folder.path)}\n`));
      const missing = await sandbox.jail({ command: "/nonexistent/program", args: [] }, never);
      assert.equal((await missing.exited).exitCode, 127);
      assert.match(missing.stderr(), /not found/);
      // Some see it before the program begins, some as its end.
      const told = await sandbox.jail(shell("true", { mounts: [{ from: "/no-such-folder", to: "/x", isWritable: false }] }), never).then(
        async (started) => {
          await started.exited;
          return started.stderr();
        },
        (error: unknown) => AppError.from(error).message,
      );
      assert.match(told, /no-such-folder/);
    });

    test("a program has no more processes than it may, and those it started end with it", async () => {
      const mark = `jail-mark-${randomUUID()}`;
      const script = `i=0; while [ $i -lt 60 ]; do sh -c 'sleep 300' ${mark} & i=$((i+1)); echo $i; done; echo all`;
      const jail = await sandbox.jail(shell(script, { limits: { processesMax: 8 } }), never);
      const counted = (await allOf(jail)).trim().split("\n");
      await jail.exited;
      assert.ok(counted.length < 20, counted.at(-1));
      // Left alone they would sleep for five minutes.
      const endMs = Date.now() + PATIENCE_MS;
      while ((await countRunning(mark)) > 0) assert.ok(Date.now() < endMs, "what it started goes on");
    });

    test("a flood of output waits for whoever reads it", async () => {
      const jail = await sandbox.jail(shell("head -c 40000000 /dev/zero; echo; echo over >&2"), never);
      let bytes = 0;
      for await (const chunk of jail.output) bytes += chunk.byteLength;
      assert.equal(bytes, 40_000_001);
      assert.equal((await jail.exited).exitCode, 0);
    });

    test("a program that hears no wish to end is ended after its grace", async () => {
      const jail = await sandbox.jail(shell("trap '' TERM; echo deaf; while :; do sleep 0.1; done"), never);
      assert.equal(await firstLine(jail), "deaf\n");
      await jail.stop(100);
      assert.equal((await jail.exited).exitCode, null);
    });
  });
}

async function firstLine({ output }: Jail): Promise<string> {
  let text = "";
  for await (const bytes of output) {
    text += Buffer.from(bytes).toString();
    if (text.includes("\n")) break;
  }
  return text;
}

async function allOf({ output }: Jail): Promise<string> {
  let text = "";
  for await (const bytes of output) text += Buffer.from(bytes).toString();
  return text;
}

/** How many processes of this machine have a word in their command line. */
async function countRunning(mark: string): Promise<number> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
  return lines.filter((line) => line.includes(mark)).length;
}
