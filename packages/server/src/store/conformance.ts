import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { verifyChain, type EventBody, type EventDraft, type Store } from "@tutti/core";

/** A store under test over files or a server that survive `reopen`. */
export interface StoreUnderTest extends AsyncDisposable {
  readonly store: Store;
  reopen(): Promise<StoreUnderTest>;
}

const owner = { id: "owner", tenant: "default", roles: ["owner"] };
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** Events of one run, numbered. */
export function log(runId: string, bodies: readonly EventBody[], afterSeq = 0): readonly EventDraft[] {
  return bodies.map((body, index) => ({ ...body, runId, seq: afterSeq + index + 1, at: "2026-01-02T03:04:05.678Z" }));
}

export const started = (workflow = "w"): EventBody => ({
  type: "run.started",
  workflow,
  version: "1",
  input: { b: 1, a: "ä" },
  principal: owner,
});
export const completed: EventBody = { type: "run.completed", output: [1, 2] };

/** What every store must do. */
export function storeConformance(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${name}: journal`, () => journalTests(open));
  describe(`${name}: runs, blobs and settings`, () => recordTests(open));
}

function journalTests(open: () => Promise<StoreUnderTest>): void {
  test("events come back in order, hashed into a chain that verifies against the run's head", async () => {
    await using under = await open();
    await under.store.append(log("r1", [started(), { type: "signal.received", name: "s", value: 1 }, completed]));
    const events = await under.store.read("r1", { afterSeq: 0, limit: 10 });
    assert.deepEqual(
      events.map(({ seq, type }) => [seq, type]),
      [
        [1, "run.started"],
        [2, "signal.received"],
        [3, "run.completed"],
      ],
    );
    const run = await under.store.run("r1");
    assert.deepEqual(verifyChain(events, run?.head ?? "", sha256), { valid: true, events: 3, head: run?.head });
  });

  test("a chain goes on after the store was closed and opened again", async () => {
    const under = await open();
    await under.store.append(log("r1", [started()]));
    await using again = await under.reopen();
    await again.store.append(log("r1", [completed], 1));
    const run = await again.store.run("r1");
    assert.equal(verifyChain(await again.store.read("r1", { afterSeq: 0, limit: 10 }), run?.head ?? "", sha256).valid, true);
  });

  test("appends that are not awaited keep their order, within a run and among runs", async () => {
    await using under = await open();
    const appends = Array.from({ length: 300 }, (_, index) =>
      under.store.append(
        log(
          `r${index % 3}`,
          [index < 3 ? started() : { type: "signal.received", name: String(index), value: null }],
          Math.floor(index / 3),
        ),
      ),
    );
    await Promise.all(appends);
    for (const runId of ["r0", "r1", "r2"]) {
      const events = await under.store.read(runId, { afterSeq: 0, limit: 1000 });
      assert.deepEqual(
        events.map(({ seq }) => seq),
        Array.from({ length: 100 }, (_, index) => index + 1),
      );
    }
    const all = await under.store.log({ afterPosition: 0, limit: 1000 });
    assert.equal(all.length, 300);
    assert.deepEqual(
      all.map(({ position }) => position),
      all.map(({ position }) => position).toSorted((a, b) => a - b),
    );
  });

  test("reading pages by seq and by position", async () => {
    await using under = await open();
    await under.store.append(log("r1", [started(), completed]));
    assert.deepEqual(
      (await under.store.read("r1", { afterSeq: 1, limit: 10 })).map(({ seq }) => seq),
      [2],
    );
    const [first] = await under.store.log({ afterPosition: 0, limit: 1 });
    assert.ok(first);
    assert.equal((await under.store.log({ afterPosition: first.position, limit: 10 }))[0]?.event.seq, 2);
  });
}

function recordTests(open: () => Promise<StoreUnderTest>): void {
  test("runs are listed newest first, by status, by workflow and in pages", async () => {
    await using under = await open();
    await under.store.append([
      ...log("a", [started("x")]),
      ...log("b", [started("y"), completed]),
      ...log("c", [started("x"), { type: "run.paused", code: "workflow_changed", message: "m" }]),
    ]);
    const ids = async (filter: Parameters<Store["runs"]>[0]): Promise<readonly string[]> =>
      (await under.store.runs(filter)).map(({ id }) => id);
    assert.deepEqual(await ids({ limit: 10 }), ["c", "b", "a"]);
    assert.deepEqual(await ids({ limit: 10, statuses: ["running", "paused"] }), ["c", "a"]);
    assert.deepEqual(await ids({ limit: 10, statuses: ["completed"] }), ["b"]);
    assert.deepEqual(await ids({ limit: 10, workflow: "x" }), ["c", "a"]);
    assert.deepEqual(await ids({ limit: 1, beforeId: "c" }), ["b"]);
    const run = await under.store.run("b");
    assert.deepEqual([run?.status, run?.events, run?.endedAt, run?.principalId], ["completed", 2, "2026-01-02T03:04:05.678Z", "owner"]);
    assert.equal(await under.store.run("none"), undefined);
  });

  test("blobs are found by their content and survive a restart", async () => {
    const under = await open();
    const text = "größer".repeat(20_000);
    const ref = await under.store.putBlob(text);
    assert.deepEqual(ref, { $blob: sha256(text), sizeBytes: Buffer.byteLength(text) });
    assert.deepEqual(await under.store.putBlob(text), ref);
    await using again = await under.reopen();
    assert.equal(await again.store.getBlob(ref), text);
    await assert.rejects(again.store.getBlob({ $blob: "0".repeat(64), sizeBytes: 1 }), { code: "storage_corrupt" });
  });

  test("settings are kept and replaced", async () => {
    await using under = await open();
    assert.equal(await under.store.getSetting("x"), undefined);
    await under.store.setSetting("x", { a: [1] });
    await under.store.setSetting("x", { a: [2] });
    assert.deepEqual(await under.store.getSetting("x"), { a: [2] });
  });
}
