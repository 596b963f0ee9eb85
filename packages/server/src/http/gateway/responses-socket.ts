import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { AppError } from "@tutti/core";
import type { WireError } from "@tutti/core/wire";
import { WebSocketServer, type WebSocket } from "ws";
import { limiterOf, refuseForeignPages } from "../guard.ts";
import { wireError } from "../problem.ts";
import { refuseUpgrade } from "../upgrade.ts";
import { readObject } from "./request-body.ts";
import { itemsOf, PreviousResponseMissing } from "./responses-context.ts";
import { emptyResponse, newHead, type Prepared, type ResponsesDesk } from "./responses-desk.ts";
import type { KeptResponse } from "./responses-log.ts";
import type { JsonObject } from "./serving.ts";

/** OpenAI's bounds: lanes of a connection, responses under way on it, and how long it may last. */
const LANES_MAX = 32;
const UNDER_WAY_MAX = 16;
const LIFE_MS = 60 * 60_000;
/** Ours: connections at once, requests that wait on one, responses that only one knows, and what a slow reader may leave unread. */
const SOCKETS_MAX = 1_000;
const WAITING_MAX = 64;
const NEARBY_MAX = 64;
const NEARBY_BYTES_MAX = 16 * 1024 * 1024;
const UNREAD_BYTES_MAX = 1024 * 1024;
const STREAM_ID = /^[\w.-]{1,256}$/;

/** The WebSocket mode of `/v1/responses`: one response after the other on each lane, going on from each other without a store. */
export class ResponsesSocket {
  readonly #desk: ResponsesDesk;
  readonly #server: WebSocketServer;

  constructor(desk: ResponsesDesk) {
    this.#desk = desk;
    this.#server = new WebSocketServer({ noServer: true, maxPayload: desk.app.config.requestBytesMax, perMessageDeflate: false });
  }

  /** Takes an HTTP connection that wants to be a WebSocket, or closes it with the status that says why not. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // A client that leaves during the handshake breaks nothing.
    socket.on("error", () => socket.destroy());
    try {
      this.#admit(request);
      this.#server.handleUpgrade(request, socket, head, (webSocket) => {
        const limiter = limiterOf(this.#desk.app.config);
        const address = request.socket.remoteAddress ?? "";
        new Connection(this.#desk, webSocket, { headers: request.headers, limit: () => limiter(address) }).open();
      });
    } catch (thrown) {
      refuseUpgrade(socket, thrown);
    }
  }

  /** Ends every connection; clients connect again elsewhere. */
  close(): void {
    for (const client of this.#server.clients) client.close(GOING_AWAY, "the server is stopping");
    this.#server.close();
  }

  #admit({ url = "", headers, socket }: IncomingMessage): void {
    const { pathname } = new URL(url, "http://server");
    if (pathname !== "/v1/responses") throw new AppError("not_found", `wanted a WebSocket at /v1/responses, got one at ${pathname}`);
    limiterOf(this.#desk.app.config)(socket.remoteAddress ?? "");
    refuseForeignPages(this.#desk.app, headers);
    if (this.#server.clients.size >= SOCKETS_MAX)
      throw new AppError("overloaded", `wanted at most ${SOCKETS_MAX} WebSockets at once, got more; try again in a moment`);
    this.#desk.app.authenticate(headers);
  }
}

const GOING_AWAY = 1001;

/** A request on a connection. `streamId` names its lane; without one it is the connection's own. */
interface Turn {
  readonly given: JsonObject;
  readonly streamId: string | undefined;
  /** No answer is wanted yet. */
  readonly isWarmUp: boolean;
  readonly bytes: number;
}

/** Who is at the other end. `limit` counts a turn as a request of theirs, and throws `rate_limited`. */
interface Client {
  readonly headers: IncomingHttpHeaders;
  readonly limit: () => void;
}

/** One client's connection. */
class Connection {
  readonly #desk: ResponsesDesk;
  readonly #socket: WebSocket;
  readonly #headers: IncomingHttpHeaders;
  readonly #limit: () => void;
  readonly #gone = new AbortController();
  /** What waits on each lane; the lane is at work while it is here. */
  readonly #lanes = new Map<string, Turn[]>();
  readonly #names = new Set<string>();
  readonly #nearby = new Map<string, { readonly kept: KeptResponse; readonly bytes: number }>();
  #nearbyBytes = 0;
  #waiting = 0;
  #isOld = false;

  constructor(desk: ResponsesDesk, socket: WebSocket, client: Client) {
    this.#desk = desk;
    this.#socket = socket;
    this.#headers = handshakeFree(client.headers);
    this.#limit = client.limit;
  }

  open(): void {
    const age = setTimeout(() => this.#growOld(), LIFE_MS);
    age.unref();
    this.#socket.on("message", (data) => this.#receive(data as Buffer));
    this.#socket.on("error", () => this.#socket.terminate());
    this.#socket.on("close", () => {
      clearTimeout(age);
      this.#gone.abort(new AppError("cancelled", "the client left before its answer was whole"));
    });
  }

  #receive(data: Buffer): void {
    try {
      const event = readObject(data, this.#desk.app.config.requestDepthMax);
      if (event.type === "response.steer") return this.#refuseSteering(event);
      this.#accept(turnOf(event, data.length));
    } catch (thrown) {
      this.#fail(wireOf(thrown), undefined);
    }
  }

  #accept(turn: Turn): void {
    const { streamId } = turn;
    this.#limit();
    const refusal = this.#refusal(streamId);
    if (refusal !== undefined) return this.#fail(refusal, streamId);
    if (streamId !== undefined) this.#names.add(streamId);
    const lane = this.#lanes.get(streamId ?? "");
    this.#waiting += 1;
    if (lane !== undefined) lane.push(turn);
    else {
      const begun = [turn];
      this.#lanes.set(streamId ?? "", begun);
      void this.#work(streamId ?? "", begun);
    }
  }

  #refusal(streamId: string | undefined): WireError | undefined {
    if (this.#isOld) return OLD;
    const isNew = streamId !== undefined && !this.#names.has(streamId);
    if (isNew && this.#names.size >= LANES_MAX)
      return {
        status: 400,
        code: "websocket_stream_limit_reached",
        message: `wanted at most ${LANES_MAX} lanes on a connection, got more`,
      };
    if (this.#waiting < WAITING_MAX && (this.#lanes.has(streamId ?? "") || this.#lanes.size < UNDER_WAY_MAX)) return undefined;
    return { status: 429, code: "rate_limited", message: `wanted at most ${UNDER_WAY_MAX} responses under way on a connection, got more` };
  }

  /** Works off one lane, in order. It cannot reject. */
  async #work(name: string, lane: Turn[]): Promise<void> {
    for (let turn = lane[0]; turn !== undefined; turn = lane[0]) {
      if (!this.#gone.signal.aborted) await this.#answer(turn);
      lane.shift();
      this.#waiting -= 1;
    }
    this.#lanes.delete(name);
    if (this.#isOld && this.#lanes.size === 0) this.#socket.close(1000, "this connection is too old");
  }

  async #answer({ given, streamId, isWarmUp, bytes }: Turn): Promise<void> {
    try {
      // A key that was revoked since the handshake opens nothing any more.
      const principal = this.#desk.app.authenticate(this.#headers);
      const ask = { given, principal, headers: this.#headers, nearby: { get: (id: string) => this.#nearby.get(id)?.kept } };
      const prepared = await this.#desk.prepare(ask, {
        onFinal: (kept) => this.#keepNear(kept, { items: itemsOf(prepared.resolved.body.input), bytes }),
      });
      if (isWarmUp) return await this.#warmUp(prepared, streamId);
      for await (const event of this.#desk.events(prepared, this.#gone.signal)) {
        if (event.startsWith(FAILED)) this.#forgetPrevious(given);
        await this.#send(event, streamId);
      }
    } catch (thrown) {
      this.#forgetPrevious(given);
      this.#fail(wireOf(thrown), streamId);
    }
  }

  /** Nothing is asked of a model: only the conversation is made ready to be gone on with. */
  async #warmUp(prepared: Prepared, streamId: string | undefined): Promise<void> {
    const { call, model, ask } = prepared;
    call.codec.decodeRequest({ ...call.body, input: [...itemsOf(call.body.input), { role: "user", content: "" }] });
    const head = newHead(model, ask.given);
    const begun = emptyResponse(head, { status: "in_progress" });
    const response = emptyResponse(head, { status: "completed" });
    const types = ["response.created", "response.in_progress", "response.completed"];
    call.onFinal?.(response, { providerName: "tutti", isNative: false });
    for (const [sequence_number, type] of types.entries())
      await this.#send(JSON.stringify({ type, sequence_number, response: sequence_number === 2 ? response : begun }), streamId);
  }

  /** Kept whole, so that what it went on from may go; the items of a conversation are there once, however often they are kept. */
  #keepNear(kept: KeptResponse, { items, bytes }: { readonly items: readonly JsonObject[]; readonly bytes: number }): void {
    const { previousId: _previous, ...rest } = kept;
    this.#nearby.set(kept.id, { kept: { ...rest, input: items }, bytes });
    this.#nearbyBytes += bytes;
    for (const oldest of this.#nearby.keys()) {
      if (this.#nearby.size <= NEARBY_MAX && (this.#nearbyBytes <= NEARBY_BYTES_MAX || oldest === kept.id)) break;
      this.#forget(oldest);
    }
  }

  /** What could not be gone on from is not tried again from here. */
  #forgetPrevious({ previous_response_id: id }: JsonObject): void {
    if (typeof id === "string") this.#forget(id);
  }

  #forget(id: string): void {
    this.#nearbyBytes -= this.#nearby.get(id)?.bytes ?? 0;
    this.#nearby.delete(id);
  }

  #refuseSteering(event: JsonObject): void {
    const { input = "", previous_response_id = "" } = event;
    const error = {
      type: "invalid_request_error",
      code: "steering_not_supported",
      message: "wanted response.create, got response.steer; models behind this server cannot be steered while they answer",
    };
    this.#socket.send(JSON.stringify({ type: "response.steer.failed", sequence_number: 0, error, steer: { input, previous_response_id } }));
  }

  #fail({ status, code, message, param }: WireError, streamId: string | undefined): void {
    const type = status === 429 ? "rate_limit_error" : status < 500 ? "invalid_request_error" : "server_error";
    void this.#send(JSON.stringify({ type: "error", status, error: { type, code, message, param: param ?? null } }), streamId);
  }

  /** Sends one event, which is a JSON object's text; waits for a slow reader. */
  async #send(event: string, streamId: string | undefined): Promise<void> {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    const text = streamId === undefined ? event : `{"stream_id":${JSON.stringify(streamId)},${event.slice(1)}`;
    if (this.#socket.bufferedAmount < UNREAD_BYTES_MAX) this.#socket.send(text);
    // Resolves in any case: a connection that breaks is closed, and the work on it ends with that.
    else await new Promise<void>((resolve) => this.#socket.send(text, () => resolve()));
  }

  #growOld(): void {
    this.#isOld = true;
    this.#fail(OLD, undefined);
    if (this.#lanes.size === 0) this.#socket.close(1000, "this connection is too old");
  }
}

const FAILED = '{"type":"response.failed"';

const OLD: WireError = {
  status: 400,
  code: "websocket_connection_limit_reached",
  message: "wanted a connection of at most 60 minutes, got an older one; connect again",
};

function turnOf(event: JsonObject, bytes: number): Turn {
  const { type, stream_id: streamId, stream: _stream, stream_options: _options, generate, ...given } = event;
  if (type !== "response.create") throw misfit("type", `"response.create"`, type);
  if (given.background === true) throw misfit("background", "nothing: a WebSocket's responses are not made in the background", true);
  const isWarmUp = generate === false;
  if (streamId === undefined || streamId === null) return { given, streamId: undefined, isWarmUp, bytes };
  if (typeof streamId !== "string" || !STREAM_ID.test(streamId)) throw misfit("stream_id", "1 to 256 letters, digits, ., _ or -", streamId);
  return { given, streamId, isWarmUp, bytes };
}

function misfit(param: string, wanted: string, got: unknown): AppError {
  return new AppError("invalid_input", `${param}: wanted ${wanted}, got ${JSON.stringify(got) ?? "nothing"}`, { cause: { param } });
}

function wireOf(thrown: unknown): WireError {
  if (!(thrown instanceof PreviousResponseMissing)) return wireError(thrown);
  return { status: 400, param: "previous_response_id", ...thrown.wire };
}

/** The headers that each request on the connection has; those of the handshake are over. */
function handshakeFree(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const own = Object.entries(headers).filter(([name]) => !name.startsWith("sec-websocket-") && name !== "upgrade" && name !== "connection");
  return { ...Object.fromEntries(own), "content-type": "application/json" };
}
