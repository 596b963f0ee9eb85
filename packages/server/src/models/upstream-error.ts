import { AppError } from "@tutti/core";

/** What an upstream's error carries as `cause` beside its text. */
interface UpstreamCause {
  readonly status: number;
  readonly retryAfterMs?: number;
}

const TEXT_CHARS_MAX = 300;
const RETRY_AFTER_S_MAX = 86_400;

const TIMEOUTS: ReadonlyMap<unknown, string> = new Map([
  ["UND_ERR_CONNECT_TIMEOUT", "no connection in time"],
  ["UND_ERR_HEADERS_TIMEOUT", "no first byte in time"],
  ["UND_ERR_BODY_TIMEOUT", "silence in the middle of its answer"],
]);

/** What went wrong on the way to a provider, or on the way back. */
export function transportError(thrown: unknown, providerName: string, signal: AbortSignal): AppError {
  if (signal.aborted) return cancellation(signal);
  if (thrown instanceof AppError) return thrown;
  const code = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
  const timeout = TIMEOUTS.get(code);
  if (timeout !== undefined) {
    return new AppError(
      "timeout",
      `wanted an answer from the provider "${providerName}", got ${timeout}; try again, or raise its timeouts`,
      { cause: thrown },
    );
  }
  const got = typeof code === "string" && code !== "" ? code : String(thrown);
  return new AppError(
    "upstream",
    `wanted an answer from the provider "${providerName}", got ${got}; is it running, and is its base URL right?`,
    {
      cause: thrown,
    },
  );
}

/** Why a signal was aborted, as an error: whoever aborted may have given a code of their own. */
export function cancellation(signal: AbortSignal): AppError {
  const reason = AppError.from(signal.reason);
  return reason.code === "internal" ? new AppError("cancelled", reason.message, { cause: signal.reason }) : reason;
}

/** A provider's answer whose status is not 2xx. The code says whether asking again can help. */
export function answerError(
  providerName: string,
  answer: { readonly status: number; readonly retryAfter: string | undefined; readonly body: string },
): AppError {
  const { status, retryAfter, body } = answer;
  const retryAfterMs = retryAfterToMs(retryAfter) ?? retryDelayIn(body);
  const wait = retryAfterMs === undefined ? "" : `; it asks to wait ${Math.ceil(retryAfterMs / 1000)} s`;
  const cause: UpstreamCause = { status, ...(retryAfterMs !== undefined && { retryAfterMs }) };
  return new AppError(
    body.includes(BAD_GOOGLE_KEY) ? "invalid_config" : codeFor(status),
    `the provider "${providerName}" answered ${status}: ${messageIn(body)}${wait}`,
    { cause },
  );
}

/** Google says 400 for a key that is none. */
const BAD_GOOGLE_KEY = '"API_KEY_INVALID"';
/** Google says when to come back in the body (`google.rpc.RetryInfo`). */
const RETRY_DELAY = /"retryDelay":\s*"(\d{1,6}(?:\.\d{1,9})?)s"/;

function retryDelayIn(body: string): number | undefined {
  const seconds = RETRY_DELAY.exec(body)?.[1];
  return seconds === undefined ? undefined : Math.min(Number(seconds), RETRY_AFTER_S_MAX) * 1000;
}

function codeFor(status: number): AppError["code"] {
  switch (status) {
    case 400:
    case 422:
      return "invalid_input";
    case 401:
    case 403:
      return "invalid_config";
    case 404:
      return "model_not_found";
    case 413:
      return "too_large";
    case 429:
      return "rate_limited";
    default:
      return "upstream";
  }
}

/** How long a provider asks to be left alone. RFC 9110 §10.2.3 also allows a date, which needs both clocks to agree; no model provider sends one. */
export function retryAfterToMs(value: string | undefined): number | undefined {
  if (value === undefined || !/^\d{1,6}(\.\d{1,3})?$/.test(value)) return undefined;
  return Math.min(Number(value), RETRY_AFTER_S_MAX) * 1000;
}

/** The message of OpenAI's error object, or the body itself, shortened. */
function messageIn(body: string): string {
  const text = errorMessage(body) ?? body.trim();
  if (text === "") return "no message";
  return text.length <= TEXT_CHARS_MAX ? text : `${text.slice(0, TEXT_CHARS_MAX)}…`;
}

function errorMessage(body: string): string | undefined {
  try {
    const { error, message } = JSON.parse(body) as { readonly error?: { readonly message?: unknown } | string; readonly message?: unknown };
    const found = typeof error === "string" ? error : (error?.message ?? message);
    return typeof found === "string" ? found : undefined;
  } catch {
    // A proxy's HTML page or plain text is shown as it is.
    return undefined;
  }
}
