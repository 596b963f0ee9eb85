import assert from "node:assert/strict";
import { mkdtempDisposableSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { configFrom, configTable, envExample, readConfig } from "./index.ts";

const repository = new URL("../../../../../", import.meta.url);
const HINT = "run: node packages/server/src/host/config/write-docs.ts";

test(".env.example is what the settings say", () => {
  assert.equal(readFileSync(new URL(".env.example", repository), "utf8"), envExample(), HINT);
});

test("the table in docs/configuration.md is what the settings say", () => {
  assert.ok(readFileSync(new URL("docs/configuration.md", repository), "utf8").includes(`\n${configTable()}\n`), HINT);
});

test(".env.example with every line switched on is valid, and changes nothing", () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), "tutti-docs-"));
  writeFileSync(join(folder.path, ".env"), envExample().replaceAll(/^# (TUTTI_)/gm, "$1"));
  const { config, sources } = readConfig({ flags: {}, env: {}, cwd: folder.path });
  assert.deepEqual(config, configFrom({}, folder.path));
  assert.match(sources.port, /^\.env:\d+$/);
});
