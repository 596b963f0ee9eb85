import type { ReasoningPart } from "../model.ts";

/**
 * `encrypted_content` is for whoever made it only. OpenAI's goes through as it is; what Tutti makes begins with this, so that it is known
 * again: signatures of other providers with their names, and summaries of conversations, which are the client's own words and no secret.
 */
const OURS = "tutti:";
const SUMMARY = `${OURS}summary:`;
const SIGNATURE = /^tutti:(anthropic|gemini)(:redacted)?:/;

/** A thought's signature as `encrypted_content`. */
export function sealSignature({ signature, origin, isRedacted }: ReasoningPart): string | undefined {
  if (signature === undefined || origin === undefined || origin === "openai") return signature;
  return `${OURS}${origin}${isRedacted === true ? ":redacted" : ""}:${signature}`;
}

/** The signature in an `encrypted_content`, and who can read it. */
export function openSignature(secret: string): Pick<ReasoningPart, "signature" | "origin" | "isRedacted"> {
  const found = SIGNATURE.exec(secret);
  if (found === null) return { signature: secret, origin: "openai" };
  const origin = found[1] === "gemini" ? "gemini" : "anthropic";
  return { signature: secret.slice(found[0].length), origin, ...(found[2] !== undefined && { isRedacted: true }) };
}

/** A conversation's summary as the `encrypted_content` of a compaction item. */
export function sealSummary(summary: string): string {
  return SUMMARY + summary;
}

/** The summary in a compaction item that `sealSummary` made. */
export function openSummary(secret: string): string | undefined {
  return secret.startsWith(SUMMARY) ? secret.slice(SUMMARY.length) : undefined;
}
