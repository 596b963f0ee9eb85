import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { AppError, type Principal } from "@tutti/core";

/** Somebody who signs requests with a secret that both sides know. */
export interface Signer {
  readonly id: string;
  readonly secret: string;
  readonly roles: readonly string[];
}

/** A request as it is signed: the bytes of its body, not what they mean. */
export interface SignedRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** The header that says that a request is signed, and by whom. */
export const SIGNER_HEADER = "x-tutti-signer";
const WINDOW_SECONDS = 300;
/** Signatures that are remembered so that none is taken twice; when there are more within the window, no request is taken. */
const SEEN_MAX = 100_000;
const SIGNATURE = /^v1=[0-9a-f]{64}$/;
const NONCE = /^[\w-]{16,128}$/;
const SECRET_BYTES_MIN = 16;

/** What is signed: everything that a request does, when, and once. Pure. */
export function signedText(request: Omit<SignedRequest, "headers"> & { readonly timestamp: string; readonly nonce: string }): string {
  const digest = createHash("sha256").update(request.body).digest("hex");
  return ["v1", request.timestamp, request.nonce, request.method, request.path, digest].join("\n");
}

/**
 * Makes the function that tells who signed a request. A signature is good for five minutes around its timestamp and for one request: a copy
 * of it is refused. Throws `unauthorized`, and never says which part was wrong.
 */
export function signedRequests(signers: readonly Signer[], nowMs: () => number): (request: SignedRequest) => Principal {
  for (const { id, secret } of signers)
    if (Buffer.byteLength(secret) < SECRET_BYTES_MIN)
      throw new AppError(
        "invalid_config",
        `wanted a secret of at least ${SECRET_BYTES_MIN} bytes for the signer "${id}", got a shorter one`,
      );
  const seen = new Map<string, number>();
  return (request) => {
    const signer = signers.find(({ id }) => id === one(request.headers[SIGNER_HEADER]));
    const timestamp = one(request.headers["x-tutti-timestamp"]);
    const nonce = one(request.headers["x-tutti-nonce"]);
    const given = one(request.headers["x-tutti-signature"]);
    const nowSeconds = nowMs() / 1000;
    const isTimely = /^\d{1,12}$/.test(timestamp) && Math.abs(nowSeconds - Number(timestamp)) <= WINDOW_SECONDS;
    // An unknown signer costs as much time as a known one with another signature.
    const wanted = `v1=${createHmac("sha256", signer?.secret ?? "no such signer")
      .update(signedText({ ...request, timestamp, nonce }))
      .digest("hex")}`;
    const isRight = SIGNATURE.test(given) && timingSafeEqual(Buffer.from(given), Buffer.from(wanted));
    if (signer === undefined || !isTimely || !NONCE.test(nonce) || !isRight) throw refused();
    remember(seen, `${signer.id} ${nonce}`, nowSeconds);
    return { id: `signer:${signer.id}`, tenant: "default", roles: signer.roles };
  };
}

function remember(seen: Map<string, number>, key: string, nowSeconds: number): void {
  for (const [old, until] of seen) {
    if (until > nowSeconds) break;
    seen.delete(old);
  }
  if (seen.has(key)) throw refused();
  if (seen.size >= SEEN_MAX)
    throw new AppError("overloaded", `wanted at most ${SEEN_MAX} signed requests in ${WINDOW_SECONDS * 2} seconds, got more`);
  // A timestamp may lie ahead by the window, and is good for the window after that.
  seen.set(key, nowSeconds + 2 * WINDOW_SECONDS);
}

function one(value: string | readonly string[] | undefined): string {
  return typeof value === "string" ? value : "";
}

function refused(): AppError {
  return new AppError(
    "unauthorized",
    "wanted a request signed by a known signer within the last five minutes and sent once, got another; docs/mcp.md shows what is signed",
  );
}
