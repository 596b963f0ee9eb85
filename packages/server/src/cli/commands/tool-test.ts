import { isDeepStrictEqual } from "node:util";
import type { Client, ToolEntry } from "@tutti/client";
import { AppError, type Json } from "@tutti/core";
import type { Command } from "commander";
import { connect } from "../connect.ts";
import { EXIT, type Shell } from "../shell.ts";
import { table } from "../table.ts";

interface TestOptions {
  readonly all?: boolean;
}

/** What came of one example. */
interface Tried {
  readonly tool: string;
  readonly example: number;
  readonly result: "passed" | "failed" | "skipped";
  readonly reason: string;
}

const STYLES = { passed: "green", failed: "red", skipped: "dim" } as const;

/** `tutti tools test` */
export function defineToolTest(command: Command, shell: Shell): void {
  command
    .command("test [tools...]")
    .description("call tools with their examples, and hold what they give against what they promise")
    .option("--all", "also tools that write or execute")
    .addHelpText(
      "after",
      "\nExamples:\n  tutti tools test\n  tutti tools test safe_calc summarize_text\n  tutti tools test shop_addPet --all",
    )
    .action((names: readonly string[], options: TestOptions) => test(shell, names, options));
}

async function test(shell: Shell, names: readonly string[], { all = false }: TestOptions): Promise<void> {
  await using connection = await connect(shell);
  const { client } = connection;
  const tools =
    names.length > 0 ? await Promise.all(names.map((name) => client.tool(name, shell.signal))) : await client.tools(shell.signal);
  const tried: Tried[] = [];
  for (const tool of tools) tried.push(...(await tryTool(client, tool, { all, signal: shell.signal })));
  const named = names.length > 0 ? tried : tried.filter(({ example, result }) => example > 0 || result === "failed");
  shell.printJson({ results: named });
  const failed = named.filter(({ result }) => result === "failed").length;
  if (failed > 0) shell.exitCode = EXIT.failed;
  if (named.length === 0) return shell.print("No tool has an example.");
  const rows = named.map(({ tool, example, result, reason }) => [
    { text: tool },
    { text: example === 0 ? "" : String(example) },
    { text: result, style: STYLES[result] },
    { text: reason },
  ]);
  shell.print(...table(["TOOL", "EXAMPLE", "RESULT", ""], rows, shell.out));
  shell.note(`${named.filter(({ result }) => result === "passed").length} passed, ${failed} failed`);
}

async function tryTool(
  client: Client,
  tool: ToolEntry,
  { all, signal }: { readonly all: boolean; readonly signal: AbortSignal },
): Promise<readonly Tried[]> {
  const skipped = (example: number, reason: string): Tried => ({ tool: tool.name, example, result: "skipped", reason });
  const { examples = [] } = tool;
  if (examples.length === 0) return [skipped(0, "it has no examples")];
  if (tool.effect !== "read" && !all) return [skipped(1, `its effect is ${tool.effect}; say --all to call it`)];
  const policy = tool.allowed.effect;
  if (policy === "ask" || policy === "deny") return [skipped(1, tool.allowed.reason)];
  const tried: Tried[] = [];
  for (const [index, example] of examples.entries()) {
    const { reason = "", code } = (await problemOf(client, { tool: tool.name, ...example }, signal)) ?? {};
    // Where it depends on the input, policy may refuse one example and not the next.
    const isRefused = policy === "depends" && (code === "denied" || code === "missing_approval");
    if (isRefused) tried.push(skipped(index + 1, reason));
    else tried.push({ tool: tool.name, example: index + 1, result: reason === "" ? "passed" : "failed", reason });
  }
  return tried;
}

async function problemOf(
  client: Client,
  { tool, input, output }: { readonly tool: string; readonly input: Json; readonly output?: Json },
  signal: AbortSignal,
): Promise<{ readonly reason: string; readonly code?: string } | undefined> {
  try {
    const given = await client.callTool(tool, input, signal);
    const isSame = output === undefined || isDeepStrictEqual(given.output, output);
    return isSame ? undefined : { reason: `wanted ${JSON.stringify(output)}, got ${JSON.stringify(given.output)}` };
  } catch (error) {
    signal.throwIfAborted();
    const { code, message } = AppError.from(error);
    return { reason: `${message} [${code}]`, code };
  }
}
