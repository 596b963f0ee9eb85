import assert from "node:assert/strict";
import { test } from "node:test";
import { configFrom, readConfig } from "./index.ts";
import { modelRoutes, type ModelRouteConfig } from "./model-routes.ts";

function read(raw: unknown): readonly ModelRouteConfig[] {
  return modelRoutes.schema.parse(raw);
}

function problems(raw: unknown): readonly string[] {
  const { error } = modelRoutes.schema.safeParse(raw);
  return error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`) ?? [];
}

const models = (raw: unknown): readonly (readonly [string, readonly string[]])[] =>
  read(raw).map(({ name, targets }) => [name, targets.map(({ model }) => model)]);

test("an alias is one name for another, and an alias of an alias is what that stands for", () => {
  assert.deepEqual(models({ "gpt-4o": "small", small: "ollama/qwen2.5" }), [
    ["gpt-4o", ["ollama/qwen2.5"]],
    ["small", ["ollama/qwen2.5"]],
  ]);
  assert.deepEqual(models({ "gpt-4o": "gpt-4o" }), [["gpt-4o", ["gpt-4o"]]], "a name may stand for the provider's own model of that name");
});

test("an alias of a route is that route under another name", () => {
  const [alias] = read({ "gpt-*": "smart", smart: { strategy: "weight", targets: ["a", { model: "b", weight: 3 }] } });
  assert.deepEqual([alias?.name, alias?.strategy, alias?.targets.length], ["gpt-*", "weight", 2]);
});

test("names that lead in circles, and routes of several as targets, are told with their place", () => {
  assert.deepEqual(problems({ a: "b", b: "a" }), [
    "a.targets.0: a model, not a name that leads back here",
    "b.targets.0: a model, not a name that leads back here",
  ]);
  assert.deepEqual(problems({ r: { targets: ["s", "x"] }, s: { targets: ["y", "z"] } }), ["r.targets.0: a model, not a route of several"]);
  assert.deepEqual(problems({ "a*b*": "x" }), ["a*b*: a model under a name with at most one *"]);
});

test("a rule has a pattern, and names one of its route's targets", () => {
  const route = (rule: object): object => ({ r: { targets: ["a", "b"], rules: [{ id: "one", target: "b", ...rule }] } });
  assert.deepEqual(read(route({ match: "x", matchAny: ["y"] }))[0]?.rules, [
    { id: "one", matchAny: ["x", "y"], confidence: 1, reason: "its pattern matches", target: "b" },
  ]);
  assert.deepEqual(problems(route({})), ["r.rules.0: a rule with match or matchAny"]);
  assert.deepEqual(problems(route({ match: "x", target: "c" })), ["r.rules.0.target: one of its targets (a, b)"]);
});

test("tiers grow, a hedge is one of two, and what was read once may be read again", () => {
  const raw = { r: { targets: ["a"], tiers: "default", hedge: { percentile: 95 } } };
  const once = read(raw);
  assert.deepEqual(
    once[0]?.tiers?.map(({ name, upToTokens }) => [name, upToTokens]),
    [
      ["fast", 4_096],
      ["reasoning", 32_768],
    ],
  );
  assert.deepEqual(read(once), once);
  assert.deepEqual(configFrom({ models: once }, process.cwd()).models, once);
  assert.deepEqual(problems({ r: { targets: ["a"], hedge: { percentile: 95, afterMs: 5 } } }), ["r.hedge: either afterMs or percentile"]);
  const shrinking = [
    { name: "a", upToTokens: 5 },
    { name: "b", upToTokens: 5 },
  ];
  assert.deepEqual(problems({ r: { targets: ["a"], tiers: shrinking } }), ["r.tiers: tiers in growing order"]);
});

test("a mistyped key of a route is told with what was probably meant", () => {
  const flags = { config: "tutti.yaml" };
  assert.throws(() => configFrom({ models: { r: { targets: ["a"], stratgy: "cost" } } as unknown as readonly ModelRouteConfig[] }, "/"), {
    code: "invalid_config",
    message: /models\.r\.stratgy is not a setting, did you mean strategy\?/,
  });
  assert.throws(() => readConfig({ flags, env: {}, cwd: "/nowhere" }), { code: "invalid_config" });
});
