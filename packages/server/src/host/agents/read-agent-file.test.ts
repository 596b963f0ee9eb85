import assert from "node:assert/strict";
import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { AppError, type AgentSpec } from "@tutti/core";
import { readAgentFile } from "./read-agent-file.ts";

/** Reads a text as an agent file; problems name it "ada.yaml". */
async function read(text: string): Promise<AgentSpec> {
  await using folder = await mkdtempDisposable(join(tmpdir(), "tutti-agent-"));
  const path = join(folder.path, "ada.yaml");
  await writeFile(path, text);
  return await readAgentFile(pathToFileURL(path)).catch((error: unknown) => {
    throw error instanceof AppError ? new AppError(error.code, error.message.replaceAll(`${folder.path}/`, "")) : error;
  });
}

const MINIMAL = "name: ada\ndescription: Counts.\ninstructions: You are Ada.\n";

test("a short file is an agent with safe defaults", async () => {
  assert.deepEqual(await read(MINIMAL), {
    name: "ada",
    version: "1",
    description: "Counts.",
    instructions: "You are Ada.",
    model: "default",
    tools: [],
    routes: [],
    limits: { stepsMax: 8, historyMessagesMax: 40 },
  });
  assert.equal((await read(`${MINIMAL}version: 2\nlimits: {stepsMax: 2}\n`)).version, "2");
});

test("every problem is named with its line and column", async () => {
  const text = `name: Ada
instructions: You are Ada.
description: ""
model: default
tools: [echo]
colour: red
limits:
  stepsMax: 1000
routes:
  - id: say
    match: "say (?P<text>.+"
    tool: echo
    input: { text: "$text" }
    reason: it asks
  - id: say
    match: (?P<text>.+)
    tool: shout
    input: { text: "$words" }
    reason: it asks
`;
  await assert.rejects(read(text), {
    code: "invalid_config",
    message: [
      "name: wanted lower-case letters, digits and dashes, beginning with a letter (ada.yaml:1:7)",
      "description: Too small: expected string to have >=1 characters (ada.yaml:3:14)",
      "limits.stepsMax: Too big: expected number to be <=50 (ada.yaml:8:13)",
      "colour is no key of an agent file (ada.yaml:6:1)",
      "routes[0].match: wanted a regular expression in RE2 syntax: error parsing regexp: missing closing ): `say (?P<text>.+` (ada.yaml:11:12)",
      'routes[1].id: wanted an id of its own, got "say" again (ada.yaml:15:9)',
      'routes[1].tool: wanted one of the agent\'s tools (echo), got "shout" (ada.yaml:17:11)',
      "routes[1].input: $words is no named group of match (text); write $$ for a dollar sign (ada.yaml:18:12)",
    ].join("\n"),
  });
});

test("a missing key is reported where it should stand", async () => {
  await assert.rejects(read("name: ada\n"), {
    code: "invalid_config",
    message: /description: .* \(ada\.yaml:1:1\)\ninstructions: .* \(ada\.yaml:1:1\)/,
  });
  await assert.rejects(read(""), { code: "invalid_config", message: /the file: .*\(ada\.yaml:1:1\)/ });
});

test("broken YAML is reported with its place", async () => {
  await assert.rejects(read("name: [ada\n"), { code: "invalid_config", message: /\(ada\.yaml:\d:\d+\)/ });
});

test("a pattern that would blow up is refused", async () => {
  const route = (match: string): string =>
    `${MINIMAL}tools: [echo]\nroutes:\n  - {id: a, match: "${match}", tool: echo, input: {text: x}, reason: r}\n`;
  await assert.rejects(read(route("(x){1000}")), { code: "invalid_config", message: /at most 2000 instructions, got 3002/ });
  await assert.rejects(read(route("(?=a)b")), { code: "invalid_config", message: /invalid or unsupported Perl syntax/ });
});

test("a file that is not there is named", async () => {
  await assert.rejects(readAgentFile("/nowhere/ada.yaml"), {
    code: "invalid_config",
    message: /the agent file \/nowhere\/ada\.yaml cannot be read: ENOENT/,
  });
});

test("resources have a server and a URI or a template, and what is wrong with one is told with its place", async () => {
  const resources = [
    { server: "notes", uri: "file:///srv/{+path}" },
    { server: "notes", uri: "repo://a/readme", charactersMax: 500 },
  ];
  assert.deepEqual((await read(`${MINIMAL}resources: ${JSON.stringify(resources)}\n`)).resources, resources);
  const wrong = `${MINIMAL}resources:
  - server: not a name
    uri: readme.md
  - server: notes
    uri: "repo://{?query}"
`;
  await assert.rejects(read(wrong), {
    code: "invalid_config",
    message: [
      "resources[0].server: wanted the name of an MCP server (ada.yaml:5:13)",
      "resources[0].uri: wanted a URI with its scheme, such as file:///srv/notes/a.md, or a template of one (ada.yaml:6:10)",
      "resources[1].uri: wanted {name} or {+path} in a template, got other braces (ada.yaml:8:10)",
    ].join("\n"),
  });
});
