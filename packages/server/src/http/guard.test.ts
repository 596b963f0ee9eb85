import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { request as httpRequest } from "node:http";
import { startTestApp } from "../testing.ts";

const OPEN = ["/health", "/ready", "/healthz", "/readyz", "/", "/favicon.ico"];
const CLOSED = [
  "/metrics",
  "/echo",
  "/docs",
  "/openapi.json",
  "/v1/models",
  "/v1/agents",
  "/v1/runs",
  "/v1/tools",
  "/v1/trust/events",
  "/v1/plugins",
  "/nothing-here",
];

describe("the door", () => {
  test("probes and the status page are open; everything else asks for the token, in the shape of its routes", async () => {
    await using app = await startTestApp();
    for (const path of OPEN) assert.ok((await fetch(app.url + path)).ok, path);
    assert.equal((await fetch(`${app.url}/favicon.ico`)).status, 204);
    for (const path of CLOSED) {
      for (const authorization of [undefined, "Bearer wrong", "Bearer ", "Basic !!!", "Digest x"]) {
        const response = await fetch(app.url + path, { headers: authorization === undefined ? {} : { authorization } });
        assert.equal(response.status, 401, `${path} with ${authorization}`);
        const challenge = response.headers.get("www-authenticate") ?? "";
        assert.match(challenge, /^Bearer/);
        // A browser asks in a window of its own for whatever offers Basic; the console's calls must not raise one.
        assert.equal(challenge.includes("Basic"), !path.startsWith("/v1/"));
        const body = (await response.json()) as { readonly error?: { readonly code: string }; readonly code?: string };
        assert.equal(path.startsWith("/v1/") ? body.error?.code : body.code, "unauthorized");
        assert.match(
          response.headers.get("content-type") ?? "",
          path.startsWith("/v1/") ? /^application\/json/ : /^application\/problem\+json/,
        );
      }
    }
  });

  test("the token works as a bearer token and as the password a browser asks for", async () => {
    await using app = await startTestApp({ token: "a-preset-token-of-some-length" });
    for (const authorization of [
      "Bearer a-preset-token-of-some-length",
      `bearer a-preset-token-of-some-length`,
      `Basic ${btoa("anyone:a-preset-token-of-some-length")}`,
    ]) {
      assert.equal((await fetch(`${app.url}/v1/models`, { headers: { authorization } })).status, 200, authorization);
    }
  });

  test("the generated token is stored as a hash only, and is the same after a restart", async () => {
    const first = await startTestApp();
    const token = first.app.newToken ?? "";
    assert.match(token, /^tutti_[\w-]{43}$/);
    assert.ok(!JSON.stringify(await first.app.store.getSetting("token.sha256")).includes(token));
    await using _ = first;
    assert.equal((await fetch(`${first.url}/v1/models`, { headers: { authorization: `Bearer ${token}` } })).status, 200);
  });

  test("a page from elsewhere is refused even with the token", async () => {
    await using app = await startTestApp();
    const headers = { authorization: `Bearer ${app.token}` };
    assert.equal((await fetch(`${app.url}/v1/models`, { headers: { ...headers, origin: "https://evil.example" } })).status, 403);
    assert.equal((await fetch(`${app.url}/v1/models`, { headers: { ...headers, origin: app.url } })).status, 200);
    const scripted = `javascript://${new URL(app.url).host}`;
    assert.equal((await fetch(`${app.url}/v1/models`, { headers: { ...headers, origin: scripted } })).status, 403);
  });

  test("without a token a foreign host name is refused, so that DNS rebinding finds no way in", async () => {
    await using app = await startTestApp({ auth: "none" });
    assert.equal((await fetch(`${app.url}/v1/models`)).status, 200);
    const status = await new Promise((resolve, reject) => {
      httpRequest(`${app.url}/v1/models`, { headers: { host: "evil.example" } }, (response) => resolve(response.resume().statusCode))
        .on("error", reject)
        .end();
    });
    assert.equal(status, 403);
  });

  test("a client that asks too often is told to slow down, and probes still answer", async () => {
    await using app = await startTestApp({ rateLimitPerSecond: 1, rateLimitBurst: 3 });
    const statuses = [];
    for (let index = 0; index < 5; index += 1) statuses.push((await app.fetch("/v1/models")).status);
    assert.deepEqual(statuses, [200, 200, 200, 429, 429]);
    const refused = await app.fetch("/v1/models");
    assert.equal(refused.headers.get("retry-after"), "1");
    assert.equal(((await refused.json()) as { readonly error: { readonly type: string } }).error.type, "rate_limit_error");
    assert.equal((await fetch(`${app.url}/health`)).status, 200);
  });

  test("without the token /health tells that the process lives and under what code runs, and nothing else", async () => {
    await using app = await startTestApp({ sandbox: ["bubblewrap", "landlock"], sandboxLevel: "soft", toolsAllow: ["python_eval"] });
    const strangers = async (headers: Record<string, string> = {}): Promise<unknown> =>
      (await fetch(`${app.url}/health`, { headers })).json();
    assert.deepEqual(await strangers(), { status: "ok", sandbox: { status: "untested" } });
    await app.fetch("/v1/tools/execute", { tool: "python_eval", input: { expression: "1" } });
    const told = (await strangers({ authorization: "Bearer wrong" })) as { readonly sandbox: object };
    assert.deepEqual(Object.keys(told), ["status", "sandbox"]);
    assert.deepEqual(Object.keys(told.sandbox), ["status", "backend", "level"]);
    assert.deepEqual(await strangers({ authorization: `Bearer ${app.token}`, origin: "https://elsewhere.example" }), told);
    const whole = (await (await app.fetch("/health")).json()) as { readonly pid: number; readonly sandbox: object };
    assert.equal(whole.pid, process.pid);
    assert.ok("report" in whole.sandbox && "promisesHash" in whole.sandbox);
  });

  test("a request id is taken from the client when it is harmless, and made otherwise", async () => {
    await using app = await startTestApp();
    const idOf = async (id: string): Promise<string | null> =>
      (await fetch(`${app.url}/health`, { headers: { "x-request-id": id } })).headers.get("x-request-id");
    assert.equal(await idOf("abc-123"), "abc-123");
    assert.match((await idOf('a" b')) ?? "", /^[0-9a-f-]{36}$/);
  });
});
