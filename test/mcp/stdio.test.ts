import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { startTestApp } from "../../packages/server/src/testing.ts";

const TUTTI = fileURLToPath(new URL("../../packages/server/bin/tutti.js", import.meta.url));
const MODES = { "2025-11-25": "legacy", "2026-07-28": { pin: "2026-07-28" } } as const;

/** A client that starts `tutti mcp` as editors do. */
async function connect(dataDir: string, mode: (typeof MODES)[keyof typeof MODES]): Promise<Client> {
  const client = new Client({ name: "editor", version: "1" }, { versionNegotiation: { mode } });
  await client.connect(
    new StdioClientTransport({ command: process.execPath, args: [TUTTI, "mcp", "--data-dir", dataDir], stderr: "inherit" }),
    { timeout: 120_000 },
  );
  return client;
}

for (const [revision, mode] of Object.entries(MODES)) {
  test(`a client of ${revision} reaches the running Tutti over stdio`, async () => {
    await using app = await startTestApp();
    const client = await connect(app.dataDir, mode);
    try {
      assert.equal(client.getNegotiatedProtocolVersion(), revision);
      const result = await client.callTool({ name: "safe_calc", arguments: { expression: "6 * 7" } });
      assert.match(JSON.stringify(result.content), /42/);
      const runId = String(result._meta?.["tutti/run"]);
      assert.equal((await app.app.store.run(runId))?.status, "completed", "it is a run of the Tutti that was there");
    } finally {
      await client.close();
    }
  });
}

test("where no Tutti runs, one is opened for as long as the client stays", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "tutti-mcp-"));
  try {
    const client = await connect(dataDir, "legacy");
    assert.match(JSON.stringify(await client.callTool({ name: "echo", arguments: { text: "here" } })), /here/);
    await client.close();
  } finally {
    await rm(dataDir, { recursive: true, force: true, maxRetries: 10 });
  }
});
