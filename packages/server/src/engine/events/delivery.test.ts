import assert from "node:assert/strict";
import { test } from "node:test";
import { AppError, parse } from "@tutti/core";
import type { CloudEvent } from "@tutti/core/wire";
import { SqliteStore } from "../../store/index.ts";
import type { DeadLetter } from "../supervisor/dead-letter.ts";
import { Events } from "./events.ts";
import { subscriptionSchema } from "./subscription.ts";
import { flow, inFolder, moment, openNode, owner, recorder, type Setup, type TestNode } from "./testing.ts";

const open = async (dataDir: string, setup: Setup = {}): Promise<TestNode> => openNode(await SqliteStore.open(dataDir), setup);

test("events of one key are delivered one after the other, of different keys at the same time", () =>
  inFolder(async (dataDir) => {
    const log: string[] = [];
    const gates = new Map<string, PromiseWithResolvers<void>>();
    const gate = (id: string): PromiseWithResolvers<void> => {
      const found = gates.get(id) ?? Promise.withResolvers<void>();
      gates.set(id, found);
      return found;
    };
    const slow = flow("slow", (ctx, input) =>
      ctx.step("work", async () => {
        const { id } = input as CloudEvent;
        log.push(`+${id}`);
        await gate(id).promise;
        log.push(`-${id}`);
        return null;
      }),
    );
    await using node = await open(dataDir, { workflows: [slow] });
    await node.subscribe({ name: "slow", target: { type: "workflow", workflow: "slow" } });
    for (const [id, key] of ["a1 a", "a2 a", "b1 b", "b2 b", "n1", "n2"].map((text) => text.split(" ")))
      await node.publish("x", { id: id ?? "", ...(key !== undefined && { partitionkey: key }) });
    while (log.length < 4) await moment();
    assert.deepEqual(log.toSorted(), ["+a1", "+b1", "+n1", "+n2"]);
    gate("b1").resolve();
    while (!log.includes("+b2")) await moment();
    assert.ok(!log.includes("+a2"), "the other key still waits");
    for (const id of ["a1", "a2", "b2", "n1", "n2"]) gate(id).resolve();
    await node.settled("slow");
    assert.ok(log.indexOf("+a2") > log.indexOf("-a1") && log.indexOf("+b2") > log.indexOf("-b1"));
  }));

test("order may also follow any attribute, or none", () =>
  inFolder(async (dataDir) => {
    const running = new Set<string>();
    let most = 0;
    const work = flow("work", (ctx, input) =>
      ctx.step("work", async () => {
        running.add((input as CloudEvent).id);
        most = Math.max(most, running.size);
        for (let index = 0; index < 5; index += 1) await moment();
        running.delete((input as CloudEvent).id);
        return null;
      }),
    );
    await using node = await open(dataDir, { workflows: [work] });
    const target = { type: "workflow", workflow: "work" };
    for (const [name, orderBy, wanted] of [
      ["by-source", "source", 1],
      ["none", "none", 2],
    ] as const) {
      most = 0;
      await node.subscribe({ name, orderBy, concurrency: 2, target });
      for (let index = 0; index < 6; index += 1) await node.publish("x", { subject: "same" });
      await node.settled(name);
      await node.events.subscriptions.remove(name, owner);
      assert.equal(most, wanted, name);
    }
  }));

test("a delivery that waits for long leaves its place to other keys, also after a restart, but its own key waits", () =>
  inFolder(async (dataDir) => {
    const done: string[] = [];
    const patient = flow("patient", async (ctx, input) => {
      const { id } = input as CloudEvent;
      if (id === "slow") await ctx.waitFor("go");
      await ctx.step("end", () => void done.push(id));
      return null;
    });
    {
      await using node = await open(dataDir, { workflows: [patient] });
      await node.subscribe({ name: "work", concurrency: 1, target: { type: "workflow", workflow: "patient" } });
      await node.publish("x", { id: "slow", subject: "a" });
      await node.publish("x", { id: "after", subject: "a" });
      await node.publish("x", { id: "other", subject: "b" });
      while (!done.includes("other")) await moment();
    }
    await using node = await open(dataDir, { workflows: [patient] });
    await node.publish("x", { id: "another", subject: "b" });
    while (!done.includes("another")) await moment();
    assert.deepEqual(done, ["other", "another"]);
    const [waiting] = await node.store.runs({ workflow: "patient", statuses: ["waiting", "running"], limit: 1 });
    await node.engine.signal(waiting?.id ?? "", { name: "go", value: null }, owner);
    await node.settled("work");
    assert.deepEqual(done, ["other", "another", "slow", "after"]);
  }));

test("two nodes that deliver the same subscription start no run twice, and keep the order", () =>
  inFolder(async (dataDir) => {
    const { workflow, seen } = recorder();
    await using node = await open(dataDir, { workflows: [workflow] });
    const { engine, store } = node;
    const other = new Events({
      engine,
      store,
      webhooks: node.events.webhooks,
      hasWorkflow: () => true,
      onError: (error) => assert.fail(String(error)),
    });
    await node.subscribe({ name: "work", concurrency: 3, target: { type: "workflow", workflow: "record" } });
    await other.start();
    for (let index = 0; index < 40; index += 1) await node.publish("x", { id: String(index).padStart(2, "0"), subject: String(index % 4) });
    await node.settled("work");
    await other.stop();
    assert.equal((await store.runs({ workflow: "record", limit: 100 })).length, 40);
    assert.equal(seen.length, 40);
    for (const key of [0, 1, 2, 3]) {
      const order = seen.filter((id) => Number(id) % 4 === key);
      assert.deepEqual(order, order.toSorted());
    }
  }));

test("a store that is away for a moment loses nothing and pauses nothing", () =>
  inFolder(async (dataDir) => {
    const { workflow, seen } = recorder();
    const store = await SqliteStore.open(dataDir);
    const away = Promise.withResolvers<void>();
    let isAway = false;
    const flaky = new Proxy(store, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== "function") return value;
        return (...args: unknown[]) => {
          if (!isAway || name !== "log") return (value as (...given: unknown[]) => unknown).apply(target, args);
          away.resolve();
          return Promise.reject(new AppError("storage_unreachable", "away"));
        };
      },
    });
    const errors: string[] = [];
    await using node = await openNode(flaky, { workflows: [workflow], onError: (error) => errors.push(AppError.from(error).code) });
    await node.subscribe({ name: "work", orderBy: "source", target: { type: "workflow", workflow: "record" } });
    isAway = true;
    await node.publish("x", { id: "1" });
    await away.promise;
    isAway = false;
    await node.publish("x", { id: "2" });
    await node.settled("work");
    assert.deepEqual([seen, new Set(errors)], [["1", "2"], new Set(["storage_unreachable"])]);
    assert.equal((await node.events.subscriptions.view("work")).status, "active");
  }));

test("a subscription that a plugin brings is made once, and changed where the plugin's changes, from where it was", () =>
  inFolder(async (dataDir) => {
    const { workflow, seen } = recorder();
    const declare = async (node: TestNode, spec: object): Promise<void> => {
      const whole = { name: "mine", target: { type: "workflow", workflow: "record" }, orderBy: "source", ...spec };
      await node.events.subscriptions.declare(await parse(subscriptionSchema, whole, "a test's"), owner);
    };
    {
      await using node = await open(dataDir, { workflows: [workflow] });
      await declare(node, { filter: { exact: { type: "a" } } });
      await node.publish("a", { id: "1" });
      await node.publish("b", { id: "2" });
      await node.settled("mine");
    }
    await using node = await open(dataDir, { workflows: [workflow] });
    await declare(node, { filter: { exact: { type: "a" } } });
    await node.publish("a", { id: "3" });
    await node.settled("mine");
    await declare(node, { filter: { exact: { type: "b" } } });
    await node.publish("a", { id: "4" });
    await node.publish("b", { id: "5" });
    await node.settled("mine");
    assert.deepEqual(seen, ["1", "3", "5"]);
  }));

test("a delivery that failed for good is a dead letter, and its key goes on", () =>
  inFolder(async (dataDir) => {
    const done: string[] = [];
    const picky = flow("picky", async (_, input) => {
      const { id } = input as CloudEvent;
      if (id === "bad") throw new AppError("invalid_input", "wanted another one");
      done.push(id);
      return null;
    });
    await using node = await open(dataDir, { workflows: [picky] });
    await node.subscribe({ name: "picky", filter: { exact: { type: "x" } }, target: { type: "workflow", workflow: "picky" } });
    await node.publish("x", { id: "bad", subject: "k" });
    await node.publish("x", { id: "good", subject: "k" });
    await node.settled("picky");
    assert.deepEqual(done, ["good"]);
    const [letter] = await node.letters();
    const [started] = await node.store.read(letter ?? "", { afterSeq: 0, limit: 1 });
    assert.ok(started?.type === "run.started");
    const { source, workflow, error, runId } = started.input as unknown as DeadLetter;
    assert.deepEqual([source, workflow, error.code], ["subscription/picky", "picky", "invalid_input"]);
    assert.equal((await node.store.run(runId ?? ""))?.status, "failed");
  }));

test("with onFailure stop the key waits until somebody has seen to the dead letter, and other keys do not", () =>
  inFolder(async (dataDir) => {
    let isWell = false;
    const done: string[] = [];
    const picky = flow("picky", async (ctx, input) => {
      const { id } = input as CloudEvent;
      await ctx.step("try", () => {
        if (id === "bad" && !isWell) throw new AppError("invalid_input", "not yet");
        done.push(id);
      });
      return null;
    });
    await using node = await open(dataDir, { workflows: [picky] });
    const spec = { name: "picky", onFailure: "stop", concurrency: 1, filter: { exact: { type: "x" } } };
    await node.subscribe({ ...spec, target: { type: "workflow", workflow: "picky" } });
    await node.publish("x", { id: "bad", subject: "k" });
    await node.publish("x", { id: "after", subject: "k" });
    await node.publish("x", { id: "other", subject: "l" });
    while (!done.includes("other") || (await node.letters()).length === 0) await moment();
    assert.deepEqual(done, ["other"]);
    while ((await node.events.subscriptions.view("picky")).open > 2) await moment();
    isWell = true;
    const [letter = ""] = await node.letters();
    await node.engine.signal(letter, { name: "retry", value: {} }, owner);
    await node.settled("picky");
    assert.deepEqual(done, ["other", "bad", "after"]);
  }));

test("dead letters are events too, and one that cannot be delivered makes no other", () =>
  inFolder(async (dataDir) => {
    const failing = flow("failing", async () => {
      throw new AppError("invalid_input", "never");
    });
    await using node = await open(dataDir, { workflows: [failing] });
    await node.subscribe({ name: "all", target: { type: "workflow", workflow: "failing" } });
    await node.publish("x");
    while ((await node.letters()).length === 0) await moment();
    await node.settled("all");
    await node.settled("all");
    assert.equal((await node.letters()).length, 1);
  }));
