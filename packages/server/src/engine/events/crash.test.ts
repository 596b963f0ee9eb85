import assert from "node:assert/strict";
import { test } from "node:test";
import { AppError, type Store } from "@tutti/core";
import type { CloudEvent } from "@tutti/core/wire";
import { SqliteStore } from "../../store/index.ts";
import { flow, inFolder, makeNode, openNode, startReceiver, type Receiver, type Setup, type TestNode } from "./testing.ts";

/** When a process dies: at which of its writes, and whether that write still reaches the disk. */
interface Death {
  readonly atWrite: number;
  readonly isWritten: boolean;
}

const WRITES = ["append", "setSetting", "park", "putBlob"] as const;

/** A store whose process dies: from then on nothing is written and no call ever returns. */
function mortal(store: Store, death: Death): { readonly store: Store; readonly died: Promise<void> } {
  const died = Promise.withResolvers<void>();
  let writes = 0;
  let isDead = false;
  const never = new Promise<never>(() => undefined);
  const call = (name: string, args: unknown[]): unknown => {
    if (isDead) return never;
    const method = Reflect.get(store, name) as (...given: unknown[]) => unknown;
    if (!WRITES.some((write) => write === name)) return method.apply(store, args);
    writes += 1;
    if (writes !== death.atWrite) return method.apply(store, args);
    isDead = true;
    // The turn of the event loop in which it dies is over before anybody looks.
    const last = death.isWritten ? Promise.resolve(method.apply(store, args)) : Promise.resolve();
    void last.then(() => died.resolve());
    return never;
  };
  const proxy = new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? (...args: unknown[]) => call(String(name), args) : value;
    },
  });
  return { store: proxy, died: died.promise };
}

/** What the world has seen: which event's work was done, and which webhooks came. */
interface World {
  readonly effects: string[];
  readonly webhooks: string[];
}

const EVENTS = ["a1", "bad", "a2"] as const;

function setupOf(world: World, receiver: Receiver): Setup {
  const work = flow("work", (ctx, input) =>
    ctx.step("work", () => {
      const { id } = input as CloudEvent;
      if (id === "bad") throw new AppError("invalid_input", "wanted another one");
      world.effects.push(id);
      return id;
    }),
  );
  return { workflows: [work], endpoints: [receiver.endpoint] };
}

async function subscribe(node: TestNode): Promise<void> {
  const filter = { exact: { type: "order" } };
  await node.subscribe({ name: "work", filter, target: { type: "workflow", workflow: "work" }, from: "beginning" });
  await node.subscribe({ name: "crm", filter, target: { type: "webhook", to: { endpoint: "crm" } }, from: "beginning" });
}

/** Publishing again what was published before changes nothing, so whoever does not know whether it worked just repeats it. */
async function publishAll(node: TestNode): Promise<void> {
  for (const id of EVENTS) await node.publish("order", { id, subject: id.slice(0, 1) });
}

async function live(node: TestNode): Promise<void> {
  await subscribe(node);
  await publishAll(node);
  await node.settled("work");
  await node.settled("crm");
}

async function check(node: TestNode, world: World, where: string): Promise<void> {
  const runs = await node.store.runs({ workflow: "work", limit: 100 });
  assert.equal(runs.length, EVENTS.length, `${where}: one run for each event`);
  assert.deepEqual(runs.map(({ status }) => status).toSorted(), ["completed", "completed", "failed"], where);
  assert.equal((await node.letters()).length, 1, `${where}: one dead letter`);
  assert.equal((await node.store.runs({ workflow: "tutti.webhook", limit: 100 })).length, EVENTS.length, where);
  assert.equal(new Set(world.webhooks).size, EVENTS.length, `${where}: every webhook came, under one id each time`);
  assert.deepEqual(world.effects, world.effects.toSorted(), `${where}: in the order of the key`);
  assert.equal(new Set(world.effects).size, 2, where);
  assert.deepEqual((await node.store.runs({ workflow: "tutti.publish", limit: 100 })).length, EVENTS.length, where);
}

/** One life and what comes after it; says whether it came to its natural end. */
async function liveAndDie(death: Death): Promise<"died" | "lived"> {
  const where = `death at write ${death.atWrite}, ${death.isWritten ? "written" : "lost"}`;
  let end: "died" | "lived" = "died";
  await inFolder(async (dataDir) => {
    const world: World = { effects: [], webhooks: [] };
    await using receiver = await startReceiver((request, response) => {
      world.webhooks.push(String(request.headers["webhook-id"]));
      request.resume().on("end", () => response.writeHead(204).end());
    });
    const store = await SqliteStore.open(dataDir);
    const victim = mortal(store, death);
    const node = makeNode(victim.store, setupOf(world, receiver));
    const lived = node.begin().then(() => live(node));
    end = await Promise.race([victim.died.then(() => "died" as const), lived.then(() => "lived" as const)]);
    await node.abandon();
    await store.close();
    await using heir = await openNode(await SqliteStore.open(dataDir), setupOf(world, receiver));
    await live(heir);
    await check(heir, world, where);
  });
  return end;
}

test("wherever a process dies, each event is delivered, its run started once, in the order of its key, and its dead letter made once", async () => {
  let ends: readonly string[] = [];
  for (let atWrite = 1; !ends.includes("lived"); atWrite += 1)
    ends = await Promise.all([liveAndDie({ atWrite, isWritten: false }), liveAndDie({ atWrite, isWritten: true })]);
});
