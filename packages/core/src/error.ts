/** Every error a user can meet. The value says whether trying the same thing again can help. */
const RETRYABLE = {
  already_consumed: false,
  approval_refused: false,
  approval_timeout: false,
  approver_mismatch: false,
  args_hash_mismatch: false,
  budget_exceeded: false,
  cancelled: false,
  compensation_failed: false,
  concurrent_steps: false,
  conflict: false,
  crash_loop: false,
  deadline_exceeded: false,
  denied: false,
  expired: false,
  internal: true,
  invalid_config: false,
  invalid_input: false,
  invalid_output: false,
  method_not_allowed: false,
  missing_approval: false,
  model_not_found: false,
  no_model: false,
  node_too_old: false,
  not_found: false,
  overloaded: true,
  port_in_use: false,
  principal_mismatch: false,
  rate_limited: true,
  revoked: false,
  storage_corrupt: false,
  storage_full: true,
  storage_in_use: false,
  storage_newer: false,
  storage_unreachable: true,
  storage_unwritable: false,
  stuck: true,
  timeout: true,
  too_large: false,
  tool_mismatch: false,
  unauthorized: false,
  unknown_approval: false,
  unsupported: false,
  upstream: true,
  workflow_changed: false,
} as const;

/** Stable names of what can go wrong; callers branch on these, never on texts. */
export type ErrorCode = keyof typeof RETRYABLE;

/** An error with a stable code. Its message says what was wanted, what was got and what to do. */
export class AppError extends Error {
  override readonly name = "AppError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }

  /** Whether trying the same thing again can help. */
  get isRetryable(): boolean {
    return RETRYABLE[this.code];
  }

  /** Whatever was thrown, as an `AppError`: foreign errors become `internal` (`cancelled` for aborts) and keep their cause. */
  static from(thrown: unknown): AppError {
    if (thrown instanceof AppError) return thrown;
    if (!(thrown instanceof Error)) return new AppError("internal", String(thrown), { cause: thrown });
    if (thrown.name === "TimeoutError") return new AppError("timeout", thrown.message, { cause: thrown });
    return new AppError(thrown.name === "AbortError" ? "cancelled" : "internal", thrown.message, { cause: thrown });
  }

  /** An error read back from a journal or a wire, where the code is only known to be text. */
  static revive(code: string, message: string, options: { readonly cause?: unknown } = {}): AppError {
    return new AppError(isErrorCode(code) ? code : "internal", message, options);
  }
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(RETRYABLE, code);
}
