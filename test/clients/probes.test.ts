import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { startTestApp, type TestApp } from "../../packages/server/src/testing.ts";
import { startOpenAiUpstream } from "../../packages/server/src/testing/openai-upstream.ts";
import { obedientModel } from "./obedient-model.ts";

const INSTALLED = fileURLToPath(new URL("node_modules/", import.meta.url));
const DURATION_MS_MAX = 600_000;

const target = (model: string) => ({ model, weight: 1, tags: [] });

/** Runs a probe against Tutti before an obedient chat model and the embeddings that come with Tutti, both under one name. */
async function probe(run: (app: TestApp, folder: string) => Promise<void>): Promise<void> {
  await using upstream = await startOpenAiUpstream(obedientModel, { models: ["obedient"] });
  await using app = await startTestApp({
    providers: [
      { name: "hosted", baseUrl: upstream.baseUrl, models: ["obedient"] },
      { name: "local", kind: "local-embeddings", models: [] },
    ],
    models: [
      {
        name: "all",
        targets: [target("hosted/obedient"), target("local/en-512")],
        strategy: "order",
        aboveTiers: "summary",
        retries: { budgetRatio: 0.2 },
        afterFirstByte: "never",
        rules: [],
        rulesConfidenceMin: 0.5,
        rulesGapMin: 0,
      },
    ],
  });
  const folder = await mkdtemp(join(tmpdir(), "tutti-probe-"));
  try {
    await run(app, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Runs a script to its end, whatever its exit code: the report says what went wrong. */
async function runScript(script: string, args: readonly string[], home: string): Promise<void> {
  const options = { env: { PATH: process.env["PATH"], HOME: home }, timeout: DURATION_MS_MAX, killSignal: "SIGKILL" as const };
  await new Promise<void>((resolve) => {
    execFile(process.execPath, [join(INSTALLED, script), ...args], options, () => resolve());
  });
}

interface LlmprobeReport {
  readonly conformance: {
    readonly pct: number;
    readonly bySurface: readonly { readonly surface: string; readonly total: number }[];
    readonly results: readonly {
      readonly failures: readonly { readonly id: string; readonly severity: string; readonly message: string }[];
    }[];
  };
}

test("llmprobe's assertions hold on every surface", async () => {
  await probe(async (app, folder) => {
    const file = join(folder, "report.json");
    const flags = ["--no-bench", "--no-save", "--json", "--timeout", "120", "--save", file];
    await runScript("llmprobe/bin/dist/llmprobe.mjs", [`${app.url}/v1`, "-k", app.token, "-m", "all", ...flags], folder);
    const { conformance } = JSON.parse(await readFile(file, "utf8")) as LlmprobeReport;
    const failed = conformance.results.flatMap(({ failures }) => failures.filter(({ severity }) => severity === "MUST"));
    assert.deepEqual(failed, []);
    assert.equal(conformance.pct, 100);
    const surfaces = conformance.bySurface.filter(({ total }) => total > 0).map(({ surface }) => surface);
    for (const surface of ["models", "chat", "responses", "messages", "count-tokens", "embeddings", "completions"])
      assert.ok(surfaces.includes(surface), `${surface} was not probed, only ${surfaces.join(", ")}`);
  });
});

interface CanaryReport {
  readonly score: number;
  readonly results: readonly { readonly id: string; readonly status: string; readonly summary: string }[];
}

test("compatcanary finds nothing to warn of", async () => {
  await probe(async (app, folder) => {
    const file = join(folder, "report.json");
    const flags = ["--api-key", app.token, "--format", "json", "--output", file];
    await runScript("compatcanary/src/cli.js", ["scan", "--base-url", `${app.url}/v1`, "--model", "all", ...flags], folder);
    const { score, results } = JSON.parse(await readFile(file, "utf8")) as CanaryReport;
    assert.deepEqual(
      results.filter(({ status }) => status !== "pass"),
      [],
    );
    assert.equal(score, 100);
  });
});
