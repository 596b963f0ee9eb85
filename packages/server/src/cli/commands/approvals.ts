import type { ApprovalEntry } from "@tutti/client";
import { AppError } from "@tutti/core";
import type { Command } from "commander";
import { connect } from "../connect.ts";
import { safeJson, type Shell } from "../shell.ts";
import { piece } from "../terminal.ts";
import { printable } from "../terminal-text.ts";
import { ago } from "../time.ts";

/** `tutti approvals …` */
export function defineApprovals(command: Command, shell: Shell): void {
  command
    .command("list", { isDefault: true })
    .description("list what runs ask of people, the most urgent first")
    .option("--run <run>", "only what this run asks")
    .addHelpText("after", "\nExamples:\n  tutti approvals\n  tutti approvals --run RUN --json")
    .action(({ run }: { readonly run?: string }) => list(shell, run));
  for (const approved of [true, false]) {
    command
      .command(`${approved ? "approve" : "refuse"} <run> [key]`)
      .description(`say ${approved ? "yes" : "no"} to what a run asks; \`key\` when it asks several things`)
      .option("--reason <text>", "why, for the log", "")
      .addHelpText("after", `\nExamples:\n  tutti approvals ${approved ? "approve RUN" : 'refuse RUN --reason "too dear"'}`)
      .action((runId: string, key: string | undefined, { reason }: { readonly reason: string }) =>
        answer(shell, { runId, key }, { approved, reason }),
      );
  }
}

async function list(shell: Shell, run: string | undefined): Promise<void> {
  await using connection = await connect(shell);
  const approvals = await connection.client.approvals({ run }, shell.signal);
  shell.printJson({ approvals });
  if (approvals.length === 0) return shell.print("Nobody is asked for anything now.");
  for (const approval of approvals) describe(shell, approval);
  shell.note("Answer with `tutti approvals approve RUN` or `tutti approvals refuse RUN`.");
}

function describe(shell: Shell, { runId, key, question, detail, approvers, since, until, otherwise }: ApprovalEntry): void {
  shell.printLine(piece("? ", "yellow"), piece(printable(question)));
  const facts = [
    ...(approvers === undefined ? [] : [`of ${approvers.join(" or ")}`]),
    ...(until === null ? [] : [`until ${until}, then ${otherwise === undefined ? "it fails" : `it is ${otherwise}d`}`]),
    `asked ${ago(since, Date.now())}`,
    `run ${runId}, step ${key}`,
  ];
  shell.printLine(piece(`  ${printable(facts.join(" · "))}`, "dim"));
  if (detail !== undefined) shell.printLine(piece(`  ${printable(safeJson(detail))}`, "dim"));
}

async function answer(
  shell: Shell,
  { runId, key }: { readonly runId: string; readonly key: string | undefined },
  given: { readonly approved: boolean; readonly reason: string },
): Promise<void> {
  await using connection = await connect(shell);
  const approval = { runId, key: key ?? (await onlyKey(connection.client.approvals({ run: runId }, shell.signal), runId)) };
  const { run } = await connection.client.answerApproval(approval, given, shell.signal);
  shell.printJson({ run });
  shell.printLine(
    piece(given.approved ? "approved  " : "refused  ", given.approved ? "green" : "red"),
    piece(`run ${runId}, step ${approval.key}`),
  );
  if (!connection.isServer) shell.note("Nobody runs it now: start `tutti up`.");
}

async function onlyKey(asked: Promise<readonly ApprovalEntry[]>, runId: string): Promise<string> {
  const [first, ...others] = await asked;
  if (first === undefined) throw new AppError("conflict", `wanted a run that asks something, got ${runId}, which does not`);
  if (others.length === 0) return first.key;
  const keys = [first, ...others].map(({ key, question }) => `${key} (${question})`).join(", ");
  throw new AppError("invalid_input", `wanted one of the things that run ${runId} asks, got none named: ${keys}`);
}
