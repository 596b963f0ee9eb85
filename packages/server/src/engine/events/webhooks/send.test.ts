import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { WebhookSender, type SendOutcome } from "./send.ts";

const never = new AbortController().signal;

async function receiver(listener: RequestListener): Promise<{ readonly port: number } & AsyncDisposable> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function send(url: string, privateAllow = true): Promise<SendOutcome> {
  await using sender = new WebhookSender();
  return await sender.send({ url, headers: { "content-type": "text/plain" }, body: "hello", privateAllow }, never);
}

test("a receiver gets the bytes and the headers, and its answer is told in short", async () => {
  const seen: { readonly method: string | undefined; readonly headers: IncomingMessage["headers"]; text: string }[] = [];
  await using server = await receiver((request, response) => {
    const one = { method: request.method, headers: request.headers, text: "" };
    seen.push(one);
    request.on("data", (chunk) => (one.text += String(chunk)));
    request.on("end", () => response.writeHead(202, { "retry-after": "7" }).end("x".repeat(100_000)));
  });
  const outcome = await send(`http://127.0.0.1:${server.port}/hook`);
  assert.deepEqual(outcome, { type: "answered", status: 202, excerpt: "x".repeat(512), retryAfterMs: 7000 });
  assert.deepEqual([seen[0]?.method, seen[0]?.text, seen[0]?.headers["content-type"]], ["POST", "hello", "text/plain"]);
});

test("a redirect is an answer, not followed", async () => {
  const paths: (string | undefined)[] = [];
  await using server = await receiver((request, response) => {
    paths.push(request.url);
    response.writeHead(302, { location: "/elsewhere" }).end();
  });
  const outcome = await send(`http://127.0.0.1:${server.port}/hook`);
  assert.equal(outcome.type === "answered" && outcome.status, 302);
  assert.deepEqual(paths, ["/hook"]);
});

test("private addresses are refused before a byte is sent, by number and by name", async () => {
  let requests = 0;
  await using server = await receiver((_, response) => {
    requests += 1;
    response.end();
  });
  for (const host of ["127.0.0.1", "localhost", "[::1]", "2130706433"]) {
    const outcome = await send(`http://${host}:${server.port}/`, false);
    assert.equal(outcome.type === "unreachable" && outcome.code, "denied", `${host}: ${JSON.stringify(outcome)}`);
  }
  assert.equal(requests, 0);
});

test("a receiver that is not there, or hangs up, is told with its code", async () => {
  await using server = await receiver((request) => request.socket.destroy());
  const hungUp = await send(`http://127.0.0.1:${server.port}/`);
  assert.equal(hungUp.type, "unreachable");
  const { port } = server;
  await server[Symbol.asyncDispose]();
  const absent = await send(`http://127.0.0.1:${port}/`);
  assert.equal(absent.type === "unreachable" && absent.code, "ECONNREFUSED");
});
