import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { link, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import { AppError, parse, type Json } from "@tutti/core";
import fc from "fast-check";
import { fileTools } from "./file-tools.ts";

const call = { idempotencyKey: "test", principal: { id: "tester", tenant: "test", roles: [] }, signal: new AbortController().signal };
type Output = Readonly<Record<string, unknown>>;

interface Desk {
  readonly dir: string;
  readonly outside: string;
  readonly use: (tool: string, input: Json) => Promise<Output>;
}

/** A workspace beside a folder with a secret, both removed after the test. */
async function desk(context: Pick<TestContext, "after">): Promise<Desk> {
  const base = await mkdtemp(join(tmpdir(), "tutti-files-"));
  context.after(() => rm(base, { recursive: true, force: true }));
  const [dir, outside] = [join(base, "workspace"), join(base, "outside")];
  await mkdir(dir);
  await mkdir(outside);
  await writeFile(join(outside, "secret.txt"), "secret");
  const tools = new Map(fileTools(dir, []).map((tool) => [tool.name, tool]));
  return {
    dir,
    outside,
    async use(name, input) {
      const tool = tools.get(name);
      assert.ok(tool?.input !== undefined);
      return (await tool.run(await parse(tool.input, input, name), call)) as Output;
    },
  };
}

const codeOf = (error: unknown): string => (error instanceof AppError ? error.code : String(error));
const refused = async (outcome: Promise<unknown>): Promise<string> => outcome.then(() => "did it", codeOf);

test("a file is written, read, edited, found, listed and removed", async (context) => {
  const { use, dir } = await desk(context);
  const written = await use("file_write", { path: "notes/2026/today.md", content: "Rain.\nMore rain.\nSun.\n" });
  assert.deepEqual([written["did"], written["sizeBytes"]], ["created", 22]);
  const read = await use("file_read", { path: "notes/2026/today.md" });
  assert.deepEqual([read["content"], read["encoding"], read["sha256"]], ["Rain.\nMore rain.\nSun.\n", "utf8", written["sha256"]]);
  await use("file_edit", { path: "notes/2026/today.md", edits: [{ find: "Sun.", replace: "Snow." }] });
  assert.equal(await readFile(join(dir, "notes/2026/today.md"), "utf8"), "Rain.\nMore rain.\nSnow.\n");
  const found = await use("file_search", { query: "RAIN", files: "*.md" });
  assert.deepEqual(found["matches"], [
    { path: "notes/2026/today.md", line: 1, text: "Rain." },
    { path: "notes/2026/today.md", line: 2, text: "More rain." },
  ]);
  const listed = (await use("file_list", { isDeep: true })) as {
    readonly entries: readonly { readonly path: string; readonly type: string }[];
  };
  assert.deepEqual(
    listed.entries.map(({ path, type }) => [path, type]),
    [
      ["notes", "folder"],
      ["notes/2026", "folder"],
      ["notes/2026/today.md", "file"],
    ],
  );
  assert.equal(await refused(use("file_delete", { path: "notes" })), "conflict");
  assert.equal((await use("file_delete", { path: "notes", isWhole: true }))["removed"], 3);
  assert.deepEqual(await readdir(dir), []);
});

test("a path is plain before anybody decides about it, however it was written", async () => {
  for (const tool of fileTools(undefined, []))
    for (const path of ["./secret//key", "secret/./key/", ".//secret/key"]) {
      const input = { path, content: "", query: "x", edits: [{ find: "a", replace: "b" }] };
      assert.ok(tool.input !== undefined);
      const known = Object.entries(input).filter(([key]) => key in (tool.parameters as { readonly properties: object }).properties);
      const parsed = await parse(tool.input, Object.fromEntries(known), tool.name);
      assert.equal((parsed as Output)["path"], "secret/key", `${tool.name} ${path}`);
    }
});

test("bytes that are no text are read and written as base64", async (context) => {
  const { use, dir } = await desk(context);
  const bytes = Buffer.from([0, 255, 1, 2]);
  await use("file_write", { path: "picture", content: bytes.toString("base64"), encoding: "base64" });
  assert.deepEqual(await readFile(join(dir, "picture")), bytes);
  const read = await use("file_read", { path: "picture" });
  assert.deepEqual([read["content"], read["encoding"]], [bytes.toString("base64"), "base64"]);
  assert.equal(await refused(use("file_write", { path: "picture", content: "no base64!", encoding: "base64" })), "invalid_input");
  assert.equal(await refused(use("file_edit", { path: "picture", edits: [{ find: "a", replace: "b" }] })), "unsupported");
});

test("nothing is lost to somebody else's change, and a passage that is not there once changes nothing", async (context) => {
  const { use, dir } = await desk(context);
  const { sha256 } = await use("file_write", { path: "a.txt", content: "one two two" });
  const edit = (edits: Json, more: { readonly [key: string]: Json } = {}): Promise<string> =>
    refused(use("file_edit", { path: "a.txt", edits, ...more }));
  assert.equal(await edit([{ find: "two", replace: "2" }]), "conflict");
  assert.equal(
    await edit([
      { find: "one", replace: "1" },
      { find: "three", replace: "3" },
    ]),
    "conflict",
  );
  assert.equal(await readFile(join(dir, "a.txt"), "utf8"), "one two two");
  assert.equal(await edit([{ find: "two", replace: "$&", isForAll: true }], { sha256: String(sha256) }), "did it");
  assert.equal(await readFile(join(dir, "a.txt"), "utf8"), "one $& $&");
  assert.equal(await edit([{ find: "one", replace: "1" }], { sha256: String(sha256) }), "conflict");
  assert.equal(await refused(use("file_write", { path: "a.txt", content: "", mayReplace: false })), "conflict");
});

test("edits of one file at once are made one after the other", async (context) => {
  const { use, dir } = await desk(context);
  await use("file_write", { path: "count", content: Array.from({ length: 20 }, (_, index) => `<${index}>`).join("") });
  await Promise.all(
    Array.from({ length: 20 }, (_, index) => use("file_edit", { path: "count", edits: [{ find: `<${index}>`, replace: "x" }] })),
  );
  assert.equal(await readFile(join(dir, "count"), "utf8"), "x".repeat(20));
});

test("links are told and never followed, whether they are the file, a folder on the way or a second name", async (context) => {
  const { use, dir, outside } = await desk(context);
  await symlink(join(outside, "secret.txt"), join(dir, "file-link"));
  await symlink(outside, join(dir, "folder-link"));
  await symlink("../outside", join(dir, "relative-link"));
  await link(join(outside, "secret.txt"), join(dir, "hard-link"));
  for (const path of ["file-link", "folder-link/secret.txt", "relative-link/secret.txt", "hard-link"]) {
    assert.equal(await refused(use("file_read", { path })), "denied", `read ${path}`);
    assert.equal(await refused(use("file_write", { path, content: "x" })), "denied", `write ${path}`);
    assert.equal(await refused(use("file_edit", { path, edits: [{ find: "secret", replace: "x" }] })), "denied", `edit ${path}`);
  }
  assert.equal(await refused(use("file_list", { path: "folder-link" })), "denied");
  assert.equal(await refused(use("file_delete", { path: "folder-link/secret.txt" })), "denied");
  const found = await use("file_search", { query: "secret" });
  assert.deepEqual([found["matches"], found["searched"], found["passedOver"]], [[], 0, 4]);
  assert.equal((await use("file_delete", { path: "folder-link", isWhole: true }))["removed"], 1);
  assert.equal(await readFile(join(outside, "secret.txt"), "utf8"), "secret");
});

test("a folder with links in it is removed without what they lead to", async (context) => {
  const { use, dir, outside } = await desk(context);
  await mkdir(join(dir, "a/b"), { recursive: true });
  await symlink(outside, join(dir, "a/b/link"));
  await use("file_delete", { path: "a", isWhole: true });
  assert.equal(await readFile(join(outside, "secret.txt"), "utf8"), "secret");
});

test("pipes and devices are no files", async (context) => {
  const { use, dir } = await desk(context);
  execFileSync("mkfifo", [join(dir, "pipe")]);
  assert.equal(await refused(use("file_read", { path: "pipe" })), "invalid_input");
  assert.equal(await refused(use("file_write", { path: "pipe", content: "x" })), "invalid_input");
  assert.equal((await use("file_search", { query: "x" }))["passedOver"], 1);
});

test("no path leads out of the workspace", async (context) => {
  const { use, dir, outside } = await desk(context);
  const part = fc.oneof(
    fc.constantFrom(
      "..",
      ".",
      "",
      "workspace",
      "outside",
      "secret.txt",
      "...",
      "..\\",
      "%2e%2e",
      "~",
      "\0",
      "／",
      "\u2024\u2024",
      " ..",
      ".. ",
    ),
    fc.string({ maxLength: 8 }),
  );
  const path = fc.oneof(
    fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join("/")),
    fc.constantFrom(
      "/etc/passwd",
      "//etc/passwd",
      "../outside/secret.txt",
      "a/../../outside/secret.txt",
      `${dirname(dir)}/outside/secret.txt`,
    ),
  );
  await fc.assert(
    fc.asyncProperty(path, async (asked) => {
      await refused(use("file_write", { path: asked, content: "mine" }));
      const outcome = await use("file_read", { path: asked }).catch((error: unknown) => error);
      if (outcome instanceof Error) assert.ok(outcome instanceof AppError && outcome.code !== "internal", String(outcome));
      else assert.equal((outcome as Output)["content"], "mine");
      await refused(use("file_delete", { path: asked, isWhole: true }));
    }),
    { numRuns: 300 },
  );
  assert.deepEqual(await readdir(outside), ["secret.txt"]);
  assert.equal(await readFile(join(outside, "secret.txt"), "utf8"), "secret");
  assert.deepEqual((await readdir(dirname(dir))).toSorted(), ["outside", "workspace"]);
});

test("a folder that is swapped for a link while files are written leads nowhere", async (context) => {
  const { use, dir, outside } = await desk(context);
  await mkdir(join(dir, "folder"));
  let isDone = false;
  const ignored = (): undefined => undefined;
  const swap = async (): Promise<void> => {
    while (!isDone) {
      // The tool may make the folder at any moment between.
      await rm(join(dir, "folder"), { recursive: true, force: true }).catch(ignored);
      await symlink(outside, join(dir, "folder")).catch(ignored);
      await unlink(join(dir, "folder")).catch(ignored);
      await mkdir(join(dir, "folder")).catch(ignored);
    }
  };
  const swapping = swap();
  const contents = new Set<unknown>();
  for (let round = 0; round < 300; round += 1) {
    await refused(use("file_write", { path: "folder/secret.txt", content: "overwritten" }));
    await use("file_read", { path: "folder/secret.txt" }).then(
      ({ content }) => contents.add(content),
      () => undefined,
    );
  }
  isDone = true;
  await swapping;
  assert.deepEqual(await readdir(outside), ["secret.txt"]);
  assert.equal(await readFile(join(outside, "secret.txt"), "utf8"), "secret");
  assert.ok(!contents.has("secret"));
});

test("files keep their mode, and what is unfinished or too large is not there", async (context) => {
  const { use, dir } = await desk(context);
  await writeFile(join(dir, "script"), "#!/bin/sh\n", { mode: 0o755 });
  await use("file_write", { path: "script", content: "#!/bin/sh\ntrue\n" });
  assert.equal((await stat(join(dir, "script"))).mode & 0o777, 0o755);
  await writeFile(join(dir, ".tutti-00000000-0000-0000-0000-000000000000.tmp"), "half");
  assert.equal(((await use("file_list", {})) as { readonly entries: readonly unknown[] }).entries.length, 1);
  await writeFile(join(dir, "large"), Buffer.alloc(5_000_000));
  assert.equal(await refused(use("file_read", { path: "large" })), "too_large");
});

test("a pattern that makes other engines endless is looked for at once, and a wrong one is refused", async (context) => {
  const { use } = await desk(context);
  await use("file_write", { path: "a", content: `${"a".repeat(5_000)}!` });
  assert.deepEqual((await use("file_search", { query: "^(a+)+$", isPattern: true }))["matches"], []);
  assert.equal(await refused(use("file_search", { query: "(", isPattern: true })), "invalid_input");
});

test("without a workspace the tools say how to get one", async () => {
  const [read] = fileTools(undefined, []);
  await assert.rejects(
    async () => await read?.run({ path: "a", start: 0, charactersMax: 1 }, call),
    (error: AppError) => error.code === "invalid_config" && /workspaceDir/.test(error.message),
  );
});
