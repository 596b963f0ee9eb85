import type { GrantEntry, GrantRequest } from "@tutti/client";
import { AppError, type Json } from "@tutti/core";

/** What an input may hold at one place, as a form has it: texts as somebody types them. */
export interface ConditionDraft {
  readonly path: string;
  readonly kind: "equals" | "oneOf" | "pattern" | "range";
  readonly value: string;
  readonly min: string;
  readonly max: string;
}

/** A condition before anything is typed. */
export const EMPTY_CONDITION: ConditionDraft = { path: "", kind: "equals", value: "", min: "", max: "" };

type Where = NonNullable<GrantRequest["where"]>;

/** Which calls are meant, in words. */
export function whereWords({ argsHash, where = {} }: Pick<GrantEntry, "argsHash" | "where">): string {
  if (argsHash !== undefined) return `one input, hash ${argsHash.slice(0, 8)}…`;
  const conditions = Object.entries(where).map(([path, condition]) => `${path} ${conditionWords(condition)}`);
  return conditions.length === 0 ? "any input" : conditions.join("; ");
}

function conditionWords(condition: Where[string]): string {
  if ("equals" in condition) return `is ${JSON.stringify(condition.equals)}`;
  if ("oneOf" in condition) return `is one of ${condition.oneOf.map((one) => JSON.stringify(one)).join(", ")}`;
  if ("pattern" in condition) return `fits ${condition.pattern}`;
  return condition.min === undefined ? `is at most ${condition.max}` : `is ${condition.min} to ${condition.max}`;
}

/** The conditions that a form's texts say; throws `invalid_input` with the place when one says nothing. */
export function whereOf(drafts: readonly ConditionDraft[]): Where {
  return Object.fromEntries(
    drafts.map((draft) => {
      const path = draft.path.trim();
      if (path === "")
        throw new AppError(
          "invalid_input",
          "wanted a place in the input such as order.amount, got none; name it or take the condition out",
        );
      return [path, conditionOf(path, draft)];
    }),
  );
}

function conditionOf(path: string, { kind, value, min, max }: ConditionDraft): Where[string] {
  switch (kind) {
    case "equals":
      return { equals: jsonOrText(value) };
    case "oneOf": {
      const values = value
        .split(",")
        .map((one) => one.trim())
        .filter((one) => one !== "");
      if (values.length === 0) throw new AppError("invalid_input", `wanted values for ${path} with commas between, got none`);
      return { oneOf: values.map(jsonOrText) };
    }
    case "pattern":
      if (value === "") throw new AppError("invalid_input", `wanted a pattern for ${path}, got none`);
      return { pattern: value };
    case "range": {
      const [low, high] = [Number(min), Number(max)];
      if (max.trim() === "" || !Number.isFinite(high))
        throw new AppError("invalid_input", `wanted the most that ${path} may be, got "${max}"`);
      if (min.trim() === "") return { max: high };
      if (!Number.isFinite(low) || low > high)
        throw new AppError("invalid_input", `wanted the least that ${path} may be, up to ${high}, got "${min}"`);
      return { min: low, max: high };
    }
  }
}

/** Numbers, true, false, null and quoted texts are what JSON says; all else is a text as it stands. */
function jsonOrText(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}
