import { DatabaseError } from "pg";
import { AppError, type ErrorCode } from "@tutti/core";

/** What a database's error means here: by SQLSTATE, or its class of two letters (PostgreSQL's manual, appendix A). */
const STATES: Readonly<Record<string, Failure>> = {
  "08": "unreachable",
  "28": "refused",
  "3D000": "refused",
  "3F": "refused",
  "40": "busy",
  "42501": "refused",
  "53100": "full",
  "53200": "busy",
  "53300": "unreachable",
  "55P03": "busy",
  "57014": "busy",
  "57P01": "unreachable",
  "57P02": "unreachable",
  "57P03": "unreachable",
  // A server that takes no writes: after a failover the old one may still answer.
  "25006": "unreachable",
  "58": "full",
  XX001: "corrupt",
  XX002: "corrupt",
};

type Failure = "unreachable" | "busy" | "full" | "refused" | "corrupt" | "other";

const CODES: Readonly<Record<Failure, ErrorCode>> = {
  unreachable: "storage_unreachable",
  busy: "overloaded",
  full: "storage_full",
  refused: "storage_unwritable",
  corrupt: "storage_corrupt",
  other: "internal",
};

const ADVICE: Readonly<Record<Failure, string>> = {
  unreachable: "is the server up, and is postgresUrl right?",
  busy: "try again",
  full: "free some space on the server's disk",
  refused: "check the user, the password, the database and its rights in postgresUrl",
  corrupt: "the database is damaged: put back a backup",
  other: "run `tutti doctor`",
};

/** A database as messages name it: the URL without user, password and options. */
export function nameOf(url: string): string {
  const parsed = URL.parse(url);
  return parsed === null ? "postgresUrl" : `postgres://${parsed.host}${parsed.pathname}`;
}

/** What the driver threw, as an `AppError` that names the database. */
export function postgresError(database: string, error: unknown): AppError {
  if (error instanceof AppError) return error;
  const failure = failureOf(error);
  const text = error instanceof Error ? error.message || error.name : String(error);
  return new AppError(CODES[failure], `cannot use the database ${database}: ${text}; ${ADVICE[failure]}`, { cause: error });
}

/** Whether the same statement may succeed a moment later. */
export function isTemporary(error: unknown): boolean {
  const failure = failureOf(error);
  return failure === "unreachable" || failure === "busy" || failure === "full";
}

/** Whether the connection is of no more use. */
export function isConnectionLost(error: unknown): boolean {
  return failureOf(error) === "unreachable";
}

function failureOf(error: unknown): Failure {
  if (!(error instanceof Error) || error instanceof AppError) return "other";
  if (error instanceof DatabaseError) return STATES[error.code ?? ""] ?? STATES[(error.code ?? "").slice(0, 2)] ?? "other";
  // What the driver throws without an answer of the server. It has no codes of its own, so its texts must serve.
  if ("code" in error && /^E(?!RR_)/.test(String(error.code))) return "unreachable";
  if (/connection|timeout|not queryable/i.test(error.message)) return "unreachable";
  return /^SASL|SSL|certificate/.test(error.message) ? "refused" : "other";
}
