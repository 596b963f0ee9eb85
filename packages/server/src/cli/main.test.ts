import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { COMMANDS } from "./commands.ts";
import { openWorkplace, type Ended, type Workplace } from "./testing/tutti-process.ts";

let place: Workplace;

before(async () => {
  place = await openWorkplace();
});

after(() => place[Symbol.asyncDispose]());

/** One line on stderr, nothing on stdout, and no stack. */
function assertOneLine({ stdout, stderr }: Ended, line: RegExp): void {
  assert.equal(stdout, "");
  assert.match(stderr, line);
  assert.equal(stderr.trimEnd().split("\n").length, 1, stderr);
}

test("version prints the version, and as JSON the Node that runs it", async () => {
  const { stdout, code } = await place.run(["version"]);
  assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
  assert.equal(code, 0);
  assert.deepEqual(await place.json(["version"]), { version: stdout.trim(), node: process.versions.node });
  assert.equal((await place.run(["--version"])).stdout, stdout);
});

test("help lists every command, and no command at all shows it", async () => {
  const { stdout, code } = await place.run(["--help"]);
  for (const { name, summary } of COMMANDS) assert.ok(stdout.includes(name) && stdout.includes(summary), name);
  assert.equal(code, 0);
  assert.deepEqual(await place.run([]), { stdout, stderr: "", code: 0, signal: null });
});

test("every command and subcommand explains itself with examples", async () => {
  for (const { name } of COMMANDS) {
    const help = await place.run([name, "--help"]);
    const subcommands = [...(help.stdout.split("\nCommands:\n")[1] ?? "").matchAll(/^ {2}([\w-]+)/gm)].flatMap(([, sub]) =>
      sub === "help" ? [] : [sub],
    );
    const helps = subcommands.length === 0 ? [help] : await Promise.all(subcommands.map((sub) => place.run([name, String(sub), "--help"])));
    for (const [index, { stdout, stderr, code }] of helps.entries()) {
      assert.match(stdout, /Usage: tutti [^]*--json[^]*Examples:\n {2}/, `${name} ${subcommands[index] ?? ""}`);
      assert.deepEqual([stderr, code], ["", 0]);
    }
  }
});

test("a command that is called wrongly says so in one line and ends with 2", async () => {
  const cases: readonly (readonly [args: readonly string[], line: RegExp])[] = [
    [["nonsense"], /^tutti: unknown command 'nonsense'.*; --help shows how \[usage\]\n$/],
    [["runs"], /^tutti: wanted a subcommand, got none; --help lists them \[usage\]\n$/],
    [["runs", "list", "--jso"], /^tutti: unknown option '--jso'; Did you mean --json\?; --help shows how \[usage\]\n$/],
    [["runs", "list", "--limit", "x"], /^tutti: option '--limit <count>' argument 'x' is invalid.*1 to 500/],
    [["runs", "list", "--status", "done"], /got "done"/],
    [["runs", "show"], /missing required argument 'run'/],
    [["run", "holly", "--input", "{"], /^tutti: --input must be JSON, @file or -, got "\{".*\[usage\]\n$/],
    [["run", "holly", "--input", "@none.json"], /names a file that cannot be read/],
    [["chat", "holly"], /^tutti: wanted a message, got nothing on stdin/],
  ];
  for (const [args, line] of cases) {
    const ended = await place.run(args);
    assertOneLine(ended, line);
    assert.equal(ended.code, 2, args.join(" "));
  }
});

test("with --json an error is a document on stdout and nothing else is printed", async () => {
  const wrong = await place.run(["runs", "list", "--limit", "0", "--json"]);
  assert.deepEqual([wrong.stderr, wrong.code], ["", 2]);
  assert.equal((JSON.parse(wrong.stdout) as { readonly error: { readonly code: string } }).error.code, "usage");
  const missing = await place.run(["runs", "show", "none", "--json"]);
  assert.deepEqual([missing.stderr, missing.code], ["", 1]);
  assert.equal((JSON.parse(missing.stdout) as { readonly error: { readonly code: string } }).error.code, "not_found");
});

test("a bad configuration is told problem by problem, by every command that reads it", async () => {
  for (const args of [["config", "check"], ["runs", "list"], ["up"], ["doctor"]]) {
    const { stdout, stderr, code } = await place.run(args, { env: { TUTTI_PORT: "99999", TUTTI_LOG_LEVEL: "loud" } });
    assert.equal(stdout, "");
    assert.deepEqual(stderr.match(/^tutti: (port|logLevel) must be .*TUTTI_\w+\) \[invalid_config\]$/gm)?.length, 2, stderr);
    assert.equal(code, 1);
  }
});

test("the configuration is shown with its sources, and secrets are masked", async () => {
  await writeFile(join(place.dir, "other.yaml"), "port: 9001\n");
  const env = { TUTTI_TOKEN: "a-token-that-is-secret", TUTTI_PORT: "" };
  const { stdout } = await place.run(["config", "show", "--config", "other.yaml", "--log-level", "warn"], { env });
  assert.match(stdout, /^port +9001 +other\.yaml:1:7 +TUTTI_PORT$/m);
  assert.match(stdout, /^logLevel +warn +--log-level +TUTTI_LOG_LEVEL$/m);
  assert.match(stdout, /^token +\*{8} +environment TUTTI_TOKEN +TUTTI_TOKEN$/m);
  assert.doesNotMatch(stdout, /a-token-that-is-secret/);
  assert.doesNotMatch(JSON.stringify(await place.json(["config", "show"], { env })), /a-token-that-is-secret/);
  assert.match((await place.run(["config", "check"])).stdout, /^✓ the configuration is valid/);
});

test("an unwritable data folder is one clear line", async () => {
  await writeFile(join(place.dir, "a-file"), "");
  const ended = await place.run(["runs", "list", "--data-dir", "a-file"]);
  assertOneLine(ended, /^tutti: .*a-file.* \[storage_unwritable\]\n$/);
  assert.equal(ended.code, 1);
});

test("a stack is shown to those who ask for details, and to nobody else", async () => {
  const plain = await place.run(["runs", "show", "none"]);
  assertOneLine(plain, /\[not_found\]/);
  const debugging = await place.run(["runs", "show", "none", "--log-level", "debug"]);
  assert.match(debugging.stderr, /\n {4}at /);
});

test("output has no colour where nobody looks, and colour where it is forced", async () => {
  const coloured = await place.run(["config", "check"], { env: { FORCE_COLOR: "1" } });
  assert.ok(coloured.stdout.includes("\u001b[32m✓"));
  const plain = await place.run(["config", "check"]);
  assert.ok(!plain.stdout.includes("\u001b"));
});
