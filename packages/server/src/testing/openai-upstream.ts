import { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import {
  answerBody,
  answerChunks,
  completionBodies,
  echo,
  type Script,
  type ScriptedAnswer,
  type ScriptedReply,
} from "./openai-answers.ts";
import { checkChatBody, checkCompletionBody } from "./openai-checks.ts";
import { startStandIn } from "./stand-in.ts";

/** One call as the stand-in saw it: the exact bytes it received, and the exact body bytes it sent. */
interface SeenCall {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly received: Buffer;
  readonly status: number;
  readonly sent: Buffer;
  /** Set when the client left before the answer was whole. */
  readonly isAborted: boolean;
}

/** A running stand-in. */
export interface OpenAiUpstream extends AsyncDisposable {
  /** What an OpenAI client takes as its base URL. */
  readonly baseUrl: string;
  /** Calls in the order in which they came. */
  readonly calls: readonly SeenCall[];
  /** How many connections were opened. */
  readonly connections: number;
  /** Resolves when so many calls have ended, whole or not. */
  ended(count: number): Promise<void>;
}

/** How the stand-in differs from one that takes every key and every field. */
export interface OpenAiUpstreamOptions {
  readonly apiKey?: string;
  /** Azure's keys come in a header of their own. */
  readonly keyHeader?: "authorization" | "api-key";
  readonly models?: readonly string[];
  /** Fields that OpenAI does not know are refused, as it does; else they are sent back, for tests that want to see them again. */
  readonly isStrict?: boolean;
  /** What stands before the names of the surfaces. */
  readonly root?: string;
}

/**
 * A stand-in for OpenAI's hosted API, on the loopback interface, for tests and benches: it speaks the wire format of `/v1/models`,
 * `/v1/chat/completions` and `/v1/completions` strictly, refuses what the real one refuses, and says what its script tells it to. It is
 * not a model.
 */
export async function startOpenAiUpstream(script: Script = echo, options: OpenAiUpstreamOptions = {}): Promise<OpenAiUpstream> {
  const { models = ["test-model"], root = "/v1" } = options;
  const calls: SeenCall[] = [];
  const waiting = new Set<{ readonly count: number; resolve(): void }>();
  let connections = 0;
  let ended = 0;
  const standIn = await startStandIn((request, response, received) => {
    const index = calls.length;
    const exchange = new Exchange(request, response, received);
    calls.push(exchange);
    response.on("close", () => {
      ended += 1;
      for (const waiter of waiting) if (ended >= waiter.count) waiter.resolve();
    });
    const [path] = exchange.path.split("?");
    if (!isKeyOf(request.headers, options)) {
      exchange.refuse(401, { message: "Incorrect API key provided.", code: "invalid_api_key", param: null });
    } else if (exchange.method === "GET" && path === `${root}/models`) {
      exchange.json(200, {
        object: "list",
        data: models.map((id) => ({ id, object: "model", created: 1_700_000_000, owned_by: "stand-in" })),
      });
    } else if (exchange.method === "POST" && path === `${root}/chat/completions`) {
      answerChat(exchange, script, { index, isStrict: options.isStrict === true });
    } else if (exchange.method === "POST" && path === `${root}/completions`) {
      answerCompletion(exchange, script, index);
    } else {
      exchange.refuse(404, { message: `Invalid URL (${request.method} ${request.url})`, code: null, param: null });
    }
  });
  standIn.server.on("connection", () => {
    connections += 1;
  });
  return {
    baseUrl: `${standIn.origin}${root}`,
    calls,
    get connections() {
      return connections;
    },
    ended(count) {
      return new Promise((resolve) => {
        if (ended >= count) resolve();
        else waiting.add({ count, resolve });
      });
    },
    [Symbol.asyncDispose]: () => standIn[Symbol.asyncDispose](),
  };
}

function isKeyOf(headers: IncomingHttpHeaders, { apiKey, keyHeader = "authorization" }: OpenAiUpstreamOptions): boolean {
  if (apiKey === undefined) return true;
  return headers[keyHeader] === (keyHeader === "authorization" ? `Bearer ${apiKey}` : apiKey);
}

function answerChat(exchange: Exchange, script: Script, { index, isStrict }: { readonly index: number; readonly isStrict: boolean }): void {
  const checked = checkChatBody(exchange.received, { isStrict });
  if ("refusal" in checked) return exchange.refuse(400, checked.refusal);
  const { body } = checked;
  return exchange.play(script(body, index), (reply) =>
    body.stream === true ? answerChunks(reply, body, index) : answerBody(reply, body, index),
  );
}

/** The script is shown the prompt as a turn of the user's. */
function answerCompletion(exchange: Exchange, script: Script, index: number): void {
  const checked = checkCompletionBody(exchange.received);
  if ("refusal" in checked) return exchange.refuse(400, checked.refusal);
  const { body } = checked;
  const content = typeof body.prompt === "string" ? body.prompt : body.prompt.join("");
  return exchange.play(script({ model: body.model, messages: [{ role: "user", content }] }, index), (reply) => {
    const bodies = completionBodies(reply, body, index);
    return body.stream === true ? bodies : (bodies[0] ?? {});
  });
}

/** One call under way; what it sends is kept. */
class Exchange implements SeenCall {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly received: Buffer;
  readonly #response: ServerResponse;
  readonly #sent: Buffer[] = [];

  constructor(request: IncomingMessage, response: ServerResponse, received: Buffer) {
    this.method = request.method ?? "";
    this.path = request.url ?? "";
    this.headers = request.headers;
    this.received = received;
    this.#response = response;
  }

  get status(): number {
    return this.#response.statusCode;
  }

  get sent(): Buffer {
    return Buffer.concat(this.#sent);
  }

  get isAborted(): boolean {
    return this.#response.closed && !this.#response.writableFinished;
  }

  json(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): void {
    const body = Buffer.from(JSON.stringify(value));
    this.#response.writeHead(status, {
      "content-type": "application/json",
      "content-length": body.length,
      "x-request-id": "req_stand_in",
      ...headers,
    });
    this.#send(body);
    this.#response.end();
  }

  refuse(
    status: number,
    error: { readonly message: string; readonly code: string | null; readonly param: string | null },
    headers: Readonly<Record<string, string>> = {},
  ): void {
    const type = status >= 500 ? "server_error" : status === 429 ? "rate_limit_error" : "invalid_request_error";
    this.json(status, { error: { message: error.message, type, param: error.param, code: error.code } }, headers);
  }

  /** `write` gives an answer of the script's in the format that was asked for: its chunks if it is to be streamed. */
  play(reply: ScriptedReply, write: (reply: ScriptedAnswer) => object | readonly object[]): void {
    switch (reply.type) {
      case "error":
        this.refuse(reply.status, { message: reply.message, code: reply.code ?? null, param: null }, reply.headers);
        return;
      case "raw":
        this.#response.writeHead(reply.status, reply.headers);
        for (const chunk of reply.chunks) this.#send(Buffer.from(chunk));
        if (reply.ending === "end") this.#response.end();
        // What was written must be on its way before the connection breaks.
        else if (reply.ending === "reset") this.#response.write("", () => this.#response.destroy());
        else this.#response.flushHeaders();
        return;
      case "text":
      case "refusal":
      case "calls":
        this.#answer(write(reply));
    }
  }

  #answer(written: object | readonly object[]): void {
    if (!Array.isArray(written)) {
      this.json(200, written);
      return;
    }
    this.#response.writeHead(200, {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache",
      "x-request-id": "req_stand_in",
    });
    for (const chunk of written) this.#send(Buffer.from(`data: ${JSON.stringify(chunk)}\n\n`));
    this.#send(Buffer.from("data: [DONE]\n\n"));
    this.#response.end();
  }

  #send(bytes: Buffer): void {
    this.#sent.push(bytes);
    this.#response.write(bytes);
  }
}
