import assert from "node:assert/strict";
import { mkdtempDisposable, chmod, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Jail, JailSpec, Sandbox } from "@tutti/core/sandbox";
import { openSandbox } from "../index.ts";

let sandbox: Sandbox;
const never = new AbortController().signal;
const shell = (script: string, more: Partial<JailSpec> = {}): JailSpec => ({ command: "/bin/sh", args: ["-c", script], ...more });

before(async () => {
  sandbox = await openSandbox({ backends: ["bubblewrap"], level: "soft" }, never);
});
after(() => sandbox.close());

async function firstLine({ output }: Jail): Promise<string> {
  let text = "";
  for await (const bytes of output) {
    text += Buffer.from(bytes).toString();
    if (text.includes("\n")) break;
  }
  return text;
}

test("a jailed program is spoken to over stdio, and ends when it is told to", async () => {
  const jail = await sandbox.jail(shell('while read -r line; do echo "got $line"; done; echo bye >&2'), never);
  await jail.write("hello\n");
  assert.equal(await firstLine(jail), "got hello\n");
  await jail.stop(5_000);
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
    { command: "node", args: ["-e", "const a = []; for (;;) a.push(Buffer.alloc(8 << 20, 1))"], limits: { memoryBytes: 128 * 1_048_576 } },
    never,
  );
  assert.equal((await jail.exited).reason, "oom");
});
