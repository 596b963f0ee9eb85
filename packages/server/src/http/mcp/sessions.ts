import { randomUUID } from "node:crypto";
import { WebStandardStreamableHTTPServerTransport, type AuthInfo } from "@modelcontextprotocol/server";
import { AppError } from "@tutti/core";
import { protocolServer, tellChanges, type ServerParts } from "./protocol-server.ts";
import { SentMessages } from "./sent-messages.ts";

/** How many sessions there may be, and how long one may be quiet. */
export interface SessionLimits {
  readonly sessionsMax: number;
  readonly sessionsPerPrincipalMax: number;
  readonly sessionIdleMs: number;
}

/** What a session is made of, and who asks now. */
export interface SessionParts extends ServerParts {
  readonly authInfo: AuthInfo;
}

interface Session {
  readonly id: string;
  readonly principalId: string;
  readonly transport: WebStandardStreamableHTTPServerTransport;
  /** Streams and requests under way: a session in use is not idle. */
  open: number;
  usedAtMs: number;
  close(): Promise<void>;
}

const RETRY_MS = 1_000;
const SWEEP_MS = 30_000;

/**
 * Sessions of the revisions up to 2025-11-25, which keep a client's connection in memory. Each belongs to the principal that began it: with
 * another's credentials it is as if it were not there.
 */
export class Sessions {
  readonly #limits: SessionLimits;
  readonly #sessions = new Map<string, Session>();
  readonly #timer: NodeJS.Timeout;

  constructor(limits: SessionLimits) {
    this.#limits = limits;
    this.#timer = setInterval(() => void this.#sweep(), Math.min(SWEEP_MS, limits.sessionIdleMs));
    this.#timer.unref();
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Answers a request of a session, or one that begins one. */
  async handle(request: Request, body: unknown, parts: SessionParts): Promise<Response> {
    const id = request.headers.get("mcp-session-id");
    const session = id === null ? await this.#begin(request, body, parts) : this.#sessions.get(id);
    if (session === undefined || session.principalId !== parts.principal.id) return notFound();
    session.usedAtMs = Date.now();
    session.open += 1;
    const done = (): void => {
      session.open -= 1;
      session.usedAtMs = Date.now();
    };
    try {
      return withEnd(await session.transport.handleRequest(request, { parsedBody: body, authInfo: parts.authInfo }), done);
    } catch (error) {
      done();
      throw error;
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all([...this.#sessions.values()].map((session) => session.close()));
  }

  async #begin(request: Request, body: unknown, parts: SessionParts): Promise<Session | undefined> {
    if (request.method !== "POST" || !isInitialize(body))
      throw new AppError("invalid_input", "wanted the header Mcp-Session-Id or an initialize request, got neither; initialize first");
    await this.#makeRoom(parts.principal.id);
    const id = randomUUID();
    const server = protocolServer(parts);
    const changes = tellChanges(server, parts);
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => id,
      eventStore: new SentMessages(),
      retryInterval: RETRY_MS,
    });
    const close = async (): Promise<void> => {
      this.#sessions.delete(id);
      changes[Symbol.dispose]();
      await server.close();
    };
    const session: Session = { id, principalId: parts.principal.id, transport, open: 0, usedAtMs: Date.now(), close };
    await server.connect(transport);
    const closed = transport.onclose;
    transport.onclose = () => {
      this.#sessions.delete(id);
      changes[Symbol.dispose]();
      closed?.();
    };
    this.#sessions.set(id, session);
    return session;
  }

  /** A principal's own oldest quiet session makes room for its next; nobody's makes room for somebody else. */
  async #makeRoom(principalId: string): Promise<void> {
    const own = [...this.#sessions.values()].filter((session) => session.principalId === principalId);
    const isFull = this.#sessions.size >= this.#limits.sessionsMax || own.length >= this.#limits.sessionsPerPrincipalMax;
    if (!isFull) return;
    const oldest = own.filter(({ open }) => open === 0).toSorted((a, b) => a.usedAtMs - b.usedAtMs)[0];
    if (oldest === undefined)
      throw new AppError("overloaded", `wanted at most ${this.#limits.sessionsPerPrincipalMax} sessions, got more; end one with DELETE`);
    await oldest.close();
  }

  async #sweep(): Promise<void> {
    const before = Date.now() - this.#limits.sessionIdleMs;
    for (const session of this.#sessions.values()) if (session.open === 0 && session.usedAtMs < before) await session.close();
  }
}

function isInitialize(body: unknown): boolean {
  return typeof body === "object" && body !== null && "method" in body && body.method === "initialize";
}

function notFound(): Response {
  return Response.json({ jsonrpc: "2.0", error: { code: -32_001, message: "Session not found" }, id: null }, { status: 404 });
}

/** The same response, with word of when its body has ended or been left. */
function withEnd(response: Response, done: () => void): Response {
  if (response.body === null) {
    done();
    return response;
  }
  const reader = response.body.getReader();
  let isOver = false;
  const end = (): void => {
    if (!isOver) done();
    isOver = true;
  };
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done: isDone, value } = await reader.read();
        if (!isDone) return controller.enqueue(value);
        controller.close();
      } catch (error) {
        controller.error(error);
      }
      end();
    },
    async cancel(reason) {
      end();
      await reader.cancel(reason);
    },
  });
  return new Response(body, { status: response.status, headers: response.headers });
}
