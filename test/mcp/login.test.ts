import assert from "node:assert/strict";
import { test } from "node:test";
import { openWorkplace, type Workplace } from "../../packages/server/src/cli/testing/tutti-process.ts";
import { freePort } from "../../packages/server/src/testing/free-port.ts";
import { startOAuthIssuer, type OAuthIssuer } from "../../packages/server/src/testing/oauth-issuer.ts";
import { startTestApp, type TestApp } from "../../packages/server/src/testing.ts";

const CLIENT = { id: "nightly", secret: "a-secret-for-tests-only" };
const LIMITS = { requestsPerSecond: 1000, burst: 1000, sessionsMax: 100, sessionsPerPrincipalMax: 10, sessionIdleMs: 60_000 };

interface Scene extends AsyncDisposable {
  readonly issuer: OAuthIssuer;
  /** The server that wants a token of the issuer's. */
  readonly server: TestApp;
  /** Where the Tutti that is its client works. */
  readonly place: Workplace;
  readonly env: Readonly<Record<string, string>>;
}

/** Two whole Tuttis, one of which uses the other, and somebody who gives out tokens. */
async function open(): Promise<Scene> {
  await using opening = new AsyncDisposableStack();
  // An address to come back to has to be known before there is a server.
  const [port, ownPort] = [await freePort(), await freePort()];
  const publicUrl = `http://127.0.0.1:${port}`;
  const issuer = opening.use(await startOAuthIssuer(CLIENT, `${publicUrl}/mcp`));
  const issuers = [{ issuer: issuer.url, jwksUrl: `${issuer.url}/keys`, scopes: ["tutti"], roles: ["owner"] }];
  const server = opening.use(await startTestApp({ port, mcp: { publicUrl, issuers, signers: [], ...LIMITS } }));
  const place = opening.use(await openWorkplace());
  const env = { TUTTI_PORT: String(ownPort), TUTTI_TOOLS_ALLOW: "calc_safe_calc", ISSUER_SECRET: CLIENT.secret };
  await place.start(["up"], { env }).printed(`:${ownPort}`);
  const opened = opening.move();
  return { issuer, server, place, env, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

async function calculate({ place, env }: Scene): Promise<void> {
  const approved = await place.run(["mcp", "approve", "calc"], { env });
  assert.equal(approved.code, 0, approved.stdout + approved.stderr);
  const called = await place.run(["tools", "call", "calc_safe_calc", "--input", '{"expression": "6*7"}'], { env });
  assert.match(called.stdout, /42/, called.stderr);
}

const add = ({ place, server, env }: Scene, auth: object) =>
  place.run(["mcp", "add", "calc", "--url", `${server.url}/mcp`, "--setting", JSON.stringify({ auth, connectTimeoutMs: 60_000 })], { env });

test("a person logs in at a server with `tutti mcp login`, with a code and PKCE, and its tools are used", async () => {
  await using scene = await open();
  const { place, env, issuer } = scene;
  const added = await add(scene, { type: "oauth", scope: "tutti" });
  assert.equal(added.code, 0, added.stderr);
  const refused = await place.run(["mcp", "test", "calc"], { env });
  assert.match(refused.stdout + refused.stderr, /tutti mcp login calc/);
  const { url } = await place.json<{ readonly url: string }>(["mcp", "login", "calc"], { env });
  assert.equal(new URL(url).searchParams.get("code_challenge_method"), "S256");
  const stranger = await fetch(`http://127.0.0.1:${env["TUTTI_PORT"]}/mcp/callback?code=x&state=guessed`);
  assert.equal(stranger.status, 403);
  const browser = await fetch(url);
  assert.match(await browser.text(), /logged in at the MCP server calc/);
  await calculate(scene);
  assert.deepEqual(issuer.granted, ["authorization_code"]);
  assert.deepEqual(await place.json(["mcp", "login", "calc"], { env }), { url: null });
  const again = await fetch(url);
  assert.equal(again.status, 403, "a login is good once");
});

test("a person who says no at the login, and a code that is none, are told as such, and a login can begin again", async () => {
  await using scene = await open();
  const { place, env } = scene;
  assert.equal((await add(scene, { type: "oauth", scope: "tutti" })).code, 0);
  await place.run(["mcp", "test", "calc"], { env });
  const login = async (): Promise<URLSearchParams> =>
    new URL((await place.json<{ readonly url: string }>(["mcp", "login", "calc"], { env })).url).searchParams;
  const comeBack = async (query: Readonly<Record<string, string>>): Promise<string> => {
    const answer = await fetch(`http://127.0.0.1:${env["TUTTI_PORT"]}/mcp/callback?${new URLSearchParams(query).toString()}`);
    return `${answer.status} ${await answer.text()}`;
  };
  const no = { error: "access_denied", error_description: "not today", state: (await login()).get("state") ?? "" };
  assert.match(await comeBack(no), /^403 .*got a refusal: not today/);
  assert.match(
    await comeBack({ code: "no such code", state: (await login()).get("state") ?? "" }),
    /^502 .*wanted tokens for the code of a login/,
  );
  assert.ok((await login()).has("code_challenge"));
});

test("a Tutti gets a token in its own name with client credentials, and with a wrong secret it says so", async () => {
  await using scene = await open();
  const { issuer, place, env } = scene;
  const auth = { type: "client-credentials", clientId: CLIENT.id, clientSecretEnv: "ISSUER_SECRET", issuer: issuer.url, scope: "tutti" };
  const added = await add(scene, auth);
  assert.equal(added.code, 0, added.stderr);
  await calculate(scene);
  assert.ok(issuer.granted.every((grant) => grant === "client_credentials") && issuer.granted.length > 0);
  await place.run(["mcp", "remove", "calc"], { env });
  await add(scene, { ...auth, clientId: "somebody-else" });
  const failed = await place.run(["mcp", "test", "calc"], { env });
  assert.notEqual(failed.code, 0);
  assert.ok(issuer.refused.includes("client_credentials"));
});
