import assert from "node:assert/strict";
import { link, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { startTestApp } from "../../testing.ts";
import { closedIn } from "./closed-places.ts";

const TOOLS = ["file_read", "file_write", "file_edit", "file_list", "file_search", "file_delete"];

/** A start folder as it is by default, with everything in it, which is the workspace too. */
async function crowded(context: Pick<TestContext, "after">) {
  const dir = await mkdtemp(join(tmpdir(), "tutti-closed-"));
  context.after(() => rm(dir, { recursive: true, force: true }));
  const at = (name: string): string => join(dir, name);
  await mkdir(at("conf/plugins/mine"), { recursive: true });
  await mkdir(at("conf/policies"));
  await writeFile(at("conf/plugins/mine/index.ts"), "token of a plugin");
  await writeFile(at("conf/policies/rules.yaml"), "rules: []\n");
  for (const name of ["conf/shadow.yaml", "conf/router.yaml"]) await writeFile(at(name), "rules: []\n");
  await writeFile(at("notes.md"), "token of nobody");
  const config = {
    workspaceDir: dir,
    dataDir: at(".tutti"),
    toolPolicyPath: at("conf/policies"),
    pluginsDir: at("conf/plugins"),
    shadowPolicyPath: at("conf/shadow.yaml"),
    toolsAllow: TOOLS,
  };
  return { at, dir, config };
}

test("file tools reach nothing that is Tutti's own, though it is in the workspace", async (context) => {
  const { at, config } = await crowded(context);
  await using app = await startTestApp(config);
  const use = async (tool: string, input: unknown): Promise<{ readonly output?: unknown; readonly error?: { readonly code: string } }> =>
    (await app.fetch("/v1/tools/execute", { tool, input })).json() as never;
  const codeOf = async (tool: string, input: unknown): Promise<unknown> => (await use(tool, input)).error?.code;
  await writeFile(at(".tutti/server.json"), "token of the command line");
  await symlink(at(".tutti"), at("link"));
  await writeFile(at(".tutti/other.json"), "token of somebody");
  await link(at(".tutti/other.json"), at("hard.json"));
  const closed = [
    ".tutti/server.json",
    ".TUTTI/server.json",
    "./.tutti//server.json",
    "link/server.json",
    "hard.json",
    ".tutti/new.txt",
    "conf/policies/rules.yaml",
    "conf/policies/more/new.yaml",
    "conf/shadow.yaml",
    "conf/Shadow.YAML",
    "conf/plugins/mine/index.ts",
    "conf/plugins/new/index.ts",
  ];
  for (const path of closed) {
    assert.equal(await codeOf("file_read", { path }), "denied", `read ${path}`);
    assert.equal(await codeOf("file_write", { path, content: "x" }), "denied", `write ${path}`);
    assert.equal(await codeOf("file_edit", { path, edits: [{ find: "t", replace: "x" }] }), "denied", `edit ${path}`);
    if (path !== "hard.json") assert.equal(await codeOf("file_delete", { path, isWhole: true }), "denied", `delete ${path}`);
  }
  for (const path of [".tutti", "conf", "conf/policies"])
    assert.equal(await codeOf("file_delete", { path, isWhole: true }), "denied", path);
  assert.equal(await codeOf("file_list", { path: ".tutti" }), "denied");
  assert.equal(await codeOf("file_search", { path: "conf/plugins", query: "token" }), "denied");
  const { output: listed } = await use("file_list", { isDeep: true });
  const paths = (listed as { readonly entries: readonly { readonly path: string }[] }).entries.map(({ path }) => path);
  assert.deepEqual(paths.toSorted(), ["conf", "hard.json", "link", "notes.md", "conf/router.yaml"].toSorted());
  const { output: found } = await use("file_search", { query: "token" });
  assert.deepEqual(
    (found as { readonly matches: readonly { readonly path: string }[] }).matches.map(({ path }) => path),
    ["notes.md"],
  );
  assert.equal(await readFile(at("conf/policies/rules.yaml"), "utf8"), "rules: []\n");
  assert.equal((await use("file_write", { path: "own/policies/new.yaml", content: "x" })).error, undefined);
  await rename(at("conf"), at("other"));
  assert.equal(await codeOf("file_read", { path: "other/plugins/mine/index.ts" }), "denied", "a folder above it has another name");
  assert.equal(await codeOf("file_write", { path: "other/shadow.yaml", content: "x" }), "denied");
});

test("a workspace inside the data folder has nothing that tools may reach", async (context) => {
  const { at, config } = await crowded(context);
  await mkdir(at(".tutti/files"), { recursive: true, mode: 0o700 });
  await using app = await startTestApp({ ...config, workspaceDir: at(".tutti/files") });
  const refused = await app.fetch("/v1/tools/execute", { tool: "file_write", input: { path: "a", content: "x" } });
  assert.match(await refused.text(), /workspaceDir.*"denied"/);
});

test("a workspace that holds what is Tutti's own is named, also before that is made", async (context) => {
  const { at, dir } = await crowded(context);
  assert.deepEqual(await closedIn(dir, [at(".tutti"), "/elsewhere"]), [at(".tutti")]);
  assert.deepEqual(await closedIn(at("files"), [at(".tutti")]), []);
});
