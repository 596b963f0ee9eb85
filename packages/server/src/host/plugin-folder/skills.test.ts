import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import type { Json, Model, ModelRequest } from "@tutti/core";
import { startTestApp, type TestApp } from "../../testing.ts";
import { isInside } from "./manifest.ts";
import { openSkill, readSkill, readSkillHead } from "./skill.ts";

const EXAMPLE = fileURLToPath(new URL("../../../../../examples/plugins/careful-writing", import.meta.url));

const PLAIN = "---\nname: a-skill\ndescription: For tests.\n---\nBody.\n";

async function call(
  app: TestApp,
  input: Json,
): Promise<{
  readonly output?: { readonly text: string; readonly nextOffset: number | null };
  readonly error?: { readonly code: string };
}> {
  return (await (await app.fetch("/v1/tools/execute", { tool: "skill_read", input })).json()) as {
    readonly error?: { readonly code: string };
  };
}

const contentAt = (request: ModelRequest | undefined, index: number): string | undefined => request?.messages.at(index)?.content;

test("an agent sees what a skill is for, and reads it and its files when it needs them", async () => {
  const dir = await mkdtemp(join(tmpdir(), "tutti-skills-"));
  await cp(EXAMPLE, join(dir, "careful-writing"), { recursive: true });
  const asked: ModelRequest[] = [];
  const model: Model = {
    id: "script",
    async *generate(request) {
      asked.push(structuredClone(request));
      if (asked.length === 1) yield { type: "call", call: { id: "1", name: "skill_read", input: { skill: "careful-writing" } } };
      else yield { type: "text", text: "Done." };
      yield { type: "finish", reason: asked.length === 1 ? "tool_calls" : "stop", usage: { inputTokens: 1, outputTokens: 1 } };
    },
  };
  const editor = {
    name: "editor",
    version: "1",
    description: "Edits.",
    instructions: "You are an editor.",
    model: "script",
    tools: [],
    skills: ["careful-writing"],
    routes: [],
    limits: { stepsMax: 3, historyMessagesMax: 5 },
  };
  await using app = await startTestApp({
    plugins: [],
    pluginsDir: dir,
    inlinePlugins: [{ name: "editing", agents: [editor], models: [model] }],
  });
  const missing = await app.fetch("/v1/agents/editor/chat", { message: "hi" });
  assert.equal(missing.status, 404);
  assert.equal((await app.fetch("/v1/plugins/careful-writing/enable", {})).status, 200);
  assert.equal((await app.fetch("/v1/agents/editor/chat", { message: "Simpler, please." })).status, 200);
  const [before = "", after = ""] = [contentAt(asked[0], 0), contentAt(asked[1], -1)];
  assert.match(before, /You are an editor\.[^]*- careful-writing: Rewrites a text in plain words/);
  assert.doesNotMatch(before, /Keep every fact/);
  assert.deepEqual(
    asked[0]?.tools?.map(({ name }) => name),
    ["skill_read"],
  );
  assert.match(after, /Keep every fact[^]*references\/words\.md/);
  assert.match((await call(app, { skill: "careful-writing", file: "references/words.md" })).output?.text ?? "", /leverage/);
  for (const file of ["../../../etc/passwd", "/etc/passwd", "references", "none.md"])
    assert.equal((await call(app, { skill: "careful-writing", file })).error?.code, "not_found", file);
  await rm(dir, { recursive: true });
});

test("a long file is read in parts, and a link out of the skill's folder is no file of it", async () => {
  const folder = join(await mkdtemp(join(tmpdir(), "tutti-skill-")), "a-skill");
  await mkdir(folder);
  await writeFile(join(folder, "SKILL.md"), PLAIN);
  await writeFile(join(folder, "long.md"), "x".repeat(45_000));
  await symlink("/etc/hostname", join(folder, "out.md"));
  const skill = await openSkill(folder, false);
  assert.equal((await readSkill(skill, {})).text, "Body.\n");
  let length = 0;
  for (let offset: number | null = 0, parts = 0; offset !== null && parts < 10; parts += 1) {
    const part: Awaited<ReturnType<typeof readSkill>> = await readSkill(skill, { file: "long.md", offset });
    length += part.text.length;
    offset = part.nextOffset;
  }
  assert.equal(length, 45_000);
  await assert.rejects(readSkill(skill, { file: "out.md" }), { code: "not_found" });
  await rm(folder, { recursive: true });
});

test("the head of a SKILL.md follows the specification, and mistakes have a place", () => {
  const full = readSkillHead(
    "---\nname: pdf-tools\ndescription: PDFs.\nlicense: MIT\ncompatibility: needs git\nmetadata:\n  version: 1.0\nallowed-tools: Read Bash(git:*)\n---\n",
    "SKILL.md",
  );
  assert.deepEqual(full, {
    name: "pdf-tools",
    description: "PDFs.",
    license: "MIT",
    compatibility: "needs git",
    metadata: { version: "1" },
    allowedTools: ["Read", "Bash(git:*)"],
  });
  for (const [text, why] of [
    ["no head", /wanted YAML between two lines of ---/],
    ["---\nname: Bad\ndescription: x\n---\n", /name must be 1 to 64 lower-case letters.*SKILL\.md:2:7/],
    ["---\nname: a--b\ndescription: x\n---\n", /name must be/],
    ["---\nname: a\n---\n", /description must be what the skill does/],
    [
      `---\nname: a\ndescription: x\ncompatibility: ${"y".repeat(501)}\n---\n`,
      /compatibility must be at most 500 characters \(SKILL\.md:4/,
    ],
    ["---\nname: [\n---\n", /SKILL\.md:/],
  ] as const)
    assert.throws(() => readSkillHead(text, "SKILL.md"), { code: "invalid_config", message: why }, text);
});

test("whatever a manifest names as a path stays inside, or is refused", () => {
  const root = "/plugins/demo";
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(fc.constantFrom("..", ".", "a", "/", "\\", "C:", "\0")).map((parts) => parts.join("/")),
      ),
      (path) => {
        if (isInside(path)) assert.ok(join(root, path).startsWith(root), path);
      },
    ),
  );
});
