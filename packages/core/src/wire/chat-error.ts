import type { Json } from "../json.ts";
import type { WireError } from "./codec.ts";

/** An error as OpenAI's clients read it. */
export function encodeError({ code, message, status, param }: WireError): Json {
  return { error: { message, type: typeOf(status), param: param ?? null, code } };
}

/** The `type` that OpenAI's clients branch on. */
function typeOf(status: number): string {
  if (status === 401) return "authentication_error";
  if (status === 403) return "permission_error";
  if (status === 429) return "rate_limit_error";
  return status < 500 ? "invalid_request_error" : "server_error";
}
