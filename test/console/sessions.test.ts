import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { createClient } from "@tutti/client";
import { openConsole, violations, type TestConsole } from "./console.ts";

let world: TestConsole;
before(async () => {
  world = await openConsole();
});
after(async () => {
  await world[Symbol.asyncDispose]();
});

const heading = (name: string) => ["heading", { name, level: 1 }] as const;

/** A page of somebody else's, on a port of its own. */
async function startStranger(html: string) {
  const server = createServer((_, response) => response.writeHead(200, { "content-type": "text/html" }).end(html));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

test("the token is nowhere in the browser once it has let somebody in: not in the address, in storage, or in what the page says", async () => {
  const context = await world.browser.newContext();
  const page = await context.newPage();
  const said: string[] = [];
  const asked: string[] = [];
  page.on("console", (message) => said.push(message.text()));
  page.on("request", (request) => asked.push(`${request.url()} ${JSON.stringify(request.headers())}`));
  await page.goto(`${world.tutti.url}/admin/runs`);
  await page.getByLabel("Token").fill(world.tutti.token);
  await page.keyboard.press("Enter");
  await page.getByRole(...heading("Runs")).waitFor();
  const kept = await page.evaluate(`(async () => JSON.stringify([location.href, document.cookie, { ...localStorage }, { ...sessionStorage },
    await indexedDB.databases(), await caches.keys(), history.state, document.documentElement.outerHTML]))()`);
  for (const text of [String(kept), ...said, ...asked]) assert.ok(!text.includes(world.tutti.token), text.slice(0, 200));
  const [cookie, ...others] = await context.cookies();
  assert.deepEqual([cookie?.httpOnly, cookie?.sameSite, cookie?.path, others], [true, "Strict", "/", []]);
  await context.close();
});

test("a link signs in once: whoever opens it again hears why not, and one who is in already stays in", async () => {
  const { code } = (await (await world.tutti.fetch("/v1/sessions/invitations", {})).json()) as { readonly code: string };
  const link = `${world.tutti.url}/admin/approvals#code=${code}`;
  const first = await (await world.browser.newContext()).newPage();
  await first.goto(link);
  await first.getByRole(...heading("Approvals")).waitFor();
  const second = await (await world.browser.newContext()).newPage();
  await second.goto(link);
  await second
    .getByRole("alert")
    .getByText(/wanted a code that is good/)
    .waitFor();
  // It is no fault of the token, which nobody has given yet.
  assert.equal(await second.getByLabel("Token").getAttribute("aria-invalid"), "false");
  assert.equal(new URL(second.url()).hash, "");
  assert.deepEqual(await violations(second), []);
  await second.getByLabel("Token").fill(world.tutti.token);
  await second.keyboard.press("Enter");
  await second.getByRole(...heading("Approvals")).waitFor();
  await first.goto("about:blank");
  await first.goto(link);
  await first.getByRole(...heading("Approvals")).waitFor();
});

test("a session that is ended elsewhere shows the way in at once, in every tab, and leads back to the same address", async () => {
  const page = await world.open("/runs?status=failed&q=shoes");
  const tab = await page.context().newPage();
  await tab.goto(`${world.tutti.url}/admin/settings`);
  await tab.getByRole(...heading("Settings")).waitFor();
  await page.getByRole("status").getByText("Live").waitFor();
  for (const { id } of world.tutti.app.sessions.list()) await world.tutti.app.sessions.end(id);
  for (const one of [page, tab]) await one.getByText("You are signed out.").waitFor();
  assert.equal(await page.getByRole("alert").count(), 0, "nothing says that the server is away");
  assert.deepEqual(await violations(page), []);
  await page.getByLabel("Token").fill(world.tutti.token);
  await page.keyboard.press("Enter");
  await page.getByRole(...heading("Runs")).waitFor();
  assert.match(page.url(), /\/admin\/runs\?status=failed&q=shoes$/);
  await page.getByRole("status").getByText("Live").waitFor();
  assert.deepEqual(page.problems, []);
});

test("a link opened in a browser that is signed in leaves its other tabs in, and they go on changing things", async () => {
  const page = await world.open("/settings/access");
  await page.getByRole("status").getByText("Live").waitFor();
  const { code } = (await (await world.tutti.fetch("/v1/sessions/invitations", {})).json()) as { readonly code: string };
  const asked = page.waitForResponse((response) => response.url().endsWith("/v1/session"));
  const tab = await page.context().newPage();
  await tab.goto(`${world.tutti.url}/admin/#code=${code}`);
  await tab.getByRole(...heading("Overview")).waitFor();
  await asked;
  await page.getByRole("status").getByText("Live").waitFor();
  await page.getByRole("button", { name: "Sign in another" }).click();
  await page
    .getByRole("dialog")
    .getByText(/#code=/)
    .waitFor();
  assert.deepEqual([...page.problems], []);
});

test("what another server refuses as unauthorized signs nobody out", async () => {
  const page = await world.open("/runs");
  let isRefused = false;
  await page.route("**/v1/tools*", (route) => {
    isRefused = true;
    return route.fulfill({
      status: 401,
      json: { error: { code: "unauthorized", message: "wanted a token of the tools' server, got none" } },
    });
  });
  const asked = page.waitForResponse((response) => isRefused && response.url().endsWith("/v1/session"));
  await page.goto(`${world.tutti.url}/admin/settings/policy`);
  await asked;
  await page.getByRole(...heading("Settings")).waitFor();
  await page.getByRole("status").getByText("Live").waitFor();
  assert.equal(await page.getByLabel("Token").count(), 0);
});

test("signing out ends what is live, forgets what was shown, and going back shows nothing of it", async () => {
  const page = await world.open("/runs");
  await page.getByRole("status").getByText("Live").waitFor();
  const opened = page.waitForEvent("websocket");
  await page.goto(`${world.tutti.url}/admin/settings`);
  const socket = await opened;
  const ended = socket.waitForEvent("close");
  const left = page.waitForResponse((response) => response.request().method() === "DELETE");
  await page.getByRole("button", { name: "Sign out here" }).click();
  await page.getByLabel("Token").waitFor();
  await ended;
  await left;
  await page.goBack();
  await page.getByLabel("Token").waitFor();
  assert.equal(await page.getByRole(...heading("Runs")).count(), 0);
  assert.deepEqual(await page.context().cookies(), []);
});

test("whoever signs in next in the same tab finds nothing that the one before has read or written", async () => {
  const client = createClient({ baseUrl: world.tutti.url, token: world.tutti.token });
  await client.startGraph({ text: "name: private\nnodes: { one: { type: transform, value: 1 } }\n", name: "private", input: null });
  const page = await world.open("/agents/holly");
  await page.getByLabel("Message to holly").fill("a secret thought");
  await page.getByRole("link", { name: "Runs", exact: true }).click();
  const rows = page.getByRole("grid", { name: "Runs" }).locator("[data-index]");
  await rows.first().waitFor();
  await page.getByRole("link", { name: "Settings", exact: true }).click();
  await page.getByRole("button", { name: "Sign out here" }).click();
  await page.getByLabel("Token").fill(world.tutti.token);
  // What is read from here on never comes.
  await page.route("**/v1/runs?*", () => {});
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: "Runs", exact: true }).click();
  await page.getByRole(...heading("Runs")).waitFor();
  assert.equal(await rows.count(), 0);
  await page.getByRole("link", { name: "Agents", exact: true }).click();
  await page.goto(`${world.tutti.url}/admin/agents/holly`);
  assert.equal(await page.getByLabel("Message to holly").inputValue(), "");
});

test("pages of strangers can neither act, listen nor look as who is signed in, be they of another site or another port", async () => {
  const page = await world.open("/runs");
  const { tutti } = world;
  const target = tutti.url;
  await using stranger = await startStranger(`<!doctype html><title>stranger</title>
    <form id="form" method="post" enctype="text/plain" action="${target}/v1/runs" target="answer">
    <input name='{"workflow": "tutti.graph", "input": {"x": "' value='"}}'></form><iframe name="answer"></iframe>
    <iframe id="frame" src="${target}/admin/"></iframe>`);
  const before = await tutti.app.store.position();
  for (const host of ["127.0.0.1", "localhost"]) {
    const evil = await page.context().newPage();
    const refused: string[] = [];
    evil.on("console", (message) => refused.push(message.text()));
    const answered = evil.waitForResponse((response) => response.request().method() === "POST");
    await evil.goto(`http://${host}:${stranger.port}/`);
    await evil.evaluate('document.querySelector("form").submit()');
    assert.ok([401, 403].includes((await answered).status()), host);
    const tried = await evil.evaluate(`(async () => {
      const ask = (path, init) => fetch(${JSON.stringify(target)} + path, { credentials: "include", ...init }).then(() => "read", () => "refused");
      const socket = await new Promise((resolve) => {
        const socket = new WebSocket(${JSON.stringify(target.replace("http:", "ws:"))} + "/v1/live");
        socket.onopen = () => resolve("opened");
        socket.onclose = () => resolve("refused");
      });
      const csrf = { method: "POST", headers: { "content-type": "application/json", "x-csrf-token": "x" }, body: "{}" };
      return [await ask("/v1/runs"), await ask("/v1/session"), await ask("/v1/runs", csrf), socket];
    })()`);
    assert.deepEqual(tried, ["refused", "refused", "refused", "refused"], host);
    assert.ok(
      refused.some((text) => /frame-ancestors/.test(text)),
      refused.join("\n"),
    );
    await evil.close();
  }
  assert.equal(await tutti.app.store.position(), before, "nothing was started");
});

test("a page that has lost its second secret, or shows another session's, changes nothing", async () => {
  const [page, other] = [await world.open("/runs"), await world.open("/runs")];
  const csrf = await other.evaluate<string>(
    'fetch("../v1/session").then((response) => response.json()).then(({ csrfToken }) => csrfToken)',
  );
  for (const token of [undefined, "", "x", csrf]) {
    const status = await page.evaluate<number, string | undefined>(
      ((shown: string | undefined) =>
        fetch("../v1/tools/execute", {
          method: "POST",
          headers: { "content-type": "application/json", ...(shown !== undefined && { "x-csrf-token": shown }) },
          body: JSON.stringify({ tool: "echo", input: { text: "hi" } }),
        }).then((response) => response.status)) as (shown: string | undefined) => Promise<number>,
      token,
    );
    assert.equal(status, 403);
  }
});
