import assert from "node:assert/strict";
import { chmod, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import type { Json } from "@tutti/core";
import { createClient } from "@tutti/client";
import { startTestApp, type TestApp } from "../../packages/server/src/testing.ts";

const MODULES = fileURLToPath(new URL("../../node_modules", import.meta.url));
const FILESYSTEM = join(MODULES, "@modelcontextprotocol/server-filesystem/dist/index.js");

function startApp(): Promise<TestApp> {
  return startTestApp({ sandbox: ["bubblewrap"], sandboxLevel: "soft", toolsAllow: ["files_read_text_file"] });
}

async function folder(context: TestContext): Promise<string> {
  const path = await realpath(await mkdtemp(join(tmpdir(), "tutti-jailed-")));
  context.after(() => rm(path, { recursive: true, force: true }));
  // The jail's user is another one.
  await chmod(path, 0o755);
  return path;
}

/** What somebody is told who tries a server. */
async function tried(app: TestApp, setting: { readonly name: string; readonly [key: string]: Json }): Promise<string> {
  const added = await app.fetch("/v1/mcp/servers", setting);
  assert.equal(added.status, 201, await added.clone().text());
  const response = await app.fetch(`/v1/mcp/servers/${setting.name}/test`, {});
  assert.notEqual(response.status, 200);
  return response.text();
}

test("a server of files runs in a jail, with a folder of the temporary files mounted, and its tool is called", async (context) => {
  const notes = await folder(context);
  await writeFile(join(notes, "shopping.txt"), "milk and bread");
  await using app = await startApp();
  const added = await app.fetch("/v1/mcp/servers", {
    name: "files",
    command: process.execPath,
    args: [FILESYSTEM, notes],
    mounts: [{ path: MODULES }, { path: notes }],
    connectTimeoutMs: 120_000,
  });
  assert.equal(added.status, 201, await added.clone().text());
  const approved = await app.fetch("/v1/mcp/servers/files/approve", {});
  assert.equal(approved.status, 200, await approved.clone().text());
  const read = await app.fetch("/v1/tools/execute", { tool: "files_read_text_file", input: { path: join(notes, "shopping.txt") } });
  assert.match(await read.text(), /milk and bread/);
  const outside = await app.fetch("/v1/tools/execute", { tool: "files_read_text_file", input: { path: "/etc/hostname" } });
  assert.doesNotMatch(await outside.text(), /"output":"\w/);
});

test("a server that cannot start says why, in a jail and outside", async () => {
  await using app = await startApp();
  for (const isolation of ["jail", "process"]) {
    const missing = await tried(app, { name: `missing-${isolation}`, command: "/nonexistent/server", isolation });
    assert.match(missing, /nonexistent\/server.*not found|could not be started.*ENOENT/);
    const args = ["-c", "echo no key was given >&2; exit 3"];
    const failing = await tried(app, { name: `failing-${isolation}`, command: "/bin/sh", args, isolation });
    assert.match(failing, /exit code 3; it said: no key was given/);
    assert.doesNotMatch(failing, /within/);
  }
  assert.match(await tried(app, { name: "unmounted", command: "true", mounts: [{ path: "/no-such-folder" }] }), /bwrap: .*no-such-folder/);
  assert.match(await tried(app, { name: "fetched", command: "npx", args: ["-y", "some-server"] }), /a jail has no network/);
});

test("a server is removed without a complaint", async () => {
  await using app = await startTestApp({});
  const client = createClient({ baseUrl: app.url, token: app.token });
  await client.addMcpServer({ name: "gone", command: "true" });
  await client.removeMcpServer("gone");
  assert.deepEqual(await client.mcpServers(), []);
});
