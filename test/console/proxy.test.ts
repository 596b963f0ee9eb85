import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import type { Page } from "playwright-core";
import { startReverseProxy, type ReverseProxyOptions } from "tutti/testing";
import { openConsole, type TestConsole } from "./console.ts";
import { runWorkflows } from "./run-workflows.ts";

const PATH = "/ai/tutti";
let world: TestConsole;
let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "tutti-proxy-"));
  world = await openConsole({ inlinePlugins: [runWorkflows], publicPath: PATH });
});
after(async () => {
  await world[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const proxied = (options: ReverseProxyOptions = {}) => startReverseProxy(() => world.tutti.url, { path: PATH, ...options });

/** A certificate that this test signs itself. */
async function certificate(): Promise<{ readonly key: string; readonly cert: string }> {
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const made = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"];
  await promisify(execFile)("openssl", ["req", "-x509", ...made, "-keyout", key, "-out", cert]);
  return { key: await readFile(key, "utf8"), cert: await readFile(cert, "utf8") };
}

async function openAt(url: string, path: string): Promise<Page> {
  const context = await world.browser.newContext({ ignoreHTTPSErrors: true });
  context.setDefaultTimeout(30_000);
  await context.addInitScript('localStorage.setItem("tutti.toured", "yes")');
  const page = await context.newPage();
  const { code } = (await (await world.tutti.fetch("/v1/sessions/invitations", {})).json()) as { readonly code: string };
  await page.goto(`${url}/admin${path}#code=${code}`);
  return page;
}

async function start(workflow: string): Promise<string> {
  const response = await world.tutti.fetch("/v1/runs", { workflow, input: {} });
  return ((await response.json()) as { readonly run: { readonly id: string } }).run.id;
}

const rowOf = (page: Page, runId: string) =>
  page.getByRole("grid", { name: "Runs" }).locator("[data-index]", { has: page.locator(`[title="${runId}"]`) });
const live = (page: Page) => page.getByRole("status").getByText("Live");

test("behind a proxy with TLS and a path of its own the link, the cookie, deep links, what is live and the way out all work", async () => {
  await using proxy = await proxied({ tls: await certificate() });
  const page = await openAt(proxy.url, "/runs?workflow=small");
  await live(page).waitFor();
  const [cookie] = await page.context().cookies(`${proxy.url}/admin/`);
  assert.deepEqual(
    [cookie?.name, cookie?.path, cookie?.secure, cookie?.httpOnly, cookie?.sameSite],
    [`__Secure-tutti_session_${new URL(proxy.url).port}`, `${PATH}/`, true, true, "Strict"],
  );
  const runId = await start("small");
  await rowOf(page, runId).waitFor();
  assert.ok(proxy.seen.includes(`UPGRADE ${PATH}/v1/live`));
  await rowOf(page, runId).click();
  await page.waitForURL(`${proxy.url}/admin/runs/${runId}*`);
  await page.reload();
  await page.getByRole("treegrid").waitFor();
  await page.goto(`${proxy.url}/admin/settings`);
  await page.getByRole("button", { name: "Sign in another" }).click();
  // The link leads to where this browser came from, not to what stands behind the proxy.
  await page.getByText(new RegExp(`^${proxy.url}/admin/#code=`)).waitFor();
  await page.keyboard.press("Escape");
  const left = page.waitForResponse((response) => response.request().method() === "DELETE");
  await page.getByRole("button", { name: "Sign out here" }).click();
  await page.getByLabel("Token").waitFor();
  await left;
  assert.deepEqual(await page.context().cookies(`${proxy.url}/admin/`), []);
  assert.deepEqual(
    proxy.seen.filter((line) => !line.includes(` ${PATH}/`)),
    [],
    "nothing was asked for outside of the path",
  );
});

test("where the proxy lets no WebSocket through the page is live all the same, and has no gap after the server was away", async () => {
  await using proxy = await proxied({ webSockets: false });
  const page = await openAt(proxy.url, "/runs?workflow=small");
  await live(page).waitFor();
  const first = await start("small");
  await rowOf(page, first).waitFor();
  await world.restart(() => page.getByRole("alert").getByText("does not answer").waitFor());
  const missed = await Promise.all(Array.from({ length: 5 }, () => start("small")));
  await live(page).waitFor();
  const last = await start("small");
  for (const runId of [first, ...missed, last]) await rowOf(page, runId).waitFor();
  for (const runId of [first, ...missed, last]) assert.equal(await rowOf(page, runId).count(), 1);
  const waiting = await start("asking");
  await page.goto(`${proxy.url}/admin/runs/${waiting}?tab=log`);
  await page
    .getByRole("row", { name: /step\.waiting/ })
    .first()
    .waitFor();
  proxy.cut();
  await world.tutti.fetch(`/v1/runs/${waiting}/cancel`, { reason: "enough" });
  await page
    .getByRole("row", { name: /run\.cancelled/ })
    .first()
    .waitFor();
  assert.ok(proxy.seen.some((line) => line.startsWith(`GET ${PATH}/v1/live?feeds=`)));
});

test("a proxy that does not pass on Host is named as what is wrong when somebody signs in through it", async () => {
  await using proxy = await proxied({ host: "replaced" });
  const page = await (await world.browser.newContext()).newPage();
  await page.goto(`${proxy.url}/admin/runs`);
  await page.getByLabel("Token").fill(world.tutti.token);
  await page.keyboard.press("Enter");
  await page.getByText(/a proxy before Tutti has to pass on Host as it came/).waitFor();
});
