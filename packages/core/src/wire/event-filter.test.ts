import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AppError } from "../error.ts";
import type { CloudEvent } from "./cloud-event.ts";
import { decodeEventFilter, matchesFilter, patternFilter, type EventFilter } from "./event-filter.ts";

const order: CloudEvent = {
  specversion: "1.0",
  id: "1",
  source: "/shop/orders",
  type: "order.paid",
  subject: "4711",
  priority: 3,
  express: true,
  data: { total: 12 },
};

const refused = (error: unknown): boolean => error instanceof AppError && error.code === "invalid_input";

const attributes = fc.dictionary(fc.constantFrom("type", "source", "subject", "priority", "missing"), fc.string({ minLength: 1 }), {
  minKeys: 1,
});
const { filter } = fc.letrec<{ readonly filter: EventFilter }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 4 },
    fc.record({ exact: attributes }),
    fc.record({ prefix: attributes }),
    fc.record({ suffix: attributes }),
    fc.record({ all: fc.array(tie("filter"), { maxLength: 3 }) }),
    fc.record({ any: fc.array(tie("filter"), { maxLength: 3 }) }),
    fc.record({ not: tie("filter") }),
  ),
}));

test("each dialect does what the CloudEvents Subscriptions API says", () => {
  const matches = (value: unknown): boolean => matchesFilter(decodeEventFilter(value), order);
  assert.ok(matches({ exact: { type: "order.paid", source: "/shop/orders" } }));
  assert.ok(!matches({ exact: { type: "order.paid", source: "/shop" } }));
  assert.ok(!matches({ exact: { type: "ORDER.paid" } }), "case matters");
  assert.ok(matches({ prefix: { type: "order." } }));
  assert.ok(matches({ suffix: { type: ".paid", subject: "11" } }));
  assert.ok(matches({ exact: { priority: "3", express: "true" } }), "integers and booleans are compared as texts");
  assert.ok(!matches({ prefix: { missing: "a" } }));
  assert.ok(matches({ not: { prefix: { missing: "a" } } }));
  assert.ok(matches({ any: [{ exact: { type: "x" } }, { exact: { subject: "4711" } }] }));
  assert.ok(matches({ all: [] }));
  assert.ok(!matches({ any: [] }));
  assert.ok(matches([]));
  assert.ok(!matches([{ prefix: { type: "order." } }, { exact: { subject: "4712" } }]), "a list must match as a whole");
});

test("a filter and its opposite never agree, and a filter survives JSON", () => {
  fc.assert(
    fc.property(filter, (one) => {
      assert.notEqual(matchesFilter(one, order), matchesFilter({ not: one }, order));
      assert.deepEqual(decodeEventFilter(JSON.parse(JSON.stringify(one))), JSON.parse(JSON.stringify(one)));
    }),
  );
});

test("De Morgan's laws hold", () => {
  fc.assert(
    fc.property(fc.array(filter, { maxLength: 4 }), (filters) => {
      const notAll: EventFilter = { not: { all: filters } };
      assert.equal(matchesFilter(notAll, order), matchesFilter({ any: filters.map((not) => ({ not })) }, order));
    }),
  );
});

test("whatever comes in is a filter or refused, also when it is deep or wide", () => {
  fc.assert(
    fc.property(fc.anything(), (value) => {
      try {
        matchesFilter(decodeEventFilter(value), order);
      } catch (error) {
        assert.ok(refused(error), String(error));
      }
    }),
  );
  let deep: unknown = { exact: { type: "a" } };
  for (let level = 0; level < 10_000; level += 1) deep = { not: deep };
  assert.throws(() => decodeEventFilter(deep), refused);
  assert.throws(() => decodeEventFilter({ any: Array.from({ length: 101 }, () => ({ exact: { type: "a" } })) }), refused);
  for (const value of [{}, { exact: {} }, { exact: { type: 1 } }, { exact: { type: "" } }, { exact: { data: "x" } }, { sql: "TRUE" }])
    assert.throws(() => decodeEventFilter(value), refused, JSON.stringify(value));
  assert.throws(() => decodeEventFilter({ exact: { type: "a" }, not: { exact: { type: "b" } } }), /put several into/);
});

test("patterns with a star are prefixes and suffixes, and commas separate alternatives", () => {
  const types = (pattern: string): readonly string[] =>
    ["order.paid", "order.created", "invoice.paid", "order"].filter((type) =>
      matchesFilter(patternFilter("type", pattern), { ...order, type }),
    );
  assert.deepEqual(types("order.*"), ["order.paid", "order.created"]);
  assert.deepEqual(types("*.paid"), ["order.paid", "invoice.paid"]);
  assert.deepEqual(types("order*d"), ["order.paid", "order.created"]);
  assert.deepEqual(types("order"), ["order"]);
  assert.deepEqual(types("invoice.paid, order"), ["invoice.paid", "order"]);
  assert.equal(types("*").length, 4);
  for (const pattern of ["", "a*b*c", "a,,b"]) assert.throws(() => patternFilter("type", pattern), refused, pattern);
});

test("a star alone also fits what is missing only for required attributes", () => {
  assert.ok(matchesFilter(patternFilter("type", "*"), order));
  assert.ok(!matchesFilter(patternFilter("tenant", "*"), order));
});
