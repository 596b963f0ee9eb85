import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { describe, test } from "node:test";
import fc from "fast-check";
import { startTestApp, type TestApp } from "../testing.ts";

const POSTS = ["/v1/chat/completions", "/v1/runs", "/v1/tools/execute", "/v1/agents/holly/chat", "/v1/plugins"];

async function post(
  app: TestApp,
  path: string,
  body: string | Uint8Array<ArrayBuffer>,
): Promise<{ readonly status: number; readonly code: string | undefined }> {
  const response = await fetch(app.url + path, {
    method: "POST",
    body,
    headers: { authorization: `Bearer ${app.token}`, "content-type": "application/json" },
  });
  const { error } = (await response.json()) as { readonly error?: { readonly code: string } };
  return { status: response.status, code: error?.code };
}

/** Sends raw bytes and returns what comes back until the server closes the connection. */
async function raw(app: TestApp, text: string): Promise<string> {
  const { hostname, port } = new URL(app.url);
  const socket = connect(Number(port), hostname);
  let answer = "";
  socket.on("data", (chunk: Buffer) => (answer += chunk.toString("latin1")));
  socket.on("error", () => undefined);
  socket.write(text);
  await once(socket, "close");
  return answer;
}

describe("bad input", () => {
  test("bodies that are no JSON, no UTF-8, too deep or too large get their status and code on every route", async () => {
    await using app = await startTestApp();
    const bodies: readonly (readonly [string, string | Uint8Array<ArrayBuffer>, number, string])[] = [
      ["malformed", '{"model": ', 400, "invalid_input"],
      ["empty", "", 400, "invalid_input"],
      ["invalid UTF-8", new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]), 400, "invalid_input"],
      ["100,000 deep", "[".repeat(100_000) + "]".repeat(100_000), 400, "invalid_input"],
      ["10 MB", `{"model":"${"x".repeat(10_000_000)}"}`, 413, "too_large"],
      ["an array", "[1,2]", 400, "invalid_input"],
      ["null", "null", 400, "invalid_input"],
      ["wrong types", '{"model": 7, "messages": "x", "workflow": [], "tool": {}, "message": 4, "path": false}', 400, "invalid_input"],
    ];
    for (const path of POSTS) {
      for (const [name, body, status, code] of bodies)
        assert.deepEqual(await post(app, path, body), { status, code }, `${name} to ${path}`);
    }
    assert.equal((await fetch(`${app.url}/ready`)).status, 200);
  });

  test("a body without a length that grows too large is cut off", async () => {
    await using app = await startTestApp({ requestBytesMax: 10_000 });
    const chunk = "x".repeat(1000);
    const head = `POST /v1/runs HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${app.token}\r\ntransfer-encoding: chunked\r\n\r\n`;
    const answer = await raw(app, head + `3e8\r\n${chunk}\r\n`.repeat(20));
    assert.match(answer, /^HTTP\/1\.1 413 /);
  });

  test("unknown things are not found, by name and code", async () => {
    await using app = await startTestApp();
    const notFound: readonly (readonly [string, unknown, string])[] = [
      ["/v1/chat/completions", { model: "gpt-unknown", messages: [{ role: "user", content: "x" }] }, "model_not_found"],
      ["/v1/runs", { workflow: "none" }, "not_found"],
      ["/v1/runs", { workflow: "tutti.tool-call", input: { tool: "echo", input: {} } }, "not_found"],
      ["/v1/tools/execute", { tool: "none" }, "not_found"],
      ["/v1/agents/nobody/chat", { message: "x" }, "not_found"],
      ["/v1/runs/nope/cancel", {}, "not_found"],
      ["/v1/nothing", {}, "not_found"],
    ];
    for (const [path, body, code] of notFound) assert.deepEqual(await post(app, path, JSON.stringify(body)), { status: 404, code }, path);
    for (const path of [
      "/v1/runs/nope",
      "/v1/runs/nope/events",
      "/v1/runs/nope/receipt",
      "/v1/trust/verify/nope",
      "/v1/agents/nobody",
      "/v1/models/none",
    ])
      assert.equal((await app.fetch(path)).status, 404, path);
  });

  test("numbers and filters that make no sense are refused", async () => {
    await using app = await startTestApp();
    for (const query of ["limit=0", "limit=x", "limit=501", "limit=1e2", "status=sleeping"])
      assert.equal((await app.fetch(`/v1/runs?${query}`)).status, 400, query);
  });

  test("a client that sends its headers or body drop by drop is let go", async () => {
    await using app = await startTestApp({ headersTimeoutMs: 500, requestTimeoutMs: 1000 });
    const drops = [
      "GET /health HTTP/1.1\r\nhost: x\r\n",
      `POST /v1/runs HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${app.token}\r\ncontent-length: 100\r\n\r\n{`,
    ];
    for (const answer of await Promise.all(drops.map((drop) => raw(app, drop)))) assert.match(answer, /^HTTP\/1\.1 408 /);
  });

  test("headers that are too large are refused", async () => {
    await using app = await startTestApp();
    assert.match(await raw(app, `GET /health HTTP/1.1\r\nhost: x\r\nx: ${"y".repeat(40_000)}\r\n\r\n`), /^HTTP\/1\.1 431 /);
  });

  test("no bytes whatever make the server fail", async () => {
    await using app = await startTestApp();
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 400 }),
      fc.json().map((text) => new TextEncoder().encode(text)),
      fc
        .record(
          {
            model: fc.constantFrom("holly", "x", ""),
            messages: fc.jsonValue(),
            stream: fc.jsonValue(),
            tool: fc.constantFrom("safe_calc", "echo", "x"),
            input: fc.jsonValue(),
            message: fc.jsonValue(),
            workflow: fc.constantFrom("holly", "x"),
          },
          { requiredKeys: [] },
        )
        .map((value) => new TextEncoder().encode(JSON.stringify(value))),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...POSTS), body, async (path, bytes) => {
        const response = await fetch(app.url + path, {
          method: "POST",
          body: bytes as Uint8Array<ArrayBuffer>,
          headers: { authorization: `Bearer ${app.token}` },
        });
        await response.arrayBuffer();
        assert.ok(response.status < 500, `${path} answered ${response.status}`);
      }),
      { numRuns: 300 },
    );
    assert.equal((await fetch(`${app.url}/ready`)).status, 200);
  });

  test("a method that a path does not have is told with those that it has", async () => {
    await using app = await startTestApp();
    const headers = { authorization: `Bearer ${app.token}` };
    const wrong = await fetch(`${app.url}/v1/tools/execute`, { method: "PUT", headers });
    assert.deepEqual([wrong.status, wrong.headers.get("allow")], [405, "GET, POST"]);
    assert.match(await wrong.text(), /wanted GET or POST of \/v1\/tools\/execute, got PUT[^]*"code":"method_not_allowed"/);
    const none = await fetch(`${app.url}/v1/nothing`, { method: "PUT", headers });
    assert.deepEqual([none.status, none.headers.get("allow")], [404, null]);
  });

  test("an error in Anthropic's shape names its request", async () => {
    await using app = await startTestApp();
    const response = await app.fetch("/v1/messages", {});
    const { request_id: requestId } = (await response.json()) as { readonly request_id: string };
    assert.equal(requestId, response.headers.get("request-id"));
    assert.equal(requestId, response.headers.get("x-request-id"));
  });
});
