import type { Json } from "../json.ts";

const SECRET_NAME = /pass(word|phrase|wd)?$|secret|token$|api[-_]?key|authorization|cookie|credential|private[-_]?key/i;

/** Texts that are secrets or personal data by their shape. Each pattern is linear: no nested or overlapping repetition. */
const SECRET_SHAPES: readonly (readonly [name: string, shape: RegExp])[] = [
  ["private key", /-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[^-]{0,10000}(-----END [A-Z ]{0,30}PRIVATE KEY-----)?/g],
  ["jwt", /\beyJ[\w-]{8,2000}\.[\w-]{8,4000}\.[\w-]{0,2000}/g],
  ["api key", /\b(sk|pk|rk|tk|tutti|ghp|gho|ghs|glpat|xox[abprs]|shpat|shpss)[-_][\w-]{12,300}/g],
  ["aws key", /\b(AKIA|ASIA)[A-Z0-9]{16}\b/g],
  ["bearer token", /\bbearer +[\w.~+/=-]{12,2000}/gi],
  ["card number", /\b(?:\d[ -]?){13,19}\b/g],
  ["email", /[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}/g],
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
  let masked = text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}… [${text.length} characters]` : text;
  for (const [name, shape] of SECRET_SHAPES) masked = masked.replaceAll(shape, `[${name}]`);
  return masked;
}
