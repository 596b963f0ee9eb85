import { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import { countTokens, echoMessages, messageBody, messageEvents, type MessagesReply, type MessagesScript } from "./anthropic-answers.ts";
import { checkCount, checkMessages, type MessagesBody } from "./anthropic-checks.ts";
import { startStandIn } from "./stand-in.ts";

/** One call as the stand-in saw it. */
interface SeenCall {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly received: Buffer;
  readonly status: number;
  /** Set when the client left before the answer was whole. */
  readonly isAborted: boolean;
}

/** A running stand-in. */
export interface AnthropicUpstream extends AsyncDisposable {
  /** What stands before `/messages`. */
  readonly baseUrl: string;
  /** Calls in the order in which they came. */
  readonly calls: readonly SeenCall[];
}

/** The newer version takes no sampling. */
const VERSIONS: ReadonlySet<string> = new Set(["2023-06-01", "2026-10-21"]);
const MODELS = ["claude-opus-5-5", "claude-sonnet-4-5-20250929"];
/** How many models a page holds, whatever is asked for: a client has to turn the page. */
const PAGE_MODELS = 1;

/**
 * A stand-in for Anthropic's hosted API, on the loopback interface, for tests and benches: it speaks the wire format of `/v1/messages`,
 * `/v1/messages/count_tokens` and `/v1/models` strictly, refuses what the real one refuses, and says what its script tells it to. It is
 * not a model.
 */
export async function startAnthropicUpstream(
  script: MessagesScript = echoMessages,
  options: { readonly apiKey?: string; readonly models?: readonly object[] } = {},
): Promise<AnthropicUpstream> {
  const { apiKey, models = MODELS.map(modelEntry) } = options;
  const calls: Exchange[] = [];
  let messages = 0;
  const answer = (exchange: Exchange): void => {
    const route = `${exchange.method} ${exchange.path.split("?")[0]}`;
    const refusal = refusalOf(exchange.headers, apiKey);
    if (refusal !== undefined) exchange.refuse(...refusal);
    else if (route === "POST /v1/messages") answerMessages(exchange, script, messages++);
    else if (route === "POST /v1/messages/count_tokens") answerCount(exchange);
    else if (route === "GET /v1/models") answerModels(exchange, models);
    else exchange.refuse(404, "Not found");
  };
  const standIn = await startStandIn((request, response, received) => {
    const exchange = new Exchange(request, response, received);
    calls.push(exchange);
    answer(exchange);
  });
  return {
    baseUrl: `${standIn.origin}/v1`,
    calls,
    [Symbol.asyncDispose]: () => standIn[Symbol.asyncDispose](),
  };
}

/** What every request has to carry. */
function refusalOf(headers: IncomingHttpHeaders, apiKey: string | undefined): readonly [status: number, message: string] | undefined {
  const version = headers["anthropic-version"];
  if (apiKey !== undefined && headers["x-api-key"] === undefined) return [401, "x-api-key header is required"];
  if (apiKey !== undefined && headers["x-api-key"] !== apiKey) return [401, "invalid x-api-key"];
  if (version === undefined) return [400, "anthropic-version: header is required"];
  return VERSIONS.has(String(version)) ? undefined : [400, `anthropic-version: "${String(version)}" is not a valid version`];
}

function answerMessages(exchange: Exchange, script: MessagesScript, index: number): void {
  const checked = checkMessages(exchange.received);
  if ("refusal" in checked) return exchange.refuse(400, checked.refusal);
  const { temperature, top_p: topP, top_k: topK } = checked.body;
  const hasSampling = (temperature ?? topP ?? topK) !== undefined;
  if (hasSampling && exchange.headers["anthropic-version"] === "2026-10-21")
    return exchange.refuse(400, "temperature: Extra inputs are not permitted");
  return exchange.play(script(checked.body, index), checked.body, index);
}

function answerCount(exchange: Exchange): void {
  const checked = checkCount(exchange.received);
  if ("refusal" in checked) exchange.refuse(400, checked.refusal);
  else exchange.json(200, { input_tokens: countTokens(checked.body) });
}

function answerModels(exchange: Exchange, models: readonly object[]): void {
  const after = new URL(exchange.path, "http://stand-in").searchParams.get("after_id");
  const ids = models.map((model) => ("id" in model ? String(model.id) : ""));
  const from = after === null ? 0 : ids.indexOf(after) + 1;
  const data = models.slice(from, from + PAGE_MODELS);
  exchange.json(200, {
    data,
    has_more: from + PAGE_MODELS < models.length,
    first_id: ids[from] ?? null,
    last_id: ids[from + data.length - 1] ?? null,
  });
}

function modelEntry(id: string): object {
  const can = { supported: true };
  const cannot = { supported: false };
  const isNew = id.startsWith("claude-opus-5");
  return {
    type: "model",
    id,
    display_name: id,
    created_at: "2026-02-04T00:00:00Z",
    lifecycle: "active",
    max_input_tokens: isNew ? 1_000_000 : 200_000,
    max_tokens: isNew ? 128_000 : 64_000,
    capabilities: {
      image_input: can,
      pdf_input: can,
      citations: can,
      structured_outputs: can,
      effort: { supported: isNew, low: can, medium: can, high: can, xhigh: isNew ? can : null, max: isNew ? can : cannot },
      thinking: {
        supported: true,
        types: { adaptive: isNew ? can : cannot, enabled: isNew ? cannot : can, disabled: isNew ? cannot : can, between_tools: cannot },
      },
    },
  };
}

const ERROR_TYPES: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  529: "overloaded_error",
};

/** One call under way. */
class Exchange implements SeenCall {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly received: Buffer;
  readonly #response: ServerResponse;

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

  get isAborted(): boolean {
    return this.#response.closed && !this.#response.writableFinished;
  }

  json(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): void {
    this.#response.writeHead(status, { "content-type": "application/json", "request-id": "req_stand_in", ...headers });
    this.#response.end(JSON.stringify(value));
  }

  refuse(status: number, message: string, headers: Readonly<Record<string, string>> = {}): void {
    const type = ERROR_TYPES[status] ?? "api_error";
    this.json(status, { type: "error", error: { type, message }, request_id: "req_stand_in" }, headers);
  }

  play(reply: MessagesReply, body: MessagesBody, index: number): void {
    switch (reply.type) {
      case "error":
        this.refuse(reply.status, reply.message, reply.headers);
        return;
      case "raw":
        this.#send(reply.status, { headers: reply.headers, chunks: reply.chunks, ending: reply.ending });
        return;
      case "message": {
        if (body.stream !== true) {
          this.json(200, messageBody(reply, body, index));
          return;
        }
        const headers = { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache", "request-id": "req_stand_in" };
        const ending = reply.ending === "reset" || reply.ending === "silence" ? reply.ending : "end";
        this.#send(200, { headers, chunks: messageEvents(reply, body, index), ending });
      }
    }
  }

  #send(status: number, reply: Pick<Extract<MessagesReply, { type: "raw" }>, "headers" | "chunks" | "ending">): void {
    this.#response.writeHead(status, reply.headers);
    for (const chunk of reply.chunks) this.#response.write(chunk);
    if (reply.ending === "end") this.#response.end();
    // What was written must be on its way before the connection breaks.
    else if (reply.ending === "reset") this.#response.write("", () => this.#response.destroy());
    else this.#response.flushHeaders();
  }
}
