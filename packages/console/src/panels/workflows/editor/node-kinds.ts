import type { GraphNode } from "@tutti/core/graph";
import type { Fields } from "../../../parts/json-fields.ts";

/** A kind of node: what it does, and how one begins. */
export interface NodeKind {
  readonly type: GraphNode["type"];
  readonly about: string;
  readonly fields: Fields;
}

/** The node that a new body begins with. */
const INSIDE = { nodes: { step: { type: "transform", value: null } } };

/** Every kind of node, those that do work first. What must be chosen by a person is empty. */
export const KINDS: readonly NodeKind[] = [
  { type: "tool", about: "Calls a tool", fields: { tool: "", input: {} } },
  { type: "agent", about: "Asks an agent", fields: { agent: "", input: { message: "" } } },
  { type: "model", about: "Asks a model", fields: { model: "default", prompt: "" } },
  { type: "workflow", about: "Runs another workflow", fields: { workflow: "", input: {} } },
  { type: "condition", about: "Chooses which way to go", fields: { if: "${ true }" } },
  { type: "transform", about: "Makes a value", fields: { value: null } },
  { type: "approval", about: "Asks people and waits", fields: { question: "Go on?" } },
  { type: "wait", about: "Waits for time, a signal or an event", fields: { ms: 1000 } },
  { type: "map", about: "Does its inside for each item of a list", fields: { items: [], do: INSIDE } },
  { type: "loop", about: "Does its inside again and again", fields: { times: 3, do: INSIDE } },
  { type: "group", about: "Does several nodes as one", fields: { do: INSIDE } },
  { type: "emit", about: "Publishes an event", fields: { event: "", data: {} } },
  { type: "fail", about: "Fails with a code", fields: { code: "conflict", message: "" } },
];

/** An id that no node of these has: "tool", "tool2", "tool3". Pure. */
export function freeId(wanted: string, taken: readonly string[]): string {
  if (!taken.includes(wanted)) return wanted;
  const stem = wanted.replace(/\d+$/, "");
  let number = 2;
  while (taken.includes(`${stem}${number}`)) number += 1;
  return `${stem}${number}`;
}
