import { AppError } from "@tutti/core";
import { CommanderError } from "commander";
import { EXIT, safeJson, UsageError } from "./shell.ts";
import { printable } from "./terminal-text.ts";

/** Why a command did not do what was asked. */
export interface Failure {
  readonly code: string;
  /** One problem a line. */
  readonly message: string;
  readonly exitCode: number;
  readonly stack: string | undefined;
}

/** What was thrown, as people and scripts should see it. */
export function failureOf(thrown: unknown): Failure {
  if (thrown instanceof CommanderError) return { code: "usage", message: usageMessage(thrown), exitCode: EXIT.usage, stack: undefined };
  if (thrown instanceof UsageError)
    return { code: "usage", message: `${thrown.message}; --help shows how`, exitCode: EXIT.usage, stack: undefined };
  const { code, message } = AppError.from(thrown);
  const exitCode = code === "cancelled" ? EXIT.interrupted : EXIT.failed;
  return {
    code,
    message: code === "internal" ? `something went wrong inside: ${message}` : inCommands(message),
    exitCode,
    stack: thrown instanceof Error ? thrown.stack : undefined,
  };
}

/** What the server says of its routes, and the commands that do the same. */
const COMMANDS: readonly (readonly [route: string, command: string])[] = [
  [
    '`POST /v1/tools/approve` and call it again with the approvalId, or call it with "wait": true',
    "`tutti approvals give` and call it again with `--approval`, or call it with `--wait`",
  ],
  ["`POST /v1/tools/approve`", "`tutti approvals give`"],
  ["`GET /v1/tools`", "`tutti tools`"],
  ["`GET /v1/models`", "`tutti models`"],
  ["`GET /v1/agents`", "`tutti agents`"],
  ["`GET /v1/workflows`", "`tutti workflows`"],
  ["`GET /v1/runs`", "`tutti runs list`"],
];

/** A message with the commands in the place of routes. */
function inCommands(message: string): string {
  const told = COMMANDS.reduce((text, [route, command]) => text.replaceAll(route, command), message);
  return told.replaceAll(/`GET \/v1\/(runs|agents|tools)\/([^`/]+)`/g, "`tutti $1 show $2`");
}

/** One line for each problem on stderr, or one JSON document on stdout. */
export function printFailure({ code, message }: Pick<Failure, "code" | "message">, isJson: boolean): void {
  if (isJson) process.stdout.write(`${safeJson({ error: { code, message } }, 2)}\n`);
  else for (const problem of message.split("\n")) process.stderr.write(`tutti: ${printable(problem)} [${printable(code)}]\n`);
}

function usageMessage({ message, code }: CommanderError): string {
  if (code === "commander.help" || message === "(outputHelp)") return "wanted a subcommand, got none; --help lists them";
  const [problem = "", ...hints] = message.replace(/^error: /, "").split("\n");
  return [problem.replace(/\.$/, ""), ...hints.map((hint) => hint.replace(/^\((.*)\)$/, "$1")), "--help shows how"].join("; ");
}
