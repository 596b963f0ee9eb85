import type { ApprovalEntry } from "@tutti/client";
import type { Json } from "@tutti/core";

/** Less time than this is urgent. */
const URGENT_MS = 600_000;
/** An input with more characters than this is long: whoever approves it says that they have looked at all of it. */
const LONG_CHARACTERS = 1500;

/** Which approval it is among all. */
export function approvalId({ runId, key }: Pick<ApprovalEntry, "runId" | "key">): string {
  return `${runId}/${key}`;
}

/** What an approval is about, in a few words. */
export function subjectOf({ call, question }: ApprovalEntry): string {
  return call === undefined ? question : call.tool;
}

/** Why it is asked: the rule's own words, without what stands beside it anyway. */
export function reasonOf({ call, question }: ApprovalEntry): string {
  const prefix = `tool.call on "${call?.tool ?? ""}": `;
  return question.startsWith(prefix) ? question.slice(prefix.length) : question;
}

/** Whether the time for an answer is nearly over. */
export function isUrgent({ until }: ApprovalEntry, nowMs: number): boolean {
  return until !== null && Date.parse(until) - nowMs < URGENT_MS;
}

/** What happens when nobody answers. */
export function otherwiseWords({ otherwise }: ApprovalEntry): string {
  if (otherwise === undefined) return "then the step fails";
  return otherwise === "approve" ? "then it is taken as approved" : "then it is taken as denied";
}

/** Whether an input is so long that its end may not have been seen. */
export function isLong(input: Json | undefined): boolean {
  return input !== undefined && JSON.stringify(input).length > LONG_CHARACTERS;
}
