import type { ReasoningPart } from "../model.ts";

/**
 * Anthropic's clients send back what is in `thinking` and `redacted_thinking` as it is, and nothing else that they do not know. So what
 * other providers want back travels there, under a seal that tells whose it is. Without the seal it is Anthropic's own.
 */
const SEAL = "tutti:";
const THOUGHT = /^tutti:(openai|gemini):([^:]*):/;
const CALL = /^tutti:call:([^:]*):/;

/** Whether a request's text holds anything that Anthropic itself could not read back. */
export function holdsSeal(body: string): boolean {
  return body.includes(`"${SEAL}`);
}

/** A thought's signature for a client of Anthropic's format. */
export function sealThought({ signature = "", origin, id = "" }: ReasoningPart): string {
  return signature === "" || origin === undefined || origin === "anthropic" ? signature : `${SEAL}${origin}:${escape(id)}:${signature}`;
}

/** The same back again. */
export function openThought(sealed: string): Pick<ReasoningPart, "signature" | "origin" | "id"> {
  if (sealed === "") return {};
  const found = THOUGHT.exec(sealed);
  if (found === null) return { signature: sealed, origin: "anthropic" };
  const id = found[2] === undefined ? "" : unescape(found[2]);
  return { signature: sealed.slice(found[0].length), origin: found[1] === "gemini" ? "gemini" : "openai", ...(id !== "" && { id }) };
}

/** The thought in a `redacted_thinking`: Anthropic hides whole ones, what others sign without a word is not hidden. */
export function hiddenThought(data: string): readonly ReasoningPart[] {
  const signed = openThought(data);
  if (signed.signature === undefined) return [];
  return [{ type: "reasoning", text: "", ...signed, ...(signed.origin === "anthropic" && { isRedacted: true as const }) }];
}

/** What a provider wants back with a tool call, where the format has no place for it in the call. */
export function sealCall(callId: string, signature: string): string {
  return `${SEAL}call:${escape(callId)}:${signature}`;
}

/** The same back again; `undefined` when it is something else. */
export function openCall(sealed: string): { readonly callId: string; readonly signature: string } | undefined {
  const found = CALL.exec(sealed);
  return found === null ? undefined : { callId: unescape(found[1] ?? ""), signature: sealed.slice(found[0].length) };
}

/** An id without colons. */
function escape(id: string): string {
  return id.replaceAll("%", "%25").replaceAll(":", "%3A");
}

function unescape(text: string): string {
  return text.replaceAll("%3A", ":").replaceAll("%25", "%");
}
