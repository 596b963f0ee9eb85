import type { Message, ToolCall } from "../model.ts";

/** A conversation in the order that Anthropic and Google want: what the system says apart, then turns of user and assistant by turns. */
export interface Conversation {
  /** What the system said before anybody else did. */
  readonly system: readonly string[];
  readonly turns: readonly Turn[];
}

/** A user's turn answers the tool calls of the assistant's turn before it; `system` is what the system said meanwhile. */
export type Turn =
  | { readonly role: "user"; readonly results: readonly Message[]; readonly said: readonly Message[]; readonly system: readonly string[] }
  | { readonly role: "assistant"; readonly said: readonly Message[] };

interface UserTurn {
  readonly role: "user";
  readonly results: Message[];
  readonly said: Message[];
  readonly system: string[];
}
interface AssistantTurn {
  readonly role: "assistant";
  readonly said: Message[];
}

/** Puts a conversation in that order. A tool's result goes directly after the turn that asked for it, however late it came. */
export function arrangeTurns(messages: readonly Message[]): Conversation {
  const first = messages.findIndex(({ role }) => role !== "system");
  const leading = first < 0 ? messages : messages.slice(0, first);
  const turns: (UserTurn | AssistantTurn)[] = [];
  for (const message of messages.slice(leading.length)) {
    if (message.role === "assistant") assistantTurn(turns).said.push(message);
    else if (message.role === "tool") resultTurn(turns, message.callId ?? "").results.push(message);
    else if (message.role === "user") userTurn(turns).said.push(message);
    else userTurn(turns).system.push(message.content);
  }
  return { system: leading.map(({ content }) => content).filter(isSomething), turns };
}

/** The tool calls of a turn. */
export function callsOf(turn: Turn | undefined): readonly ToolCall[] {
  return turn?.role === "assistant" ? turn.said.flatMap(({ calls = [] }) => calls) : [];
}

/** Whether a text holds anything to read. */
export function isSomething(text: string): boolean {
  return text.trim() !== "";
}

function assistantTurn(turns: (UserTurn | AssistantTurn)[]): AssistantTurn {
  const last = turns.at(-1);
  if (last?.role === "assistant") return last;
  const turn: AssistantTurn = { role: "assistant", said: [] };
  turns.push(turn);
  return turn;
}

function userTurn(turns: (UserTurn | AssistantTurn)[]): UserTurn {
  const last = turns.at(-1);
  if (last?.role === "user") return last;
  const turn = newUserTurn();
  turns.push(turn);
  return turn;
}

/** The turn after the last one that asked for this call. */
function resultTurn(turns: (UserTurn | AssistantTurn)[], callId: string): UserTurn {
  const asked = turns.findLastIndex((turn) => callsOf(turn).some(({ id }) => id === callId));
  const next = asked < 0 ? undefined : turns[asked + 1];
  if (next?.role === "user") return next;
  return userTurn(turns);
}

function newUserTurn(): UserTurn {
  return { role: "user", results: [], said: [], system: [] };
}
