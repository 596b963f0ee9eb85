import type { IncomingHttpHeaders } from "node:http";
import type { Json, Principal } from "@tutti/core";
import type { ModelRequest } from "@tutti/core/model";
import type { Codec } from "@tutti/core/wire";
import type { App, GatewayCall } from "../../host/index.ts";
import type { GuardSession, ResponseSink, Surface } from "../../models/index.ts";

/** A JSON object of a client. */
export type JsonObject = { readonly [key: string]: Json };

/** A request at one of the doors to chat models, and where its answer goes. */
export interface ServeCall {
  readonly surface: Surface;
  readonly codec: Codec;
  readonly body: JsonObject;
  /** The body as it came; left out when it is another one by now. */
  readonly bytes?: Buffer;
  readonly model: string;
  readonly stream: boolean;
  readonly principal: Principal;
  readonly headers: IncomingHttpHeaders;
  readonly response: ResponseSink;
  /** Of the answer, where it is not to be the run's. */
  readonly id?: string | undefined;
  /** What the answer repeats of the request; left out: the body. */
  readonly echo?: unknown;
  /** What one provider is sent instead of `body`, where its bytes pass through. */
  readonly bodyFor?: ((providerName: string) => JsonObject | undefined) | undefined;
  /** Told of the whole answer before its last byte goes out: the object that the surface ends with. */
  readonly onFinal?: ((final: JsonObject, by: { readonly providerName: string; readonly isNative: boolean }) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The body is not in the client's own words, so a provider may need it in others. */
  readonly mustTranslate?: boolean | undefined;
}

/** A call on its way: what was found out about it so far. */
export interface Serving extends ServeCall {
  readonly app: App;
  readonly call: GatewayCall;
  /** The request in words that every provider's format has; read when it is first asked for. */
  request(): ModelRequest;
  readonly tags: readonly string[];
  readonly guard: GuardSession | undefined;
  /** The request is not the client's any more, or its answer has to be looked at: its bytes cannot pass through. */
  readonly mustTranslate: boolean;
  /** The whole answer is wanted, for the cache or for who pays. */
  readonly keepsAll: boolean;
}
