import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decide, type Action, type Principal } from "@tutti/core";
import fc from "fast-check";
import { openSpendLog } from "../testing/spend-log.ts";
import { authenticator } from "./authenticate.ts";
import { isGatewayRoute } from "./gateway-routes.ts";
import { keyPolicy } from "./key-policy.ts";
import { Keys } from "./keys.ts";
import { fitsPatterns } from "./model-patterns.ts";

describe("keys on several nodes", () => {
  test("what one node does with a key, another knows when it has looked", async () => {
    await using log = await openSpendLog();
    const [one, two] = [await Keys.open({ store: log.store }), await Keys.open({ store: log.store })];
    const { key, secret } = await one.create({ name: "shared", limits: {} }, "default");
    await two.look();
    assert.equal(two.principalOf(secret)?.id, `key:${key.id}`);
    await two.revoke(key.id);
    await one.look();
    assert.throws(() => one.principalOf(secret), { code: "unauthorized" });
    await Promise.all([one.close(), two.close()]);
  });

  test("a revocation stands, whatever another node changes of the key at the same moment", async () => {
    await using log = await openSpendLog();
    for (let round = 0; round < 5; round += 1) {
      const [one, two] = [await Keys.open({ store: log.store }), await Keys.open({ store: log.store })];
      const { key, secret } = await one.create({ name: "contested", limits: {} }, "default");
      await two.look();
      await Promise.all([one.revoke(key.id), two.update(key.id, { name: "renamed" }), two.rotate(key.id, 60_000).catch(() => undefined)]);
      for (let looks = 0; looks < 3; looks += 1) await Promise.all([one.look(), two.look()]);
      for (const node of [one, two]) assert.throws(() => node.principalOf(secret), { code: "unauthorized" });
      assert.ok([one, two].every((node) => node.show(key.id).revokedAt !== undefined));
      await Promise.all([one.close(), two.close()]);
    }
  });

  test("keys that nodes make at the same moment are all there afterwards, also after a start", async () => {
    await using log = await openSpendLog();
    const nodes = await Promise.all(Array.from({ length: 3 }, () => Keys.open({ store: log.store })));
    const made = await Promise.all(
      nodes.flatMap((node) => [1, 2, 3].map((index) => node.create({ name: `k${index}`, limits: {} }, "default"))),
    );
    for (let looks = 0; looks < 3; looks += 1) for (const node of nodes) await node.look();
    const late = await Keys.open({ store: log.store });
    for (const node of [...nodes, late]) {
      assert.equal(node.list().length, 9);
      for (const { secret, key } of made) assert.equal(node.principalOf(secret)?.id, `key:${key.id}`);
    }
    await Promise.all([...nodes, late].map((node) => node.close()));
  });
});

describe("who is let in", () => {
  test("a key is a key also where no token is asked for, and a bad one is refused", async () => {
    await using log = await openSpendLog();
    const keys = await Keys.open({ store: log.store });
    const { key, secret } = await keys.create({ name: "loopback", limits: {} }, "acme");
    const authenticate = authenticator({ mode: "none" }, { keys });
    assert.deepEqual(authenticate({ "x-api-key": secret }), { id: `key:${key.id}`, tenant: "acme", roles: ["model-user"] });
    assert.deepEqual(authenticate({ authorization: "Bearer anything" }).roles, ["owner"]);
    const other = secret.endsWith("A") ? "B" : "A";
    assert.throws(() => authenticate({ authorization: `Bearer ${secret.slice(0, -1)}${other}` }), { code: "unauthorized" });
    await keys.close();
  });

  test("the policy of keys has an opinion on their use of models and on nothing else", async () => {
    await using log = await openSpendLog();
    const keys = await Keys.open({ store: log.store });
    const { secret } = await keys.create({ name: "gpt", models: ["gpt-*"], limits: {} }, "default");
    const principal = keys.principalOf(secret) ?? owner;
    const ask = (kind: Action["kind"], resource: string, who: Principal = principal) =>
      decide([keyPolicy(keys)], { kind, principal: who, resource });
    assert.equal(ask("model.generate", "gpt-4o").effect, "allow");
    assert.equal(ask("model.generate", "claude").effect, "deny");
    for (const kind of ["run.start", "tool.call", "admin", "memory.write", "event.publish"] as const)
      assert.equal(ask(kind, "gpt-4o").rule, "default-deny");
    assert.equal(ask("model.generate", "gpt-4o", owner).rule, "default-deny", "others are other policies' matter");
    assert.equal(ask("model.generate", "gpt-4o", { ...principal, id: "key:gone" }).effect, "deny");
    await keys.close();
  });
});

const owner: Principal = { id: "owner", tenant: "default", roles: ["owner"] };

test("a pattern's stars stand for anything, and everything else for itself", () => {
  for (const [name, pattern, fits] of [
    ["gpt-4o", "gpt-*", true],
    ["gpt-4o", "gpt-4o", true],
    ["gpt-4o-mini", "gpt-4o", false],
    ["openai/gpt-4o", "gpt-*", false],
    ["openai/gpt-4o", "*/gpt-*", true],
    ["aa", "a*a", true],
    ["a", "a*a", false],
    ["anything", "*", true],
    ["a.b", "a?b", false],
    ["", "", true],
  ] as const)
    assert.equal(fitsPatterns(name, [pattern]), fits, `${name} ${pattern}`);
  const piece = fc.stringMatching(/^[a-c./-]{0,4}$/);
  fc.assert(
    fc.property(fc.stringMatching(/^[a-c./-]{0,12}$/), fc.array(piece, { minLength: 1, maxLength: 4 }), (name, pieces) => {
      const expected = new RegExp(`^${pieces.map((text) => text.replaceAll(/[./-]/g, String.raw`\$&`)).join("[^]*")}$`).test(name);
      assert.equal(fitsPatterns(name, [pieces.join("*")]), expected);
    }),
  );
});

test("no path leads a key past the gateway", () => {
  const paths = [
    "/v1/keys",
    "/v1/keys/x",
    "/v1/models/../keys",
    "/v1/models/%2e%2E/keys",
    "/v1/models/x/.%2e/../keys",
    "/v1/models\\..\\keys",
  ];
  for (const path of [...paths, "/v1/chat/completions/", "/V1/models", "//v1/models", "/v1/runs", "/webhooks/x/y"])
    for (const method of ["GET", "POST", "DELETE"]) assert.ok(!isGatewayRoute(method, path), `${method} ${path}`);
  assert.ok(isGatewayRoute("POST", "/v1/chat/completions"));
  assert.ok(isGatewayRoute("GET", "/v1/models/openai/gpt-4.1"));
  assert.ok(!isGatewayRoute("GET", "/v1/chat/completions"));
});
