import { createInterface } from "node:readline";
import type { ApprovalEntry, ChatAnswer, ChatRoute, Client } from "@tutti/client";
import { AppError, type Message } from "@tutti/core";
import type { Command } from "commander";
import { askPerson, tellApproval } from "../ask-person.ts";
import { connect } from "../connect.ts";
import { failureOf, printFailure } from "../failure.ts";
import { readStdin, UsageError, type Shell } from "../shell.ts";
import { paint, piece } from "../terminal.ts";
import { printable, printableLines } from "../terminal-text.ts";

const EXAMPLES = `
Examples:
  tutti chat holly "What is 0.1 + 0.2?"
  cat letter.txt | tutti chat holly --json
  tutti chat holly                        talk back and forth

In a conversation: /reset forgets it, /help lists commands, /exit or Ctrl-D ends it. Ctrl-C stops an answer.
When the agent asks before it does something, answer with y, n, or e and a new input as JSON.`;

const HELP = "/reset  forget the conversation\n/exit   end it (Ctrl-D too)\n/help   show this";

/** What is sent along of the conversation so far; agents bound it further by their own limit. */
const HISTORY_MESSAGES_MAX = 100;

/** `tutti chat` */
export function defineChat(command: Command, shell: Shell): void {
  command
    .argument("<agent>", "the agent's name; `tutti agents` lists them")
    .argument("[message...]", "what to say; without it what is piped in, or a conversation")
    .option("-i, --interactive", "a conversation, also when stdin is no terminal: each line is a message")
    .addHelpText("after", EXAMPLES)
    .action((agent: string, words: readonly string[], options: { readonly interactive?: boolean }) =>
      chat(shell, agent, { words: words.join(" "), interactive: options.interactive === true }),
    );
}

async function chat(
  shell: Shell,
  agent: string,
  { words, interactive }: { readonly words: string; readonly interactive: boolean },
): Promise<void> {
  const isConversation = interactive || (words === "" && process.stdin.isTTY);
  if (isConversation && shell.isJson) throw new UsageError("--json needs a message, as arguments or on stdin");
  const message = isConversation ? "" : words || (await readStdin()).trim();
  if (!isConversation && message === "") throw new UsageError("wanted a message, got nothing on stdin");
  await using connection = await connect(shell);
  // Asked for first, so that a wrong name is said before anybody types.
  await connection.client.agent(agent, shell.signal);
  const { client } = connection;
  const talk = { shell, client, agent, onApproval: async (approval: ApprovalEntry) => tellApproval(shell, approval) };
  if (isConversation) await converse(talk);
  else shell.printJson(await say(talk, [{ role: "user", content: message }], shell.signal));
}

interface Talk {
  readonly shell: Shell;
  readonly client: Client;
  readonly agent: string;
  /** What is done about something that the agent asks before it goes on. */
  readonly onApproval: (approval: ApprovalEntry, signal: AbortSignal) => Promise<void>;
}

type Turn = Pick<Message, "role" | "content">;

/** Sends the conversation and prints the answer as it comes, and who gave it. */
async function say(talk: Talk, messages: readonly Turn[], signal: AbortSignal): Promise<ChatAnswer> {
  const answer = await receive(talk, messages, signal);
  talk.shell.printLine(piece(printable(`— ${describeRoute(answer.route)}, run ${answer.runId}`), "dim"));
  return answer;
}

async function receive(talk: Talk, messages: readonly Turn[], signal: AbortSignal): Promise<ChatAnswer> {
  const { shell, client, agent } = talk;
  let column = 0;
  try {
    for await (const part of client.chat({ agent, messages }, signal)) {
      if (part.type === "done") return part.answer;
      if (part.type === "text") column = write(shell, part.text, column);
      if (part.type !== "approval") continue;
      if (column > 0) shell.print("");
      column = 0;
      await talk.onApproval(part.approval, signal);
    }
  } finally {
    // Also after an answer that was cut off, so that what is said next begins a line.
    if (column > 0) shell.print("");
  }
  throw new AppError("upstream", `wanted an answer of ${agent}, got none`);
}

/** Prints what a model wrote, without anything that could act on the terminal. Returns 0 at the start of a line. */
function write(shell: Shell, text: string, column: number): number {
  const lines = printableLines(text);
  if (!shell.isJson) process.stdout.write(lines.join("\n"));
  return lines.length > 1 ? (lines.at(-1)?.length ?? 0) : column + text.length;
}

async function converse(started: Talk): Promise<void> {
  const { shell, client } = started;
  const reader = createInterface({
    input: process.stdin,
    output: process.stdout,
    prompt: paint("> ", "bold", shell.out),
    historySize: HISTORY_MESSAGES_MAX,
  });
  let answer: AbortController | undefined;
  reader.on("SIGINT", () => (answer === undefined ? reader.close() : answer.abort()));
  shell.signal.addEventListener("abort", () => reader.close(), { once: true });
  shell.note(`Talking to ${started.agent}. /help lists commands, /exit ends.`);
  let isOpen = true;
  reader.once("close", () => (isOpen = false));
  // What is typed while an answer is under way is for what it asks; the reader gives each line to one of the two.
  const nextLine = lineReader(reader);
  const onApproval: Talk["onApproval"] = (approval, signal) => askPerson({ shell, client, approval }, nextLine, signal);
  const talk: Talk = { ...started, onApproval };
  const ask = (): void => (isOpen && process.stdin.isTTY ? reader.prompt() : undefined);
  let history: readonly Turn[] = [];
  ask();
  for (let line = await nextLine(); line !== undefined; line = await nextLine()) {
    const text = line.trim();
    if (text === "/exit") break;
    if (text === "/help") shell.print(HELP);
    else if (text === "/reset") {
      history = [];
      shell.print("forgotten");
    } else if (text !== "") {
      answer = new AbortController();
      history = await turn(talk, [...history, { role: "user", content: text }], AbortSignal.any([shell.signal, answer.signal]));
      answer = undefined;
    }
    ask();
  }
  reader.close();
}

/** Gives one line after the other, `undefined` at the end. A line that somebody stopped waiting for goes to whoever asks next. */
function lineReader(reader: AsyncIterable<string>): () => Promise<string | undefined> {
  const lines = reader[Symbol.asyncIterator]();
  let coming: Promise<string | undefined> | undefined;
  return async () => {
    coming ??= lines.next().then(({ done, value }) => (done === true ? undefined : value));
    const line = await coming;
    coming = undefined;
    return line;
  };
}

/** One turn. An answer that failed or was stopped is no reason to end the conversation. */
async function turn(talk: Talk, messages: readonly Turn[], signal: AbortSignal): Promise<readonly Turn[]> {
  const kept = messages.slice(-HISTORY_MESSAGES_MAX);
  try {
    const { reply } = await say(talk, kept, signal);
    return [...kept, { role: "assistant", content: reply.content }];
  } catch (thrown) {
    const failure = failureOf(thrown);
    if (failure.code === "cancelled") talk.shell.print("(stopped)");
    else printFailure(failure, false);
    return kept.slice(0, -1);
  }
}

function describeRoute({ by, model, rule, tool, reason }: ChatRoute): string {
  const who = by === "model" ? `model ${model ?? ""}` : by === "rule" ? `rule ${rule ?? ""} with ${tool ?? "no tool"}` : "no model";
  return `${who}: ${reason}`;
}
