import { AppError, type Json } from "@tutti/core";
import type { PanelField } from "@tutti/core/plugin";

const CHARACTERS_MAX = 20_000;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** What a person entered, held against a panel's fields: only what they name, with defaults for what was left out. Throws `invalid_input`. Pure. */
export function readEntered(fields: readonly PanelField[], entered: { readonly [key: string]: Json }): { readonly [key: string]: Json } {
  const unknown = Object.keys(entered).filter((key) => !fields.some((field) => field.key === key));
  const problems = unknown.map((key) => `${key} is none of its fields`);
  const taken: [string, Json][] = [];
  for (const field of fields) {
    const value = (Object.hasOwn(entered, field.key) ? entered[field.key] : undefined) ?? field.default;
    if (value === undefined || value === "") {
      if (field.isRequired === true) problems.push(`${field.key} is required`);
      continue;
    }
    const wanted = unfit(field, value);
    if (wanted === undefined) taken.push([field.key, value]);
    else problems.push(`${field.key} must be ${wanted}`);
  }
  if (problems.length === 0) return Object.fromEntries(taken);
  const known = fields.map(({ key }) => key).join(", ") || "none";
  throw new AppError("invalid_input", `what was entered does not fit the panel: ${problems.join("; ")}. Its fields are: ${known}`);
}

/** What a value would have to be; nothing when it is. */
function unfit(field: PanelField, value: Json): string | undefined {
  switch (field.kind) {
    case "text":
    case "long text": {
      const charactersMax = field.charactersMax ?? CHARACTERS_MAX;
      return typeof value === "string" && value.length <= charactersMax ? undefined : `a text of at most ${charactersMax} characters`;
    }
    case "number":
      return unfitNumber(field, value);
    case "boolean":
      return typeof value === "boolean" ? undefined : "true or false";
    case "date":
      return typeof value === "string" && DAY.test(value) && !Number.isNaN(Date.parse(value)) ? undefined : 'a day such as "2026-01-31"';
    case "select":
      return field.options.some((option) => option.value === value)
        ? undefined
        : `one of ${field.options.map((option) => option.value).join(", ")}`;
  }
}

function unfitNumber({ min, max }: Extract<PanelField, { readonly kind: "number" }>, value: Json): string | undefined {
  if (typeof value === "number" && value >= (min ?? value) && value <= (max ?? value)) return undefined;
  return `a number${min === undefined ? "" : ` from ${min}`}${max === undefined ? "" : ` up to ${max}`}`;
}
