import assert from "node:assert/strict";
import { test } from "node:test";
import { AppError } from "@tutti/core";
import { EVERYTHING, type CloudEvent } from "@tutti/core/wire";
import fc from "fast-check";
import { SqliteStore } from "../../store/index.ts";
import { lastBefore } from "./publications.ts";
import { flow, inFolder, moment, openNode, owner, recorder, type Setup, type TestNode } from "./testing.ts";

const open = async (dataDir: string, setup: Setup = {}): Promise<TestNode> => openNode(await SqliteStore.open(dataDir), setup);
const never = new AbortController().signal;
const codeOf = (code: string) => (error: unknown) => error instanceof AppError && error.code === code;

test("an event starts a workflow with the event, once, whoever publishes it again", () =>
  inFolder(async (dataDir) => {
    const { workflow, seen } = recorder();
    await using node = await open(dataDir, { workflows: [workflow] });
    await node.subscribe({ name: "orders", filter: { prefix: { type: "order." } }, target: { type: "workflow", workflow: "record" } });
    const runId = await node.publish("order.paid", { id: "1", data: { total: 12 } });
    assert.equal(await node.publish("order.paid", { id: "1", data: { total: 12 } }), runId);
    await node.publish("invoice.paid", { id: "2" });
    await node.publish("order.paid", { id: "3" });
    await node.settled("orders");
    assert.deepEqual(seen, ["1", "3"]);
    const again = await node.events.publish({ specversion: "1.0", id: "1", source: "/test", type: "order.paid" }, owner);
    assert.ok(again.isDuplicate);
    const [run] = (await node.store.runs({ workflow: "record", limit: 10 })).slice(-1);
    assert.equal(run?.principalId, "ada");
    assert.deepEqual(await node.engine.result(run?.id ?? "", never), {
      specversion: "1.0",
      id: "1",
      source: "/test",
      type: "order.paid",
      data: { total: 12 },
    });
  }));

test("what a workflow emits is an event with its run as source and its key as partitionkey", () =>
  inFolder(async (dataDir) => {
    const { workflow } = recorder();
    const large = "x".repeat(100_000);
    const shop = flow("shop", async (ctx) => {
      await ctx.emit({ name: "order.paid", data: { total: 1 }, key: "4711" });
      await ctx.emit({ name: "order.large", data: large });
      return null;
    });
    await using node = await open(dataDir, { workflows: [workflow, shop] });
    await node.subscribe({ name: "orders", target: { type: "workflow", workflow: "record" } });
    const { runId } = await node.engine.start("shop", null, { principal: owner });
    await node.engine.result(runId, never);
    const [paid, big] = (await node.events.read({ after: 0, limit: 10 }, EVERYTHING)).map(({ event }) => event);
    const { time, ...rest } = paid ?? {};
    assert.match(String(time), /^\d{4}-/);
    assert.deepEqual(rest, {
      specversion: "1.0",
      id: "0",
      source: `/v1/runs/${runId}`,
      type: "order.paid",
      datacontenttype: "application/json",
      partitionkey: "4711",
      data: { total: 1 },
    });
    assert.equal(big?.data, large);
    await node.settled("orders");
  }));

test("deliveries go on after a restart where they were: nothing is lost, and no run is started twice", () =>
  inFolder(async (dataDir) => {
    const seen: string[] = [];
    const held = Promise.withResolvers<void>();
    const holding = flow("record", (ctx, input) =>
      ctx.step("hold", async () => {
        seen.push(`first ${(input as CloudEvent).id}`);
        await held.promise;
        return null;
      }),
    );
    {
      await using node = await open(dataDir, { workflows: [holding] });
      await node.subscribe({ name: "orders", concurrency: 2, target: { type: "workflow", workflow: "record" } });
      for (const id of ["1", "2", "3", "4"]) await node.publish("order", { id });
      while (seen.length < 2) await moment();
      await node.events.stop();
      held.resolve();
      while ((await node.store.runs({ workflow: "record", statuses: ["completed"], limit: 9 })).length < 2) await moment();
    }
    {
      const later = flow("record", (ctx, input) =>
        ctx.step("hold", () => {
          seen.push((input as CloudEvent).id);
          return null;
        }),
      );
      await using node = await open(dataDir, { workflows: [later] });
      await node.publish("order", { id: "5" });
      await node.settled("orders");
      assert.equal((await node.store.runs({ workflow: "record", limit: 100 })).length, 5);
      assert.deepEqual(seen.toSorted(), ["3", "4", "5", "first 1", "first 2"]);
      assert.equal((await node.events.subscriptions.view("orders")).isCaughtUp, true);
    }
  }));

test("a subscription begins where it is told to, and a rewind delivers again", () =>
  inFolder(async (dataDir) => {
    const { workflow, seen } = recorder();
    await using node = await open(dataDir, { workflows: [workflow] });
    const target = { type: "workflow", workflow: "record" };
    await node.publish("x", { id: "1" });
    await node.publish("x", { id: "2" });
    await node.subscribe({ name: "new", target });
    await node.publish("x", { id: "3" });
    await node.settled("new");
    assert.deepEqual(seen, ["3"]);
    await node.subscribe({ name: "old", from: "beginning", orderBy: "source", target });
    await node.settled("old");
    assert.deepEqual(seen, ["3", "1", "2", "3"]);
    const second = (await node.events.read({ after: 0, limit: 10 }, EVERYTHING))[0]?.position ?? 0;
    await node.events.subscriptions.rewind("old", second, owner);
    await node.settled("old");
    assert.deepEqual(seen.slice(4), ["2", "3"]);
    await node.events.subscriptions.rewind("old", new Date(Date.now() + 60_000).toISOString(), owner);
    await node.publish("x", { id: "4" });
    await node.settled("old");
    await node.settled("new");
    assert.deepEqual(seen.slice(6).toSorted(), ["4", "4"], "a time in the future is the end of what there is");
  }));

test("a paused subscription delivers nothing, and all of it when it is resumed", () =>
  inFolder(async (dataDir) => {
    const { workflow, seen } = recorder();
    await using node = await open(dataDir, { workflows: [workflow] });
    await node.subscribe({ name: "orders", orderBy: "source", target: { type: "workflow", workflow: "record" } });
    const paused = await node.events.subscriptions.pause("orders", "the shop moves", owner);
    assert.deepEqual([paused.status, paused.reason], ["paused", "the shop moves"]);
    await node.publish("x", { id: "1" });
    await node.publish("x", { id: "2" });
    assert.equal((await node.events.subscriptions.view("orders")).isCaughtUp, false);
    await node.events.subscriptions.resume("orders", owner);
    await node.settled("orders");
    assert.deepEqual(seen, ["1", "2"]);
    const acts = (await node.store.runs({ workflow: "tutti.admin", limit: 10 })).length;
    assert.equal(acts, 3, "each change is in the log");
  }));

test("the same subscription again is no other, another of its name is refused, and a deleted one is gone", () =>
  inFolder(async (dataDir) => {
    const { workflow, seen } = recorder();
    await using node = await open(dataDir, { workflows: [workflow] });
    const spec = { name: "orders", target: { type: "workflow", workflow: "record" } };
    const { createdAt } = await node.subscribe(spec);
    assert.equal((await node.subscribe(spec)).createdAt, createdAt);
    await assert.rejects(node.subscribe({ ...spec, concurrency: 3 }), codeOf("conflict"));
    await assert.rejects(node.subscribe({ name: "b", target: { type: "workflow", workflow: "none" } }), codeOf("not_found"));
    await assert.rejects(node.subscribe({ name: "b", target: { type: "workflow", workflow: "tutti.webhook" } }), codeOf("invalid_input"));
    await assert.rejects(node.subscribe({ name: "B!", target: { type: "pull" } }), codeOf("invalid_input"));
    await assert.rejects(node.subscribe({ name: "b", where: "input.data.", target: { type: "pull" } }), codeOf("invalid_input"));
    await node.events.subscriptions.remove("orders", owner);
    await node.publish("x");
    assert.deepEqual(await node.events.subscriptions.list(), []);
    await assert.rejects(node.events.subscriptions.view("orders"), codeOf("not_found"));
    assert.deepEqual(seen, []);
  }));

test("an expression chooses by what stands in the data", () =>
  inFolder(async (dataDir) => {
    const { workflow, seen } = recorder();
    await using node = await open(dataDir, { workflows: [workflow] });
    const where = 'input.data.total > 100 && input.data.currency == "EUR"';
    await node.subscribe({ name: "large", where, orderBy: "source", target: { type: "workflow", workflow: "record" } });
    await node.publish("order", { id: "1", data: { total: 101, currency: "EUR" } });
    await node.publish("order", { id: "2", data: { total: 99, currency: "EUR" } });
    await node.publish("order", { id: "3", data: { total: "much" } });
    await node.publish("order", { id: "4" });
    await node.publish("order", { id: "5", data: { total: 100.5, currency: "EUR" } });
    await node.settled("large");
    assert.deepEqual(seen, ["1", "5"]);
  }));

test("a client that pulls gets again what it has not acknowledged", () =>
  inFolder(async (dataDir) => {
    await using node = await open(dataDir);
    await node.subscribe({ name: "mine", filter: { exact: { type: "x" } }, target: { type: "pull" } });
    for (const [id, type] of [
      ["1", "x"],
      ["2", "y"],
      ["3", "x"],
    ] as const)
      await node.publish(type, { id });
    const { subscriptions } = node.events;
    const pull = async (): Promise<readonly (string | undefined)[]> =>
      (await subscriptions.pull("mine", { after: await subscriptions.position("mine"), limit: 10 })).map(({ event }) => event?.id);
    assert.deepEqual(await pull(), ["1", undefined, "3"]);
    assert.deepEqual(await pull(), ["1", undefined, "3"]);
    const [first] = await subscriptions.pull("mine", { after: 0, limit: 1 });
    await subscriptions.acknowledge("mine", first?.position ?? 0);
    assert.deepEqual(await pull(), [undefined, "3"]);
    await subscriptions.acknowledge("mine", 0);
    assert.deepEqual(await pull(), [undefined, "3"], "acknowledging never goes back");
    await assert.rejects(subscriptions.acknowledge("mine", 1_000_000), codeOf("invalid_input"));
    await node.subscribe({ name: "pushed", target: { type: "webhook", to: { url: "https://example.com/" } } });
    await assert.rejects(subscriptions.pull("pushed", { after: 0, limit: 1 }), codeOf("conflict"));
  }));

test("an event that policy refuses is not published, and may be once policy allows it", () =>
  inFolder(async (dataDir) => {
    {
      await using node = await open(dataDir, { deny: "order" });
      await assert.rejects(node.publish("order", { id: "1" }), codeOf("denied"));
      assert.deepEqual(await node.events.read({ after: 0, limit: 10 }, EVERYTHING), []);
    }
    await using node = await open(dataDir);
    const published = await node.events.publish({ specversion: "1.0", id: "1", source: "/test", type: "order" }, owner);
    assert.equal(published.isDuplicate, false);
    await assert.rejects(node.publish("tutti.mine"), codeOf("invalid_input"));
    await assert.rejects(node.publish("x", { data: "x".repeat(1_100_000) }), codeOf("too_large"));
  }));

test("places in the log are found by time and from the end, whatever stands between", () =>
  inFolder(async (dataDir) => {
    await using node = await open(dataDir);
    assert.equal(await lastBefore(node.store, () => false), 0);
    for (let index = 0; index < 30; index += 1) await node.publish("x", { id: String(index) });
    const all = await node.events.read({ after: 0, limit: 100 }, EVERYTHING);
    await fc.assert(
      fc.asyncProperty(fc.nat(30), async (count) => {
        const first = all[count]?.position ?? Number.MAX_SAFE_INTEGER;
        const positions = new Map(all.map(({ position, event }) => [event?.id, position]));
        const found = await lastBefore(node.store, (event) => {
          assert.ok(event.type === "run.recorded" && event.outcome.ok);
          return (positions.get((event.outcome.output as CloudEvent).id) ?? 0) >= first;
        });
        assert.equal(found, count === 0 ? 0 : all[count - 1]?.position);
      }),
    );
  }));
