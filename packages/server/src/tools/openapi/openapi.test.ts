import assert from "node:assert/strict";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Json } from "@tutti/core";
import fc from "fast-check";
import { startTestApp, type TestApp } from "../../testing.ts";
import { startPetShop } from "../../testing/pet-shop.ts";
import { readDocument } from "./document.ts";
import { operationsOf } from "./operations.ts";

type Shop = Awaited<ReturnType<typeof startPetShop>>;
interface Answer {
  readonly output: Readonly<Record<string, unknown>>;
  readonly error: { readonly code: string; readonly message: string };
}
interface View {
  readonly name: string;
  readonly server: string;
  readonly tools: readonly { readonly name: string; readonly effect: string }[];
  readonly warnings: readonly string[];
  readonly skipped: readonly { readonly operation: string; readonly reason: string }[];
}

const NAMES = ["addPet", "getOwner", "listOrders", "lie", "echoKey", "flakyRead", "flakyWrite", "goAway"].map((id) => `shop_${id}`);
let shop: Shop;
let app: TestApp;
let listPets: string;

const imported = async (
  to: TestApp,
  body: object,
): Promise<{ readonly status: number; readonly import: View; readonly error: Answer["error"] }> => {
  const response = await to.fetch("/v1/tools/import", { name: "shop", auth: { key: { secret: "shop" } }, ...body });
  return { status: response.status, ...((await response.json()) as { readonly import: View; readonly error: Answer["error"] }) };
};
const call = async (tool: string, input: Json): Promise<Answer> =>
  (await (await app.fetch("/v1/tools/execute", { tool, input })).json()) as Answer;

before(async () => {
  shop = await startPetShop();
  app = await startTestApp({
    webPrivateAllow: ["127.0.0.1"],
    toolSecrets: [{ name: "shop", value: shop.key }],
    taintPolicy: "off",
    toolsAllow: NAMES,
  });
  const view = (await imported(app, { document: JSON.stringify(shop.describe()) })).import;
  listPets = view.tools.find(({ name }) => name.startsWith("shop_list"))?.name ?? "";
});

after(async () => {
  await app[Symbol.asyncDispose]();
  await shop[Symbol.asyncDispose]();
});

test("a description becomes tools, and what cannot be one is told with its reason", async () => {
  await using other = await startTestApp({ webPrivateAllow: ["127.0.0.1"] });
  const looked = await imported(other, { url: `${shop.origin}/openapi.json`, isDryRun: true });
  assert.equal(looked.status, 200);
  assert.deepEqual(looked.import.tools.map(({ name, effect }) => `${name} ${effect}`).toSorted(), [
    "addPet write",
    "echoKey read",
    "flakyRead read",
    "flakyWrite write",
    "getOwner read",
    "goAway read",
    "lie read",
    "list pets read",
    "listOrders read",
  ]);
  assert.ok(!other.app.registry.tools.some(({ source }) => source.startsWith("openapi:")));
  const { import: view, status } = await imported(other, { url: `${shop.origin}/openapi.json`, pick: { tags: ["pets"] } });
  assert.deepEqual([status, view.server, view.tools.length], [201, `${shop.origin}/v1`, 2]);
  assert.match(view.skipped[0]?.reason ?? "", /multipart/);
  assert.match(view.warnings.join(), /wanted a secret of `toolSecrets` for key, got "shop", which is none/);
  const broken = await imported(other, { document: "openapi: 3.0.0\ninfo: a: b\npaths: {}\n" });
  assert.match(broken.error.message, /^wanted an API description in JSON or YAML: .* at line 2, column 7$/);
  const unsigned = await imported(other, { document: JSON.stringify(shop.describe()), auth: {}, isDryRun: true });
  assert.match(unsigned.import.warnings.join(), /got no secret for it; import it again with auth, such as --auth key=SECRET/);
  const { error } = await imported(other, { document: JSON.stringify(shop.describe()), pick: { ids: ["addPets"] } });
  assert.equal(error.code, "not_found");
});

test("imported tools are off until they are allowed, and there again after a restart", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "tutti-imports-"));
  const dataDir = folder.path;
  const first = await startTestApp({ dataDir });
  await imported(first, { document: JSON.stringify(shop.describe()), pick: { paths: ["/pets*"] } });
  const refused = (await (
    await first.fetch("/v1/tools/execute", { tool: "shop_addPet", input: { body: { name: "Rex" } } })
  ).json()) as Answer;
  assert.equal(refused.error.code, "denied");
  const stored = JSON.stringify(await first.app.store.getSetting("tools.imports"));
  assert.doesNotMatch(stored, /k3y-of/);
  await first[Symbol.asyncDispose]();
  await using again = await startTestApp({ dataDir });
  assert.equal(again.app.registry.tool("shop_addPet")?.source, "openapi:shop");
  const removed = await fetch(new URL("/v1/tool-imports/shop", again.url), {
    method: "DELETE",
    headers: { authorization: `Bearer ${again.token}` },
  });
  assert.equal(removed.status, 200);
  assert.equal(again.app.registry.tool("shop_addPet"), undefined);
});

test("parameters go where the description says, and the secret goes with them and comes back nowhere", async () => {
  const owner = await call("shop_getOwner", { id: "a/b ?", id2: "ü", query_id: 3 });
  assert.deepEqual(owner.output["body"], { id: 1, name: "/v1/pets/a%2Fb%20%3F/owners/%C3%BC" });
  assert.equal(shop.heard.at(-1)?.line, "GET /v1/pets/a%2Fb%20%3F/owners/%C3%BC?id=3");
  assert.equal((await call("shop_getOwner", { id: "..", id2: "x" })).error.code, "invalid_input");
  assert.equal((await call("shop_getOwner", { id: "a", id2: "x", query_id: 0 })).error.code, "invalid_input");
  const added = await call("shop_addPet", { body: { name: "Rex", mother: { name: "Ada" }, nick: null }, "X-Trace": "t" });
  assert.deepEqual([added.output["status"], shop.heard.at(-1)?.headers["x-trace"]], [201, "t"]);
  assert.equal((await call("shop_addPet", { body: { name: "" } })).error.code, "invalid_input");
  assert.equal((await call("shop_addPet", { body: { name: "Rex" }, "X-Trace": "a\r\nb: c" })).error.code, "invalid_input");
  assert.deepEqual((await call("shop_echoKey", {})).output["body"], { id: 1, name: "[secret]" });
});

test("an API that gives something else than it says is an error", async () => {
  assert.equal((await call("shop_lie", {})).error.code, "invalid_output");
});

test("lists are read page by page, as far as was asked", async () => {
  await using other = await startTestApp({
    webPrivateAllow: ["127.0.0.1"],
    toolSecrets: [{ name: "shop", value: shop.key }],
    toolsAllow: [listPets],
  });
  await imported(other, { document: JSON.stringify(shop.describe()) });
  const read = async (input: Json): Promise<Answer["output"]> =>
    ((await (await other.fetch("/v1/tools/execute", { tool: listPets, input })).json()) as Answer).output;
  const one = await read({ tag__: ["a", "b"], where: { kind: "dog" } });
  assert.deepEqual([one["items"], one["hasMore"]], [[{ id: 1, name: "Pet 1" }], true]);
  assert.equal(shop.heard.at(-1)?.line, "GET /v1/pets?tag%5B%5D=a&tag%5B%5D=b&where%5Bkind%5D=dog");
  const all = await read({ pagesMax: 10 });
  assert.deepEqual([(all["items"] as readonly unknown[]).length, all["pages"], all["hasMore"]], [3, 3, false]);
  const orders = await call("shop_listOrders", { pagesMax: 2 });
  assert.deepEqual([orders.output["items"], orders.output["hasMore"]], [[1, 2, 3, 4], true]);
});

test("what reads is tried again, what writes is not", async () => {
  const before = shop.heard.length;
  assert.equal((await call("shop_flakyRead", {})).output["status"], 200);
  assert.equal(shop.heard.length - before, 2);
  assert.equal((await call("shop_flakyWrite", {})).error.code, "upstream");
  assert.equal(shop.heard.length - before, 3);
});

test("an API's tools reach its own server only", async () => {
  assert.equal((await call("shop_goAway", {})).error.code, "denied");
  await using closed = await startTestApp({ toolsAllow: NAMES, toolSecrets: [{ name: "shop", value: shop.key }] });
  await imported(closed, { document: JSON.stringify(shop.describe()) });
  const refused = (await (await closed.fetch("/v1/tools/execute", { tool: "shop_lie", input: {} })).json()) as Answer;
  assert.match(refused.error.message, /webPrivateAllow/);
  assert.equal((await imported(closed, { url: `${shop.origin}/openapi.json`, name: "other" })).error.code, "denied");
});

test("without a secret the tool says which one it wants", async () => {
  await using other = await startTestApp({ webPrivateAllow: ["127.0.0.1"], toolsAllow: NAMES });
  await imported(other, { document: JSON.stringify(shop.describe()), auth: {} });
  const refused = (await (await other.fetch("/v1/tools/execute", { tool: "shop_lie", input: {} })).json()) as Answer;
  assert.deepEqual([refused.error.code, /--auth key=SECRET/.test(refused.error.message)], ["invalid_config", true]);
});

test("a description in YAML and OpenAPI 3.1 is read too, and other texts are refused", () => {
  const yaml = `openapi: 3.1.0
info: { title: T, version: "1" }
paths:
  /a:
    get:
      responses: { "200": { description: ok, content: { application/json: { schema: { type: [string, "null"] } } } } }
`;
  const { operations } = operationsOf(readDocument(yaml));
  assert.deepEqual([operations[0]?.id, operations[0]?.answer], ["get_a", { type: ["string", "null"] }]);
  for (const text of ["", "[]", "a: [", '{"swagger": "2.0"}'])
    assert.throws(() => operationsOf(readDocument(text)), { name: "AppError" }, text);
});

test("any document under the right heading gives operations or reasons, never a crash", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 5 })), fc.jsonValue({ maxDepth: 6 }), (paths, components) => {
      const item = { get: paths, parameters: components };
      const root = { openapi: "3.0.0", paths: { ...paths, "/x": item, "/y": paths }, components };
      operationsOf(readDocument(JSON.stringify(root)));
    }),
  );
});
