import { AppError, redactText, type ErrorCode } from "@tutti/core";
import { chatCodec, messagesCodec, type WireError } from "@tutti/core/wire";
import { runOf } from "../host/index.ts";

/** The one table from error codes to HTTP statuses (RFC 9110 §15). */
const STATUS: Readonly<Record<ErrorCode, number>> = {
  already_consumed: 409,
  approval_refused: 403,
  approval_timeout: 504,
  approver_mismatch: 403,
  args_hash_mismatch: 403,
  budget_exceeded: 402,
  cancelled: 409,
  compensation_failed: 500,
  concurrent_steps: 500,
  conflict: 409,
  crash_loop: 503,
  deadline_exceeded: 504,
  denied: 403,
  expired: 403,
  internal: 500,
  invalid_config: 500,
  invalid_input: 400,
  invalid_output: 502,
  method_not_allowed: 405,
  missing_approval: 403,
  model_not_found: 404,
  no_model: 503,
  node_too_old: 500,
  not_found: 404,
  overloaded: 503,
  port_in_use: 500,
  principal_mismatch: 403,
  rate_limited: 429,
  revoked: 403,
  storage_corrupt: 500,
  storage_full: 507,
  storage_in_use: 500,
  storage_newer: 500,
  storage_unreachable: 503,
  storage_unwritable: 500,
  stuck: 504,
  timeout: 504,
  too_large: 413,
  tool_mismatch: 403,
  unauthorized: 401,
  unknown_approval: 404,
  unsupported: 400,
  upstream: 502,
  workflow_changed: 409,
};

/** An error as a response: in the shape that a door's clients read under /v1, as problem details (RFC 9457) elsewhere. */
export function errorResponse(thrown: unknown, path: string, requestId?: string): Response {
  const error = AppError.from(thrown);
  const wire = wireError(error);
  const { status, message: detail, code } = wire;
  const isProblem = !path.startsWith("/v1/") && path !== "/v1";
  const codec = path.startsWith("/v1/messages") ? messagesCodec : chatCodec;
  const body = isProblem
    ? { type: "about:blank", title: code, status, detail, code }
    : codec.encodeError({ ...wire, ...(requestId !== undefined && { requestId }) });
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      "content-type": isProblem ? "application/problem+json" : "application/json",
      ...runHeader(error),
      ...(error.code === "unauthorized" && { "www-authenticate": isProblem ? `${BEARER}, ${BASIC}` : BEARER }),
      ...extraHeaders(error),
    },
  });
}

const BEARER = 'Bearer realm="tutti"';
/** Makes a browser ask for the token itself when a person opens /docs; the API's paths are called by pages that ask in their own way. */
const BASIC = 'Basic realm="tutti", charset="UTF-8"';

/** An error as clients may see it. */
export function wireError(thrown: unknown): WireError {
  const error = AppError.from(thrown);
  // What a foreign error says may hold paths and secrets; it goes to the log, not to the client.
  const message =
    error.code === "internal" ? "something went wrong inside; the log has the details under this request id" : redactText(error.message);
  const param = paramOf(error);
  return { code: error.code, message, status: STATUS[error.code], ...(param !== undefined && { param }) };
}

/** Which part of the request is wrong, where the wire codec knows: "messages[0].role". */
function paramOf({ cause }: AppError): string | undefined {
  return isObject(cause) && typeof cause["param"] === "string" ? cause["param"] : undefined;
}

/** Where the receipt of a call that failed is. */
function runHeader(error: AppError): Readonly<Record<string, string>> {
  const runId = runOf(error);
  return runId === undefined ? {} : { "tutti-run-id": runId };
}

function extraHeaders({ code, cause }: AppError): Readonly<Record<string, string>> {
  // The rest of a body that is too large is not worth reading.
  if (code === "too_large") return { connection: "close" };
  const isTimed = code === "upstream" && isObject(cause) && cause["retryAfterMs"] !== undefined;
  if (code !== "rate_limited" && code !== "overloaded" && !isTimed) return {};
  const retryAfterMs = isObject(cause) ? Number(cause["retryAfterMs"] ?? 1000) : 1000;
  return { ...limitHeaders(cause), "retry-after": String(Math.max(1, Math.ceil(retryAfterMs / 1000))) };
}

/** What the limits have left (`x-ratelimit-…`), where a limit refused. */
function limitHeaders(cause: unknown): Readonly<Record<string, string>> {
  return isObject(cause) && isObject(cause["headers"]) ? (cause["headers"] as Readonly<Record<string, string>>) : {};
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
