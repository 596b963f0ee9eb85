import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, copyFile, cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { openWorkplace } from "../testing/tutti-process.ts";

const REPOSITORY = fileURLToPath(new URL("../../../../../", import.meta.url));
const LAUNCHER = join(REPOSITORY, "packages/server/bin/tutti.js");

/** The blocks of one language in the guide, in order. */
async function blocks(language: string): Promise<readonly string[]> {
  const page = await readFile(join(REPOSITORY, "docs/plugins.md"), "utf8");
  const guide = page.slice(page.indexOf("## A plugin in ten minutes"), page.indexOf("## The manifest"));
  return [...guide.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, "g"))].map(([, text]) => text ?? "");
}

/** What one line of a shell prints and how it ends. */
function shell(line: string, dir: string): Promise<{ readonly stdout: string; readonly stderr: string; readonly code: number }> {
  const env = { PATH: [join(dir, "bin"), dirname(process.execPath), "/usr/bin", "/bin"].join(delimiter), TUTTI_PORT: "0", LANG: "C.UTF-8" };
  return new Promise((resolve) => {
    execFile("/bin/sh", ["-c", line], { cwd: dir, env, timeout: 300_000 }, (error, stdout, stderr) =>
      resolve({ stdout, stderr, code: typeof error?.code === "number" ? error.code : error === null ? 0 : 1 }),
    );
  });
}

/** What each of four lines prints, and how it ends when not with 0. */
async function lines(block: string, dir: string): Promise<readonly [string, string, string, string]> {
  const printed: string[] = [];
  for (const line of block.trim().split("\n")) {
    const { stdout, code } = await shell(line, dir);
    printed.push(code === 0 ? stdout : `${stdout}\nends with ${code}`);
  }
  const [first = "", second = "", third = "", fourth = ""] = printed;
  return [first, second, third, fourth];
}

test("the guide's lines work as they stand, from the first one to a tool that was added", async () => {
  const dir = await mkdtemp(join(tmpdir(), "tutti-guide-"));
  await mkdir(join(dir, "bin"));
  await writeFile(join(dir, "bin/tutti"), `#!/bin/sh\nexec "${process.execPath}" "${LAUNCHER}" "$@"\n`);
  await chmod(join(dir, "bin/tutti"), 0o755);
  const [first = "", second = ""] = await blocks("sh");
  const [manifest = ""] = await blocks("json");
  const [created, enabled, called, listed] = await lines(first, dir);
  assert.match(created, /wrote .*\.tutti\/plugins\/hello/);
  assert.match(enabled, /let anybody call its own tool hello_greet[^]*hello 1\.0\.0 is loaded/);
  assert.deepEqual(JSON.parse(called), { text: "Hello, Ada!", times: 1 });
  assert.match(listed, /hello +loaded +1\.0\.0 +hello_greet/);
  await copyFile(join(REPOSITORY, "examples/plugins/hello/index.ts"), join(dir, ".tutti/plugins/hello/index.ts"));
  await writeFile(join(dir, ".tutti/plugins/hello/tutti.plugin.json"), manifest);
  const [doctor, again, shouted, shown] = await lines(second, dir);
  assert.match(doctor, /\nends with 1$/);
  assert.match(doctor, /it asks for more: call the tool echo; let anybody call its own tool hello_shout/);
  assert.match(again, /hello 1\.1\.0 is loaded/);
  assert.match(shouted, /HELLO, ADA!/);
  assert.match(shown, /tools +hello_greet, hello_shout/);
  assert.deepEqual(JSON.parse(manifest), JSON.parse(await readFile(join(REPOSITORY, "examples/plugins/hello/tutti.plugin.json"), "utf8")));
  await rm(dir, { recursive: true });
});

test("a plugin is added from anywhere, needs a yes, and is removed; each command gives JSON", async () => {
  await using place = await openWorkplace();
  await cp(join(REPOSITORY, "examples/plugins/hello"), join(place.dir, "elsewhere"), { recursive: true });
  assert.match((await place.run(["plugins"])).stdout, /No plugins\. `tutti plugins new NAME`/);
  const { plugin } = await place.json<{ readonly plugin: { readonly status: string; readonly wants: readonly string[] } }>([
    "plugins",
    "add",
    "elsewhere",
  ]);
  assert.deepEqual([plugin.status, plugin.wants.length], ["off", 4]);
  const refused = await place.run(["plugins", "enable", "hello"]);
  assert.deepEqual([refused.code, /--yes is needed/.test(refused.stderr)], [2, true]);
  await place.json(["plugins", "enable", "hello", "--yes"]);
  const { findings } = await place.json<{ readonly findings: readonly { readonly isWell: boolean }[] }>(["plugins", "doctor"]);
  assert.deepEqual(
    findings.map(({ isWell }) => isWell),
    [true],
  );
  assert.match((await place.run(["plugins", "new", "Bad Name"])).stderr, /wanted a name of lower-case letters/);
  assert.match((await place.run(["plugins", "add", "elsewhere"])).stderr, /which is there already/);
  await place.json(["plugins", "disable", "hello"]);
  await place.json(["plugins", "remove", "hello"]);
  assert.match((await place.run(["plugins", "show", "hello"])).stderr, /got "hello"; there are: none/);
});
