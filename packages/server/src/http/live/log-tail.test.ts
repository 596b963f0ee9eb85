import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { defineWorkflow, type Json, type Plugin, type Schema } from "@tutti/core";
import { startTestApp, type TestApp } from "../../testing.ts";
import { Bell } from "../sse.ts";
import { LogTail } from "./log-tail.ts";

const anything: Schema<Json> = { "~standard": { validate: (value: unknown) => ({ value }) } };
const greeting = defineWorkflow<Json, Json>({
  name: "greeting",
  version: "1",
  input: anything,
  run: (ctx) => ctx.step("greet", () => "hello"),
});
const plugin: Plugin = { name: "log-tail-test", workflows: [greeting] };

/** The store as it is, but for its log: while it is held, what was read from it does not arrive. */
function holdable(store: TestApp["app"]["store"]) {
  let hold: { readonly reached: () => void; readonly free: Promise<void> } | undefined;
  const log: typeof store.log = async (...wish) => {
    const page = await store.log(...wish);
    const held = hold;
    hold = undefined;
    held?.reached();
    await held?.free;
    return page;
  };
  return {
    store: new Proxy(store, {
      get(target, name) {
        if (name === "log") return log;
        const found: unknown = Reflect.get(target, name, target);
        return typeof found === "function" ? found.bind(target) : found;
      },
    }),
    /** Holds the next page; resolves when it has been read. */
    hold() {
      const reached = Promise.withResolvers<void>();
      const free = Promise.withResolvers<void>();
      hold = { reached: reached.resolve, free: free.promise };
      return { reached: reached.promise, free: free.resolve };
    },
  };
}

test("whoever begins to listen while a page is still read for those who have left is told all events", async () => {
  await using app = await startTestApp({ inlinePlugins: [plugin] });
  const { engine } = app.app;
  const run = async (): Promise<unknown> => {
    const { run } = (await (await app.fetch("/v1/runs", { workflow: "greeting", input: null })).json()) as {
      readonly run: { readonly id: string };
    };
    return engine.result(run.id, AbortSignal.timeout(120_000));
  };
  await run();
  const slow = holdable(app.app.store);
  const tail = new LogTail({ engine, store: slow.store });
  const first = await tail.listen(new Bell());
  const page = slow.hold();
  await run();
  await page.reached;
  first[Symbol.dispose]();
  const entering = tail.listen(new Bell());
  await turn();
  page.free();
  using _ = await entering;
  const told = await tail.read(0, 2_000);
  const all = await app.app.store.log({ afterPosition: 0, limit: 500 });
  assert.deepEqual(
    told.map(({ position }) => position),
    all.map(({ position }) => position),
  );
});
