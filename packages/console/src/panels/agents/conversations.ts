import type { Json, RunRecord } from "@tutti/core";

/** A turn of a conversation as its run was given it. */
export interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** A run of an agent, and the conversation that it was given. */
export interface AskedRun {
  readonly run: RunRecord;
  readonly messages: readonly ChatMessage[];
}

/** Questions and their answers, each a run, in order. An answer that was asked for again has the newest run. */
export interface Conversation {
  /** The newest run: its address. */
  readonly id: string;
  readonly title: string;
  readonly at: string;
  readonly runs: readonly AskedRun[];
}

/** The conversation in a run's input; none when it is no agent's. Pure. */
export function messagesOf(input: Json): readonly ChatMessage[] {
  if (typeof input !== "object" || input === null || Array.isArray(input)) return [];
  const { message, messages } = input as { readonly [key: string]: Json };
  if (typeof message === "string") return [{ role: "user", content: message }];
  return (Array.isArray(messages) ? (messages as readonly Json[]) : []).flatMap((one): readonly ChatMessage[] => {
    const { role, content } = (one ?? {}) as { readonly [key: string]: Json };
    return (role === "system" || role === "user" || role === "assistant") && typeof content === "string" ? [{ role, content }] : [];
  });
}

/** Longer questions are cut where conversations are listed. */
const TITLE_CHARACTERS_MAX = 80;

/** Puts runs together into conversations: one goes on with another when it was given all that the other was, its answer and a question. Newest first. Pure. */
export function conversationsOf(runs: readonly AskedRun[]): readonly Conversation[] {
  const open = new Map<string, readonly AskedRun[]>();
  const ordered = runs.toSorted((a, b) => a.run.startedAt.localeCompare(b.run.startedAt) || a.messages.length - b.messages.length);
  for (const asked of ordered) {
    if (asked.messages.length === 0) continue;
    const before = open.get(keyOf(asked.messages.slice(0, -2)));
    const chain = asked.messages.length > 2 && before !== undefined ? before : [];
    if (chain.length > 0) open.delete(keyOf(asked.messages.slice(0, -2)));
    open.set(keyOf(asked.messages), [...chain, asked]);
  }
  return [...open.values()]
    .map((chain) => {
      const last = chain.at(-1) as AskedRun;
      const first = last.messages.find(({ role }) => role === "user")?.content ?? "";
      return { id: last.run.id, title: first.slice(0, TITLE_CHARACTERS_MAX), at: last.run.startedAt, runs: chain };
    })
    .toSorted((a, b) => b.at.localeCompare(a.at));
}

function keyOf(messages: readonly ChatMessage[]): string {
  return JSON.stringify(messages.map(({ role, content }) => [role, content]));
}
