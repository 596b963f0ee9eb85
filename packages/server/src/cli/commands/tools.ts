import type { Json } from "@tutti/core";
import type { Command } from "commander";
import { connect } from "../connect.ts";
import { readJsonArgument, safeJson, UsageError, type Shell } from "../shell.ts";
import { table } from "../table.ts";
import { printableLines } from "../terminal-text.ts";
import { defineToolImports } from "./tool-imports.ts";
import { defineToolTest } from "./tool-test.ts";

const EFFECT_STYLES = { allow: "green", ask: "yellow", depends: "yellow", deny: "red" } as const;

/** `tutti tools …` */
export function defineTools(command: Command, shell: Shell): void {
  command
    .command("list", { isDefault: true })
    .description("list the tools, who brought them, and whether policy lets you call them")
    .option("--source <source>", "only those of a source: built-in, plugin:NAME, mcp:NAME, openapi:NAME, workflow:NAME")
    .option("--allowed", "only those that policy lets you call, at once, after asking, or depending on the input")
    .addHelpText("after", "\nExamples:\n  tutti tools list\n  tutti tools list --source openapi:shop\n  tutti tools list --allowed --json")
    .action((options: ListOptions) => list(shell, options));
  command
    .command("show <tool>")
    .description("show a tool: what it takes and gives, with examples")
    .addHelpText("after", "\nExamples:\n  tutti tools show safe_calc")
    .action((tool: string) => show(shell, tool));
  command
    .command("call <tool>")
    .description("call a tool, as a run of its own")
    .option("--input <json>", "the input: JSON, @file, or - for stdin", "{}")
    .option(
      "--set <name=value>",
      "a part of the input: JSON, or else text; again for more",
      (value, all: readonly string[]) => [...all, value],
      [],
    )
    .option("--approval <id>", "an approval of this call, from `tutti approvals give`, for when policy asks")
    .option("--wait", "wait for people when policy asks")
    .addHelpText(
      "after",
      `\nExamples:\n  tutti tools call safe_calc --input '{"expression": "0.1 + 0.2"}'\n  tutti tools call safe_calc --set expression=6*7\n  tutti tools call summarize_text --input @letter.json --json`,
    )
    .action((tool: string, options: CallOptions) => call(shell, tool, options));
  defineToolTest(command, shell);
  defineToolImports(command, shell);
}

interface ListOptions {
  readonly source?: string;
  readonly allowed?: boolean;
}

async function list(shell: Shell, { source: wanted, allowed: isAllowed }: ListOptions): Promise<void> {
  await using connection = await connect(shell);
  const all = await connection.client.tools(shell.signal);
  const tools = all.filter(
    ({ source, allowed }) => (wanted === undefined || source === wanted) && (isAllowed !== true || allowed.effect !== "deny"),
  );
  shell.printJson({ tools });
  if (tools.length === 0)
    return shell.print(`No tool fits. There are tools of ${[...new Set(all.map(({ source }) => source))].join(", ")}.`);
  const rows = tools.map(({ name, effect, source, allowed, description }) => [
    { text: name },
    { text: effect },
    { text: source },
    { text: allowed.effect, style: EFFECT_STYLES[allowed.effect] },
    { text: description },
  ]);
  shell.print(...table(["TOOL", "EFFECT", "SOURCE", "POLICY", "DESCRIPTION"], rows, shell.out));
}

async function show(shell: Shell, name: string): Promise<void> {
  await using connection = await connect(shell);
  const tool = await connection.client.tool(name, shell.signal);
  shell.printJson({ tool });
  const { allowed, cost, examples = [] } = tool;
  const traits = [
    tool.effect,
    tool.isIdempotent ? "idempotent" : "not idempotent",
    ...(tool.isUntrusted ? ["what it gives is untrusted"] : []),
  ];
  shell.printLine({ text: tool.name, style: "bold" }, { text: `  ${traits.join(", ")}, from ${tool.source}`, style: "dim" });
  shell.print(...printableLines(tool.description));
  shell.printLine(
    { text: allowed.effect, style: EFFECT_STYLES[allowed.effect] },
    { text: `  ${allowed.reason} (${allowed.rule})`, style: "plain" },
  );
  if (cost !== undefined) shell.print(`costs about ${cost.usd ?? "?"} US dollars and ${cost.durationMs ?? "?"} ms`);
  shell.print("", "takes", safeJson(tool.parameters, 2));
  if (tool.output !== undefined) shell.print("", "gives", safeJson(tool.output, 2));
  for (const { input, output } of examples)
    shell.print("", "example", safeJson(input), ...(output === undefined ? [] : [`→ ${safeJson(output)}`]));
}

interface CallOptions {
  readonly input: string;
  readonly set: readonly string[];
  readonly approval?: string;
  readonly wait?: boolean;
}

async function call(shell: Shell, tool: string, { input: text, set, approval: approvalId, wait }: CallOptions): Promise<void> {
  const input = withParts((await readJsonArgument(text, "--input")) as Json, set);
  await using connection = await connect(shell);
  const result = await connection.client.callApproved({ tool, input, approvalId, wait }, shell.signal);
  shell.printJson(result);
  shell.print(...printableLines(typeof result.output === "string" ? result.output : safeJson(result.output, 2)));
  shell.note(`run ${result.runId}`);
}

/** The input with the parts that `--set` gives. */
function withParts(input: Json, parts: readonly string[]): Json {
  if (parts.length === 0) return input;
  if (typeof input !== "object" || input === null || Array.isArray(input)) throw new UsageError("--set needs an input that is an object");
  return { ...(input as { readonly [key: string]: Json }), ...Object.fromEntries(parts.map(partOf)) };
}

function partOf(text: string): readonly [string, Json] {
  const at = text.indexOf("=");
  if (at < 1) throw new UsageError(`--set must be name=value, got ${text}`);
  const value = text.slice(at + 1);
  try {
    return [text.slice(0, at), JSON.parse(value) as Json];
  } catch {
    return [text.slice(0, at), value];
  }
}
