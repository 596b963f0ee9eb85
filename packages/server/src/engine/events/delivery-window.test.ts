import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DeliveryWindow } from "./delivery-window.ts";

const take = (window: DeliveryWindow): number | undefined => window.take()?.position;

test("events of one key go one after the other, other keys and events without a key do not wait", () => {
  const window = new DeliveryWindow({ concurrency: 10, capacity: 100 }, 0);
  window.admit(1, "a");
  window.admit(2, "a");
  window.admit(3, "b");
  window.admit(4, undefined);
  window.admit(5, undefined);
  assert.deepEqual([take(window), take(window), take(window), take(window), take(window)], [1, 3, 4, 5, undefined]);
  window.settle(1);
  assert.equal(take(window), 2);
});

test("the low water is below the oldest event that is not settled", () => {
  const window = new DeliveryWindow({ concurrency: 10, capacity: 100 }, 7);
  assert.equal(window.lowWater, 7);
  window.pass(8);
  assert.equal(window.lowWater, 8);
  window.admit(9, "a");
  window.admit(10, "b");
  window.pass(11);
  assert.equal(window.lowWater, 8);
  window.take();
  window.take();
  window.settle(10);
  assert.equal(window.lowWater, 8);
  window.settle(9);
  assert.equal(window.lowWater, 11);
});

test("a held key does not go on, and takes no place from the others", () => {
  const window = new DeliveryWindow({ concurrency: 1, capacity: 100 }, 0);
  window.admit(1, "a");
  window.admit(2, "a");
  window.admit(3, "b");
  assert.equal(take(window), 1);
  assert.equal(take(window), undefined);
  window.hold(1);
  assert.equal(take(window), 3);
  window.settle(3);
  assert.equal(take(window), undefined);
  window.settle(1);
  assert.equal(take(window), 2);
});

/** Deliveries as a random world sees them: what is under way, held and settled, and in which order turns were given. */
class World {
  readonly turns: number[] = [];
  readonly running = new Set<number>();
  readonly #held = new Set<number>();
  readonly #settled = new Set<number>();
  readonly #window: DeliveryWindow;
  readonly #keys: readonly (string | undefined)[];
  #read = 0;

  constructor(window: DeliveryWindow, keys: readonly (string | undefined)[]) {
    this.#window = window;
    this.#keys = keys;
  }

  get isDone(): boolean {
    return this.#settled.size === this.#keys.length;
  }

  /** Everything up to here is settled. */
  get lowWater(): number {
    let low = 0;
    while (this.#settled.has(low + 1)) low += 1;
    return low;
  }

  act(act: string, pick: number): void {
    if (act === "admit") return this.#admit();
    if (act === "take") return this.#take();
    const open = [...this.running, ...this.#held];
    const chosen = open[pick % Math.max(1, open.length)];
    if (chosen === undefined) return;
    this.running.delete(chosen);
    if (act === "hold") this.#held.add(chosen);
    else this.#held.delete(chosen);
    if (act === "settle") this.#settled.add(chosen);
    this.#window[act === "hold" ? "hold" : "settle"](chosen);
  }

  #admit(): void {
    if (this.#read < this.#keys.length && !this.#window.isFull) this.#window.admit((this.#read += 1), this.#keys[this.#read - 1]);
  }

  #take(): void {
    const turn = this.#window.take();
    if (turn === undefined) return;
    const rivals = [...this.running, ...this.#held].filter((other) => turn.key !== undefined && this.#keys[other - 1] === turn.key);
    assert.deepEqual(rivals, [], "one delivery of a key at a time");
    this.turns.push(turn.position);
    this.running.add(turn.position);
  }
}

test("whatever order deliveries end in, each event has one turn, keys keep their order and no bound is exceeded", () => {
  const events = fc.array(fc.option(fc.constantFrom("a", "b", "c"), { nil: undefined }), { maxLength: 60 });
  const choices = fc.infiniteStream(fc.record({ act: fc.constantFrom("take", "settle", "hold", "admit"), pick: fc.nat(1000) }));
  fc.assert(
    fc.property(events, choices, fc.integer({ min: 1, max: 4 }), (keys, stream, concurrency) => {
      const window = new DeliveryWindow({ concurrency, capacity: 8 }, 0);
      const world = new World(window, keys);
      for (const { act, pick } of stream) {
        world.act(act, pick);
        assert.ok(world.running.size <= concurrency && window.size <= 8);
        assert.equal(window.lowWater, world.lowWater);
        if (world.isDone) break;
      }
      assert.equal(new Set(world.turns).size, keys.length);
      for (const key of ["a", "b", "c"]) {
        const order = world.turns.filter((position) => keys[position - 1] === key);
        assert.deepEqual(
          order,
          order.toSorted((a, b) => a - b),
          key,
        );
      }
    }),
  );
});
