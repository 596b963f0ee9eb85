import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decide, enforce, type Action, type ApprovalTerms, type Decision, type Policy } from "./decide.ts";

const action: Action = { kind: "tool.call", principal: { id: "p", tenant: "t", roles: [] }, resource: "r" };
const decision = fc.record({ effect: fc.constantFrom("allow", "ask", "deny"), reason: fc.string(), rule: fc.string() });
const opinion: fc.Arbitrary<Decision | undefined> = fc.option(decision, { nil: undefined });
const saying =
  (said: Decision | undefined): Policy =>
  () =>
    said;
const strictness = { allow: 0, ask: 1, deny: 2 };

test("the strictest opinion wins, whatever the order of the policies", () => {
  fc.assert(
    fc.property(fc.array(opinion), fc.array(fc.nat()), (opinions, order) => {
      const said = opinions.filter((one) => one !== undefined);
      const shuffled = opinions.toSorted((a, b) => (order[opinions.indexOf(a)] ?? 0) - (order[opinions.indexOf(b)] ?? 0));
      const effects = [opinions, shuffled].map((list) => decide(list.map(saying), action).effect);
      const strictest = said.reduce((most, one) => Math.max(most, strictness[one.effect]), -1);
      const wanted = strictest === -1 ? "deny" : (["allow", "ask", "deny"] as const)[strictest];
      assert.deepEqual(effects, [wanted, wanted]);
    }),
  );
});

test("no opinion at all means deny, and the decision says which rule that was", () => {
  fc.assert(
    fc.property(fc.nat(5), (count) => {
      assert.equal(
        decide(
          Array.from({ length: count }, () => saying(undefined)),
          action,
        ).rule,
        "default-deny",
      );
    }),
  );
});

test("one more policy can only make a decision stricter, once somebody has an opinion", () => {
  fc.assert(
    fc.property(decision, fc.array(opinion), opinion, (first, opinions, more) => {
      const before = decide([first, ...opinions].map(saying), action);
      const after = decide([first, ...opinions, more].map(saying), action);
      assert.ok(strictness[after.effect] >= strictness[before.effect]);
    }),
  );
});

test("of equally strict opinions the first speaks", () => {
  const allow = (rule: string): Decision => ({ effect: "allow", reason: "", rule });
  assert.equal(decide([saying(allow("a")), saying(allow("b"))], action).rule, "a");
});

test("a policy that fails denies, and never throws", () => {
  const broken: Policy = () => {
    throw new Error("boom");
  };
  const allow: Decision = { effect: "allow", reason: "", rule: "a" };
  assert.partialDeepStrictEqual(decide([saying(allow), broken], action), { effect: "deny", rule: "policy-error" });
});

test("only allow is enforced in silence; ask refuses as a missing approval", () => {
  enforce(action, { effect: "allow", reason: "", rule: "a" });
  assert.throws(() => enforce(action, { effect: "deny", reason: "no", rule: "d" }), { code: "denied", message: /by rule d: no/ });
  assert.throws(() => enforce(action, { effect: "ask", reason: "look", rule: "q" }), { code: "denied", message: /missing_approval: look/ });
});

const name = fc.constantFrom("alice", "bob", "security", "finance");
const terms = fc.record(
  {
    approvers: fc.uniqueArray(name, { minLength: 1 }),
    expiresInMs: fc.nat(),
    isFourEyes: fc.boolean(),
    approvalsMin: fc.integer({ min: 1, max: 3 }),
  },
  { requiredKeys: [] },
);
const asking = terms.map((approval): Decision => ({ effect: "ask", reason: "look", rule: "q", approval }));

function isAsStrict(terms: ApprovalTerms, least: ApprovalTerms): boolean {
  const isInTime = (terms.expiresInMs ?? Infinity) <= (least.expiresInMs ?? Infinity);
  const isByEnough = (terms.approvalsMin ?? 1) >= (least.approvalsMin ?? 1);
  return isInTime && isByEnough && (least.isFourEyes !== true || terms.isFourEyes === true);
}

test("when several rules ask, the terms of all of them hold, in any order", () => {
  fc.assert(
    fc.property(fc.array(asking, { minLength: 1 }), (opinions) => {
      const decided = decide(opinions.map(saying), action);
      const reversed = decide(opinions.toReversed().map(saying), action);
      assert.equal(decided.effect, reversed.effect);
      const lists = opinions.flatMap(({ approval }) => (approval?.approvers === undefined ? [] : [approval.approvers]));
      const fits = (one: string): boolean => lists.every((list) => list.includes(one));
      if (decided.effect === "deny") assert.ok(!["alice", "bob", "security", "finance"].some(fits));
      else for (const { approval } of opinions) assert.ok(isAsStrict(decided.approval ?? {}, approval ?? {}));
      assert.ok((decided.approval?.approvers ?? []).every(fits));
    }),
  );
});

test("rules that ask different people, of whom nobody may approve for both, deny", () => {
  const asks = (approver: string): Policy => saying({ effect: "ask", reason: "look", rule: approver, approval: { approvers: [approver] } });
  assert.partialDeepStrictEqual(decide([asks("finance"), asks("security")], action), { effect: "deny", rule: "finance" });
});
