import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempDisposable } from "node:fs/promises";
import { request, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { Plugin } from "@tutti/core";
import { startTestApp } from "../../testing.ts";
import { slowPlugin } from "../../testing/slow-plugin.ts";

const TOKEN = "a-preset-token-of-some-length";

const WAITING = "name: waiting\nnodes:\n  gate: { type: wait, signal: go }\n";

interface SignedIn {
  readonly session: { readonly id: string; readonly agent: string } | null;
  readonly csrfToken: string | null;
}

async function open(options: { readonly dataDir?: string; readonly inlinePlugins?: readonly Plugin[] } = {}) {
  const app = await startTestApp({ token: TOKEN, ...options });
  const post = (path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
    fetch(app.url + path, { method: "POST", headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) });
  const signIn = async (
    body: unknown = { token: TOKEN },
  ): Promise<{ readonly cookie: string; readonly csrf: string; readonly id: string }> => {
    const response = await post("/v1/session", body, { "user-agent": "Some Browser" });
    assert.equal(response.status, 201);
    const { session, csrfToken } = (await response.json()) as SignedIn;
    const [cookie = ""] = (response.headers.get("set-cookie") ?? "").split(";");
    return { cookie, csrf: csrfToken ?? "", id: session?.id ?? "" };
  };
  return { app, post, signIn, [Symbol.asyncDispose]: () => app[Symbol.asyncDispose]() };
}

describe("browsers that sign in", () => {
  test("the token is shown once; then a cookie that no script reads and no other site sends is enough to read", async () => {
    await using world = await open();
    const response = await world.post("/v1/session", { token: TOKEN });
    assert.match(
      response.headers.get("set-cookie") ?? "",
      /^tutti_session_\d+=[\w-]{12}\.[\w-]{43}; Path=\/; Max-Age=604800; HttpOnly; SameSite=Strict$/,
    );
    const { cookie } = await world.signIn();
    const session = (await (await fetch(`${world.app.url}/v1/session`, { headers: { cookie } })).json()) as SignedIn;
    assert.equal(session.session?.agent, "Some Browser");
    assert.equal((await fetch(`${world.app.url}/v1/runs`, { headers: { cookie: `theme=dark; ${cookie}` } })).status, 200);
    const stored = JSON.stringify(await world.app.app.store.getSetting("sessions"));
    assert.ok(!stored.includes(cookie.split(".")[1] ?? ""), "the store has a hash only");
  });

  test("what changes something needs the session's other secret as well", async () => {
    await using world = await open();
    const { cookie, csrf } = await world.signIn();
    const other = await world.signIn();
    const call = { tool: "echo", input: { text: "hello" } };
    assert.equal((await world.post("/v1/tools/execute", call, { cookie, "x-csrf-token": csrf })).status, 200);
    for (const headers of [{ cookie }, { cookie, "x-csrf-token": "" }, { cookie, "x-csrf-token": other.csrf }]) {
      const refused = await world.post("/v1/tools/execute", call, headers);
      assert.equal(refused.status, 403);
      assert.match(await refused.text(), /x-csrf-token/);
    }
    const foreign = await world.post("/v1/tools/execute", call, { cookie, "x-csrf-token": csrf, origin: "https://elsewhere.example" });
    assert.equal(foreign.status, 403);
  });

  test("a page that came over TLS keeps its cookie there", async () => {
    await using world = await open();
    const { host } = new URL(world.app.url);
    const response = await world.post("/v1/session", { token: TOKEN }, { origin: `https://${host}` });
    assert.match(response.headers.get("set-cookie") ?? "", /^__Host-tutti_session_\d+=.*; Path=\/; .*; Secure$/);
    const [cookie = ""] = (response.headers.get("set-cookie") ?? "").split(";");
    const other = (await world.signIn()).cookie;
    const who = async (sent: string): Promise<string | undefined> =>
      ((await (await fetch(`${world.app.url}/v1/session`, { headers: { cookie: sent } })).json()) as SignedIn).session?.id;
    assert.equal(cookie.split("=")[1]?.split(".")[0], await who(cookie));
    assert.equal(await who(`${other}; ${cookie}`), await who(cookie), "one that a page without TLS could have set counts last");
  });

  test("two Tuttis on one host, of which a browser sends both the cookies of both, do not sign each other out", async () => {
    await using one = await open();
    await using other = await open();
    // What a browser keeps: of two cookies with one name the later.
    const jar = new Map<string, string>();
    for (const world of [one, other, one]) {
      const { cookie } = await world.signIn();
      jar.set(cookie.split("=")[0] ?? "", cookie);
    }
    const cookie = [...jar.values()].join("; ");
    for (const world of [one, other]) assert.equal((await fetch(`${world.app.url}/v1/runs`, { headers: { cookie } })).status, 200);
    // At the port that an address leaves out there is one name, too.
    const { port } = new URL(one.app.url);
    const asked = request({
      port,
      path: "/v1/session",
      method: "POST",
      headers: { host: "tutti.example", "content-type": "application/json" },
    });
    asked.end(JSON.stringify({ token: TOKEN }));
    const [response] = (await once(asked, "response")) as [IncomingMessage];
    response.resume();
    assert.match(response.headers["set-cookie"]?.[0] ?? "", /^tutti_session=/);
  });

  test("behind a proxy's path the cookie is sent there only, and a link for another browser is what this one was reached by", async () => {
    await using app = await startTestApp({ token: TOKEN, publicPath: "/ai/tutti" });
    const post = (path: string, body: unknown, headers: Readonly<Record<string, string>>): Promise<Response> =>
      fetch(app.url + path, { method: "POST", headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) });
    const origin = `https://${new URL(app.url).host}`;
    const secure = (await post("/v1/session", { token: TOKEN }, { origin })).headers.get("set-cookie") ?? "";
    assert.match(secure, /^__Secure-tutti_session_\d+=[^;]+; Path=\/ai\/tutti\/; .*; Secure$/);
    const plain = (await post("/v1/session", { token: TOKEN }, {})).headers.get("set-cookie") ?? "";
    assert.match(plain, /^tutti_session_\d+=[^;]+; Path=\/ai\/tutti\/; .*SameSite=Strict$/);
    const invited = await post("/v1/sessions/invitations", {}, { origin, authorization: `Bearer ${TOKEN}` });
    const { signInUrl } = (await invited.json()) as { readonly signInUrl: string };
    assert.ok(signInUrl.startsWith(`${origin}/ai/tutti/admin/#code=`), signInUrl);
  });

  test("whether somebody is signed in is no secret and no failure; a wrong token is one", async () => {
    await using world = await open();
    const ask = (headers: Readonly<Record<string, string>>): Promise<Response> => fetch(`${world.app.url}/v1/session`, { headers });
    const out = { isSignedIn: false, session: null, csrfToken: null };
    assert.deepEqual(await (await ask({})).json(), out);
    assert.deepEqual(await (await ask({ cookie: `tutti_session_${new URL(world.app.url).port}=no.such` })).json(), out);
    assert.equal((await ask({ authorization: "Bearer wrong" })).status, 401);
    assert.equal((await ask({ origin: "https://elsewhere.example" })).status, 403);
    assert.deepEqual(await (await ask({ authorization: `Bearer ${TOKEN}` })).json(), { ...out, isSignedIn: true });
  });

  test("a code signs in one browser, once; wrong tokens, keys and bodies sign in none", async () => {
    await using world = await open();
    const authorization = `Bearer ${TOKEN}`;
    const { code } = (await (await world.post("/v1/sessions/invitations", {}, { authorization })).json()) as { readonly code: string };
    const both = await Promise.all([world.post("/v1/session", { code }), world.post("/v1/session", { code })]);
    assert.deepEqual(
      both.map(({ status }) => status).toSorted((a, b) => a - b),
      [201, 401],
    );
    const { secret } = (await (await world.post("/v1/keys", { name: "program" }, { authorization })).json()) as { readonly secret: string };
    for (const [body, status] of [
      [{ token: "wrong" }, 401],
      [{ token: secret }, 401],
      [{ code: "wrong" }, 401],
      [{}, 400],
      [{ token: TOKEN, code }, 400],
    ] as const)
      assert.equal((await world.post("/v1/session", body)).status, status, JSON.stringify(body));
  });

  test("signing out ends the session at once, on the browser itself and from another one, and for good", async () => {
    await using world = await open();
    const here = await world.signIn();
    const there = await world.signIn();
    const as = (cookie: string, path: string, csrf?: string): Promise<Response> =>
      fetch(world.app.url + path, { headers: { cookie, ...(csrf && { "x-csrf-token": csrf }) }, ...(csrf && { method: "DELETE" }) });
    const { sessions } = (await (await as(here.cookie, "/v1/sessions")).json()) as {
      readonly sessions: readonly { readonly id: string }[];
    };
    assert.deepEqual(sessions.map(({ id }) => id).toSorted(), [here.id, there.id].toSorted());
    assert.equal((await as(here.cookie, `/v1/sessions/${there.id}`, here.csrf)).status, 204);
    assert.equal((await as(there.cookie, "/v1/runs")).status, 401);
    const out = await as(here.cookie, "/v1/session", here.csrf);
    assert.match(out.headers.get("set-cookie") ?? "", /^tutti_session_\d+=; Path=\/; Max-Age=0;/);
    assert.equal((await as(here.cookie, "/v1/runs")).status, 401);
  });

  test("a browser that signs in again keeps one session, and signing in and out leaves the others alone", async () => {
    await using world = await open();
    const { sessions } = world.app.app;
    const first = await world.signIn();
    const again = await world.post("/v1/session", { token: TOKEN }, { cookie: first.cookie });
    const { session } = (await again.json()) as SignedIn;
    assert.deepEqual(
      sessions.list().map(({ id }) => id),
      [session?.id],
    );
    for (let time = 0; time < 101; time += 1) await sessions.end((await sessions.begin("a browser")).session.id);
    assert.deepEqual(
      sessions.list().map(({ id }) => id),
      [session?.id],
    );
  });

  test("a session's end ends every stream that it opened", async () => {
    await using world = await open({ inlinePlugins: [slowPlugin()] });
    const { run } = (await (await world.app.fetch("/v1/graphs/runs", { text: WAITING })).json()) as {
      readonly run: { readonly id: string };
    };
    const messages = [{ role: "user", content: "Tell me a story." }];
    const jsonRpc = { jsonrpc: "2.0", id: 1, method: "initialize" };
    const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "test", version: "1" } };
    for (const [path, body] of [
      [`/v1/runs/${run.id}/events`],
      ["/v1/events"],
      ["/v1/live?topic=overview"],
      ["/v1/agents/slow/chat", { messages, stream: true, leaving: "continue" }],
      ["/v1/chat/completions", { model: "slow", messages, stream: true }],
      ["/v1/responses", { model: "slow-model", input: "Think.", background: true, stream: true }],
      ["/mcp"],
    ] as const) {
      const { cookie, csrf, id } = await world.signIn();
      const accept = "application/json, text/event-stream";
      const begun = path === "/mcp" ? await world.post(path, { ...jsonRpc, params }, { cookie, accept, "x-csrf-token": csrf }) : undefined;
      const mcpSession = begun?.headers.get("mcp-session-id");
      const response = await fetch(world.app.url + path, {
        headers: {
          cookie,
          accept: "text/event-stream",
          "x-csrf-token": csrf,
          ...(mcpSession && { "mcp-session-id": mcpSession }),
          ...(body && { "content-type": "application/json" }),
        },
        ...(body && { method: "POST", body: JSON.stringify(body) }),
        // Far less than the time after which a quiet stream would show a sign of life.
        signal: AbortSignal.timeout(10_000),
      });
      assert.equal(response.status, 200, path);
      assert.match(response.headers.get("content-type") ?? "", /^text\/event-stream/, path);
      await world.app.app.sessions.end(id);
      await response.text();
    }
  });

  test("a session, and its end, outlive a restart of the server", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "tutti-sessions-"));
    let ended = "";
    let kept = "";
    {
      await using world = await open({ dataDir: folder.path });
      ({ cookie: kept } = await world.signIn());
      const { cookie, csrf } = await world.signIn();
      ended = cookie;
      const headers = { cookie, "x-csrf-token": csrf };
      assert.equal((await fetch(`${world.app.url}/v1/session`, { method: "DELETE", headers })).status, 204);
    }
    await using world = await open({ dataDir: folder.path });
    const runsFor = (cookie: string): Promise<Response> =>
      fetch(`${world.app.url}/v1/runs`, { headers: { cookie: cookie.replace(/^\w+/, `tutti_session_${new URL(world.app.url).port}`) } });
    assert.equal((await runsFor(kept)).status, 200);
    assert.equal((await runsFor(ended)).status, 401);
  });
});
