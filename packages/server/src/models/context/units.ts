import type { Message } from "@tutti/core/model";

/** Turns that only make sense together: a tool call with its results, or any other turn alone. */
export interface Unit {
  readonly messages: readonly Message[];
  /** System turns are never left out. */
  readonly isSystem: boolean;
}

/** A conversation in units, in its order. */
export function unitsOf(messages: readonly Message[]): readonly Unit[] {
  const units: { messages: Message[]; isSystem: boolean }[] = [];
  let calling: Message[] | undefined;
  for (const message of messages) {
    if (message.role === "tool" && calling !== undefined) {
      calling.push(message);
      continue;
    }
    const own = [message];
    units.push({ messages: own, isSystem: message.role === "system" });
    calling = (message.calls ?? []).length > 0 ? own : undefined;
  }
  return units;
}
