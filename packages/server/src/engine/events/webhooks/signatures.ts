import { createHmac, timingSafeEqual } from "node:crypto";
import { AppError } from "@tutti/core";

/** How a sender proves that it is who it says: whose rules its signatures follow, or "none" for senders on this machine. */
export type SignatureScheme = "standard" | "github" | "stripe" | "shopify" | "slack" | "none";

/** A request as it came: headers by lower-case name, and the raw bytes, which are what was signed. */
export interface SignedRequest {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Buffer;
}

/** What a signature is held against. Several secrets are for rotation: any one of them may have signed. */
export interface Verification {
  readonly scheme: Exclude<SignatureScheme, "none">;
  readonly secrets: readonly string[];
  /** How old, or how far ahead, a signed timestamp may be. */
  readonly toleranceMs: number;
  readonly nowMs: number;
}

/** What a scheme says of one request. `signedAt` is in seconds since 1970, where the scheme signs a time. */
interface Claim {
  readonly signedAt?: string;
  readonly prefix: string;
  readonly signatures: readonly Buffer[];
}

/** Headers may repeat signatures for rotation; more than these are no rotation. */
const SIGNATURES_MAX = 8;
const DIGEST_BYTES = 32;

const CLAIMS: Readonly<Record<Verification["scheme"], (header: (name: string) => string) => Claim>> = {
  // https://www.standardwebhooks.com: "v1,<base64>" separated by blanks, over "id.timestamp.body".
  standard: (header) => {
    const signedAt = header("webhook-timestamp");
    const signatures = header("webhook-signature").split(" ").flatMap(after("v1,")).flatMap(digestOf("base64"));
    return { signedAt, prefix: `${header("webhook-id")}.${signedAt}.`, signatures };
  },
  github: (header) => ({ prefix: "", signatures: [header("x-hub-signature-256")].flatMap(after("sha256=")).flatMap(digestOf("hex")) }),
  // "t=<seconds>,v1=<hex>,v1=<hex>", over "t.body".
  stripe: (header) => {
    const parts = header("stripe-signature").split(",");
    const [signedAt = ""] = parts.flatMap(after("t="));
    return { signedAt, prefix: `${signedAt}.`, signatures: parts.flatMap(after("v1=")).flatMap(digestOf("hex")) };
  },
  shopify: (header) => ({ prefix: "", signatures: [header("x-shopify-hmac-sha256")].flatMap(digestOf("base64")) }),
  slack: (header) => {
    const signedAt = header("x-slack-request-timestamp");
    return {
      signedAt,
      prefix: `v0:${signedAt}:`,
      signatures: [header("x-slack-signature")].flatMap(after("v0=")).flatMap(digestOf("hex")),
    };
  },
};

/**
 * Throws `unauthorized` unless one of the secrets signed these very bytes, recently enough. Compares in constant time, and every signature
 * with every secret, so that the time taken tells nothing.
 */
export function verifySignature(request: SignedRequest, { scheme, secrets, toleranceMs, nowMs }: Verification): void {
  const claim = CLAIMS[scheme]((name) => headerOf(request, name));
  let isSigned = false;
  for (const secret of secrets) {
    const digest = createHmac("sha256", keyOf(scheme, secret)).update(claim.prefix).update(request.body).digest();
    for (const signature of claim.signatures.slice(0, SIGNATURES_MAX)) if (timingSafeEqual(signature, digest)) isSigned = true;
  }
  if (!isSigned)
    throw new AppError(
      "unauthorized",
      `wanted a body signed as ${scheme} webhooks are, with a secret of this endpoint, got ${claim.signatures.length === 0 ? "none that can be read" : "a signature that does not fit"}; compare the secret on both sides`,
    );
  if (claim.signedAt !== undefined && !isRecent(claim.signedAt, nowMs, toleranceMs))
    throw new AppError(
      "unauthorized",
      `wanted a webhook signed within ${toleranceMs / 1000} s of now, got one signed at "${claim.signedAt}"; is a clock wrong, or is it replayed?`,
    );
}

/** What is signed when Tutti sends: Standard Webhooks headers, one signature for each secret. */
export function signStandard(message: {
  readonly id: string;
  readonly atMs: number;
  readonly body: string;
  readonly secrets: readonly string[];
}): Readonly<Record<string, string>> {
  const seconds = Math.floor(message.atMs / 1000);
  const signatures = message.secrets.map((secret) => {
    const hmac = createHmac("sha256", keyOf("standard", secret));
    return `v1,${hmac.update(`${message.id}.${seconds}.${message.body}`).digest("base64")}`;
  });
  return { "webhook-id": message.id, "webhook-timestamp": String(seconds), "webhook-signature": signatures.join(" ") };
}

/** One header; a repeated one is what a proxy would make of it. */
export function headerOf({ headers }: Pick<SignedRequest, "headers">, name: string): string {
  const value = headers[name] ?? "";
  return typeof value === "string" ? value : value.join(",");
}

/** Standard Webhooks secrets are base64 after "whsec_"; all others are the text itself. */
function keyOf(scheme: Verification["scheme"], secret: string): Buffer {
  return scheme === "standard" && secret.startsWith("whsec_") ? Buffer.from(secret.slice(6), "base64") : Buffer.from(secret, "utf8");
}

function isRecent(seconds: string, nowMs: number, toleranceMs: number): boolean {
  return /^\d{1,12}$/.test(seconds) && Math.abs(Number(seconds) * 1000 - nowMs) <= toleranceMs;
}

/** What stands after a prefix; nothing when the prefix is not there. */
function after(prefix: string): (text: string) => readonly string[] {
  return (text) => (text.trim().startsWith(prefix) ? [text.trim().slice(prefix.length)] : []);
}

/** A digest of the right length; nothing when the text is none. */
function digestOf(encoding: "hex" | "base64"): (text: string) => readonly Buffer[] {
  const shape = encoding === "hex" ? /^[0-9a-f]{64}$/i : /^[A-Za-z0-9+/]{43}=?$/;
  return (text) => {
    const digest = shape.test(text) ? Buffer.from(text, encoding) : Buffer.alloc(0);
    return digest.length === DIGEST_BYTES ? [digest] : [];
  };
}
