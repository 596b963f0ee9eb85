import type { Message } from "@tutti/core/model";

/** How the turn begins that stands in the place of others. */
const HEAD = /^\[(\d+) earlier turns left out[^\]]*\]/;

/** The turn that stands in the place of others: what was left out, and its summary. It is a user's: what it says has no more authority. */
export function noteOf(leftOut: readonly Message[], summary: string): Message {
  const count = leftOut.reduce((sum, message) => sum + turnsIn(message), 0);
  const kinds = { user: 0, assistant: 0, tool: 0, system: 0 };
  for (const message of leftOut) if (!isNote(message)) kinds[message.role] += 1;
  const parts = [
    [kinds.user, "of the user"],
    [kinds.assistant, "of the assistant"],
    [kinds.tool, "tool results"],
  ] as const;
  const detail = parts.flatMap(([number, what]) => (number === 0 ? [] : [`${number} ${what}`])).join(", ");
  const head = `[${count} earlier turns left out${detail === "" ? "" : `: ${detail}`}${summary === "" ? "" : "; their summary"}]`;
  return { role: "user", content: summary === "" ? head : `${head}\n${summary}` };
}

/** How many turns of the conversation a turn stands for. */
function turnsIn(message: Message): number {
  return isNote(message) ? Number(HEAD.exec(message.content)?.[1] ?? 1) : 1;
}

function isNote({ role, content }: Message): boolean {
  return role === "user" && HEAD.test(content);
}

/** What was left out as a text to summarise: who said what. Results of tools are long and rarely what matters later, so only their beginnings. */
export function transcriptOf(leftOut: readonly Message[], charactersMax: number): string {
  const lines = leftOut.flatMap((message) => {
    const text = isNote(message) ? message.content.replace(HEAD, "").trim() : message.content.trim();
    const shown = message.role === "tool" ? text.slice(0, TOOL_CHARACTERS_SHOWN) : text;
    return shown === "" ? [] : [shown];
  });
  // The newest of it is what the conversation goes on from.
  return lines.join("\n\n").slice(-charactersMax);
}

const TOOL_CHARACTERS_SHOWN = 300;
