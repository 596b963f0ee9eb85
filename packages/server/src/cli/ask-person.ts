import type { ApprovalEntry, Client } from "@tutti/client";
import type { Json } from "@tutti/core";
import { describeApproval } from "./commands/approvals.ts";
import { failureOf, printFailure } from "./failure.ts";
import type { Shell } from "./shell.ts";

/** Answers that make no sense before the question is left to `tutti approvals`. */
const TRIES_MAX = 5;

interface Question {
  readonly shell: Shell;
  readonly client: Client;
  readonly approval: ApprovalEntry;
}

/** Shows what is asked and how to answer from elsewhere; on stderr, so that what is piped on is the answer only. */
export function tellApproval(shell: Shell, { runId, key, question }: ApprovalEntry): void {
  shell.warn(`? ${question}\n  answer with \`tutti approvals approve ${runId} ${key}\` or \`tutti approvals refuse ${runId} ${key}\``);
}

/** Shows what is asked and takes the answer from the person at the terminal. What is typed wrongly is asked again. */
export async function askPerson(question: Question, readLine: () => Promise<string | undefined>, signal: AbortSignal): Promise<void> {
  const { shell, approval } = question;
  describeApproval(shell, approval, { isWhole: true });
  const stopped = Promise.withResolvers<undefined>();
  using _ = onAbort(signal, () => stopped.resolve(undefined));
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    shell.note(
      approval.call === undefined
        ? "y approves, n refuses; a reason may follow"
        : "y approves, n refuses (a reason may follow), e JSON approves another input",
    );
    const line = await Promise.race([readLine(), stopped.promise]);
    if (line === undefined) break;
    const given = readAnswer(line.trim());
    if (given === undefined) continue;
    if (await isTaken(question, given, signal)) return;
  }
  signal.throwIfAborted();
  tellApproval(shell, approval);
}

function onAbort(signal: AbortSignal, listener: () => void): Disposable {
  signal.addEventListener("abort", listener, { once: true });
  return { [Symbol.dispose]: () => signal.removeEventListener("abort", listener) };
}

interface Given {
  readonly approved: boolean;
  readonly reason: string;
  readonly input?: Json;
}

function readAnswer(line: string): Given | undefined {
  const [, verb = "", rest = ""] = /^(\S+)\s*(.*)$/s.exec(line) ?? [];
  const said = verb.toLowerCase();
  if (said === "y" || said === "yes") return { approved: true, reason: rest };
  if (said === "n" || said === "no") return { approved: false, reason: rest };
  if (said !== "e" && said !== "edit") return undefined;
  try {
    return { approved: true, reason: "edited", input: JSON.parse(rest) as Json };
  } catch {
    // No JSON: it is asked for again.
    return undefined;
  }
}

/** Whether the server took the answer; why not is told. */
async function isTaken({ shell, client, approval }: Question, given: Given, signal: AbortSignal): Promise<boolean> {
  try {
    await client.answerApproval(approval, { ...given, argsHash: approval.call?.argsHash }, signal);
    shell.print(given.approved ? "approved" : "refused");
    return true;
  } catch (thrown) {
    const failure = failureOf(thrown);
    if (failure.code === "cancelled") throw thrown;
    printFailure(failure, false);
    // Somebody else was quicker.
    return failure.code === "conflict";
  }
}
