import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestApp, type TestApp } from "../../testing.ts";
import { startSearxng } from "../../testing/searxng.ts";
import { startStandIn } from "../../testing/stand-in.ts";

interface Answer {
  readonly status: number;
  readonly output: Readonly<Record<string, unknown>>;
  readonly error: { readonly code: string; readonly message: string };
  readonly runId: string;
}

async function call(app: TestApp, tool: string, input: unknown): Promise<Answer> {
  const response = await app.fetch("/v1/tools/execute", { tool, input });
  const body = (await response.json()) as Omit<Answer, "status" | "runId">;
  return { ...body, status: response.status, runId: response.headers.get("tutti-run-id") ?? "" };
}

const ALLOWED = ["web_fetch", "web_search", "http_get", "http_request"];
const ARTICLE = `<!doctype html><html><head><title>On rain</title></head><body><nav><a href="/menu">Menu</a></nav><article><h1>On rain</h1>${'<p>Rain falls on the just, and on the unjust, and mostly on <a href="/harvest#top">the harvest</a>.</p>'.repeat(8)}</article><script>alert(1)</script></body></html>`;

test("tools that reach outside are off until the configuration names them, and say how to turn them on", async () => {
  await using app = await startTestApp();
  const { tools } = (await (await app.fetch("/v1/tools")).json()) as {
    readonly tools: readonly { readonly name: string; readonly source: string; readonly allowed: { readonly effect: string } }[];
  };
  for (const name of ALLOWED) assert.equal(tools.find((tool) => tool.name === name)?.allowed.effect, "deny", name);
  const refused = await call(app, "web_fetch", { url: "https://example.com/" });
  assert.deepEqual([refused.status, refused.error.code], [403, "denied"]);
  assert.match(refused.error.message, /toolsAllow/);
});

test("a page is read as people would, with its title and links, if its site lets robots", async () => {
  await using site = await startStandIn((request, response) => {
    if (request.url === "/robots.txt")
      return void response.end("User-agent: *\nDisallow: /private\n\nUser-agent: tutti\nDisallow: /secret\n");
    if (request.url === "/to-secret") return void response.writeHead(302, { location: "/secret" }).end();
    if (request.url === "/data") return void response.writeHead(200, { "content-type": "application/json" }).end('{"a": 1}');
    if (request.url === "/picture") return void response.writeHead(200, { "content-type": "image/png" }).end("x");
    if (request.url === "/gone") return void response.writeHead(404, { "content-type": "text/plain" }).end("nothing here");
    if (request.url === "/latin")
      return void response.writeHead(200, { "content-type": "text/plain; charset=iso-8859-1" }).end(Buffer.from("Zürich", "latin1"));
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(ARTICLE);
  });
  await using app = await startTestApp({ toolsAllow: ALLOWED, webPrivateAllow: ["127.0.0.1"] });
  const page = await call(app, "web_fetch", { url: `${site.origin}/article` });
  const { title, text, links, url, characters, isCut } = page.output;
  assert.deepEqual([title, url, isCut], ["On rain", `${site.origin}/article`, false]);
  assert.match(String(text), /^(?:## On rain\n\n)?Rain falls on the just/);
  assert.doesNotMatch(String(text), /alert|Menu/);
  assert.deepEqual(links, [{ url: `${site.origin}/harvest`, text: "the harvest" }]);
  const rest = await call(app, "web_fetch", { url: `${site.origin}/article`, start: Number(characters) - 10, linksMax: 0 });
  assert.equal(String(rest.output["text"]).length, 10);
  assert.equal((await call(app, "web_fetch", { url: `${site.origin}/data` })).output["text"], '{"a": 1}');
  assert.equal((await call(app, "web_fetch", { url: `${site.origin}/latin` })).output["text"], "Zürich");
  assert.equal((await call(app, "web_fetch", { url: `${site.origin}/private` })).status, 200);
  for (const [path, code] of [
    ["/secret", "denied"],
    ["/to-secret", "denied"],
    ["/picture", "unsupported"],
    ["/gone", "not_found"],
  ])
    assert.equal((await call(app, "web_fetch", { url: site.origin + path })).error.code, code, path);
});

test("a site whose robots.txt cannot be read is not read", async () => {
  await using site = await startStandIn((request, response) => {
    response.writeHead(request.url === "/robots.txt" ? 503 : 200, { "content-type": "text/plain" }).end("words");
  });
  await using app = await startTestApp({ toolsAllow: ALLOWED, webPrivateAllow: ["127.0.0.1"] });
  const { error } = await call(app, "web_fetch", { url: `${site.origin}/` });
  assert.equal(error.code, "denied");
  assert.match(error.message, /robots\.txt cannot be \(status 503\)/);
});

test("the own network is closed to web_fetch unless a host of it is named", async () => {
  await using app = await startTestApp({ toolsAllow: ALLOWED });
  for (const url of ["http://169.254.169.254/latest/meta-data/", "http://localhost:1/", "http://[::1]:1/", `${app.url}/v1/runs`])
    assert.equal((await call(app, "web_fetch", { url })).error.code, "denied", url);
});

test("the web is searched through a SearXNG, and one that does not speak JSON says so", async () => {
  await using searxng = await startSearxng({ formats: ["html", "json"] });
  await using app = await startTestApp({ toolsAllow: ALLOWED, webSearchUrl: searxng.origin });
  const { output } = await call(app, "web_search", { query: "rain", resultsMax: 2, language: "en", since: "month" });
  assert.deepEqual(output, {
    query: "rain",
    results: [
      { title: "rain 1", url: "https://example.com/1", snippet: "", publishedAt: "2026-01-01T00:00:00", engine: "" },
      { title: "rain 1", url: "https://example.com/1", snippet: "What 1 says", publishedAt: "2026-01-01T00:00:00", engine: "stand-in" },
    ],
  });
  assert.equal(searxng.asked[0]?.get("time_range"), "month");
  await using shut = await startSearxng({ formats: ["html"] });
  await using other = await startTestApp({ toolsAllow: ALLOWED, webSearchUrl: shut.origin });
  assert.match((await call(other, "web_search", { query: "rain" })).error.message, /search\.formats/);
  await using none = await startTestApp({ toolsAllow: ALLOWED });
  assert.equal((await call(none, "web_search", { query: "rain" })).status, 500);
});

test("requests go to listed hosts with listed methods only, signed with secrets that nobody sees", async () => {
  const seen: string[] = [];
  await using api = await startStandIn((request, response, body) => {
    seen.push(
      `${request.method} ${request.url} ${request.headers.authorization} ${request.headers["idempotency-key"] !== undefined} ${body.toString()}`,
    );
    response.writeHead(request.url === "/v1/away" ? 302 : 200, {
      "content-type": "application/json",
      location: "http://169.254.169.254/",
      "set-cookie": "session=1",
    });
    response.end(JSON.stringify({ youSent: request.headers.authorization ?? null }));
  });
  const { host } = new URL(api.origin);
  const rule = { host, methods: ["GET", "POST"] as const, paths: ["/v1"], privateAllow: true, httpAllow: false };
  await using app = await startTestApp({
    toolsAllow: ALLOWED,
    httpHosts: [{ ...rule, methods: [...rule.methods], auth: { type: "bearer", secret: "shop" } }],
    toolSecrets: [{ name: "shop", value: "s3cr3t-value" }],
  });
  const got = await call(app, "http_get", { url: `${api.origin}/v1/items`, query: { page: 2 } });
  assert.deepEqual(got.output["body"], { youSent: "Bearer [secret]" });
  assert.deepEqual(Object.keys(got.output["headers"] as object), ["content-type", "location"]);
  await call(app, "http_request", { method: "POST", url: `${api.origin}/v1/items`, body: { name: "tea" } });
  assert.deepEqual(seen, ["GET /v1/items?page=2 Bearer s3cr3t-value false ", 'POST /v1/items Bearer s3cr3t-value true {"name":"tea"}']);
  for (const [tool, input, code] of [
    ["http_request", { method: "DELETE", url: `${api.origin}/v1/items` }, "denied"],
    ["http_get", { url: `${api.origin}/v2/items` }, "denied"],
    ["http_get", { url: `${api.origin}/v1/../v2/items` }, "denied"],
    ["http_get", { url: `${api.origin}/v1/%2e%2e/v2/items` }, "denied"],
    ["http_get", { url: `${api.origin}/v1/..%2fv2/items` }, "denied"],
    ["http_get", { url: `${api.origin}/v1x` }, "denied"],
    ["http_get", { url: `${api.origin}/v1/away` }, "denied"],
    ["http_get", { url: "https://other.example/v1" }, "denied"],
    ["http_get", { url: `${api.origin}/v1/items`, headers: { Authorization: "Bearer mine" } }, "invalid_input"],
    ["http_get", { url: `${api.origin}/v1/items`, headers: { "x-a": "1\r\nx-b: 2" } }, "invalid_input"],
  ] as const)
    assert.equal((await call(app, tool, input)).error.code, code, JSON.stringify(input));
  const log = await (await app.fetch(`/v1/runs/${got.runId}/events`)).text();
  assert.doesNotMatch(log, /s3cr3t/);
});
