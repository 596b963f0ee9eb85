import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { describeConfig } from "./describe.ts";
import { readConfig, type ConfigReading } from "./read-config.ts";

async function read(yaml: string, env: Readonly<Record<string, string>> = {}): Promise<ConfigReading> {
  const cwd = await mkdtemp(join(tmpdir(), "tutti-webhooks-"));
  try {
    await writeFile(join(cwd, "tutti.yaml"), yaml);
    return readConfig({ flags: {}, env, cwd });
  } finally {
    await rm(cwd, { recursive: true });
  }
}

test("endpoints get their secrets from the variables they name, and the configuration is shown without them", async () => {
  const yaml = `webhooks:
  - {name: github, signature: github, secretEnvs: [NEW, OLD]}
  - {name: crm, url: "https://crm.example.com/hook", secretEnvs: [OLD], privateAllow: true}
`;
  const reading = await read(yaml, { NEW: "new-secret", OLD: "old-secret" });
  assert.deepEqual(reading.config.webhooks, [
    { name: "github", signature: "github", secrets: ["new-secret", "old-secret"], toleranceSeconds: 300, privateAllow: false },
    { name: "crm", url: "https://crm.example.com/hook", secrets: ["old-secret"], toleranceSeconds: 300, privateAllow: true },
  ]);
  const shown = JSON.stringify(describeConfig(reading));
  assert.doesNotMatch(shown, /-secret/);
  assert.match(shown, /crm\.example\.com/);
});

test("what does not fit together in an endpoint is told with its place in the list", async () => {
  const problem = (item: string, env = {}): Promise<string> => read(`webhooks:\n  - ${item}\n`, env).then(() => "none", String);
  assert.match(await problem("{name: a}"), /webhooks\[0\] must have signature.*got neither/);
  assert.match(await problem("{name: a, signature: github, url: 'https://a.example'}"), /got both/);
  assert.match(await problem("{name: a, signature: github}"), /must have secretEnvs/);
  assert.match(await problem("{name: a, signature: github, secretEnvs: [UNSET]}"), /got UNSET, which is not/);
  assert.match(await problem("{name: a, signature: standard, secretEnvs: [S]}", { S: "whsec_c2hvcnQ=" }), /at least 16 bytes/);
  assert.match(await problem("{name: a, signature: github, secretEnv: [S]}"), /secretEnv is not a setting, did you mean secretEnvs\?/);
  assert.match(await problem("{name: a/b, signature: none}"), /webhooks\[0\]\.name must be a name/);
  assert.match(
    await problem("{name: a, signature: none}\n  - {name: a, signature: none}"),
    /webhooks\[1\]\.name must be a name of its own/,
  );
  assert.equal(await problem("{name: a, signature: none}"), "none");
});

test("webhooks without a signature are for a Tutti that only this machine can reach", async () => {
  await assert.rejects(
    read("host: 0.0.0.0\nwebhooks:\n  - {name: a, signature: none}\n"),
    /must have a signature where other machines can connect/,
  );
});
