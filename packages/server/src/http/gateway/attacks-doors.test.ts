import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";
import { WebSocket } from "ws";
import { makeClient, type GatewayClient } from "../../testing/gateway-client.ts";
import { MEDIA_API_KEY, startMediaUpstream } from "../../testing/media-upstream.ts";
import { startOpenAiUpstream, type OpenAiUpstream } from "../../testing/openai-upstream.ts";
import type { ResponseObject } from "../../testing/responses-schemas.ts";
import { startTestApp, type TestApp } from "../../testing.ts";

type Config = Parameters<typeof startTestApp>[0];

interface World extends AsyncDisposable {
  readonly app: TestApp;
  readonly upstream: OpenAiUpstream;
}

async function open(config: Config = {}): Promise<World> {
  await using starting = new AsyncDisposableStack();
  const upstream = starting.use(await startOpenAiUpstream());
  const app = starting.use(await startTestApp({ providers: [{ name: "p", baseUrl: upstream.baseUrl, models: ["m"] }], ...config }));
  const started = starting.move();
  return { app, upstream, [Symbol.asyncDispose]: () => started.disposeAsync() };
}

/** The status that a WebSocket's handshake ends with; 101 is a connection. */
async function handshake(app: TestApp, headers: Readonly<Record<string, string>>): Promise<number> {
  const socket = new WebSocket(new URL("/v1/responses", app.url.replace("http:", "ws:")), { headers });
  socket.on("error", () => {});
  const refused = once(socket, "unexpected-response") as Promise<[unknown, { readonly statusCode: number; resume(): void }]>;
  const status = await Promise.race([
    once(socket, "open").then(() => 101),
    refused.then(([, response]) => {
      response.resume();
      return response.statusCode;
    }),
  ]);
  socket.terminate();
  return status;
}

describe("the WebSocket's door is no wider than the others", () => {
  test("where no token is asked for, a foreign name that was pointed here is refused, though its page comes from there", async () => {
    await using world = await open({ auth: "none" });
    const { port } = new URL(world.app.url);
    const host = `evil.example:${port}`;
    assert.equal(await handshake(world.app, { host, origin: `http://${host}` }), 403);
    assert.equal(await handshake(world.app, { host }), 403);
    assert.equal(await handshake(world.app, {}), 101);
  });

  test("handshakes and requests of one address are counted together", async () => {
    await using world = await open({ rateLimitPerSecond: 1, rateLimitBurst: 3 });
    const authorization = `Bearer ${world.app.token}`;
    const statuses: number[] = [];
    // More than come in again meanwhile, however slow the machine is.
    for (let count = 0; count < 50 && statuses.at(-1) !== 429; count += 1) statuses.push(await handshake(world.app, { authorization }));
    assert.equal(statuses.at(-1), 429);
    assert.ok((await Promise.all([1, 2, 3].map(() => world.app.fetch("/v1/models")))).some(({ status }) => status === 429));
  });
});

describe("forms", () => {
  for (const [path, fields] of [
    ["/v1/audio/transcriptions", {}],
    ["/v1/images/edits", { prompt: "a cat" }],
  ] as const)
    test(`with two models are refused, for a provider may read the other one: ${path}`, async () => {
      await using upstream = await startMediaUpstream();
      const provider = { name: "media", baseUrl: upstream.baseUrl, apiKey: MEDIA_API_KEY };
      await using app = await startTestApp({
        providers: [{ ...provider, models: ["cheap", "dear"], surfaces: ["audio/transcriptions", "images/edits"] }],
      });
      const client = await makeClient(app, { models: ["cheap"] });
      const form = new FormData();
      form.append("model", "cheap");
      form.append("model", "dear");
      for (const [name, value] of Object.entries(fields)) form.append(name, value);
      form.append(path.includes("audio") ? "file" : "image", new Blob(["RIFF"]), "a.wav");
      assert.equal((await send(app, client, { path, body: form })).status, 400);
      assert.equal(upstream.calls.filter((call) => call.path === path).length, 0);
    });

  test("whose field is named in a way that readers disagree on do not reach a model that the key may not use", async () => {
    await using upstream = await startMediaUpstream();
    const provider = { name: "media", baseUrl: upstream.baseUrl, apiKey: MEDIA_API_KEY };
    await using app = await startTestApp({ providers: [{ ...provider, models: ["cheap", "dear"], surfaces: ["audio/transcriptions"] }] });
    const client = await makeClient(app, { models: ["cheap"] });
    const part = (disposition: string, value: string): string =>
      `--x\r\nContent-Disposition: form-data; ${disposition}\r\n\r\n${value}\r\n`;
    const sound = part('name="file"; filename="a.wav"', "RIFF");
    const path = "/v1/audio/transcriptions";
    for (const named of [
      'x=";name=foo"; name="model"',
      'name="foo"; name="model"',
      "name=\"foo\"; name*=utf-8''model",
      'name="foo"\r\nContent-Disposition: form-data; name="model"',
    ]) {
      const body = `${part('name="model"', "cheap")}${part(named, "dear")}${sound}--x--\r\n`;
      assert.equal((await send(app, client, { path, body, contentType: "multipart/form-data; boundary=x" })).status, 400, named);
    }
    const mine = `${part('name="model"', "cheap")}${sound}--x--\r\n`;
    for (const boundaries of [
      "boundary=x; boundary=y",
      "boundary=y; boundary=x",
      "other-boundary=x; boundary=y",
      "boundary=x; boundary*=y",
    ]) {
      const body = mine + mine.replaceAll("--x", "--y").replace("cheap", "dear");
      const { status } = await send(app, client, { path, body, contentType: `multipart/form-data; ${boundaries}` });
      assert.ok(status === 400 || status === 403, boundaries);
    }
    const fine = await send(app, client, { path, body: mine, contentType: "multipart/form-data; charset=utf-8; boundary=x" });
    assert.notEqual(fine.status, 400, await fine.text());
    assert.equal(upstream.calls.filter((call) => call.path === path).length, 1);
  });
});

interface Sent {
  readonly path: string;
  readonly body: FormData | string;
  readonly contentType?: string;
}

function send(app: TestApp, { secret }: GatewayClient, { path, body, contentType }: Sent): Promise<Response> {
  const headers = { authorization: `Bearer ${secret}`, ...(contentType !== undefined && { "content-type": contentType }) };
  return fetch(new URL(path, app.url), { method: "POST", headers, body });
}

const respond = async (client: GatewayClient, body: object): Promise<ResponseObject> =>
  (await (await client.ask("/v1/responses", { model: "m", ...body })).json()) as ResponseObject;

describe("kept responses", () => {
  test("are no other tenant's, also where one tenant's name begins with the other's", async () => {
    await using world = await open();
    const [owner, other] = [await makeClient(world.app, { tenant: "acme:x" }), await makeClient(world.app, { tenant: "acme" })];
    const { id } = await respond(owner, { input: "a secret" });
    const [itemId] = (await respond(owner, { input: "another" })).output.map((item) => item.id);
    for (const path of [`/v1/responses/x:${id}`, `/v1/responses/x:${id}/input_items`, `/v1/responses/x%3A${id}`])
      assert.equal((await other.ask(path)).status, 404, path);
    assert.equal((await other.ask(`/v1/responses/x:${id}`, undefined, { method: "DELETE" })).status, 404);
    assert.equal((await other.ask(`/v1/responses/x:${id}/cancel`, {})).status, 404);
    const further = [{ input: "go on", previous_response_id: `x:${id}` }, { input: [{ type: "item_reference", id: `x:${itemId}` }] }];
    for (const body of further) assert.ok((await other.ask("/v1/responses", { model: "m", ...body })).status >= 400, JSON.stringify(body));
    assert.equal((await owner.ask(`/v1/responses/${id}`)).status, 200);
  });

  for (const stream of [false, true])
    test(`from the cache are each client's own: names, metadata, and whether they are kept${stream ? " (streamed)" : ""}`, async () => {
      await using world = await open({ cache: { ttlSeconds: 3_600 } } as Config);
      const [one, two] = [await makeClient(world.app, { tenant: "t" }), await makeClient(world.app, { tenant: "t" })];
      const asked = { model: "m", input: "hello", stream };
      const first = await answered(await one.ask("/v1/responses", { ...asked, store: false, metadata: { user: "one" } }));
      const second = await answered(await two.ask("/v1/responses", { ...asked, store: true, metadata: { user: "two" } }));
      assert.notEqual(second.response.id, first.response.id);
      assert.deepEqual([second.response.metadata, second.response.store], [{ user: "two" }, true]);
      assert.match(second.cache ?? "", /hit/);
      assert.equal((await two.ask(`/v1/responses/${second.response.id}`)).status, 200);
      const next = await two.ask("/v1/responses", { model: "m", input: "go on", previous_response_id: second.response.id });
      assert.equal(next.status, 200);
      const third = await answered(await one.ask("/v1/responses", { ...asked, store: true }));
      assert.equal((await two.ask(`/v1/responses/${second.response.id}`, undefined, { method: "DELETE" })).status, 200);
      assert.equal((await one.ask(`/v1/responses/${third.response.id}`)).status, 200);
    });
});

async function answered(answer: Response): Promise<{ readonly response: ResponseObject; readonly cache: string | null }> {
  assert.equal(answer.status, 200);
  const cache = answer.headers.get("tutti-cache");
  const text = await answer.text();
  if (!text.startsWith("event:")) return { response: JSON.parse(text) as ResponseObject, cache };
  const last = /^event: response\.completed\ndata: (.*)$/m.exec(text)?.[1] ?? "{}";
  return { response: (JSON.parse(last) as { readonly response: ResponseObject }).response, cache };
}
