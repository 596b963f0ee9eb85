import { randomBytes } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { AppError, type Json, type Principal } from "@tutti/core";
import { responsesCodec, SseDecoder, type AnswerHead, type Codec } from "@tutti/core/wire";
import type { App } from "../../host/index.ts";
import { converse } from "../conversation.ts";
import { modelOf } from "./chat-routes.ts";
import { finalOf } from "./final.ts";
import { MemoryResponse } from "./memory-response.ts";
import { resolve, type Nearby, type Resolved } from "./responses-context.ts";
import { ResponseLog, type KeptResponse } from "./responses-log.ts";
import { serve } from "./serve.ts";
import type { JsonObject, ServeCall } from "./serving.ts";

/** The most characters one event of an answer may have: its last one holds all of it. */
const EVENT_CHARS_MAX = 128 * 1024 * 1024;
/** How long a provider may take to forget a response. */
const FORGET_MS = 30_000;
/** How much of a provider's refusal is told. */
const REFUSAL_CHARS_MAX = 500;

/** A request for a response, from whatever door. */
export interface ResponseAsk {
  /** The body, as the client sent it. */
  readonly given: JsonObject;
  readonly principal: Principal;
  readonly headers: IncomingHttpHeaders;
  /** What only this connection knows. */
  readonly nearby?: Nearby;
}

/** A request that can be answered now. */
export interface Prepared {
  readonly ask: ResponseAsk;
  readonly model: string;
  /** Of the response, unless a provider that speaks the format names it. */
  readonly head: AnswerHead;
  readonly resolved: Resolved;
  /** Everything the pipeline has to know, but for where the answer goes. */
  readonly call: Omit<ServeCall, "response">;
}

/** Who made a response. */
type Maker = { readonly providerName: string; readonly isNative: boolean };

/** Where requests for responses are made ready, and responses are kept. */
export class ResponsesDesk {
  readonly app: App;
  readonly log: ResponseLog;
  /** Whether other processes may be at work on what the log holds. */
  readonly isShared: boolean;

  constructor(app: App) {
    this.app = app;
    this.isShared = app.config.store === "postgres";
    this.log = new ResponseLog(app.store, { isShared: this.isShared, log: (message) => app.logger.warn(message) });
  }

  /** Makes a request ready: what it refers to is put in. `onFinal` is told of the response; it is kept unless the client or the caller says no. */
  async prepare(
    ask: ResponseAsk,
    { onFinal, isKept = ask.given.store !== false }: { readonly onFinal?: (kept: KeptResponse) => void; readonly isKept?: boolean } = {},
  ): Promise<Prepared> {
    const { given, principal, nearby } = ask;
    const model = modelOf(given);
    const resolved = await resolve(this.log, given, { tenant: principal.tenant, ...(nearby && { nearby }) });
    const head = newHead(model, given);
    const tell = (response: JsonObject, by: Maker): void => {
      const kept = keptFrom({ ask, resolved, response, by, model });
      if (isKept) this.log.keep(kept);
      onFinal?.(kept);
    };
    return {
      ask,
      model,
      head,
      resolved,
      call: {
        surface: "responses",
        codec: responsesCodec,
        body: resolved.body,
        model,
        stream: given.stream === true,
        principal,
        headers: ask.headers,
        id: head.id,
        echo: given,
        bodyFor: resolved.bodyFor,
        // A whole answer that nobody will ask for again is not worth keeping on its way.
        ...((isKept || onFinal !== undefined) && { onFinal: tell }),
      },
    };
  }

  /** Forgets a response, here and at a provider that has it too. */
  async forget({ tenant, id, native }: KeptResponse): Promise<void> {
    if (native !== undefined) await this.#forgetAt(native);
    await this.log.delete(tenant, id);
  }

  async #forgetAt({ providerName, model, id }: NonNullable<KeptResponse["native"]>): Promise<void> {
    const place = this.app.models.locate(model.startsWith(`${providerName}/`) ? model : `${providerName}/${model}`);
    const path = place?.open.native?.("responses", { name: place.name, stream: false });
    // A provider that is not configured any more cannot be asked; what is here goes in any case.
    if (place === undefined || path === undefined || place.provider.name !== providerName) return;
    const response = new MemoryResponse();
    response.resume();
    const request = { path: `${path}/${id}`, method: "DELETE", headers: {}, body: Buffer.alloc(0), response };
    const { forwarded } = await this.app.models.forward(place, request, AbortSignal.timeout(FORGET_MS));
    if (forwarded.status >= 400 && forwarded.status !== 404)
      throw new AppError(
        "upstream",
        `wanted the provider "${providerName}" to forget the response, got status ${forwarded.status}; try again`,
      );
  }

  isAgent(model: string): boolean {
    return this.app.registry.agent(model) !== undefined;
  }

  /** The format for an agent's answer: named and kept as the models' are. */
  codecFor({ call, head }: Prepared): Codec {
    const tell = (final: JsonObject | undefined): void => {
      if (final !== undefined) call.onFinal?.(final, { providerName: "tutti", isNative: false });
    };
    return {
      ...responsesCodec,
      encodeAnswer(reply) {
        const final = responsesCodec.encodeAnswer(reply, head);
        tell(final as JsonObject);
        return final;
      },
      streamEncoder() {
        const encoder = responsesCodec.streamEncoder(head);
        return {
          push(part) {
            const text = encoder.push(part);
            if (part.type === "finish") tell(finalOf(Buffer.from(text), "text/event-stream"));
            return text;
          },
          fail: (error) => encoder.fail(error),
        };
      },
    };
  }

  /** A streamed answer's events, each as the JSON text it came in. Throws before the first when nothing answers. */
  async *events(prepared: Prepared, signal: AbortSignal): AsyncGenerator<string, void, undefined> {
    const sse = new SseDecoder({ eventCharsMax: EVENT_CHARS_MAX });
    const chunks = this.isAgent(prepared.model) ? this.#agentChunks(prepared, signal) : this.chunks(streaming(prepared.call, signal));
    for await (const chunk of chunks) for (const { data } of sse.push(chunk)) if (data !== "[DONE]") yield data;
  }

  /** A model's streamed answer as it comes. A provider's refusal, which a client of HTTP would be given as it is, throws. */
  async *chunks(call: Omit<ServeCall, "response">): AsyncGenerator<Buffer, void, undefined> {
    const response = new MemoryResponse();
    const served = serve(this.app, { ...call, response });
    served.catch((thrown: unknown) => response.destroy(AppError.from(thrown)));
    const refusal: Buffer[] = [];
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) {
        if (response.status < 400) yield chunk;
        else refusal.push(chunk);
      }
    } catch (thrown) {
      if (thrown instanceof AppError || call.signal?.aborted === true) throw thrown;
      throw new AppError("upstream", "wanted a whole answer, got one that its provider broke off; try again", { cause: thrown });
    }
    await served;
    if (response.status >= 400) throw refused(response.status, Buffer.concat(refusal).toString("utf8"));
  }

  async *#agentChunks(prepared: Prepared, signal: AbortSignal): AsyncGenerator<string, void, undefined> {
    const { request } = responsesCodec.decodeRequest(prepared.resolved.body);
    if (request.tools !== undefined || request.format !== undefined)
      throw new AppError("unsupported", `wanted no tools and no format in a request to the agent "${prepared.model}", got some`);
    const encoder = this.codecFor(prepared).streamEncoder(prepared.head);
    const messages = request.messages as unknown as Json;
    const conversation = await converse(this.app, prepared.model, { messages, principal: prepared.ask.principal });
    for await (const text of conversation.text(signal)) yield encoder.push({ type: "text", text });
    const { usage } = await conversation.output;
    yield encoder.push({ type: "finish", reason: "stop", usage });
  }
}

/** The same request for a stream, which is how answers without a client's response of their own come. */
function streaming(call: Omit<ServeCall, "response">, signal: AbortSignal): Omit<ServeCall, "response"> {
  return {
    ...call,
    body: asStream(call.body),
    stream: true,
    signal,
    bodyFor: (providerName) => {
      const own = call.bodyFor?.(providerName);
      return own && asStream(own);
    },
  };
}

function asStream(body: JsonObject): JsonObject {
  const { background: _background, ...rest } = body;
  return { ...rest, stream: true };
}

/** What a provider's refusal says. */
function refused(status: number, text: string): AppError {
  const said = /"message"\s*:\s*("(?:[^"\\]|\\.)*")/.exec(text)?.[1];
  const message = said === undefined ? text : (JSON.parse(said) as string);
  const code = status === 429 ? "rate_limited" : status >= 500 ? "upstream" : "invalid_input";
  return new AppError(code, `the model's provider answered ${status}: ${message.slice(0, REFUSAL_CHARS_MAX)}`);
}

/** A name for a new response, and what it says of itself. */
export function newHead(model: string, given: JsonObject): AnswerHead {
  return { id: randomBytes(24).toString("hex"), createdAt: Math.floor(Date.now() / 1000), model, body: given };
}

/** A response without output: not begun yet, stopped before its end, not wanted, or failed. */
export function emptyResponse(
  head: AnswerHead,
  state:
    | { readonly status: "queued" | "in_progress" | "cancelled" }
    | { readonly status: "completed" }
    | { readonly status: "failed"; readonly error: { readonly code: string; readonly message: string } },
): JsonObject {
  const usage = { inputTokens: 0, outputTokens: 0 };
  const whole = responsesCodec.encodeAnswer({ role: "assistant", content: "", calls: [], finishReason: "stop", usage }, head) as JsonObject;
  return state.status === "completed" ? whole : { ...whole, completed_at: null, usage: null, ...state };
}

function keptFrom(parts: {
  readonly ask: ResponseAsk;
  readonly resolved: Resolved;
  readonly response: JsonObject;
  readonly by: Maker;
  readonly model: string;
}): KeptResponse {
  const { ask, resolved, response, by, model } = parts;
  const { previous_response_id: previousId } = ask.given;
  const id = typeof response.id === "string" ? response.id : "";
  return {
    id,
    tenant: ask.principal.tenant,
    keptAtMs: Date.now(),
    // A provider that was sent the whole conversation does not know what it went on from.
    response: typeof previousId === "string" ? { ...response, previous_response_id: previousId } : response,
    input: resolved.input,
    ...(typeof previousId === "string" && { previousId }),
    // What it was told not to store, it cannot go on from.
    ...(by.isNative && ask.given.store !== false && { native: { providerName: by.providerName, model, id } }),
  };
}
