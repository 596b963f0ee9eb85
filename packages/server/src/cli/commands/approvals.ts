import type { ApprovalEntry } from "@tutti/client";
import { AppError, type Json } from "@tutti/core";
import type { Command } from "commander";
import { connect } from "../connect.ts";
import { readJsonArgument, safeJson, type Shell } from "../shell.ts";
import { piece } from "../terminal.ts";
import { printable } from "../terminal-text.ts";
import { ago } from "../time.ts";
import { defineGrants } from "./grants.ts";

/** `tutti approvals …` */
export function defineApprovals(command: Command, shell: Shell): void {
  command
    .command("list", { isDefault: true })
    .description("list what runs ask of people, the most urgent first")
    .option("--run <run>", "only what this run asks")
    .addHelpText("after", "\nExamples:\n  tutti approvals\n  tutti approvals --run RUN --json")
    .action(({ run }: { readonly run?: string }) => list(shell, run));
  command
    .command("approve <run> [key]")
    .description("say yes to what a run asks; `key` when it asks several things")
    .option("--reason <text>", "why, for the log", "")
    .option("--input <json>", "call the tool with this input instead: JSON, @file, or - for stdin")
    .option("--hash <hash>", "only if it still asks about the input of this hash")
    .addHelpText(
      "after",
      `\nExamples:\n  tutti approvals approve RUN\n  tutti approvals approve RUN --input '{"to": "acme", "amount": 40}'`,
    )
    .action((runId: string, key: string | undefined, { reason, input, hash }: AnswerOptions) =>
      answer(shell, { runId, key }, { approved: true, reason, input, hash }),
    );
  command
    .command("refuse <run> [key]")
    .description("say no to what a run asks; `key` when it asks several things")
    .option("--reason <text>", "why, for the log", "")
    .addHelpText("after", '\nExamples:\n  tutti approvals refuse RUN --reason "too dear"')
    .action((runId: string, key: string | undefined, { reason }: AnswerOptions) =>
      answer(shell, { runId, key }, { approved: false, reason }),
    );
  defineGrants(command, shell);
}

interface AnswerOptions {
  readonly reason: string;
  readonly input?: string;
  readonly hash?: string;
}

interface GivenAnswer {
  readonly approved: boolean;
  readonly reason: string;
  readonly input?: string | undefined;
  readonly hash?: string | undefined;
}

async function list(shell: Shell, run: string | undefined): Promise<void> {
  await using connection = await connect(shell);
  const approvals = await connection.client.approvals({ run }, shell.signal);
  shell.printJson({ approvals });
  if (approvals.length === 0) return shell.print("Nobody is asked for anything now.");
  for (const approval of approvals) describeApproval(shell, approval);
  shell.note("Answer with `tutti approvals approve RUN` or `tutti approvals refuse RUN`.");
}

/** Prints what is asked, of whom, until when, and about which input. */
export function describeApproval(shell: Shell, approval: ApprovalEntry): void {
  const { runId, key, question, detail, approvers, since, until, otherwise, call, isFourEyes, approvalsMin = 1 } = approval;
  shell.printLine(piece("? ", "yellow"), piece(printable(question)));
  const facts = [
    ...(approvers === undefined ? [] : [`of ${approvers.join(" or ")}`]),
    ...(approvalsMin === 1 ? [] : [`${approvalsMin} have to approve`]),
    ...(isFourEyes === true ? [`not of ${call?.principalId ?? "who asks"}`] : []),
    ...(until === null ? [] : [`until ${until}, then ${otherwise === undefined ? "it fails" : `it is ${otherwise}d`}`]),
    `asked ${ago(since, Date.now())}`,
    `run ${runId}, step ${key}`,
  ];
  shell.printLine(piece(`  ${printable(facts.join(" · "))}`, "dim"));
  if (detail !== undefined) shell.printLine(piece(`  ${printable(safeJson(detail))}`, "dim"));
  if (call !== undefined) shell.printLine(piece(`  hash ${call.argsHash}`, "dim"));
}

async function answer(
  shell: Shell,
  { runId, key: named }: { readonly runId: string; readonly key: string | undefined },
  { approved, reason, input: text, hash: argsHash }: GivenAnswer,
): Promise<void> {
  const input = text === undefined ? undefined : ((await readJsonArgument(text, "--input")) as Json);
  await using connection = await connect(shell);
  const key = named ?? (await onlyKey(connection.client.approvals({ run: runId }, shell.signal), runId));
  const { run } = await connection.client.answerApproval({ runId, key }, { approved, reason, input, argsHash }, shell.signal);
  shell.printJson({ run });
  const said = input === undefined ? "approved  " : "edited and approved  ";
  shell.printLine(piece(approved ? said : "refused  ", approved ? "green" : "red"), piece(`run ${runId}, step ${key}`));
  if (!connection.isServer) shell.note("Nobody runs it now: start `tutti up`.");
}

async function onlyKey(asked: Promise<readonly ApprovalEntry[]>, runId: string): Promise<string> {
  const [first, ...others] = await asked;
  if (first === undefined) throw new AppError("conflict", `wanted a run that asks something, got ${runId}, which does not`);
  if (others.length === 0) return first.key;
  const keys = [first, ...others].map(({ key, question }) => `${key} (${question})`).join(", ");
  throw new AppError("invalid_input", `wanted one of the things that run ${runId} asks, got none named: ${keys}`);
}
