import { randomBytes, randomInt } from "node:crypto";
import type { Principal } from "@tutti/core";
import { isToken, tokenHash } from "./token.ts";

/** How much a key may use. What is left out is not limited. */
interface Limits {
  readonly requestsPerMinute?: number | undefined;
  readonly tokensPerMinute?: number | undefined;
  readonly budgets?:
    | readonly {
        readonly amountUsd?: number | undefined;
        readonly tokens?: number | undefined;
        readonly per: "day" | "week" | "month" | "total";
      }[]
    | undefined;
  readonly parallel?: number | undefined;
}

/** A key to the gateway, without its secret. `models` are patterns such as "gpt-*"; left out, all. Moments are ISO 8601. */
export interface VirtualKey extends KeySettings {
  readonly id: string;
  readonly tenant: string;
  readonly createdAt: string;
  readonly rotatedAt?: string;
  readonly revokedAt?: string;
}

/** What the owner says of a key. */
export interface KeySettings {
  readonly name: string;
  readonly user?: string | undefined;
  readonly team?: string | undefined;
  readonly models?: readonly string[] | undefined;
  readonly limits: Limits;
  readonly tags?: readonly string[] | undefined;
  readonly expiresAt?: string | undefined;
}

/** A key as the store holds it: its secrets only as hashes, with the moment until which an old one is good. `tag` changes with it. */
export interface StoredKey {
  readonly key: VirtualKey;
  readonly secrets: readonly { readonly sha256: string; readonly until?: string }[];
  readonly tag: string;
}

/** Who pays for what a key's holder asks: the same object as long as the key stays as it is. */
export interface KeyPayer {
  readonly keyId: string;
  readonly user?: string | undefined;
  readonly team?: string | undefined;
  readonly limits: Limits;
}

/** A key in memory, with what is looked up for each request made once. */
export interface KnownKey extends StoredKey {
  readonly principal: Principal;
  readonly payer: KeyPayer;
  readonly expiresAtMs: number;
}

/** What principals of keys may be: they use models, and nothing else. */
export const MODEL_USER = "model-user";
const PRINCIPAL_PREFIX = "key:";
const SHAPE = /^tk_([0-9a-z]{12})_[\w-]{43}$/;
const ID_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz";

/** A new key's id: 62 random bits, which two keys never share. */
export function newKeyId(): string {
  return Array.from({ length: 12 }, () => ID_LETTERS[randomInt(ID_LETTERS.length)]).join("");
}

/** A new secret of a key: its id, by which it is found, and 256 random bits. Secret scanners know it by `tk_`. */
export function newSecret(id: string): string {
  return `tk_${id}_${randomBytes(32).toString("base64url")}`;
}

/** The id in what may be a key's secret. */
export function keyIdIn(secret: string): string | undefined {
  return SHAPE.exec(secret)?.[1];
}

/** The id of the key that a principal is, if it is one. */
export function keyIdOf({ id }: Principal): string | undefined {
  return id.startsWith(PRINCIPAL_PREFIX) ? id.slice(PRINCIPAL_PREFIX.length) : undefined;
}

/** Whether a secret is one of a key's. Compares them all, without telling by time how much was right. */
export function hasSecret({ secrets }: StoredKey, secret: string, nowMs: number): boolean {
  const right = secrets.filter(({ sha256 }) => isToken(secret, sha256));
  return right.some(({ until }) => until === undefined || Date.parse(until) > nowMs);
}

/** What is stored of a secret. */
export function storedSecret(secret: string): StoredKey["secrets"][number] {
  return { sha256: tokenHash(secret) };
}

/** A stored key as it stands in memory. */
export function knownKey(stored: StoredKey): KnownKey {
  const { id, tenant, user, team, limits, expiresAt } = stored.key;
  return {
    ...stored,
    principal: { id: `${PRINCIPAL_PREFIX}${id}`, tenant, roles: [MODEL_USER] },
    payer: { keyId: id, user, team, limits },
    expiresAtMs: expiresAt === undefined ? Infinity : Date.parse(expiresAt),
  };
}

/** Whether a key works now. */
export function statusOf({ revokedAt, expiresAt }: VirtualKey, nowMs: number): "active" | "revoked" | "expired" {
  if (revokedAt !== undefined) return "revoked";
  return expiresAt !== undefined && Date.parse(expiresAt) <= nowMs ? "expired" : "active";
}
