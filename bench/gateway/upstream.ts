// A canned OpenAI-shaped server for the bench: it answers as fast as it can, so that what is measured is the way to it. Not a model.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { EVENTS, EVENT_MS } from "./load.ts";

const head = { id: "chatcmpl-bench", created: 1_700_000_000, model: "bench-model", system_fingerprint: "fp_bench" };
const usage = { prompt_tokens: 31, completion_tokens: EVENTS, total_tokens: 31 + EVENTS };
const content = "All together now: the orchestra tunes, the lights go down. ".repeat(12);
const whole = Buffer.from(
  JSON.stringify({
    ...head,
    object: "chat.completion",
    choices: [{ index: 0, message: { role: "assistant", content, refusal: null }, logprobs: null, finish_reason: "stop" }],
    usage,
  }),
);
const event = (fields: object): Buffer =>
  Buffer.from(`data: ${JSON.stringify({ ...head, object: "chat.completion.chunk", ...fields })}\n\n`);
const delta = (fields: object, reason: string | null): Buffer =>
  event({ choices: [{ index: 0, delta: fields, logprobs: null, finish_reason: reason }], usage: null });
const events = [
  ...Array.from({ length: EVENTS - 3 }, (_, index) =>
    delta(index === 0 ? { role: "assistant", content: "" } : { content: " together" }, null),
  ),
  delta({}, "stop"),
  event({ choices: [], usage }),
  Buffer.from("data: [DONE]\n\n"),
];

/** Streams under way, and the event each sends next; one clock serves all, as a model server's batches do. */
const streams = new Map<ServerResponse, number>();
setInterval(() => {
  for (const [response, next] of streams) {
    response.write(events[next]);
    streams.set(response, next + 1);
    if (next + 1 < events.length) continue;
    response.end();
    streams.delete(response);
  }
}, EVENT_MS);

function answer(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
  if (request.method === "GET") {
    response
      .writeHead(200, { "content-type": "application/json" })
      .end('{"object":"list","data":[{"id":"bench-model","object":"model","created":1700000000,"owned_by":"bench"}]}');
  } else if (body.includes('"stream":true')) {
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" });
    streams.set(response, 0);
    response.on("close", () => streams.delete(response));
  } else {
    response.writeHead(200, { "content-type": "application/json", "content-length": whole.length }).end(whole);
  }
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk)).on("end", () => answer(request, response, Buffer.concat(chunks)));
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => process.send?.({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }));
