import assert from "node:assert/strict";
import { createHmac, randomUUID } from "node:crypto";
import { createServer, request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import fc from "fast-check";
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWTPayload } from "jose";
import { signedText } from "../../auth/index.ts";
import { startTestApp, type TestApp } from "../../testing.ts";

const PUBLIC_URL = "https://tutti.example.com";
const SECRET = "a secret of at least sixteen bytes";
const LIST = {
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "t", version: "1" } },
};
const HEADERS = { "content-type": "application/json", accept: "application/json, text/event-stream" };

/** Somebody who gives out tokens, with the keys to check them. */
async function startIssuer(context: TestContext): Promise<{ readonly url: string; readonly key: CryptoKey }> {
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  const keys = { keys: [{ ...(await exportJWK(publicKey)), kid: "k", alg: "ES256" }] };
  const server = createServer((_, response) => response.setHeader("content-type", "application/json").end(JSON.stringify(keys)));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, key: privateKey };
}

const LIMITS = { requestsPerSecond: 1000, burst: 1000, sessionsMax: 100, sessionsPerPrincipalMax: 2, sessionIdleMs: 60_000 };

function start(issuer?: string): Promise<TestApp> {
  process.env["MCP_DOOR_TEST_SECRET"] = SECRET;
  const issuers = issuer === undefined ? [] : [{ issuer, jwksUrl: `${issuer}/keys`, scopes: ["tutti"], roles: ["mcp-user"] }];
  return startTestApp({
    mcp: { publicUrl: PUBLIC_URL, issuers, signers: [{ id: "ci", secretEnv: "MCP_DOOR_TEST_SECRET", roles: ["mcp-user"] }], ...LIMITS },
  });
}

const post = (app: TestApp, headers: Readonly<Record<string, string>>, body: unknown = LIST): Promise<Response> =>
  fetch(new URL("/mcp", app.url), {
    method: "POST",
    headers: { ...HEADERS, ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });

async function token(issuer: { readonly url: string; readonly key: CryptoKey }, claims: JWTPayload = {}): Promise<string> {
  const payload = {
    iss: issuer.url,
    aud: `${PUBLIC_URL}/mcp`,
    sub: "ada",
    scope: "tutti other",
    exp: Math.floor(Date.now() / 1000) + 3_600,
    ...claims,
  };
  return `Bearer ${await new SignJWT(payload).setProtectedHeader({ alg: "ES256", kid: "k" }).sign(issuer.key)}`;
}

function signed(body: string, changes: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const nonce = randomUUID();
  const text = signedText({ method: "POST", path: "/mcp", body: Buffer.from(body), timestamp, nonce });
  const signature = `v1=${createHmac("sha256", SECRET).update(text).digest("hex")}`;
  return { "x-tutti-signer": "ci", "x-tutti-timestamp": timestamp, "x-tutti-nonce": nonce, "x-tutti-signature": signature, ...changes };
}

test("without a credential a client is told where to find out who gives them out", async (context) => {
  const issuer = await startIssuer(context);
  await using app = await start(issuer.url);
  const response = await post(app, {});
  assert.equal(response.status, 401);
  assert.match(
    response.headers.get("www-authenticate") ?? "",
    /resource_metadata="https:\/\/tutti\.example\.com\/\.well-known\/oauth-protected-resource\/mcp"/,
  );
  for (const path of ["/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"]) {
    const metadata = await (await fetch(new URL(path, app.url))).json();
    assert.partialDeepStrictEqual(metadata, {
      resource: `${PUBLIC_URL}/mcp`,
      authorization_servers: [issuer.url],
      scopes_supported: ["tutti"],
    });
  }
});

test("a token of a configured issuer, made for this server, opens the door; no other does", async (context) => {
  const issuer = await startIssuer(context);
  const stranger = { ...(await startIssuer(context)), url: issuer.url };
  await using app = await start(issuer.url);
  assert.equal((await post(app, { authorization: await token(issuer) })).status, 200);
  const wrong: readonly (readonly [string, string])[] = [
    ["for another server", await token(issuer, { aud: "https://other.example.com/mcp" })],
    ["over", await token(issuer, { exp: Math.floor(Date.now() / 1000) - 120 })],
    ["of another issuer", await token(issuer, { iss: "https://evil.example.com" })],
    ["signed by somebody else", await token(stranger)],
    [
      "unsigned",
      `Bearer ${Buffer.from('{"alg":"none"}').toString("base64url")}.${Buffer.from(JSON.stringify({ iss: issuer.url, sub: "ada" })).toString("base64url")}.x`,
    ],
  ];
  for (const [what, authorization] of wrong) assert.equal((await post(app, { authorization })).status, 401, what);
});

test("a token without a scope is told which one it lacks", async (context) => {
  const issuer = await startIssuer(context);
  await using app = await start(issuer.url);
  const response = await post(app, { authorization: await token(issuer, { scope: "other" }) });
  assert.equal(response.status, 403);
  assert.match(response.headers.get("www-authenticate") ?? "", /error="insufficient_scope".*scope="tutti"/);
});

test("a signed request comes in once; a copy, a change and an old one do not", async () => {
  await using app = await start();
  const body = JSON.stringify(LIST);
  const headers = signed(body);
  assert.equal((await post(app, headers, body)).status, 200);
  assert.equal((await post(app, headers, body)).status, 401, "sent again");
  assert.equal((await post(app, signed(body), `${body} `)).status, 401, "another body");
  assert.equal((await post(app, signed(body, { "x-tutti-timestamp": "1700000000" }), body)).status, 401, "another time");
  assert.equal((await post(app, signed(body, { "x-tutti-signer": "nobody" }), body)).status, 401, "another signer");
});

test("no text in the place of a signature or a token opens the door or breaks it", async () => {
  await using app = await start();
  const word = fc.stringMatching(/^[\x21-\x7e]{0,60}$/);
  await fc.assert(
    fc.asyncProperty(word, word, word, async (signature, nonce, authorization) => {
      const headers = {
        "x-tutti-signer": "ci",
        "x-tutti-timestamp": String(Math.floor(Date.now() / 1000)),
        "x-tutti-nonce": nonce,
        "x-tutti-signature": signature,
      };
      assert.equal((await post(app, headers)).status, 401);
      assert.equal((await post(app, { authorization: `Bearer ${authorization}` })).status, 401);
    }),
    { numRuns: 20 },
  );
});

test("a foreign name that points at this machine is refused, and the name of publicUrl is not", async () => {
  await using app = await start();
  const ask = (host: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const { port } = new URL(app.url);
      const headers = { ...HEADERS, host, authorization: `Bearer ${app.token}` };
      httpRequest({ host: "127.0.0.1", port, path: "/mcp", method: "POST", headers }, (response) =>
        resolve(response.resume().statusCode ?? 0),
      )
        .on("error", reject)
        .end(JSON.stringify(LIST));
    });
  assert.deepEqual([await ask("evil.example.com"), await ask("tutti.example.com"), await ask("localhost")], [403, 200, 200]);
});

test("what is no message is answered in the protocol's own words", async () => {
  await using app = await start();
  const authorization = `Bearer ${app.token}`;
  const codeOf = async (response: Response): Promise<unknown> =>
    ((await response.json()) as { readonly error?: { readonly code?: unknown } }).error?.code;
  assert.equal(await codeOf(await post(app, { authorization }, "{")), -32_700);
  assert.equal((await post(app, { authorization }, "[".repeat(1000) + "]".repeat(1000))).status, 400);
  assert.equal((await post(app, { authorization, "content-type": "text/plain" }, LIST)).status, 415);
  const giant = JSON.stringify({ ...LIST, padding: "x".repeat(9 * 1_048_576) });
  assert.equal((await post(app, { authorization }, giant)).status, 413);
  assert.equal(
    (await post(app, { authorization, "mcp-session-id": "made-up" }, { jsonrpc: "2.0", id: 2, method: "tools/list" })).status,
    404,
  );
});

test("headers that say something else than the message are refused", async () => {
  await using app = await start();
  const meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": { name: "t", version: "1" },
    "io.modelcontextprotocol/clientCapabilities": {},
  };
  const body = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "echo", arguments: { text: "x" }, _meta: meta } };
  const headers = { authorization: `Bearer ${app.token}`, "mcp-protocol-version": "2026-07-28" };
  assert.equal((await post(app, { ...headers, "mcp-method": "tools/call", "mcp-name": "echo" }, body)).status, 200);
  assert.equal((await post(app, { ...headers, "mcp-method": "tools/list", "mcp-name": "echo" }, body)).status, 400);
  assert.equal((await post(app, { ...headers, "mcp-method": "tools/call", "mcp-name": "safe_calc" }, body)).status, 400);
});

test("a session is its principal's alone, and a principal's oldest quiet one makes room for the next", async (context) => {
  const issuer = await startIssuer(context);
  await using app = await start(issuer.url);
  const ada = { authorization: await token(issuer) };
  const eve = { authorization: await token(issuer, { sub: "eve" }) };
  const begin = async (): Promise<string> => {
    const response = await post(app, ada);
    await response.text();
    return response.headers.get("mcp-session-id") ?? "";
  };
  const first = await begin();
  const ping = { jsonrpc: "2.0", id: 2, method: "ping" };
  assert.equal((await post(app, { ...eve, "mcp-session-id": first }, ping)).status, 404);
  assert.equal((await post(app, { ...ada, "mcp-session-id": first }, ping)).status, 200);
  await begin();
  const third = await begin();
  assert.equal((await post(app, { ...ada, "mcp-session-id": first }, ping)).status, 404);
  assert.equal((await post(app, { ...ada, "mcp-session-id": third }, ping)).status, 200);
});

test("a key's holder is offered the tools that touch nothing, and no runs of others", async () => {
  await using app = await start();
  const made = (await (await app.fetch("/v1/keys", { name: "k" })).json()) as { readonly secret: string };
  const meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": { name: "t", version: "1" },
    "io.modelcontextprotocol/clientCapabilities": {},
  };
  const ask = (method: string): Promise<Response> =>
    post(
      app,
      { authorization: `Bearer ${made.secret}`, "mcp-protocol-version": "2026-07-28", "mcp-method": method },
      { jsonrpc: "2.0", id: 1, method, params: { _meta: meta } },
    );
  await app.fetch("/v1/tools/execute", { tool: "echo", input: { text: "mine" } });
  const tools = await (await ask("tools/list")).text();
  assert.match(tools, /"safe_calc"/);
  assert.doesNotMatch(tools, /agent_holly/);
  assert.doesNotMatch(await (await ask("resources/list")).text(), /tutti:\/\/runs/);
});
