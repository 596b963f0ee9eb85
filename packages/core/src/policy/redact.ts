import type { Json } from "../json.ts";
import { PERSONAL_SHAPES, SECRET_SHAPES, type Shape } from "./shapes.ts";

const SECRET_NAME = /pass(word|phrase|wd)?$|secret|token$|api[-_]?key|authorization|cookie|credential|private[-_]?key/i;

const PERSONAL = new Set(["email", "iban", "card number"]);

/** Secrets are masked for their form alone: too much rather than too little, because this is for looking only. */
const MASKED: readonly Shape[] = [
  ...SECRET_SHAPES.map((shape) => {
    const { realLength: _, ...form } = shape;
    return form;
  }),
  ...PERSONAL_SHAPES.filter(({ name }) => PERSONAL.has(name)),
];

const TEXT_MAX = 400;

/** The value with secrets and personal data masked and long texts cut, for people to look at. Pure; the original stays as it is. */
export function redact(value: Json): Json {
  if (typeof value === "string") return redactText(value);
  if (Array.isArray(value)) return value.map(redact);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, SECRET_NAME.test(key) && typeof item === "string" ? "[redacted]" : redact(item)]),
  );
}

/** Masks what looks like a secret inside a text. */
export function redactText(text: string): string {
  return maskShapes(text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}… [${text.length} characters]` : text, MASKED);
}

/** A text of any length with what has one of these shapes masked. Pure. */
export function maskShapes(text: string, shapes: readonly Shape[]): string {
  let masked = text;
  for (const shape of shapes) masked = masked.replaceAll(shape.pattern, (match: string, group: unknown) => mask(shape, match, group));
  return masked;
}

/** Of a match with a group, which it ends with, only the group is masked; of one with a checksum, only what that is for. */
function mask({ name, realLength }: Shape, match: string, group: unknown): string {
  const found = typeof group === "string" ? group : match;
  const length = realLength?.(found) ?? found.length;
  return length === 0 ? match : `${match.slice(0, match.length - found.length)}[${name}]${found.slice(length)}`;
}
