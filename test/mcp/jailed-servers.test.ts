import assert from "node:assert/strict";
import { chmod, mkdtemp, readdir, realpath, rm, writeFile } from "node:fs/promises";
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

test("a jail begins in its cwd, and its volume stays until its server is removed", async (context) => {
  const [notes, jailsDir, dataDir] = [await folder(context), await folder(context), await folder(context)];
  await writeFile(join(notes, "shopping.txt"), "milk and bread");
  const options = {
    dataDir,
    jailsDir,
    sandbox: ["bubblewrap"],
    sandboxLevel: "soft",
    toolsAllow: ["files_read_text_file", "files_write_file"],
  } as const;
  const setting = {
    name: "files",
    command: process.execPath,
    args: [FILESYSTEM, ".", "/box/home"],
    cwd: notes,
    mounts: [{ path: MODULES }, { path: notes }],
    jail: { volumeBytes: 4_194_304, lifetimeMs: 3_600_000, memoryBytes: 268_435_456, processesMax: 64, cpus: 1 },
    connectTimeoutMs: 120_000,
  };
  const call = async (app: TestApp, tool: string, input: Json): Promise<string> =>
    (await app.fetch("/v1/tools/execute", { tool, input })).text();
  {
    await using app = await startTestApp(options);
    const added = await app.fetch("/v1/mcp/servers", setting);
    assert.equal(added.status, 201, await added.clone().text());
    assert.equal((await app.fetch("/v1/mcp/servers/files/approve", {})).status, 200);
    assert.match(await call(app, "files_read_text_file", { path: "shopping.txt" }), /milk and bread/);
    await call(app, "files_write_file", { path: "/box/home/kept.txt", content: "still here" });
  }
  await using app = await startTestApp(options);
  assert.match(await call(app, "files_read_text_file", { path: "/box/home/kept.txt" }), /still here/);
  assert.deepEqual(await readdir(jailsDir), ["files"]);
  await createClient({ baseUrl: app.url, token: app.token }).removeMcpServer("files");
  assert.deepEqual(await readdir(jailsDir), []);
});

test("what is wrong with a jail's setting is said when it is given", async () => {
  await using app = await startApp();
  const refused = async (setting: Json): Promise<string> => {
    const response = await app.fetch("/v1/mcp/servers", { name: "odd", ...(setting as object) });
    assert.ok(response.status >= 400, String(response.status));
    return response.text();
  };
  assert.match(await refused({ command: "true", cwd: "/srv/elsewhere", mounts: [{ path: "/usr" }] }), /mount that folder/);
  assert.match(await refused({ command: "true", jail: { volumeBytes: 5 } }), /volumeBytes.*at least 1048576/);
  assert.match(await refused({ command: "true", isolation: "process", jail: { cpus: 1 } }), /unless it is a command in one/);
});

test("a program that ends again and again is not started for ever", async () => {
  await using app = await startApp();
  const args = ["-c", "exit 3"];
  assert.match(await tried(app, { name: "restless", command: "/bin/sh", args, startsPerHourMax: 1 }), /exit code 3/);
  const again = await app.fetch("/v1/mcp/servers/restless/test", {});
  assert.match(await again.text(), /at most 1 starts of the MCP server \\"restless\\" in an hour/);
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
