import assert from "node:assert/strict";
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { AppError } from "@tutti/core";
import type { Script } from "../testing/openai-answers.ts";
import { startOpenAiUpstream, type OpenAiUpstream } from "../testing/openai-upstream.ts";
import { createModels, type Forwarded, type Models, type Provider } from "./index.ts";

interface Gateway extends AsyncDisposable {
  readonly url: string;
  readonly models: Models;
  readonly upstream: OpenAiUpstream;
  /** How each call ended, in order. */
  readonly results: readonly Promise<Forwarded>[];
  readonly controller: AbortController;
  called(): Promise<void>;
}

interface GatewayOptions {
  readonly script?: Script;
  readonly provider?: Partial<Provider>;
  readonly modelId?: string;
}

/** A bare server that passes everything on, and answers 502 with the error's code where nothing was sent yet. */
async function startGateway({ script, provider = {}, modelId }: GatewayOptions = {}): Promise<Gateway> {
  const upstream = await startOpenAiUpstream(script);
  const only = { name: "p", baseUrl: upstream.baseUrl, models: ["m"], ...provider };
  const models = createModels({ providers: [only] });
  await models.list();
  const results: Promise<Forwarded>[] = [];
  const controller = new AbortController();
  const called = Promise.withResolvers<void>();
  const pass = (incoming: IncomingMessage, response: ServerResponse, body: Buffer): void => {
    const path = (incoming.url ?? "").slice("/v1".length);
    const place = models.locate(modelId ?? "m");
    assert.ok(place);
    const request = {
      path,
      method: incoming.method ?? "",
      headers: incoming.headers,
      body,
      response,
      responseHeaders: { "tutti-run-id": "run-1" },
      ...(modelId !== undefined && { model: place.name }),
    };
    const result = models.forward(place, request, controller.signal).then(({ forwarded }) => forwarded);
    results.push(result);
    called.resolve();
    result.catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(502).end(AppError.from(error).code);
    });
  };
  const server = createServer((incoming, response) => {
    void Array.fromAsync(incoming as AsyncIterable<Buffer>).then((chunks) => pass(incoming, response, Buffer.concat(chunks)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    models,
    upstream,
    results,
    controller,
    called: () => called.promise,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await models.close();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** A client that shows the exact bytes; `fetch` would decode them. */
async function post(url: string, body: string | Buffer, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const sent = httpRequest(url, { method: "POST", headers: { "content-type": "application/json", ...headers } });
  sent.end(body);
  const answer = await new Promise<IncomingMessage>((resolve, reject) => sent.on("response", resolve).on("error", reject));
  const chunks = await Array.fromAsync(answer as AsyncIterable<Buffer>);
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) };
}

const chat = (fields: object = {}): string => JSON.stringify({ model: "m", messages: [{ role: "user", content: "Hi there" }], ...fields });
const odd =
  '{ "model":"m",\n"messages":[{"role":"user","content":"Hi \\u00e9","x_cache":{"ttl":1.50}}], "x_number": 12345678901234567890, "x_empty":{} ,"stream":STREAM}';
const lastCall = (upstream: OpenAiUpstream) => upstream.calls.findLast(({ method }) => method === "POST");

for (const stream of ["false", "true"]) {
  test(`bytes pass unchanged both ways, unknown fields included (stream: ${stream})`, async () => {
    await using gateway = await startGateway();
    const body = odd.replace("STREAM", stream);
    const answer = await post(`${gateway.url}/chat/completions`, body);
    assert.equal(answer.status, 200);
    assert.equal(lastCall(gateway.upstream)?.received.toString(), body);
    assert.equal(answer.body.toString(), lastCall(gateway.upstream)?.sent.toString());
    assert.match(answer.body.toString(), /"x_number":12345678901234567000/);
  });
}

test("a JSON answer is observed in passing", async () => {
  await using gateway = await startGateway();
  const answer = await post(`${gateway.url}/chat/completions`, chat());
  const { firstByteMs, ...seen } = (await gateway.results[0]) ?? assert.fail();
  assert.ok(firstByteMs > 0);
  assert.deepEqual(seen, {
    status: 200,
    bytes: answer.body.length,
    id: "chatcmpl-stand-in-1",
    finishReason: "stop",
    usage: { inputTokens: 2, outputTokens: 4 },
  });
});

test("a stream is observed in passing, with its usage if the client asked for it", async () => {
  await using gateway = await startGateway();
  const answer = await post(`${gateway.url}/chat/completions`, chat({ stream: true, stream_options: { include_usage: true } }));
  const { firstByteMs, ...seen } = (await gateway.results[0]) ?? assert.fail();
  assert.ok(firstByteMs > 0);
  assert.deepEqual(seen, {
    status: 200,
    bytes: answer.body.length,
    id: "chatcmpl-stand-in-1",
    finishReason: "stop",
    usage: { inputTokens: 2, outputTokens: 4 },
  });
  await post(`${gateway.url}/chat/completions`, chat({ stream: true }));
  const plain = await gateway.results[1];
  assert.equal(plain?.finishReason, "stop");
  assert.equal(plain?.usage, undefined);
});

test("a stream longer than the tap remembers passes whole and is still observed", async () => {
  const pieces = Array.from({ length: 2_000 }, (_, index) => `piece ${index} data: "usage" `);
  await using gateway = await startGateway({ script: () => ({ type: "text", pieces }) });
  const answer = await post(`${gateway.url}/chat/completions`, chat({ stream: true, stream_options: { include_usage: true } }));
  assert.ok(answer.body.equals(lastCall(gateway.upstream)?.sent ?? Buffer.alloc(0)));
  assert.deepEqual((await gateway.results[0])?.usage, { inputTokens: 2, outputTokens: 2_000 });
});

test("bytes that are not what their content type says pass unchanged and tell nothing", async () => {
  for (const type of ["application/json", "text/event-stream", "application/octet-stream"]) {
    const chunks = [gzipSync("{}"), Buffer.from("data: {oops}\n\ndata: }{\n\n")];
    await using gateway = await startGateway({
      script: () => ({ type: "raw", status: 200, headers: { "content-type": type }, chunks, ending: "end" }),
    });
    const answer = await post(`${gateway.url}/chat/completions`, chat());
    assert.ok(answer.body.equals(Buffer.concat(chunks)));
    const { firstByteMs: _, ...seen } = (await gateway.results[0]) ?? assert.fail();
    assert.deepEqual(seen, { status: 200, bytes: answer.body.length });
  }
});

test("the upstream's refusal passes with its status, headers and body", async () => {
  await using gateway = await startGateway({
    script: () => ({ type: "error", status: 429, message: "Slow down.", headers: { "retry-after": "7" } }),
  });
  const answer = await post(`${gateway.url}/chat/completions`, chat());
  assert.equal(answer.status, 429);
  assert.equal(answer.headers["retry-after"], "7");
  assert.deepEqual(JSON.parse(answer.body.toString()), {
    error: { message: "Slow down.", type: "rate_limit_error", param: null, code: null },
  });
  assert.equal((await gateway.results[0])?.status, 429);
});

test("the client's credentials stay here, the provider gets its own, and other headers pass", async () => {
  await using gateway = await startGateway({ provider: { apiKey: "sk-provider", headers: { "X-Own": "1" } } });
  await post(`${gateway.url}/chat/completions`, chat(), {
    authorization: "Bearer tutti",
    "x-api-key": "admin",
    cookie: "session=1",
    "accept-encoding": "gzip",
    connection: "keep-alive, x-hop",
    "x-hop": "1",
    "x-own": "client",
    "openai-organization": "org-1",
  });
  const { headers } = lastCall(gateway.upstream) ?? assert.fail();
  assert.equal(headers.authorization, "Bearer sk-provider");
  assert.equal(headers["x-own"], "1");
  assert.equal(headers["openai-organization"], "org-1");
  assert.equal(headers["content-length"], String(chat().length));
  assert.equal(headers.host, new URL(gateway.upstream.baseUrl).host);
  for (const name of ["x-api-key", "cookie", "accept-encoding", "x-hop"]) assert.equal(headers[name], undefined, name);
});

test("what the provider says about its own origin stays behind, and extra headers are added", async () => {
  const headers = {
    "content-type": "application/json",
    "set-cookie": "a=1",
    "strict-transport-security": "max-age=1",
    "access-control-allow-origin": "*",
    "tutti-run-id": "theirs",
    "x-request-id": "req-1",
  };
  await using gateway = await startGateway({ script: () => ({ type: "raw", status: 201, headers, chunks: ["{}"], ending: "end" }) });
  const answer = await post(`${gateway.url}/chat/completions`, chat());
  assert.equal(answer.status, 201);
  assert.equal(answer.headers["tutti-run-id"], "run-1");
  assert.equal(answer.headers["x-request-id"], "req-1");
  for (const name of ["set-cookie", "strict-transport-security", "access-control-allow-origin"])
    assert.equal(answer.headers[name], undefined, name);
});

test("a model named with its provider is sent under the name the provider knows, and nothing else changes", async () => {
  await using gateway = await startGateway({ modelId: "p/m" });
  const body = odd.replace('"m"', '"p/m"').replace("STREAM", "false");
  await post(`${gateway.url}/chat/completions`, body);
  assert.equal(lastCall(gateway.upstream)?.received.toString(), odd.replace("STREAM", "false"));
});

test("a provider that is not there is an upstream error before anything was sent", async () => {
  await using gateway = await startGateway();
  await gateway.upstream[Symbol.asyncDispose]();
  const answer = await post(`${gateway.url}/chat/completions`, chat());
  assert.deepEqual([answer.status, answer.body.toString()], [502, "upstream"]);
});

test("a provider that does not begin in time is a timeout before anything was sent", async () => {
  await using gateway = await startGateway({
    script: () => ({ type: "raw", status: 200, headers: {}, chunks: [], ending: "silence" }),
    provider: { timeouts: { firstByteMs: 50, idleMs: 50 } },
  });
  const answer = await post(`${gateway.url}/chat/completions`, chat());
  assert.deepEqual([answer.status, answer.body.toString()], [502, "timeout"]);
  await assert.rejects(async () => gateway.results[0], { code: "timeout" });
});

test("a provider that dies in the middle breaks the client's answer off", async () => {
  await using gateway = await startGateway({
    script: () => ({
      type: "raw",
      status: 200,
      headers: { "content-type": "text/event-stream" },
      chunks: ["data: {}\n\n"],
      ending: "reset",
    }),
  });
  await assert.rejects(post(`${gateway.url}/chat/completions`, chat({ stream: true })), /aborted|socket hang up|ECONNRESET/);
  await assert.rejects(async () => gateway.results[0], { code: "upstream" });
});

test("a client that leaves ends the provider's work", async () => {
  await using gateway = await startGateway({
    script: () => ({
      type: "raw",
      status: 200,
      headers: { "content-type": "text/event-stream" },
      chunks: ["data: {}\n\n"],
      ending: "silence",
    }),
  });
  const sent = httpRequest(`${gateway.url}/chat/completions`, { method: "POST" });
  sent.on("error", () => {});
  sent.end(chat({ stream: true }));
  const answer = await new Promise<IncomingMessage>((resolve) => sent.on("response", resolve));
  answer.on("error", () => {});
  answer.once("data", () => sent.destroy());
  await gateway.upstream.ended(2);
  assert.equal(lastCall(gateway.upstream)?.isAborted, true);
  await assert.rejects(async () => gateway.results[0], { code: "cancelled" });
});

test("a client that leaves before the provider begins ends the provider's work too", async () => {
  const asked = Promise.withResolvers<void>();
  const script: Script = () => {
    asked.resolve();
    return { type: "raw", status: 200, headers: {}, chunks: [], ending: "silence" };
  };
  await using gateway = await startGateway({ script });
  const sent = httpRequest(`${gateway.url}/chat/completions`, { method: "POST" });
  sent.on("error", () => {});
  sent.end(chat());
  await asked.promise;
  sent.destroy();
  await assert.rejects(async () => gateway.results[0], { code: "cancelled" });
});

test("an aborted signal breaks the answer off", async () => {
  await using gateway = await startGateway({ script: () => ({ type: "raw", status: 200, headers: {}, chunks: ["x"], ending: "silence" }) });
  const answer = post(`${gateway.url}/chat/completions`, chat());
  await gateway.called();
  gateway.controller.abort(new AppError("timeout", "too late"));
  await assert.rejects(async () => gateway.results[0], { code: "timeout", message: "too late" });
  await answer.catch(() => {});
});

test("a client that does not read is not read ahead of, and is given up in the end", async () => {
  const piece = Buffer.alloc(1024 * 1024, 120);
  const chunks = Array.from({ length: 64 }, () => piece);
  await using gateway = await startGateway({
    script: () => ({ type: "raw", status: 200, headers: {}, chunks, ending: "end" }),
    provider: { timeouts: { idleMs: 2_000 } },
  });
  const { hostname, port } = new URL(gateway.url);
  const socket = connect(Number(port), hostname);
  socket.pause();
  socket.write(`POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: ${chat().length}\r\n\r\n${chat()}`);
  await gateway.called();
  await assert.rejects(async () => gateway.results[0], { code: "cancelled", message: /wanted the client to go on reading/ });
  socket.destroy();
});

test("a client that reads slowly still gets every byte", async () => {
  const piece = Buffer.alloc(256 * 1024, 120);
  const chunks = Array.from({ length: 32 }, () => piece);
  await using gateway = await startGateway({ script: () => ({ type: "raw", status: 200, headers: {}, chunks, ending: "end" }) });
  const sent = httpRequest(`${gateway.url}/chat/completions`, { method: "POST" });
  sent.end(chat());
  const answer = await new Promise<IncomingMessage>((resolve) => sent.on("response", resolve));
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(bytes, 32 * 256 * 1024);
  assert.equal((await gateway.results[0])?.bytes, bytes);
});
