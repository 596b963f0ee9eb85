import type { IncomingHttpHeaders } from "node:http";
import { AppError, type Principal } from "@tutti/core";
import type { ModelRequest } from "@tutti/core/model";
import type { Surface } from "../provider.ts";

/** A request, as far as the cache looks at it. */
export interface CacheQuestion {
  readonly surface: Surface;
  /** The model that the client asked for. */
  readonly model: string;
  /** The body as `JSON.parse` returned it. */
  readonly body: unknown;
  readonly stream: boolean;
  readonly headers: IncomingHttpHeaders;
  /** By which routes choose. */
  readonly tags?: readonly string[];
  readonly principal: Pick<Principal, "tenant">;
  /** Which guards look at the answer: it is only for those for whom the same ones do. */
  readonly guard?: { readonly scope: string } | undefined;
  /** The body in Tutti's words; may throw where there are none. Only asked where similar questions count. */
  readonly request?: () => ModelRequest;
}

/** What a client says of the cache: may an answer be taken from it, how old at most, may one be put there, and must one be there. */
export interface CacheMode {
  readonly reads: boolean;
  readonly writes: boolean;
  readonly mustHit: boolean;
  readonly ageMsMax: number;
}

const ORDINARY: CacheMode = { reads: true, writes: true, mustHit: false, ageMsMax: Number.POSITIVE_INFINITY };
const REFRESH: CacheMode = { ...ORDINARY, reads: false };
const BYPASS: CacheMode = { ...REFRESH, writes: false };

const MAX_AGE = /(?:^|[\s,])max-age=(\d{1,9})/i;

/** Reads `tutti-cache` (bypass, refresh, only) and `cache-control` (no-store, no-cache, only-if-cached, max-age; RFC 9111, 5.2.1). */
export function cacheModeOf(headers: IncomingHttpHeaders): CacheMode {
  const own = headers["tutti-cache"];
  const control = headers["cache-control"];
  if (own === undefined && control === undefined) return ORDINARY;
  const mode = typeof own === "string" ? ownMode(own.trim().toLowerCase()) : ORDINARY;
  if (control === undefined) return mode;
  if (/\bno-store\b/i.test(control)) return BYPASS;
  const maxAge = MAX_AGE.exec(control)?.[1];
  return {
    reads: mode.reads && !/\bno-cache\b/i.test(control),
    writes: mode.writes,
    mustHit: mode.mustHit || /\bonly-if-cached\b/i.test(control),
    ageMsMax: maxAge === undefined ? Number.POSITIVE_INFINITY : Number(maxAge) * 1000,
  };
}

function ownMode(word: string): CacheMode {
  switch (word) {
    case "bypass":
      return BYPASS;
    case "refresh":
      return REFRESH;
    case "only":
      return { ...ORDINARY, writes: false, mustHit: true };
    default:
      throw new AppError("invalid_input", `tutti-cache: wanted bypass, refresh or only, got ${JSON.stringify(word.slice(0, 60))}`);
  }
}
