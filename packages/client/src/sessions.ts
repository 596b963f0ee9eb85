import type { Transport } from "./transport.ts";

/** A signed-in browser. */
export interface SessionEntry {
  readonly id: string;
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly agent: string;
}

/**
 * Whether this browser is signed in, its session, and what it sends in `x-csrf-token` with whatever changes something
 * (`ClientOptions.csrfToken`). Signed in without a session is who shows a token, or whose server asks for none.
 */
export type SessionReply =
  | { readonly isSignedIn: true; readonly session: SessionEntry; readonly csrfToken: string }
  | { readonly isSignedIn: boolean; readonly session: null; readonly csrfToken: null };

/** The calls about signing in, and about the token that everything rests on. */
export interface SessionCalls {
  /** Signs this browser in with the token, or with a one-time code. The cookie is set by the server; scripts never see it. */
  signIn(
    shown: { readonly token: string } | { readonly code: string },
    signal?: AbortSignal,
  ): Promise<Extract<SessionReply, { readonly csrfToken: string }>>;
  session(signal?: AbortSignal): Promise<SessionReply>;
  signOut(signal?: AbortSignal): Promise<void>;
  sessions(signal?: AbortSignal): Promise<readonly SessionEntry[]>;
  endSession(id: string, signal?: AbortSignal): Promise<void>;
  /** A code that signs in one browser, once, within ten minutes; and the page that takes it. */
  invite(signal?: AbortSignal): Promise<{ readonly code: string; readonly signInUrl: string }>;
  /** A new token in the place of the old one, which opens nothing any more. Told this once. `endSessions`: browsers sign in again. */
  rotateToken(
    request?: { readonly endSessions?: boolean },
    signal?: AbortSignal,
  ): Promise<{ readonly token: string; readonly sessionsEnded: number }>;
}

/** The calls over a transport. */
export function sessionCalls(transport: Transport): SessionCalls {
  return {
    signIn: (body, signal) => transport.json({ method: "POST", path: "/v1/session", body }, signal),
    session: (signal) => transport.json({ path: "/v1/session" }, signal),
    signOut: (signal) => transport.json({ method: "DELETE", path: "/v1/session" }, signal),
    sessions: async (signal) =>
      (await transport.json<{ readonly sessions: readonly SessionEntry[] }>({ path: "/v1/sessions" }, signal)).sessions,
    endSession: (id, signal) => transport.json({ method: "DELETE", path: `/v1/sessions/${encodeURIComponent(id)}` }, signal),
    invite: (signal) => transport.json({ method: "POST", path: "/v1/sessions/invitations" }, signal),
    rotateToken: (body = {}, signal) => transport.json({ method: "POST", path: "/v1/token/rotate", body }, signal),
  };
}
