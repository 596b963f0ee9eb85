import { AppError, type Json } from "@tutti/core";
import { evaluateExpression } from "./expression.ts";

/** A piece of a text: plain, or an expression that stands at `offset` of it. */
export type Piece = { readonly text: string } | { readonly expression: string; readonly offset: number };

/** A text in its pieces: expressions stand in `${ … }`, and `$${` is a `${`. Throws `invalid_input` for one that does not end. */
export function piecesOf(text: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let plain = "";
  let at = 0;
  while (at < text.length) {
    if (text.startsWith("$${", at)) {
      plain += "${";
      at += 3;
    } else if (text.startsWith("${", at)) {
      const end = endOf(text, at + 2);
      if (plain !== "") pieces.push({ text: plain });
      plain = "";
      pieces.push({ expression: text.slice(at + 2, end), offset: at + 2 });
      at = end + 1;
    } else {
      plain += text[at];
      at += 1;
    }
  }
  if (plain !== "") pieces.push({ text: plain });
  return pieces;
}

/** A copy in which every expression has its value: a text that is one expression becomes that value, whatever its type. Pure. */
export function fill(template: Json, variables: Readonly<Record<string, Json>>): Json {
  if (typeof template === "string") return fillText(template, variables);
  if (template === null || typeof template !== "object") return template;
  if (Array.isArray(template)) return template.map((item) => fill(item, variables));
  return Object.fromEntries(Object.entries(template).map(([key, item]) => [key, fill(item, variables)]));
}

function fillText(text: string, variables: Readonly<Record<string, Json>>): Json {
  if (!text.includes("${")) return text;
  const pieces = piecesOf(text);
  const [only] = pieces;
  if (pieces.length === 1 && only !== undefined && "expression" in only) return evaluateExpression(only.expression, variables);
  return pieces.map((piece) => ("text" in piece ? piece.text : shown(evaluateExpression(piece.expression, variables)))).join("");
}

function shown(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Where the expression that begins at `from` ends: at its brace, which is none of a map and stands in no text. */
function endOf(text: string, from: number): number {
  let depth = 0;
  let quote: string | undefined;
  for (let at = from; at < text.length; at += 1) {
    const character = text[at];
    if (quote !== undefined) {
      if (character === "\\") at += 1;
      else if (character === quote) quote = undefined;
    } else if (character === '"' || character === "'") quote = character;
    else if (character === "{") depth += 1;
    else if (character === "}") {
      if (depth === 0) return at;
      depth -= 1;
    }
  }
  throw new AppError(
    "invalid_input",
    "wanted an expression that ends with }, got one that does not; close it, or write $${ for a plain ${",
  );
}
