import { createHash } from "node:crypto";
import { AppError, canonicalJson, type Json } from "@tutti/core";

/** Canonical JSON writes a lone surrogate as an escape, after an even number of backslashes. */
const LONE_SURROGATE = /(?<!\\)(?:\\\\)*\\ud[89a-f]/;

/**
 * What an approval is bound to: SHA-256 in hex of the input as canonical JSON (RFC 8785), so that how an input is written does not matter,
 * only what it says. Text that is no Unicode is refused, as §3.2.2.2 has it: what a person was shown would not be what is done.
 */
export function argsHash(input: Json): string {
  const text = canonicalJson(input);
  if (text.includes("\\ud") && LONE_SURROGATE.test(text))
    throw new AppError("invalid_input", "wanted an input of well-formed Unicode text to approve, got a lone surrogate in it");
  return createHash("sha256").update(text).digest("hex");
}
