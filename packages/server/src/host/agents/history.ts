import type { Message } from "@tutti/core";

/**
 * The newest messages, at most `messagesMax` besides the system's. Whole turns are dropped, oldest first, so that what is left begins with a
 * user's message and no answer of a tool is parted from its call. The last turn stays, whatever its length. Pure.
 */
export function boundedHistory(messages: readonly Message[], messagesMax: number): readonly Message[] {
  const system = messages.filter(({ role }) => role === "system");
  const turns = turnsOf(messages.filter(({ role }) => role !== "system"));
  const kept: Message[] = [];
  for (const turn of turns.toReversed()) {
    if (kept.length > 0 && kept.length + turn.length > messagesMax) break;
    kept.unshift(...turn);
  }
  return [...system, ...kept];
}

/** A turn is a user's message and all that follows, up to the next one. */
function turnsOf(messages: readonly Message[]): readonly (readonly Message[])[] {
  const turns: Message[][] = [];
  for (const message of messages) {
    const last = turns.at(-1);
    if (last === undefined || message.role === "user") turns.push([message]);
    else last.push(message);
  }
  return turns;
}
