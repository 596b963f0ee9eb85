import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { Json } from "@tutti/core";
import { startTestApp } from "../../testing.ts";
import { Feed } from "../feed.ts";
import { Connection } from "./connection.ts";
import { LogTail } from "./log-tail.ts";

test("a client whose messages come faster than they are read is refused once, and what waits is dropped", async () => {
  await using world = await startTestApp();
  const { app } = world;
  const told: Json[] = [];
  const refusals: string[] = [];
  const connection = new Connection({
    sources: { app, tail: new LogTail(app), feed: new Feed(app.engine, app.store) },
    send: (reply) => void told.push(reply),
    limit: () => undefined,
    refuse: (reason) => void refusals.push(reason),
  });
  const message = Buffer.from(JSON.stringify({ type: "unsubscribe", id: "none" }));
  // Far less than a mebibyte, again and again: it is counted only as long as it waits.
  for (let time = 0; time < 10; time += 1) {
    for (let count = 0; count < 2_000; count += 1) connection.receive(message);
    await turn();
  }
  assert.deepEqual([told, refusals], [[], []]);
  for (let count = 0; count < 100; count += 1) connection.receive(Buffer.from("no request".padEnd(16_000)));
  await turn();
  assert.deepEqual([told, refusals], [[], ["too many messages at once"]]);
});
