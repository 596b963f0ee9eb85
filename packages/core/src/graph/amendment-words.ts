import type { Json } from "../json.ts";
import { AMENDED_EVENT, AMENDMENT_REFUSED_EVENT } from "./names.ts";

/** What the lists of an amendment say, each with its words. */
const WORDS = [
  ["added", "added"],
  ["removed", "removed"],
  ["replaced", "changed"],
  ["connected", "connected"],
  ["disconnected", "disconnected"],
  ["fields", "changed the graph's"],
] as const;

/** What an event says of an amendment, such as "removed old; changed the graph's output"; `undefined` of other events, and of data not at hand. Pure. */
export function amendmentWords(name: string, data: Json): string | undefined {
  if (typeof data !== "object" || data === null || Array.isArray(data)) return undefined;
  const { [name === AMENDED_EVENT ? "added" : "problems"]: first } = data as { readonly [key: string]: Json };
  if (!Array.isArray(first)) return undefined;
  if (name === AMENDMENT_REFUSED_EVENT) return first.flatMap(messageOf).join("; ");
  if (name !== AMENDED_EVENT) return undefined;
  const lists = data as Readonly<Record<string, Json>>;
  const said = WORDS.flatMap(([key, word]) => {
    const list = textsOf(lists[key]);
    return list.length === 0 ? [] : [`${word} ${list.join(", ")}`];
  });
  if (said.length > 0) return said.join("; ");
  // Logs of before the fields were told of.
  return lists["fields"] === undefined ? "changed the graph's output or description" : "changed nothing";
}

function textsOf(list: Json | undefined): readonly string[] {
  return Array.isArray(list) ? list.filter((item) => typeof item === "string") : [];
}

function messageOf(problem: Json): readonly string[] {
  return textsOf(typeof problem === "object" && problem !== null && "message" in problem ? [problem.message ?? null] : []);
}
