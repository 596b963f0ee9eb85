import assert from "node:assert/strict";
import { test } from "node:test";
import { AppError } from "@tutti/core";
import type { CloudEvent } from "@tutti/core/wire";
import { SqliteStore } from "../../store/index.ts";
import type { DeadLetter } from "../supervisor/dead-letter.ts";
import { flow, inFolder, moment, openNode, owner, type Setup, type TestNode } from "./testing.ts";

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
