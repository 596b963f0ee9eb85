import assert from "node:assert/strict";
import { test } from "node:test";
import { AppError } from "@tutti/core";
import { startTestApp } from "tutti/testing";
import { createClient, type Client } from "./index.ts";

/** As a page in a browser does: its cookie is kept and sent. Everything stands under /tutti, as behind a proxy. */
function page(origin: string): { readonly client: Client; readonly sent: readonly Request[] } {
  let cookie = "";
  let csrfToken: string | undefined;
  const sent: Request[] = [];
  const ask: typeof fetch = async (input, init) => {
    const { pathname, search } = new URL(input instanceof Request ? input.url : input);
    assert.match(pathname, /^\/tutti\//);
    const request = new Request(new URL(pathname.slice("/tutti".length) + search, origin), init);
    if (cookie !== "") request.headers.set("cookie", cookie);
    sent.push(request);
    const response = await fetch(request);
    cookie = response.headers.get("set-cookie")?.split(";", 1)[0] ?? cookie;
    return response;
  };
  const client = createClient({ baseUrl: `${origin}/tutti`, fetch: ask, csrfToken: () => csrfToken });
  const signIn: Client["signIn"] = async (shown) => {
    const reply = await client.signIn(shown);
    ({ csrfToken } = reply);
    return reply;
  };
  return { client: { ...client, signIn }, sent };
}

const isRefused = (code: string) => (thrown: unknown) => thrown instanceof AppError && thrown.code === code;

test("a page signs in with a code, reads and changes with its cookie and the session's token, and signs out", async () => {
  await using app = await startTestApp();
  const owner = createClient({ baseUrl: app.url, token: app.token });
  const { client, sent } = page(app.url);
  await assert.rejects(client.tools(), isRefused("unauthorized"));
  const { session } = await client.signIn({ code: (await owner.invite()).code });
  assert.equal((await client.session()).session?.id, session.id);
  assert.ok((await client.tools()).length > 0);
  assert.deepEqual((await client.callTool("echo", { text: "hi" })).output, { text: "hi" });
  assert.deepEqual(
    sent.flatMap(({ headers }) => headers.get("authorization") ?? []),
    [],
  );
  await client.signOut();
  await assert.rejects(client.tools(), isRefused("unauthorized"));
});
