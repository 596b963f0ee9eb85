import type { ApprovalEntry } from "@tutti/client";
import { AppError, type Json } from "@tutti/core";
import type { Command } from "commander";
import { connect } from "../connect.ts";
import { readJsonArgument, type Shell } from "../shell.ts";
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
    .command("show <run> [key]")
    .description("show the whole input that a run asks about; hidden characters stand as escapes")
    .addHelpText("after", "\nExamples:\n  tutti approvals show RUN\n  tutti approvals show RUN KEY --json")
    .action((runId: string, key: string | undefined) => show(shell, runId, key));
  command
    .command("approve <run> [key]")
    .description("say yes to what a run asks; `key` when it asks several things")
    .option("--reason <text>", "why, for the log", "")
    .option("--input <json>", "call the tool with this input instead: JSON, @file, or - for stdin")
    .option("--hash <hash>", "only if it still asks about the input of this hash")
    .option("--yes", "approve a long input without its hash, which `tutti approvals show` tells")
    .addHelpText(
      "after",
      `\nExamples:\n  tutti approvals approve RUN\n  tutti approvals approve RUN --input '{"to": "acme", "amount": 40}'`,
    )
    .action((runId: string, key: string | undefined, { reason, input, hash, yes }: AnswerOptions) =>
      answer(shell, { runId, key }, { approved: true, reason, input, hash, isBlind: yes === true }),
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
  readonly yes?: boolean;
}

interface GivenAnswer {
  readonly approved: boolean;
  readonly reason: string;
  readonly input?: string | undefined;
  readonly hash?: string | undefined;
  /** Whether it counts though nobody was shown all of it. */
  readonly isBlind?: boolean;
}

async function list(shell: Shell, run: string | undefined): Promise<void> {
  await using connection = await connect(shell);
  const approvals = await connection.client.approvals({ run }, shell.signal);
  shell.printJson({ approvals });
  if (approvals.length === 0) return shell.print("Nobody is asked for anything now.");
  for (const approval of approvals) describeApproval(shell, approval, { isWhole: false });
  shell.note("Answer with `tutti approvals approve RUN` or `tutti approvals refuse RUN`.");
}

async function show(shell: Shell, runId: string, named: string | undefined): Promise<void> {
  await using connection = await connect(shell);
  const approval = await oneOf(connection.client.approvals({ run: runId }, shell.signal), { runId, key: named });
  shell.printJson({ approval });
  describeApproval(shell, approval, { isWhole: true });
  const hash = approval.call === undefined ? "" : ` --hash ${approval.call.argsHash}`;
  shell.note(
    `Answer with \`tutti approvals approve ${runId} ${approval.key}${hash}\` or \`tutti approvals refuse ${runId} ${approval.key}\`.`,
  );
}

/** So much of an input stands in a list; a longer one has to be looked at before it is approved. */
const LISTED_CHARACTERS_MAX = 100;
/** Everything that no eye sees or that reorders what it sees, all blanks but the common one, and letters that look like nothing. */
const HIDDEN = /(?! |\n)[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]/gu;

/** A value as JSON in which everything can be seen. Pure. */
export function visibleJson(value: unknown, indent?: number): string {
  return (JSON.stringify(value, undefined, indent) ?? "null").replaceAll(HIDDEN, (character) =>
    character
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}

/** Prints what is asked, of whom, until when, and about which input: all of it, or its beginning and how to see the rest. */
export function describeApproval(shell: Shell, approval: ApprovalEntry, { isWhole }: { readonly isWhole: boolean }): void {
  const { runId, key, question, detail, approvers, since, until, otherwise, call, isFourEyes, approvalsMin = 1 } = approval;
  if (isWhole) shell.print(`? ${visibleJson(question).slice(1, -1)}`);
  else shell.printLine(piece("? ", "yellow"), piece(printable(question)));
  const facts = [
    ...(approvers === undefined ? [] : [`of ${approvers.join(" or ")}`]),
    ...(approvalsMin === 1 ? [] : [`${approvalsMin} have to approve`]),
    ...(isFourEyes === true ? [`not of ${call?.principalId ?? "who asks"}`] : []),
    ...(until === null ? [] : [`until ${until}, then ${otherwise === undefined ? "it fails" : `it is ${otherwise}d`}`]),
    `asked ${ago(since, Date.now())}`,
    `run ${runId}, step ${key}`,
  ];
  shell.printLine(piece(`  ${printable(facts.join(" · "))}`, "dim"));
  if (detail !== undefined && isWhole)
    shell.print(
      ...visibleJson(detail, 2)
        .split("\n")
        .map((row) => `  ${row}`),
    );
  if (detail !== undefined && !isWhole) shell.print(`  ${listed(visibleJson(detail), approval)}`);
  if (call !== undefined) shell.printLine(piece(`  hash ${call.argsHash}`, "dim"));
}

function listed(text: string, { runId, key }: ApprovalEntry): string {
  if (text.length <= LISTED_CHARACTERS_MAX) return text;
  const more = text.length - LISTED_CHARACTERS_MAX;
  return `${text.slice(0, LISTED_CHARACTERS_MAX)}… ${more} more characters: tutti approvals show ${printable(`${runId} ${key}`)}`;
}

async function answer(
  shell: Shell,
  { runId, key: named }: { readonly runId: string; readonly key: string | undefined },
  { approved, reason, input: text, hash: argsHash, isBlind = false }: GivenAnswer,
): Promise<void> {
  const input = text === undefined ? undefined : ((await readJsonArgument(text, "--input")) as Json);
  await using connection = await connect(shell);
  const asked = await connection.client.approvals({ run: runId }, shell.signal);
  const key = named ?? onlyKey(asked, runId).key;
  // Whoever gives another input, or the hash, has seen what is approved.
  if (approved && !isBlind && input === undefined && argsHash === undefined) requireSeen(asked.find((one) => one.key === key));
  const { run } = await connection.client.answerApproval({ runId, key }, { approved, reason, input, argsHash }, shell.signal);
  shell.printJson({ run });
  const said = input === undefined ? "approved  " : "edited and approved  ";
  shell.printLine(piece(approved ? said : "refused  ", approved ? "green" : "red"), piece(`run ${runId}, step ${key}`));
  if (!connection.isServer) shell.note("Nobody runs it now: start `tutti up`.");
}

/** Nobody approves what a list has cut. */
function requireSeen(approval: ApprovalEntry | undefined): void {
  const length = approval?.detail === undefined ? 0 : visibleJson(approval.detail).length;
  if (approval === undefined || length <= LISTED_CHARACTERS_MAX) return;
  const { runId, key, call } = approval;
  throw new AppError(
    "invalid_input",
    `wanted an approval of what was seen, got one of an input of ${length} characters; look at it with \`tutti approvals show ${runId} ${key}\`, then approve with ${call === undefined ? "--yes" : `--hash ${call.argsHash}, or with --yes`}`,
  );
}

async function oneOf(
  asked: Promise<readonly ApprovalEntry[]>,
  { runId, key }: { readonly runId: string; readonly key: string | undefined },
): Promise<ApprovalEntry> {
  const all = await asked;
  const found = key === undefined ? onlyKey(all, runId) : all.find((one) => one.key === key);
  if (found !== undefined) return found;
  throw new AppError("not_found", `wanted something that run ${runId} asks, got ${key}; \`tutti approvals --run ${runId}\` lists it`);
}

function onlyKey(asked: readonly ApprovalEntry[], runId: string): ApprovalEntry {
  const [first, ...others] = asked;
  if (first === undefined) throw new AppError("conflict", `wanted a run that asks something, got ${runId}, which does not`);
  if (others.length === 0) return first;
  const keys = [first, ...others].map(({ key, question }) => `${key} (${question})`).join(", ");
  throw new AppError("invalid_input", `wanted one of the things that run ${runId} asks, got none named: ${keys}`);
}
