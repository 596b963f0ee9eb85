import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { called, names, question, route, routerOf, target } from "./test-world.ts";
import type { Ability } from "../provider-kind.ts";
import type { RouteConfig, RoutePlan } from "./index.ts";

test("a model without a route is its own only candidate", () => {
  const { router } = routerOf([]);
  const plan = router.plan(question("p/m"));
  assert.deepEqual(names(plan), ["m"]);
  assert.match(plan.reason, /p\/m is m at p/);
  assert.equal(plan.attemptsMax, 1);
  assert.equal(router.plan(question("p/m")), plan, "the same plan, made once");
});

test("an alias stands for another model, and the candidate's own name is the provider's", () => {
  const { router } = routerOf([route("gpt-4o", ["p/qwen2.5"])]);
  const plan = router.plan(question("gpt-4o"));
  assert.deepEqual([plan.route, ...names(plan), plan.reason], ["gpt-4o", "qwen2.5", "it stands for p/qwen2.5"]);
});

test("patterns catch what no exact name does, the longest first, and never a model named with its provider", () => {
  const { router } = routerOf([route("*", ["p/any"]), route("gpt-*", ["p/some"]), route("gpt-4o", ["p/one"])]);
  const found = (model: string): readonly string[] => names(router.plan(question(model)));
  assert.deepEqual([found("gpt-4o"), found("gpt-5"), found("claude-x"), found("p/gpt-5")], [["one"], ["some"], ["any"], ["gpt-5"]]);
});

test("a model that nobody has is told with what was probably meant", () => {
  const { router } = routerOf([route("smart", ["p/a"])], { gone: ["smrt", "p/a"] });
  assert.throws(() => router.plan(question("smrt")), { code: "model_not_found", message: /did you mean "smart"/ });
  assert.throws(() => router.plan(question("smart")), { code: "model_not_found", message: /p\/a: no provider has it/ });
});

test("order keeps the configured order and says each one's place", () => {
  const { router } = routerOf([route("r", ["a", "b"])]);
  assert.deepEqual(
    router.plan(question("r")).candidates.map(({ reason }) => reason),
    ["place 1 of the order", "place 2 of the order"],
  );
});

test("weights are honoured, also among the fallbacks", () => {
  let seed = 42;
  // A linear congruential generator (Numerical Recipes): the same draws at every run.
  const random = (): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 32;
  };
  const targets = [target("a", { weight: 6 }), target("b", { weight: 3 }), target("c", { weight: 1 }), target("d", { weight: 0 })];
  const { router } = routerOf([route("r", targets, { strategy: "weight" })], { random });
  const firsts = new Map<string, number>();
  const seconds = new Map<string, number>();
  for (let count = 0; count < 10_000; count += 1) {
    const [first = "", second = "", , last] = names(router.plan(question("r")));
    firsts.set(first, (firsts.get(first) ?? 0) + 1);
    if (first === "c") seconds.set(second, (seconds.get(second) ?? 0) + 1);
    assert.equal(last, "d", "a target without weight is only a last resort");
  }
  // Five standard deviations of 10,000 draws are below 250.
  for (const [name, wanted] of [
    ["a", 6_000],
    ["b", 3_000],
    ["c", 1_000],
  ] as const)
    assert.ok(Math.abs((firsts.get(name) ?? 0) - wanted) < 250, `${name} was first ${firsts.get(name)} times`);
  assert.ok((seconds.get("a") ?? 0) > 1.5 * (seconds.get("b") ?? 0));
});

test("the least busy comes first, as its weight has it", () => {
  const { router } = routerOf([route("r", ["a", target("b", { weight: 3 })], { strategy: "least-busy" })]);
  const plan = router.plan(question("r"));
  for (const { target: one } of [...plan.candidates, ...plan.candidates]) router.begin(one);
  const next = router.plan(question("r"));
  assert.deepEqual(names(next), ["b", "a"]);
  assert.match(next.candidates[0]?.reason ?? "", /2 calls under way/);
});

test("the fastest first byte comes first, and one that was slow once is tried again later", () => {
  const parts = routerOf([route("r", ["a", "b"], { strategy: "latency" })]);
  const { router, clock } = parts;
  called(parts, router.plan(question("r")), { index: 0, firstByteMs: 900 });
  called(parts, router.plan(question("r")), { index: 0, firstByteMs: 100 });
  assert.deepEqual(names(router.plan(question("r"))), ["b", "a"]);
  assert.match(router.plan(question("r")).candidates[0]?.reason ?? "", /first byte after about 100 ms/);
  // Calls under way make the fast one slower.
  const fast = router.plan(question("r")).candidates[0]?.target;
  assert.ok(fast);
  const watches = Array.from({ length: 9 }, () => router.begin(fast));
  assert.deepEqual(names(router.plan(question("r"))), ["a", "b"]);
  for (const watch of watches) watch.end({ outcome: "unknown" });
  for (let count = 0; count < 40; count += 1) {
    clock.nowMs += 10_000;
    called(parts, router.plan(question("b")), { firstByteMs: 100 });
  }
  assert.deepEqual(names(router.plan(question("r"))), ["a", "b"], "what was measured long ago counts less and less");
});

test("the cheapest for this prompt comes first: a long prompt and a short one may differ", () => {
  const prices = {
    a: { inputPerToken: 1e-6, outputPerToken: 50e-6 },
    b: { inputPerToken: 10e-6, outputPerToken: 1e-6, cacheReadPerToken: 0 },
  };
  const parts = routerOf([route("r", ["c", "a", "b"], { strategy: "cost" })], { prices });
  const { router } = parts;
  const order = (tokens: number): readonly string[] => names(router.plan(question("r", { promptTokens: () => tokens })));
  assert.deepEqual(order(100), ["b", "a", "c"], "a price that nobody knows comes last");
  assert.deepEqual(order(100_000), ["a", "b", "c"]);
  const b = router.plan(question("b")).candidates[0]?.target;
  assert.ok(b);
  router.begin(b).end({ outcome: "answered", usage: { inputTokens: 1_000, outputTokens: 500, cacheReadTokens: 1_000 } });
  const cached = router.plan(question("r", { promptTokens: () => 100_000 }));
  assert.deepEqual(names(cached), ["b", "a", "c"]);
  assert.match(cached.candidates[0]?.reason ?? "", /100 % of it cached/);
});

test("a configured price counts before the list", () => {
  const free = { inputPerMillion: 0, outputPerMillion: 0 };
  const prices = { a: { inputPerToken: 1e-6, outputPerToken: 1e-6 } };
  const { router } = routerOf([route("r", ["a", target("b", { price: free })], { strategy: "cost" })], { prices });
  assert.deepEqual(names(router.plan(question("r"))), ["b", "a"]);
});

test("short prompts go to the fast, longer ones to the reasoning, and the longest are shortened", () => {
  const tiers = [
    { name: "fast", upToTokens: 4_096 },
    { name: "reasoning", upToTokens: 32_768 },
  ];
  const targets = [target("big", { tags: ["reasoning"] }), target("small", { tags: ["fast"] })];
  const { router } = routerOf([route("r", targets, { tiers }), route("kept", targets, { tiers, aboveTiers: "last" })]);
  const plan = (tokens: number, model = "r"): RoutePlan => router.plan(question(model, { promptTokens: () => tokens }));
  assert.deepEqual(names(plan(4_096)), ["small", "big"]);
  assert.match(plan(4_096).reason, /about 4096 tokens, so tier fast \(up to 4096\)/);
  assert.deepEqual(names(plan(4_097)), ["big", "small"]);
  assert.deepEqual([names(plan(40_000)), plan(40_000).pruneToTokens], [["big", "small"], 32_768]);
  assert.match(plan(40_000).reason, /above tier reasoning \(up to 32768\), so the prompt is shortened/);
  assert.equal(plan(40_000, "kept").pruneToTokens, undefined);
});

test("a model with too small a context is left out; one that is tight comes last", () => {
  const facts = { tiny: { contextTokens: 1_000 }, tight: { contextTokens: 5_200 }, large: { contextTokens: 100_000 } };
  const { router } = routerOf([route("r", ["tiny", "tight", "large"])], { facts });
  const plan = router.plan(question("r", { promptTokens: () => 5_000, outputTokensMax: 1_000 }));
  assert.deepEqual(names(plan), ["large", "tight"]);
  assert.deepEqual(plan.leftOut, [{ model: "tiny", reason: "about 5000 tokens do not fit its context of 1000" }]);
  assert.match(plan.candidates[1]?.reason ?? "", /are tight in its context of 5200/);
  assert.throws(() => router.plan(question("tiny", { promptTokens: () => 5_000 })), {
    code: "unsupported",
    message: /do not fit its context of 1000/,
  });
});

test("nobody who can: the refusal names each one's reason", () => {
  const facts = { a: { abilities: ["chat"] as const }, b: { abilities: ["embeddings"] as const } };
  const { router } = routerOf([route("r", ["a", "b"])], { facts });
  assert.throws(() => router.plan(question("r", { needs: ["chat", "tools"] })), {
    code: "unsupported",
    message: /a: it cannot do tools; b: it cannot do chat, tools; change the request/,
  });
  assert.throws(() => router.plan(question("a", { surface: "rerank" })), {
    code: "unsupported",
    message: /the provider p cannot do rerank/,
  });
});

test("what the configuration says of a target counts before what its provider says", () => {
  const facts = { a: { abilities: ["chat"] as const, contextTokens: 10 } };
  const { router } = routerOf([route("r", [target("a", { abilities: ["chat", "tools"], contextTokens: 9_000 })])], { facts });
  assert.deepEqual(names(router.plan(question("r", { needs: ["tools"], promptTokens: () => 8_000 }))), ["a"]);
});

test("a plan never holds a target that is known to lack what is needed, and has the unknown last", () => {
  const abilities: readonly Ability[] = ["chat", "tools", "vision", "json"];
  const some = fc.subarray([...abilities]);
  const strategy = fc.constantFrom("order", "weight", "least-busy", "latency", "cost" as const);
  fc.assert(
    fc.property(fc.array(fc.option(some), { minLength: 1, maxLength: 6 }), some, strategy, (...[has, needs, chosen]) => {
      const facts = Object.fromEntries(has.map((one, index) => [`m${index}`, one === null ? {} : { abilities: one }]));
      const { router } = routerOf([route("r", Object.keys(facts), { strategy: chosen as RouteConfig["strategy"] })], {
        facts,
        random: Math.random,
      });
      const isLacking = (one: readonly Ability[] | null): boolean => one !== null && needs.some((need) => !one.includes(need));
      if (has.every(isLacking)) {
        assert.throws(() => router.plan(question("r", { needs })), { code: "unsupported" });
        return;
      }
      const plan = router.plan(question("r", { needs }));
      const found = names(plan).map((name) => has[Number(name.slice(1))]);
      assert.equal(plan.candidates.length + plan.leftOut.length, has.length);
      assert.ok(found.every((one) => one !== undefined && !isLacking(one)));
      const firstUnknown = needs.every((need) => need === "chat") ? -1 : found.indexOf(null);
      assert.ok(firstUnknown < 0 || found.slice(firstUnknown).every((one) => one === null), "what is known comes before what is not");
    }),
  );
});

test("a tag that targets have keeps a request to them; one that none has says nothing", () => {
  const { router } = routerOf([route("r", ["a", target("b", { tags: ["eu", "cheap"] })])]);
  assert.deepEqual(names(router.plan(question("r", { tags: ["eu", "team-x"] }))), ["b"]);
  assert.deepEqual(names(router.plan(question("r", { tags: ["team-x"] }))), ["a", "b"]);
});

test("a pinned version that changed is refused with what to do, and one that is unknown is asked last", () => {
  const facts = { a: { version: "sha256:845dbda0ea48ed74" }, b: { version: "sha256:ffff" } };
  const pins = [target("c", { pin: "v1" }), target("b", { pin: "sha256:845dbda0ea48" }), target("a", { pin: "845dbda0ea48" })];
  const { router } = routerOf([route("r", pins), route("only", [target("b", { pin: "sha256:845dbda0ea48" })])], { facts });
  const plan = router.plan(question("r"));
  assert.deepEqual(names(plan), ["a", "c"]);
  assert.throws(() => router.plan(question("only")), {
    code: "unsupported",
    message: /pinned to sha256:845dbda0ea48, but its provider has sha256:ffff now; bring the pinned version back/,
  });
});

test("a rule that matches comes before the strategy, and its reason is told", () => {
  const rules = [
    { id: "code", matchAny: ["(?i)\\bstack ?trace\\b", "```"], confidence: 0.9, reason: "it is about code", target: "b" },
    { id: "shop", matchAny: ["invoice"], confidence: 0.8, reason: "it is about money", target: "c" },
    { id: "maybe", matchAny: ["hm"], confidence: 0.2, reason: "who knows", target: "c" },
  ];
  const { router } = routerOf([route("r", ["a", "b", "c"], { rules, rulesGapMin: 0.2 })]);
  const plan = (text: string): RoutePlan => router.plan(question("r", { lastUserText: () => text }));
  assert.deepEqual(names(plan("Here is my Stack Trace")), ["b", "a", "c"]);
  assert.match(plan("Here is my Stack Trace").reason, /^rule code \(confidence 0\.9\): it is about code; /);
  assert.match(plan("stack trace of an invoice").reason, /rules code and shop are too close/);
  assert.match(plan("hm").reason, /rule maybe matches with confidence 0\.2, below 0\.5/);
  assert.deepEqual(names(plan("hello")), ["a", "b", "c"]);
});

test("a rule's pattern that is none is told with its place", () => {
  const rules = [{ id: "bad", matchAny: ["("], confidence: 1, reason: "", target: "a" }];
  assert.throws(() => routerOf([route("r", ["a"], { rules })]), { code: "invalid_config", message: /model r, rule bad/ });
});

test("a conversation stays with its target, and taking one of them away moves only what it had", () => {
  const count = 5;
  const all = Array.from({ length: count }, (_, index) => `m${index}`);
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: count - 1 }),
      fc.array(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 50 }),
      (gone, keys) => {
        const sticky = { strategy: "latency", sticky: "conversation" } as const;
        const before = routerOf([route("r", all, sticky)]).router;
        const after = routerOf([route("r", all, sticky)], { gone: [`m${gone}`] }).router;
        for (const stickyKey of keys) {
          const first = names(before.plan(question("r", { stickyKey: () => stickyKey })));
          assert.deepEqual(
            names(after.plan(question("r", { stickyKey: () => stickyKey }))),
            first.filter((name) => name !== `m${gone}`),
          );
        }
      },
    ),
  );
});

test("conversations are spread over the targets by weight", () => {
  const { router } = routerOf([route("r", [target("a", { weight: 3 }), "b"], { strategy: "weight", sticky: "conversation" })]);
  const firsts = Array.from(
    { length: 4_000 },
    (_, index) => names(router.plan(question("r", { stickyKey: () => `conversation-${index}` })))[0],
  );
  const share = firsts.filter((name) => name === "a").length / firsts.length;
  assert.ok(share > 0.71 && share < 0.79, String(share));
});
