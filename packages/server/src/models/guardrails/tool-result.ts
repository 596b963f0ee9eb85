import type { Json } from "@tutti/core";
import { maskShapes } from "@tutti/core/policy";
import { PERSONAL_SHAPES, SECRET_SHAPES } from "@tutti/core/shapes";
import { mapTexts } from "./guarded-texts.ts";
import { clean, inspect, marked } from "./injection.ts";

/** What models see of tool results: docs/injection-defence.md. */
export interface ResultRules {
  readonly mark: boolean;
  readonly clean: boolean;
  readonly instructions: "keep" | "note" | "remove";
  readonly secrets: boolean;
  readonly personalData: boolean;
  readonly charactersMax: number;
}

/** A result, where it comes from, and the key of its mark, which nobody outside may know. */
export interface ToolResult {
  readonly output: Json;
  readonly tool: string;
  readonly key: string;
}

/** Names of what was found are put into the mark; more are not told. */
const FINDINGS_MAX = 5;

/**
 * A tool's result as a model reads it: cut, cleaned, masked, and between marks that the result cannot have known. The texts inside a JSON
 * value are treated before it is written out, because escapes would hide what is looked for.
 */
export function resultForModel({ output, tool, key }: ToolResult, rules: ResultRules): string {
  const found = new Set<string>();
  const length = (typeof output === "string" ? output : JSON.stringify(output)).length;
  let left = rules.charactersMax;
  const treated = mapTexts(output, (text) => {
    const kept = text.slice(0, left);
    left -= kept.length;
    return treat(kept, rules, found);
  });
  const text = typeof treated === "string" ? treated : JSON.stringify(treated);
  const cut = length > rules.charactersMax ? `${text.slice(0, rules.charactersMax)}… [cut, ${length} characters]` : text;
  if (!rules.mark) return cut;
  const note = [...found].slice(0, FINDINGS_MAX).join(", ");
  return marked(cut, key, { from: tool, ...(note !== "" && { beware: note }) });
}

function treat(text: string, rules: ResultRules, found: Set<string>): string {
  let treated = text;
  if (rules.clean || rules.instructions !== "keep") {
    const inspected = inspect(text, rules.clean);
    for (const what of inspected.found) found.add(what);
    if (rules.instructions === "remove") treated = inspected.text;
    else if (rules.clean) treated = clean(text).text;
  }
  if (rules.secrets) treated = maskShapes(treated, SECRET_SHAPES);
  return rules.personalData ? maskShapes(treated, PERSONAL_SHAPES) : treated;
}
