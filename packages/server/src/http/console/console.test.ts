import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { brotliCompressSync, brotliDecompressSync } from "node:zlib";
import fc from "fast-check";
import { startTestApp, type TestApp } from "../../testing.ts";

const SCRIPT = "console.log('console');";
const LARGE = "console.log('console');\n".repeat(1000);
const PAGE = '<!doctype html><html><head><base href="/admin/" /><script src="./assets/main-a1b2c3d4.js"></script></head></html>';
const SECRET = "never to be served";

let folder: string;
let app: TestApp;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "tutti-console-"));
  const dist = join(folder, "dist");
  await mkdir(join(dist, "assets"), { recursive: true });
  await writeFile(join(folder, "secret.txt"), SECRET);
  await writeFile(join(dist, "index.html"), PAGE);
  await writeFile(join(dist, "icon.svg"), "<svg/>");
  await writeFile(join(dist, ".hidden.txt"), SECRET);
  await writeFile(join(dist, "assets", "main-a1b2c3d4.js"), SCRIPT);
  await writeFile(join(dist, "assets", "main-a1b2c3d4.js.br"), brotliCompressSync(SCRIPT));
  await writeFile(join(dist, "assets", "large-a1b2c3d4.js"), LARGE);
  await symlink(join(folder, "secret.txt"), join(dist, "assets", "way-out.txt"));
  app = await startTestApp({ consoleDir: dist });
});

after(async () => {
  await app[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** A request whose path goes out as it is written: `fetch` would tidy it up first. */
function raw(path: string, headers: Readonly<Record<string, string>> = {}): Promise<{ readonly status: number; readonly body: Buffer }> {
  return new Promise((resolve, reject) => {
    const sent = request(new URL(app.url), { path, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }));
    });
    sent.on("error", reject).end();
  });
}

describe("the console", () => {
  test("its page comes for every deep link, needs no token, and may run nothing but its own files", async () => {
    for (const path of ["/admin/", "/admin/index.html", "/admin/runs/0199f3a1-7c1e", "/admin/agents/holly/chat"]) {
      const response = await fetch(app.url + path);
      assert.equal(response.status, 200, path);
      assert.equal(await response.text(), PAGE);
      assert.equal(response.headers.get("cache-control"), "no-cache");
      const policy = response.headers.get("content-security-policy") ?? "";
      assert.match(policy, /default-src 'none'; script-src 'self';/);
      assert.match(policy, /frame-ancestors 'none'/);
      assert.ok(!/unsafe|https?:/.test(policy), policy);
      assert.equal(response.headers.get("x-content-type-options"), "nosniff");
      assert.equal(response.headers.get("referrer-policy"), "no-referrer");
    }
  });

  test("files with a hash in their name are kept for ever, others are asked for again", async () => {
    const script = await fetch(`${app.url}/admin/assets/main-a1b2c3d4.js`, { headers: { "accept-encoding": "identity" } });
    assert.equal(await script.text(), SCRIPT);
    assert.equal(script.headers.get("content-type"), "text/javascript; charset=utf-8");
    assert.equal(script.headers.get("cache-control"), "public, max-age=31536000, immutable");
    const icon = await fetch(`${app.url}/admin/icon.svg`);
    assert.equal(icon.headers.get("cache-control"), "no-cache");
    const again = await fetch(`${app.url}/admin/icon.svg`, { headers: { "if-none-match": icon.headers.get("etag") ?? "" } });
    assert.equal(again.status, 304);
    const page = await fetch(`${app.url}/admin/`);
    const known = await fetch(`${app.url}/admin/runs`, { headers: { "if-none-match": `W/"x", ${page.headers.get("etag") ?? ""}` } });
    assert.deepEqual([known.status, await known.text()], [304, ""]);
  });

  test("what was compressed when it was built goes out compressed to whoever takes that", async () => {
    const { body } = await raw("/admin/assets/main-a1b2c3d4.js", { "accept-encoding": "gzip;q=0.5, br" });
    assert.equal(brotliDecompressSync(body).toString(), SCRIPT);
    const plain = await raw("/admin/assets/main-a1b2c3d4.js", { "accept-encoding": "br;q=0, gzip" });
    assert.equal(plain.body.toString(), SCRIPT);
  });

  test("what was not is compressed once it is asked for", async () => {
    const { body } = await raw("/admin/assets/large-a1b2c3d4.js", { "accept-encoding": "gzip, br" });
    assert.equal(brotliDecompressSync(body).toString(), LARGE);
    assert.ok(body.length < LARGE.length / 10);
    assert.equal((await raw("/admin/assets/large-a1b2c3d4.js")).body.toString(), LARGE);
  });

  test("HEAD tells what GET would, without the content", async () => {
    const response = await fetch(`${app.url}/admin/assets/main-a1b2c3d4.js`, {
      method: "HEAD",
      headers: { "accept-encoding": "identity" },
    });
    assert.deepEqual([response.status, response.headers.get("content-length"), await response.text()], [200, String(SCRIPT.length), ""]);
  });

  test("a file that is not there is not found, whatever is asked for, and is no page; no other method does anything", async () => {
    for (const path of ["assets/none-a1b2c3d4.js", "assets/none", "assets/", "none.js", "assets/deep/er/none.css"]) {
      const response = await fetch(`${app.url}/admin/${path}`, { headers: { accept: "text/html" } });
      assert.equal(response.status, 404, path);
      assert.equal(response.headers.get("content-type"), "application/problem+json", path);
      assert.equal(response.headers.get("cache-control"), "no-store", path);
    }
    assert.equal((await fetch(`${app.url}/admin/`, { method: "POST" })).status, 401);
    assert.equal((await app.fetch("/admin/", {})).status, 405);
  });

  test("an address that ends like a file's name is a page all the same: workflows and runs may be called so", async () => {
    for (const path of ["workflows/shop.orders", "agents/holly.js", "runs/import-2026.csv?tab=log", "workflows/%D0%BF%D1%80%D0%B8.%D0%BC"])
      assert.equal(await (await fetch(`${app.url}/admin/${path}`)).text(), PAGE, path);
  });

  test("every answer tells browsers what they may do with it, and caches what it depends on", async () => {
    const asked: readonly (readonly [string, RequestInit, number])[] = [
      ["/admin", { redirect: "manual" }, 308],
      ["/admin/", {}, 200],
      ["/admin/", { method: "HEAD" }, 200],
      ["/admin/assets/main-a1b2c3d4.js", {}, 200],
      ["/admin/assets/none.js", {}, 404],
      ["/admin/icon.svg", {}, 200],
    ];
    for (const [path, init, status] of asked) {
      const { status: got, headers } = await fetch(app.url + path, init);
      const at = `${init.method ?? "GET"} ${path}`;
      assert.equal(got, status, at);
      assert.match(headers.get("content-security-policy") ?? "", /default-src 'none'.*frame-ancestors 'none'/, at);
      for (const [name, value] of [
        ["x-content-type-options", "nosniff"],
        ["referrer-policy", "no-referrer"],
        ["cross-origin-opener-policy", "same-origin"],
        ["cross-origin-resource-policy", "same-origin"],
      ] as const)
        assert.equal(headers.get(name), value, at);
      assert.match(headers.get("permissions-policy") ?? "", /camera=\(\)/, at);
      if (got === 200) assert.equal(headers.get("vary"), "accept-encoding", at);
    }
    for (const path of ["/health", "/v1/runs", "/nowhere"])
      assert.equal((await fetch(app.url + path)).headers.get("x-content-type-options"), "nosniff", path);
  });

  test("a part of a file is answered with the whole, which is right by HTTP; a known one with nothing, under each encoding's own name", async () => {
    const url = `${app.url}/admin/assets/large-a1b2c3d4.js`;
    const part = await fetch(url, { headers: { range: "bytes=0-9", "accept-encoding": "identity" } });
    assert.deepEqual([part.status, (await part.text()).length], [200, LARGE.length]);
    const etags = new Set<string>();
    for (const encoding of ["identity", "gzip", "br"]) {
      const etag = (await fetch(url, { headers: { "accept-encoding": encoding } })).headers.get("etag") ?? "";
      etags.add(etag);
      const known = await fetch(url, { headers: { "accept-encoding": encoding, "if-none-match": etag } });
      assert.deepEqual([known.status, await known.text(), known.headers.get("vary")], [304, "", "accept-encoding"]);
    }
    assert.equal(etags.size, 3);
  });

  test("no path leads out of the folder, to hidden files or along links", async () => {
    const hostile = [
      "/admin/../secret.txt",
      "/admin/..%2fsecret.txt",
      "/admin/%2e%2e/secret.txt",
      "/admin/%2e%2e%2fsecret.txt",
      "/admin/..%5csecret.txt",
      "/admin/assets/../../secret.txt",
      "/admin/assets/..%2f..%2fsecret.txt",
      "/admin//etc/passwd.txt",
      "/admin/%2fetc%2fpasswd.txt",
      "/admin/.hidden.txt",
      "/admin/assets/way-out.txt",
      "/admin/icon.svg%00.txt",
      "/admin/%",
      "/admin/%c0%ae%c0%ae/secret.txt",
    ];
    for (const path of hostile) {
      const { status, body } = await raw(path);
      assert.ok(!body.toString().includes(SECRET), path);
      assert.ok([400, 401, 404].includes(status) || body.toString().startsWith("<!doctype html>"), `${path}: ${status}`);
    }
    const piece = fc.constantFrom(
      "..",
      ".",
      "%2e%2e",
      "%2f",
      "/",
      "\\",
      "%5c",
      "secret.txt",
      "assets",
      "way-out.txt",
      ".hidden.txt",
      "%00",
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 8 }), async (pieces) => {
        const { body } = await raw(`/admin/${pieces.join("/")}`);
        assert.ok(!body.toString().includes(SECRET));
      }),
      { numRuns: 100 },
    );
  });

  test("/admin and a browser at / go on to it; programs at / keep what they had", async () => {
    const admin = await fetch(`${app.url}/admin`, { redirect: "manual" });
    assert.deepEqual([admin.status, admin.headers.get("location")], [308, "admin/"]);
    const browser = await fetch(`${app.url}/`, { redirect: "manual", headers: { accept: "text/html,application/xhtml+xml" } });
    assert.deepEqual([browser.status, browser.headers.get("location")], [302, "admin/"]);
    assert.equal(((await (await fetch(app.url)).json()) as { readonly name: string }).name, "tutti");
  });
});

test("behind a proxy's path, the page's links and the sign-in link begin with it; no header of a stranger changes that", async () => {
  await using proxied = await startTestApp({ consoleDir: join(folder, "dist"), publicPath: "/ai/tutti" });
  const page = await fetch(`${proxied.url}/admin/runs`, { headers: { "x-forwarded-prefix": '/evil"><script>' } });
  assert.match(await page.text(), /<base href="\/ai\/tutti\/admin\/"/);
  const { signInUrl } = (await (await proxied.fetch("/v1/sessions/invitations", {})).json()) as { readonly signInUrl: string };
  assert.match(signInUrl, /^http:\/\/127\.0\.0\.1:\d+\/ai\/tutti\/admin\/#code=[\w-]{32}$/);
});

test("a console that is not built says how to build it", async () => {
  await using unbuilt = await startTestApp({ consoleDir: join(folder, "nowhere") });
  const response = await fetch(`${unbuilt.url}/admin/`);
  assert.equal(response.status, 503);
  assert.match(await response.text(), /npm run console:build/);
});
