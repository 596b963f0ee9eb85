import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { newPlugin } from "./new-plugin.ts";

const EXAMPLE = fileURLToPath(new URL("../../../../../examples/plugins/hello", import.meta.url));

test("a new plugin is the example without the tool that the guide adds to it", async () => {
  const dir = await mkdtemp(join(tmpdir(), "tutti-new-"));
  const folder = await newPlugin("hello", dir);
  const read = async (from: string, file: string): Promise<string> => readFile(join(from, file), "utf8");
  const example = await read(EXAMPLE, "index.ts");
  const added = example.slice(example.indexOf('      {\n        name: "hello_shout"'), example.indexOf("    ],\n  };"));
  assert.match(added, /host\.call\("echo"/);
  assert.equal(await read(folder, "index.ts"), example.replace(added, ""));
  const written = JSON.parse(await read(folder, "tutti.plugin.json")) as object;
  const { name, description, entry } = JSON.parse(await read(EXAMPLE, "tutti.plugin.json")) as Readonly<Record<string, string>>;
  assert.deepEqual({ ...written, name, description, entry }, written);
  await rm(dir, { recursive: true });
});
