import { createHmac, randomBytes } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Json, Store } from "@tutti/core";
import { isToken, tokenHash } from "./token.ts";

/** A browser that a person signed in with. Moments are ISO 8601; `agent` is what the browser called itself. */
export interface Session {
  readonly id: string;
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly agent: string;
  readonly endedAt?: string;
}

interface StoredSession extends Session {
  readonly sha256: string;
}

/** What sessions are made of. */
interface SessionsOptions {
  readonly store: Pick<Store, "getSetting" | "setSetting">;
  readonly nowMs?: () => number;
}

const SETTING = "sessions";
const COOKIE = "tutti_session";
/**
 * What may stand before the cookie's name; the first that a browser sends counts. Browsers keep those with a prefix from every page that came
 * without TLS, and the first one from every other host too (RFC 6265bis §4.1.3), so nobody else can have set them.
 */
const PREFIXES = ["__Host-", "__Secure-", ""] as const;
/** How long a browser stays signed in. */
const SESSION_LIFETIME_MS = 7 * 86_400_000;
/** Good ones at once; the oldest ends when there is one more. */
const SESSIONS_MAX = 100;
/** Ends that are remembered, longer than any node needs to look. */
const ENDED_MAX = 200;
const AGENT_CHARACTERS_MAX = 200;
const INVITATION_LIFETIME_MS = 600_000;
const INVITATIONS_MAX = 20;
/** How often a node looks for what others changed. */
const LOOK_MS = 1_000;

/**
 * Signed-in browsers. A session's secret is in its cookie only: the store holds its SHA-256. Each node has them all in memory, and adds
 * again what it knows to what it finds, so that two nodes that write at once lose nothing; an end outlives everything.
 */
export class Sessions {
  readonly #options: Required<SessionsOptions>;
  readonly #sessions = new Map<string, StoredSession>();
  /** SHA-256 of one-time codes, and when they end. They live as long as this process. */
  readonly #invitations = new Map<string, number>();
  readonly #stop = new AbortController();
  #looking: Promise<void> = Promise.resolve();
  #ended: () => void = () => undefined;
  #changing: Promise<unknown> = Promise.resolve();

  private constructor({ store, nowMs = Date.now }: SessionsOptions) {
    this.#options = { store, nowMs };
  }

  /** Reads all sessions, and from then on what other nodes change. */
  static async open(options: SessionsOptions): Promise<Sessions> {
    const sessions = new Sessions(options);
    await sessions.#look();
    sessions.#looking = sessions.#keepLooking();
    return sessions;
  }

  /** Signs a browser in; durable when this resolves. The secret is told nobody again. */
  async begin(agent: string): Promise<{ readonly session: Session; readonly secret: string }> {
    const id = randomBytes(9).toString("base64url");
    const secret = `${id}.${randomBytes(32).toString("base64url")}`;
    const nowMs = this.#options.nowMs();
    const session = {
      id,
      createdAt: iso(nowMs),
      expiresAt: iso(nowMs + SESSION_LIFETIME_MS),
      agent: agent.slice(0, AGENT_CHARACTERS_MAX),
    };
    this.#sessions.set(id, { ...session, sha256: tokenHash(secret) });
    await this.#write();
    return { session, secret };
  }

  /** The session of a cookie, if it is good. */
  find(secret: string): Session | undefined {
    const found = this.#sessions.get(secret.split(".", 1)[0] ?? "");
    return found !== undefined && isToken(secret, found.sha256) && this.#isGood(found) ? shown(found) : undefined;
  }

  /** Ends a session: on this node at once, on others when they have looked. Ending one that is not there does nothing. */
  async end(id: string): Promise<void> {
    const found = this.#sessions.get(id);
    if (found === undefined || found.endedAt !== undefined) return;
    this.#sessions.set(id, { ...found, endedAt: iso(this.#options.nowMs()) });
    this.#ended();
    await this.#write();
  }

  /** Tells of every session that is ended on this node, at once; one listener. */
  onEnd(listener: () => void): void {
    this.#ended = listener;
  }

  /** Those that are good, the newest first. */
  list(): readonly Session[] {
    const good = [...this.#sessions.values()].filter((session) => this.#isGood(session));
    return good.toSorted((a, b) => b.createdAt.localeCompare(a.createdAt)).map(shown);
  }

  /** A code that signs in one browser once, within ten minutes. */
  invite(): string {
    const code = randomBytes(24).toString("base64url");
    this.#invitations.set(tokenHash(code), this.#options.nowMs() + INVITATION_LIFETIME_MS);
    const tooMany = [...this.#invitations.keys()].slice(0, -INVITATIONS_MAX);
    for (const oldest of tooMany) this.#invitations.delete(oldest);
    return code;
  }

  /** Takes a code, which is good for nobody afterwards. */
  redeem(code: string): boolean {
    const sha256 = tokenHash(code);
    const untilMs = this.#invitations.get(sha256);
    return this.#invitations.delete(sha256) && untilMs !== undefined && untilMs > this.#options.nowMs();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#looking;
    await this.#changing;
  }

  #isGood({ endedAt, expiresAt }: Session): boolean {
    return endedAt === undefined && Date.parse(expiresAt) > this.#options.nowMs();
  }

  /** One change at a time. */
  #write(): Promise<void> {
    const turn = this.#changing.then(
      () => this.#look(true),
      () => this.#look(true),
    );
    this.#changing = turn.catch(() => undefined);
    return turn;
  }

  /** Reads what others wrote, and writes what they do not have. */
  async #look(hasChanged = false): Promise<void> {
    const stored = ((await this.#options.store.getSetting(SETTING)) ?? []) as unknown as readonly StoredSession[];
    for (const found of stored) if (found.endedAt !== undefined || !this.#sessions.has(found.id)) this.#sessions.set(found.id, found);
    this.#forget();
    const ends = new Map(stored.map(({ id, endedAt }) => [id, endedAt]));
    const isAmiss = [...this.#sessions.values()].some(({ id, endedAt }) => !ends.has(id) || ends.get(id) !== endedAt);
    if (hasChanged || isAmiss) await this.#options.store.setSetting(SETTING, [...this.#sessions.values()] as unknown as Json);
  }

  /** What ended long ago, and what is too many. */
  #forget(): void {
    for (const [id, { expiresAt }] of this.#sessions) if (Date.parse(expiresAt) <= this.#options.nowMs()) this.#sessions.delete(id);
    const all = [...this.#sessions.values()];
    const good = all.filter(({ endedAt }) => endedAt === undefined).toSorted((a, b) => a.createdAt.localeCompare(b.createdAt));
    const ended = all.filter(({ endedAt }) => endedAt !== undefined).toSorted((a, b) => (a.endedAt ?? "").localeCompare(b.endedAt ?? ""));
    for (const { id } of [...good.slice(0, -SESSIONS_MAX), ...ended.slice(0, -ENDED_MAX)]) this.#sessions.delete(id);
  }

  async #keepLooking(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await sleep(LOOK_MS, undefined, { signal, ref: false }).catch(() => undefined);
      // A store that cannot be read says so itself in health; the next look tries again.
      if (!signal.aborted) await this.#look().catch(() => undefined);
    }
  }
}

/**
 * What a signed-in page sends beside its cookie in `x-csrf-token` with whatever changes something: derived from the session's secret, which
 * other sites' pages can neither read nor guess.
 */
export function csrfTokenOf(secret: string): string {
  return createHmac("sha256", secret).update("csrf").digest("base64url");
}

/** A session without what is stored of its secret. */
function shown({ id, createdAt, expiresAt, agent }: StoredSession): Session {
  return { id, createdAt, expiresAt, agent };
}

/** The secret that a browser sent in its cookie. */
export function sessionSecretIn({ cookie = "", host }: IncomingHttpHeaders): string | undefined {
  const pairs = cookie.split(/; */);
  for (const prefix of PREFIXES) {
    const start = `${prefix}${cookieName(host)}=`;
    const pair = pairs.find((one) => one.startsWith(start));
    if (pair !== undefined) return pair.slice(start.length);
  }
  return undefined;
}

/** Where a browser signs in: over TLS or not, at which host, and with which path that a proxy puts before Tutti's. */
interface CookiePlace {
  readonly isSecure: boolean;
  readonly host: string | undefined;
  readonly publicPath: string;
}

/**
 * The header that signs a browser in, or out with no secret. Scripts cannot read the cookie, and other sites' pages do not send it. With a
 * path that a proxy puts before Tutti's, it is sent there only: on the same host may be another Tutti.
 */
export function sessionCookie(secret: string | undefined, { isSecure, host, publicPath }: CookiePlace): string {
  const age = secret === undefined ? 0 : SESSION_LIFETIME_MS / 1000;
  const path = `${publicPath}/`;
  const [hostOnly, secure, plain] = PREFIXES;
  const tlsPrefix = path === "/" ? hostOnly : secure;
  const name = `${isSecure ? tlsPrefix : plain}${cookieName(host)}`;
  return `${name}=${secret ?? ""}; Path=${path}; Max-Age=${age}; HttpOnly; SameSite=Strict${isSecure ? "; Secure" : ""}`;
}

/** A browser sends a host's cookies to all of its ports: the port that it asked for is in the name, so that each keeps its own. */
function cookieName(host = ""): string {
  const port = /:(\d{1,5})$/.exec(host)?.[1];
  return port === undefined ? COOKIE : `${COOKIE}_${port}`;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
