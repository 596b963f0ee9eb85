import { hash, randomBytes, timingSafeEqual } from "node:crypto";

/** A new bearer token: 256 random bits, with a prefix that secret scanners can know. */
export function newToken(): string {
  return `tutti_${randomBytes(32).toString("base64url")}`;
}

/** What is stored of a token. A plain hash is enough: 256 random bits cannot be guessed from it, slow or fast. */
export function tokenHash(token: string): string {
  return hash("sha256", token, "hex");
}

/** Compares without telling by time how much was right. */
export function isToken(token: string, sha256: string): boolean {
  return timingSafeEqual(Buffer.from(tokenHash(token), "hex"), Buffer.from(sha256, "hex"));
}
