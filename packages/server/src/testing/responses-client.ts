import { once } from "node:events";
import { SseDecoder } from "@tutti/core/wire";
import { WebSocket } from "ws";
import type { TestApp } from "../testing.ts";
import { eventSchema, type ResponseEvent, type ResponseObject } from "./responses-schemas.ts";

/** The events of a streamed answer, each checked against the specification, in the order in which it numbers them from `first` on. */
export function eventsOf(text: string, first = 0): readonly ResponseEvent[] {
  const sent = new SseDecoder({ eventCharsMax: 1e8 }).push(text).filter(({ data }) => data !== "[DONE]");
  return sent.map(({ event, data }, index) => {
    const parsed = checkEvent(data);
    if (parsed.type !== event) throw new Error(`wanted the event ${parsed.type}, got one that is called ${event}`);
    const number = "sequence_number" in parsed ? parsed.sequence_number : undefined;
    if (number !== first + index) throw new Error(`wanted event ${first + index}, got ${String(number)}`);
    return parsed;
  });
}

/** One event from its JSON. */
function checkEvent(text: string): ResponseEvent {
  const value: unknown = JSON.parse(text);
  const checked = eventSchema.safeParse(value);
  if (checked.success) return checked.data;
  throw new Error(`${text.slice(0, 300)}: ${JSON.stringify(checked.error.issues).slice(0, 600)}`);
}

/** The response that a stream ended with. */
export function finalIn(events: readonly ResponseEvent[]): ResponseObject {
  const last = events.at(-1);
  if (last !== undefined && last.type !== "error" && "response" in last) return last.response;
  throw new Error(`wanted a stream that ends with its response, got ${JSON.stringify(last)}`);
}

/** The text of a response. */
export function textOf({ output }: ResponseObject): string {
  return output
    .flatMap((item) => (item.type === "message" ? item.content : []))
    .map((part) => (part.type === "output_text" ? part.text : part.refusal))
    .join("");
}

/** A connection in WebSocket mode. */
export interface ResponsesSession extends Disposable {
  /** Sends `response.create` and waits for the end of the answer, or for an error. */
  turn(body: object): Promise<readonly ResponseEvent[]>;
  send(text: string): void;
  /** The next event. */
  next(): Promise<ResponseEvent>;
  readonly closed: Promise<number>;
}

const ENDINGS: ReadonlySet<string> = new Set(["response.completed", "response.incomplete", "response.failed", "error"]);

/** Opens one. */
export async function openSession(app: TestApp, headers: Readonly<Record<string, string>> = {}): Promise<ResponsesSession> {
  const url = new URL("/v1/responses", app.url);
  url.protocol = "ws:";
  const socket = new WebSocket(url, { headers: { authorization: `Bearer ${app.token}`, ...headers } });
  const events: ResponseEvent[] = [];
  const waiting: ((event: ResponseEvent) => void)[] = [];
  const closed = new Promise<number>((resolve) => socket.on("close", (code) => resolve(code)));
  socket.on("message", (data) => {
    const event = checkEvent((data as Buffer).toString("utf8"));
    const waiter = waiting.shift();
    if (waiter === undefined) events.push(event);
    else waiter(event);
  });
  await once(socket, "open");
  const next = async (): Promise<ResponseEvent> => events.shift() ?? new Promise((resolve) => waiting.push(resolve));
  return {
    send: (text) => socket.send(text),
    next,
    closed,
    async turn(body) {
      socket.send(JSON.stringify({ type: "response.create", ...body }));
      const seen: ResponseEvent[] = [];
      for (;;) {
        const event = await next();
        seen.push(event);
        if (ENDINGS.has(event.type)) return seen;
      }
    },
    [Symbol.dispose]() {
      socket.terminate();
    },
  };
}
