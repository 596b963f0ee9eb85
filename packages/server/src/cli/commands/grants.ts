import type { GrantEntry, GrantRequest } from "@tutti/client";
import type { Json } from "@tutti/core";
import type { Command } from "commander";
import { connect, type Connection } from "../connect.ts";
import { readDuration } from "../duration.ts";
import { readJsonArgument, safeJson, UsageError, type Shell } from "../shell.ts";
import { table } from "../table.ts";
import { piece } from "../terminal.ts";
import { printable } from "../terminal-text.ts";

const STATUS_STYLES = { open: "green", "used up": "dim", expired: "dim", revoked: "red" } as const;
const HOUR_MS = 3_600_000;

const GRANT_EXAMPLES = `
Examples:
  tutti approvals grant pay --where '{"to": {"oneOf": ["acme", "bolt"]}}' --uses 20 --amount amount=500 --for 7d
  tutti approvals grant python_exec --agent coder --uses 100 --for 1d --reason "the trial"

Conditions in --where: {"equals": X}, {"oneOf": [X, Y]}, {"pattern": "RE2, of the whole text"}, {"min": 1, "max": 9}, by place ("order.total").`;

/** `tutti approvals give|grant|grants|second|revoke`: approvals that people give before they are asked. */
export function defineGrants(command: Command, shell: Shell): void {
  command
    .command("give <tool>")
    .description("approve one call of a tool before it is made")
    .option("--input <json>", "the input of the call: JSON, @file, or - for stdin", "{}")
    .option("--principal <id>", "who calls; you unless given")
    .option("--for <duration>", "how long it holds: 5m, 1h; 1h unless given", readDuration)
    .option("--reason <text>", "why, for the log", "")
    .addHelpText(
      "after",
      `\nExamples:\n  tutti approvals give pay --input '{"to": "acme", "amount": 12}'\n  tutti tools call pay --input … --approval ID`,
    )
    .action((tool: string, options: GiveOptions) => give(shell, tool, options));
  command
    .command("grant <tool>")
    .description("approve calls of a tool for some time: which inputs, for whom, how often, how much")
    .option("--where <json>", "what the input has to be like: JSON, @file, or -")
    .option("--principal <id>", "only calls for this principal")
    .option("--agent <name>", "only calls of runs of this agent or workflow")
    .requiredOption("--uses <count>", "how many calls", Number)
    .option("--amount <place=max>", "the sum of the numbers at a place of the inputs")
    .requiredOption("--for <duration>", "how long it holds: 1h, 7d", readDuration)
    .option("--reason <text>", "why, for the log", "")
    .addHelpText("after", GRANT_EXAMPLES)
    .action((tool: string, options: GrantOptions) => grant(shell, tool, options));
  command
    .command("grants [id]")
    .description("list standing grants and what is left of them, or show one with its uses")
    .option("--all", "also those that can be used no more")
    .option("--calls", "approvals of one call instead of standing grants")
    .addHelpText("after", "\nExamples:\n  tutti approvals grants\n  tutti approvals grants ID\n  tutti approvals grants --calls --all")
    .action((id: string | undefined, options: { readonly all?: boolean; readonly calls?: boolean }) =>
      id === undefined ? list(shell, options) : withOne(shell, ({ client }) => client.grant(id, shell.signal)),
    );
  command
    .command("second <id>")
    .description("approve what somebody has approved, where a rule wants two")
    .option("--reason <text>", "why, for the log", "")
    .addHelpText("after", '\nExamples:\n  tutti approvals second ID --reason "checked the account"')
    .action((id: string, { reason }: { readonly reason: string }) =>
      withOne(shell, ({ client }) => client.secondGrant(id, reason, shell.signal)),
    );
  command
    .command("revoke <id>")
    .description("end an approval or a grant: nothing uses it from now on")
    .option("--reason <text>", "why, for the log", "")
    .addHelpText("after", '\nExamples:\n  tutti approvals revoke ID --reason "the trial is over"')
    .action((id: string, { reason }: { readonly reason: string }) =>
      withOne(shell, ({ client }) => client.revokeGrant(id, reason, shell.signal)),
    );
}

interface GiveOptions {
  readonly input: string;
  readonly principal?: string;
  readonly for?: number;
  readonly reason: string;
}

interface GrantOptions {
  readonly where?: string;
  readonly principal?: string;
  readonly agent?: string;
  readonly uses: number;
  readonly amount?: string;
  readonly for: number;
  readonly reason: string;
}

async function give(shell: Shell, tool: string, options: GiveOptions): Promise<void> {
  const { principal, reason } = options;
  const input = (await readJsonArgument(options.input, "--input")) as Json;
  await using connection = await connect(shell);
  const request = { tool, input, principal, expiresInMs: options.for ?? HOUR_MS, reason };
  const given = await connection.client.approveCall(request, shell.signal);
  shell.printJson(given);
  shell.printLine(piece("approved  ", "green"), piece(given.approvalId));
  shell.printLine(piece(`  once, until ${given.expiresAt} · hash ${given.argsHash}`, "dim"));
}

async function grant(shell: Shell, tool: string, options: GrantOptions): Promise<void> {
  const where = options.where === undefined ? undefined : ((await readJsonArgument(options.where, "--where")) as GrantRequest["where"]);
  const { principal, agent, uses: usesMax, for: expiresInMs, reason } = options;
  const request: GrantRequest = { tool, where, principal, agent, usesMax, amount: readAmount(options.amount), expiresInMs, reason };
  await withOne(shell, ({ client }) => client.createGrant(request, shell.signal));
}

function readAmount(text: string | undefined): GrantRequest["amount"] {
  if (text === undefined) return undefined;
  const [path = "", max = ""] = text.split("=", 2);
  if (path !== "" && max !== "" && Number.isFinite(Number(max))) return { path, max: Number(max) };
  throw new UsageError(`--amount wants PLACE=MAX, such as amount=500, got ${JSON.stringify(text)}`);
}

async function list(shell: Shell, { all = false, calls = false }: { readonly all?: boolean; readonly calls?: boolean }): Promise<void> {
  await using connection = await connect(shell);
  const grants = await connection.client.grants({ kind: calls ? "approval" : "grant", all }, shell.signal);
  shell.printJson({ grants });
  if (grants.length === 0) return shell.print("No grants. Give one: tutti approvals grant TOOL --uses 10 --for 1d");
  const rows = grants.map((one) => [
    { text: one.approvalId },
    { text: one.tool },
    { text: one.status, style: STATUS_STYLES[one.status] },
    { text: `${one.used}/${one.usesMax}` },
    { text: one.amountLeft === undefined ? "" : String(one.amountLeft) },
    { text: one.expiresAt },
    { text: one.principal ?? one.agent ?? "anybody" },
  ]);
  shell.print(...table(["ID", "TOOL", "STATUS", "USED", "LEFT", "UNTIL", "FOR"], rows, shell.out));
}

/** Does something that gives one grant, and shows it. */
async function withOne(shell: Shell, act: (connection: Connection) => Promise<GrantEntry>): Promise<void> {
  await using connection = await connect(shell);
  const one = await act(connection);
  shell.printJson({ grant: one });
  shell.printLine(piece(`${one.status}  `, STATUS_STYLES[one.status]), piece(`${one.tool}  `), piece(one.approvalId, "dim"));
  const facts = [
    `by ${one.by.join(" and ")}${one.reason === "" ? "" : `: ${one.reason}`}`,
    `for ${one.principal ?? one.agent ?? "anybody"}`,
    `${one.used} of ${one.usesMax} used`,
    ...(one.amountLeft === undefined ? [] : [`${one.amountLeft} left`]),
    `until ${one.expiresAt}`,
  ];
  shell.printLine(piece(`  ${printable(facts.join(" · "))}`, "dim"));
  if (one.where !== undefined) shell.printLine(piece(`  ${printable(safeJson(one.where))}`, "dim"));
  for (const use of one.uses)
    shell.printLine(piece(`  ${use.at}  run ${use.runId}, step ${use.key}, for ${printable(use.principal)}`, "dim"));
}
