import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import type { RunRecord } from "@tutti/core";
import { openWorkplace, type Workplace } from "../testing/tutti-process.ts";

interface Finding {
  readonly name: string;
  readonly status: string;
  readonly detail: string;
}

let place: Workplace;
let runId = "";

before(async () => {
  place = await openWorkplace();
  ({
    run: { id: runId },
  } = await place.json<{ readonly run: RunRecord }>([
    "run",
    "holly",
    "--input",
    '{"messages": [{"role": "user", "content": "my mail is ada@example.com, what is 6*7?"}]}',
  ]));
});

after(() => place[Symbol.asyncDispose]());

async function findingsOf(
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number | null; readonly find: (name: string) => Finding | undefined }> {
  const { stdout, code } = await place.run(["doctor", "--json", ...args], { env });
  const { findings } = JSON.parse(stdout) as { readonly findings: readonly Finding[] };
  return { code, find: (name) => findings.find((finding) => finding.name === name) };
}

test("a receipt is redacted unless it is asked for in full, and verifies", async () => {
  const redacted = await place.run(["receipt", runId]);
  assert.match(redacted.stdout, /policy\.decided .* policy=[0-9a-f]{12}$/m);
  assert.match(redacted.stdout, /\[email\]/);
  assert.doesNotMatch(redacted.stdout, /ada@example\.com/);
  assert.match(redacted.stdout, /Receipt {2}\d+ events, head [0-9a-f]{16}… {2}✓ verified\n$/);
  assert.match((await place.run(["receipt", runId, "--full"])).stdout, /ada@example\.com/);
});

test("a changed log is found, and the receipt ends with 1", async () => {
  await using copy = await openWorkplace();
  assert.equal((await copy.run(["restore", await backup(), "--data-dir", "copy"])).code, 0);
  const db = new DatabaseSync(join(copy.dir, "copy", "tutti.db"));
  db.exec("UPDATE events SET body = replace(body, 'ada@', 'bob@')");
  db.close();
  const { stdout, code } = await copy.run(["receipt", runId, "--data-dir", "copy"]);
  assert.match(stdout, /✗ broken at event 1: event 1 \(run\.started\) is not what was journaled\n$/);
  assert.equal(code, 1);
});

test("a backup is a new folder, and restores what was there", async () => {
  const folder = join("files", "a".repeat(32));
  await mkdir(join(place.dir, ".tutti", folder), { recursive: true });
  await writeFile(join(place.dir, ".tutti", folder, "file-1.content"), "what a batch wrote");
  const target = await backup();
  const again = await place.run(["backup", target]);
  assert.match(again.stderr, /^tutti: wanted a new folder.*\[conflict\]\n$/);
  assert.equal(again.code, 1);
  const restored = await place.run(["restore", target, "--data-dir", "elsewhere"]);
  assert.match(restored.stdout, /^✓ .*elsewhere holds what .* held\n$/);
  assert.match((await place.run(["runs", "list", "--data-dir", "elsewhere"])).stdout, new RegExp(`^${runId} `, "m"));
  assert.equal(await readFile(join(place.dir, "elsewhere", folder, "file-1.content"), "utf8"), "what a batch wrote");
});

test("what is there is replaced only when forced, and kept aside", async () => {
  const target = await backup();
  const refused = await place.run(["restore", target]);
  assert.match(refused.stderr, /^tutti: wanted an empty data folder.*--force.*\[conflict\]\n$/);
  assert.equal(refused.code, 1);
  const { replaced } = await place.json<{ readonly replaced: string }>(["restore", target, "--force"]);
  assert.ok((await readdir(replaced)).includes("tutti.db"));
  assert.match((await place.run(["runs", "list"])).stdout, new RegExp(`^${runId} `, "m"));
});

test("a damaged backup replaces nothing", async () => {
  const target = await backup();
  await writeFile(join(target, "tutti.db"), "this is no database");
  const { stderr, code } = await place.run(["restore", target, "--force"]);
  assert.match(stderr, /^tutti: .*\[(storage_corrupt|invalid_input)\]\n$/);
  assert.equal(code, 1);
  assert.match((await place.run(["runs", "list"])).stdout, new RegExp(`^${runId} `, "m"));
});

test("doctor finds nothing wrong with a fresh folder, and makes none", async () => {
  const { code, find } = await findingsOf(["--data-dir", "fresh/folder"]);
  assert.equal(code, 0);
  for (const name of ["node", "data folder", "database", "port", "plugins"])
    assert.equal(find(name)?.status, "ok", JSON.stringify(find(name)));
  assert.equal(find("models")?.status, "warn");
  assert.ok(!(await readdir(place.dir)).includes("fresh"));
  assert.match((await place.run(["doctor"])).stdout, /^✓ node +24[^]*\nEverything needed is there\.\n$/);
});

test("doctor says what is wrong and what to do, and ends with 1", async () => {
  const blocker = createServer().listen(0, "127.0.0.1");
  await once(blocker, "listening");
  const port = String((blocker.address() as AddressInfo).port);
  const { code, find } = await findingsOf(["--port", port], {
    TUTTI_PLUGINS: "holly,./missing",
    TUTTI_MODEL_BASE_URL: "http://127.0.0.1:9/v1",
  });
  blocker.close();
  assert.equal(code, 1);
  assert.match(find("port")?.detail ?? "", new RegExp(`^127\\.0\\.0\\.1:${port} is taken by another program; .*TUTTI_PORT$`));
  assert.match(find("models of default")?.detail ?? "", /^http:\/\/127\.0\.0\.1:9\/v1 does not answer/);
  const { stdout } = await place.run(["doctor"], { env: { TUTTI_PLUGINS: "./missing" } });
  assert.match(stdout, /^✗ plugins +.*missing[^]*1 thing needs to be put right\.\n$/m);
});

test("doctor asks each model server, and finds a damaged database", async () => {
  const server = createHttpServer((_, response) => response.end('{"data": [{"id": "a"}, {"id": "b"}]}')).listen(0, "127.0.0.1");
  await once(server, "listening");
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  const { find } = await findingsOf([], { TUTTI_MODEL_BASE_URL: baseUrl });
  server.close();
  assert.equal(find("models of default")?.detail, `${baseUrl} answers with 2 models`);
  const target = await backup();
  await writeFile(join(target, "tutti.db"), "this is no database");
  const damaged = await findingsOf(["--data-dir", target]);
  assert.deepEqual([damaged.code, damaged.find("database")?.status], [1, "fail"]);
});

test("a reader that stops reading is no failure", async () => {
  const { child, ended } = place.start(["receipt", runId]);
  child.stdout?.destroy();
  assert.equal((await ended).stderr, "");
});

let backups = 0;

async function backup(): Promise<string> {
  const target = join(place.dir, `backup-${(backups += 1)}`);
  await rm(target, { recursive: true, force: true });
  assert.equal((await place.run(["backup", target])).code, 0);
  return target;
}
