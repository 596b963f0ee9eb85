import type { Json } from "@tutti/core";
import type { Transport } from "./transport.ts";

/** An operation as the API's description names it, with what it is given. */
export interface AnyCall {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Json;
}

/** For whoever knows an operation only from the API's description. */
export interface AnyCalls {
  /** What any operation answers: its JSON, its text when that is none, null when it answers nothing. */
  call(request: AnyCall, signal?: AbortSignal): Promise<Json>;
  /** The API's description, in OpenAPI. */
  description(signal?: AbortSignal): Promise<Json>;
}

/** How long an operation may take; downloading a model takes minutes. */
const CALL_TIMEOUT_MS = 1_800_000;

/** The calls of `AnyCalls` over a transport. */
export function anyCalls(transport: Transport): AnyCalls {
  return {
    call: async (request, signal) => valueOf(await transport.text({ ...request, timeoutMs: CALL_TIMEOUT_MS }, signal)),
    description: (signal) => transport.json({ path: "/openapi.json" }, signal),
  };
}

function valueOf(text: string): Json {
  if (text === "") return null;
  try {
    return JSON.parse(text) as Json;
  } catch {
    // Metrics, CSV and streams of events are no JSON; they are told as they came.
    return text;
  }
}
