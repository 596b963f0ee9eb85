import type { z } from "zod";
import { completionBody, looseBody, strictBody, type ChatBody, type CompletionBody } from "./openai-body.ts";
import { findContradiction, type Refusal } from "./openai-contradictions.ts";

export type { Refusal } from "./openai-contradictions.ts";

/**
 * The request, or why OpenAI would refuse it. Written apart from Tutti's own codec, so that the two cannot be wrong together. `isStrict`:
 * fields that OpenAI does not know are refused, as it does.
 */
export function checkChatBody(
  bytes: Buffer,
  { isStrict = false }: { readonly isStrict?: boolean } = {},
): { readonly body: ChatBody } | { readonly refusal: Refusal } {
  const parsed = parseBody(bytes);
  if ("refusal" in parsed) return parsed;
  const checked = (isStrict ? strictBody : looseBody).safeParse(parsed.value);
  if (!checked.success) return { refusal: refusalFor(checked.error) };
  const contradiction = findContradiction(checked.data);
  return contradiction === undefined ? { body: checked.data } : { refusal: contradiction };
}

/** The same for completions. */
export function checkCompletionBody(bytes: Buffer): { readonly body: CompletionBody } | { readonly refusal: Refusal } {
  const parsed = parseBody(bytes);
  if ("refusal" in parsed) return parsed;
  const checked = completionBody.safeParse(parsed.value);
  return checked.success ? { body: checked.data } : { refusal: refusalFor(checked.error) };
}

function parseBody(bytes: Buffer): { readonly value: unknown } | { readonly refusal: Refusal } {
  try {
    return { value: JSON.parse(bytes.toString("utf8")) };
  } catch {
    return { refusal: { message: "We could not parse the JSON body of your request.", code: null, param: null } };
  }
}

function refusalFor(error: z.ZodError): Refusal {
  const [issue] = error.issues;
  const path = pathOf(issue?.path ?? []);
  if (issue?.code === "unrecognized_keys") {
    const [key = ""] = issue.keys;
    if (path === "") return { message: `Unrecognized request argument supplied: ${key}`, code: null, param: null };
    const param = `${path}.${key}`;
    return { message: `Unknown parameter: '${param}'.`, code: "unknown_parameter", param };
  }
  if (issue?.code === "invalid_type" && issue.input === undefined && !path.includes("[")) {
    return { message: `Missing required parameter: '${path}'.`, code: "missing_required_parameter", param: path };
  }
  return {
    message: `Invalid value for '${path}': ${issue?.message ?? "unknown"}.`,
    code: "invalid_type",
    param: path === "" ? null : path,
  };
}

function pathOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, part) => (typeof part === "number" ? `${text}[${part}]` : text === "" ? String(part) : `${text}.${String(part)}`),
    "",
  );
}
