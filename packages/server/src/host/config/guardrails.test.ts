import assert from "node:assert/strict";
import { mkdtempDisposableSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { AppError } from "@tutti/core";
import { AnswerCache } from "../../models/cache/index.ts";
import { Guardrails } from "../../models/guardrails/index.ts";
import { readConfig, type Config } from "./index.ts";

const repository = new URL("../../../../../", import.meta.url);

/** The configuration that a `tutti.yaml` makes. */
function configOf(yaml: string): Config {
  using folder = mkdtempDisposableSync(join(tmpdir(), "tutti-guardrails-"));
  writeFileSync(join(folder.path, "tutti.yaml"), yaml);
  return readConfig({ flags: {}, env: {}, cwd: folder.path }).config;
}

function problemsOf(yaml: string): readonly string[] {
  try {
    configOf(yaml);
  } catch (error) {
    return AppError.from(error).message.split("\n");
  }
  return [];
}

/** The YAML blocks of a page, each as a whole file. */
function examples(page: string): readonly string[] {
  const text = readFileSync(new URL(page, repository), "utf8");
  return Array.from(text.matchAll(/```yaml\n([\s\S]*?)```/g), ([, block = ""]) =>
    block.startsWith("  -") ? `guardrails:\n${block}` : block,
  );
}

test("the guide's guardrails are valid, and can be used", () => {
  const blocks = examples("docs/guardrails.md");
  assert.ok(blocks.length >= 4);
  for (const block of blocks) {
    const { guardrails } = configOf(block);
    assert.ok(guardrails.length > 0 && new Guardrails(guardrails), block);
  }
});

test("the guide's caches are valid, and `cache: {}` keeps answers for an hour", () => {
  for (const block of examples("docs/caching.md"))
    assert.ok(new AnswerCache({ config: configOf(block).cache }).isFor("chat/completions"), block);
  assert.equal(configOf("cache: {}").cache?.ttlSeconds, 3600);
  assert.equal(configOf("port: 1").cache, undefined);
});

test("what is wrong in a guardrail or the cache is named with its place", () => {
  assert.match(
    problemsOf("guardrails:\n  - { id: a, check: secret, where: [input], action: block }\n").join("\n"),
    /guardrails\[0\]\.check must be .*secrets.*\(tutti\.yaml:2:\d+\)/,
  );
  assert.match(
    problemsOf("guardrails:\n  - { id: a, check: secrets, where: [input], acton: block }\n").join("\n"),
    /acton is not a setting, did you mean action\?/,
  );
  assert.match(
    problemsOf("guardrails:\n  - &a { id: a, check: secrets, where: [input], action: block }\n  - *a\n").join("\n"),
    /guardrails\[1\]\.id must be a name of its own, got "a"/,
  );
  assert.match(problemsOf("cache: { semantic: { threshold: 2 } }\n").join("\n"), /cache\.semantic\.threshold must be at most 1, got 2/);
});
