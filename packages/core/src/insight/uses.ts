import type { Event } from "../event.ts";
import type { Json } from "../json.ts";
import type { Node } from "./plan.ts";

/** Values of an output that are looked for. */
const VALUES_MAX = 50;
/** Shorter texts and smaller numbers are found anywhere by chance. */
const TEXT_LENGTH_MIN = 3;
const NUMBER_MIN = 10;
/** Of long texts only the beginning is looked for. */
const TEXT_LENGTH_MAX = 200;

/** Whether a step used what the step before it gave, as far as the log can tell. */
export type Use = "shown" | "not-shown" | "unknown";

/**
 * By key, whether a step's recorded input holds something of what the step just before it gave. Only tools and models have their input in
 * the log. "not-shown" is no proof: a workflow's code may choose by a value without passing it on.
 */
export function usesOf(nodes: readonly Node[], events: readonly Event[]): ReadonlyMap<string, Use> {
  const inputs = new Map<string, string>();
  const outputs = new Map<string, Json>();
  for (const event of events) {
    if (event.type === "policy.decided" && event.action.input !== undefined) inputs.set(event.key, JSON.stringify(event.action.input));
    else if (event.type === "step.completed") outputs.set(event.key, event.output);
  }
  const uses = new Map<string, Use>();
  collect(nodes, (before, key) => {
    const input = inputs.get(key);
    const output = outputs.get(before);
    if (input === undefined || isReference(input)) uses.set(key, "unknown");
    else uses.set(key, output !== undefined && valuesOf(output).some((value) => input.includes(value)) ? "shown" : "not-shown");
  });
  return uses;
}

function collect(nodes: readonly Node[], onPair: (before: string, key: string) => void): void {
  let before: string | undefined;
  for (const node of nodes) {
    if (node.type === "fork") {
      for (const branch of node.branches) collect(branch.nodes, onPair);
      before = undefined;
      continue;
    }
    if (before !== undefined) onPair(before, node.span.key);
    before = node.span.key;
  }
}

/** A large value is not in the log itself. */
function isReference(input: string): boolean {
  return input.startsWith('{"$blob":');
}

/** What to look for of a value: its texts and numbers as JSON writes them. */
function valuesOf(output: Json): readonly string[] {
  const found: string[] = [];
  const rest: Json[] = [output];
  while (rest.length > 0 && found.length < VALUES_MAX) {
    const value = rest.pop();
    if (typeof value === "string" && value.length >= TEXT_LENGTH_MIN)
      found.push(JSON.stringify(value.slice(0, TEXT_LENGTH_MAX)).slice(1, -1));
    else if (typeof value === "number" && (Math.abs(value) >= NUMBER_MIN || !Number.isInteger(value))) found.push(String(value));
    else if (typeof value === "object" && value !== null)
      rest.push(...(Array.isArray(value) ? value : Object.values(value)).slice(0, VALUES_MAX));
  }
  return found;
}
