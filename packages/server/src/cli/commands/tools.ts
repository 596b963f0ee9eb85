import type { Json } from "@tutti/core";
import type { Command } from "commander";
import { connect } from "../connect.ts";
import { readJsonArgument, safeJson, type Shell } from "../shell.ts";
import { table } from "../table.ts";
import { printableLines } from "../terminal-text.ts";

const EFFECT_STYLES = { allow: "green", ask: "yellow", deny: "red" } as const;

/** `tutti tools …` */
export function defineTools(command: Command, shell: Shell): void {
  command
    .command("list", { isDefault: true })
    .description("list the tools, and whether policy lets you call them")
    .addHelpText("after", "\nExamples:\n  tutti tools list\n  tutti tools list --json")
    .action(() => list(shell));
  command
    .command("call <tool>")
    .description("call a tool, as a run of its own")
    .option("--input <json>", "the input: JSON, @file, or - for stdin", "{}")
    .option("--approval <id>", "an approval of this call, from `tutti approvals give`, for when policy asks")
    .option("--wait", "wait for people when policy asks")
    .addHelpText(
      "after",
      `\nExamples:\n  tutti tools call safe_calc --input '{"expression": "0.1 + 0.2"}'\n  tutti tools call summarize_text --input @letter.json --json`,
    )
    .action((tool: string, options: CallOptions) => call(shell, tool, options));
}

async function list(shell: Shell): Promise<void> {
  await using connection = await connect(shell);
  const tools = await connection.client.tools(shell.signal);
  shell.printJson({ tools });
  const rows = tools.map(({ name, effect, allowed, description }) => [
    { text: name },
    { text: effect },
    { text: allowed.effect, style: EFFECT_STYLES[allowed.effect] },
    { text: description },
  ]);
  shell.print(...table(["TOOL", "EFFECT", "POLICY", "DESCRIPTION"], rows, shell.out));
}

interface CallOptions {
  readonly input: string;
  readonly approval?: string;
  readonly wait?: boolean;
}

async function call(shell: Shell, tool: string, { input: text, approval: approvalId, wait }: CallOptions): Promise<void> {
  const input = (await readJsonArgument(text, "--input")) as Json;
  await using connection = await connect(shell);
  const result = await connection.client.callApproved({ tool, input, approvalId, wait }, shell.signal);
  shell.printJson(result);
  shell.print(...printableLines(typeof result.output === "string" ? result.output : safeJson(result.output, 2)));
  shell.note(`run ${result.runId}`);
}
