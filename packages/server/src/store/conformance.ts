import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { verifyChain, type EventBody, type EventDraft, type Json, type Store, type Wait } from "@tutti/core";

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
/** A whole run in one event, which publishes an event of this name. */
const recorded = (name: string): EventBody => ({
  type: "run.recorded",
  workflow: "tutti.publish",
  version: "1",
  action: { kind: "event.publish", principal: owner, resource: name },
  decision: { effect: "allow", reason: "", rule: "test" },
  policyHash: "",
  key: "0",
  kind: "emit",
  name,
  attempt: 1,
  startedAt: "2026-01-02T03:04:05.000Z",
  durationMs: 1,
  outcome: { ok: true, output: null },
});
export const completed: EventBody = { type: "run.completed", output: [1, 2] };

/** What every store must do. */
export function storeConformance(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${name}: journal`, () => journalTests(open));
  describe(`${name}: events that are there already`, () => repetitionTests(open));
  describe(`${name}: runs, blobs and settings`, () => recordTests(open));
  describe(`${name}: what runs wait for`, () => waitTests(open));
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

function repetitionTests(open: () => Promise<StoreUnderTest>): void {
  const signal = (value: Json): EventBody => ({ type: "signal.received", name: "s", value });

  test("the same event again is left as it is, alone or at the head of new ones", async () => {
    await using under = await open();
    const events = log("r1", [started(), signal(1), completed]);
    await under.store.append(events.slice(0, 2));
    const head = (await under.store.run("r1"))?.head;
    await under.store.append(events.slice(0, 1));
    assert.equal((await under.store.run("r1"))?.head, head);
    await under.store.append(events);
    const run = await under.store.run("r1");
    assert.deepEqual([run?.status, run?.events], ["completed", 3]);
    await under.store.append(events.slice(0, 1));
    assert.equal((await under.store.run("r1"))?.status, "completed");
    assert.equal(verifyChain(await under.store.read("r1", { afterSeq: 0, limit: 10 }), run?.head ?? "", sha256).valid, true);
  });

  test("another event in the place of one is a conflict and changes nothing", async () => {
    await using under = await open();
    await under.store.append(log("r1", [started(), signal(1)]));
    await assert.rejects(under.store.append(log("r1", [signal(2)], 1)), { code: "conflict" });
    const events = await under.store.read("r1", { afterSeq: 0, limit: 10 });
    assert.deepEqual(
      events.map((event) => (event.type === "signal.received" ? event.value : event.type)),
      ["run.started", 1],
    );
    await under.store.append(log("r1", [completed], 2));
    assert.equal((await under.store.run("r1"))?.status, "completed");
  });

  test("a conflict of one run refuses nothing of the others that are written with it", async () => {
    await using under = await open();
    await under.store.append(log("r1", [started(), signal(1)]));
    const ends = await Promise.allSettled([
      under.store.append(log("r0", [started()])),
      under.store.append(log("r1", [signal(2)], 1)),
      under.store.append(log("r2", [started(), completed])),
    ]);
    assert.deepEqual(
      ends.map(({ status }) => status),
      ["fulfilled", "rejected", "fulfilled"],
    );
    assert.equal((await under.store.run("r1"))?.events, 2);
    assert.equal((await under.store.run("r2"))?.status, "completed");
  });

  test("a recorded run is told once, by whoever is first", async () => {
    await using under = await open();
    await under.store.append(log("r1", [recorded("first")]));
    await under.store.append(log("r1", [recorded("second")]));
    assert.deepEqual(
      (await under.store.read("r1", { afterSeq: 0, limit: 10 })).map((event) => event.type === "run.recorded" && event.name),
      ["first"],
    );
  });

  test("what publishes something can be read alone", async () => {
    await using under = await open();
    const emit = {
      key: "1",
      kind: "emit",
      name: "order.placed",
      attempt: 1,
      startedAt: "2026-01-02T03:04:05.000Z",
      durationMs: 1,
    } as const;
    await under.store.append(log("r1", [started(), { type: "step.completed", ...emit, output: null }, completed]));
    await under.store.append(log("r2", [recorded("order.shipped")]));
    const emits = await under.store.log({ afterPosition: 0, limit: 10, only: "emits" });
    assert.deepEqual(
      emits.map(({ event }) => [event.runId, "name" in event && event.name]),
      [
        ["r1", "order.placed"],
        ["r2", "order.shipped"],
      ],
    );
    await under.store.append(log("r3", [started(), { type: "step.completed", ...emit, output: null, copied: true }]));
    assert.equal((await under.store.log({ afterPosition: 0, limit: 10, only: "emits" })).length, 2, "a copy in a fork is not published");
    const after = emits[0]?.position ?? 0;
    assert.equal((await under.store.log({ afterPosition: after, limit: 10, only: "emits" })).length, 1);
  });

  test("texts that databases dislike come back as they were", async () => {
    await using under = await open();
    const odd = "\0 \ud800 \u{1f600} ' \\ { } \" \n";
    await under.store.append(log("r1", [started(), { type: "signal.received", name: odd, value: [odd] }]));
    await under.store.append(
      log(
        "r1",
        [
          { type: "step.waiting", key: "1", kind: "signal", name: odd, until: null },
          { type: "run.completed", output: odd },
        ],
        2,
      ),
    );
    const [, signalled, , ended] = await under.store.read("r1", { afterSeq: 0, limit: 10 });
    assert.deepEqual(
      [signalled?.type === "signal.received" && signalled.value, ended?.type === "run.completed" && ended.output],
      [[odd], odd],
    );
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

  test("settings are kept, replaced and removed", async () => {
    await using under = await open();
    assert.equal(await under.store.getSetting("x"), undefined);
    await under.store.setSetting("x", { a: [1] });
    await under.store.setSetting("x", { a: [2] });
    assert.deepEqual(await under.store.getSetting("x"), { a: [2] });
    await under.store.deleteSetting("x");
    await under.store.deleteSetting("never there");
    assert.equal(await under.store.getSetting("x"), undefined);
  });
}

function waitTests(open: () => Promise<StoreUnderTest>): void {
  const waiting = (key: string, kind: Wait["kind"], options: { readonly name?: string; readonly until?: string } = {}): EventBody => ({
    type: "step.waiting",
    key,
    kind: kind === "workflow" ? "sleep" : kind,
    name: options.name ?? key,
    until: options.until ?? null,
  });
  const slept = (key: string): EventBody => ({
    type: "step.completed",
    key,
    kind: "sleep",
    name: key,
    attempt: 1,
    startedAt: "2026-01-02T03:04:05.000Z",
    durationMs: 1,
    output: null,
  });
  const keys = async (store: Store, filter: Partial<Parameters<Store["waits"]>[0]> = {}): Promise<readonly string[]> =>
    (await store.waits({ limit: 10, ...filter })).map(({ runId, key }) => `${runId} ${key}`);
  const unparked = async (store: Store): Promise<readonly string[]> =>
    (await store.runs({ parked: false, statuses: ["queued", "running", "waiting", "paused"], limit: 10 })).map(({ id }) => id);

  test("waits are listed soonest first, by run, kind, name and end, until the step or the run has ended", async () => {
    await using under = await open();
    const approval = { question: "Ship it?", detail: { total: 1 } };
    await under.store.append([
      ...log("r1", [started(), waiting("1", "sleep", { until: "2026-05-01T00:00:00.000Z" }), waiting("2", "signal", { name: "go" })]),
      ...log("r2", [
        started(),
        { type: "step.waiting", key: "1", kind: "approval", name: "ship", until: "2026-04-01T00:00:00.000Z", approval },
      ]),
    ] as readonly EventDraft[]);
    assert.deepEqual(await keys(under.store), ["r2 1", "r1 1", "r1 2"]);
    assert.deepEqual(await keys(under.store, { runId: "r1" }), ["r1 1", "r1 2"]);
    assert.deepEqual(await keys(under.store, { kind: "signal" }), ["r1 2"]);
    assert.deepEqual(await keys(under.store, { name: "go" }), ["r1 2"]);
    assert.deepEqual(await keys(under.store, { until: "2026-04-01T00:00:00.000Z" }), ["r2 1"]);
    assert.deepEqual((await under.store.waits({ kind: "approval", limit: 1 }))[0], {
      runId: "r2",
      key: "1",
      kind: "approval",
      name: "ship",
      since: "2026-01-02T03:04:05.678Z",
      until: "2026-04-01T00:00:00.000Z",
      approval,
    });
    await under.store.append(log("r1", [slept("1")], 3));
    await under.store.append(log("r2", [{ type: "approval.answered", key: "1", approved: true, by: "owner", reason: "" }], 2));
    assert.deepEqual(await keys(under.store), ["r1 2"]);
    await under.store.append(log("r1", [completed], 4));
    assert.deepEqual(await keys(under.store), []);
  });

  test("a run's deadline is a wait", async () => {
    await using under = await open();
    await under.store.append(log("r1", [{ ...started(), limits: { timeMs: 60_000 } } as EventBody]));
    const [deadline] = await under.store.waits({ limit: 10 });
    assert.deepEqual(
      [deadline?.key, deadline?.kind, deadline?.name, deadline?.until],
      ["", "sleep", "deadline", "2026-01-02T03:05:05.678Z"],
    );
    await under.store.append(log("r1", [completed], 1));
    assert.deepEqual(await keys(under.store), []);
  });

  test("a parked run has the waits it was parked with, and is needed again with its next event", async () => {
    await using under = await open();
    const { store } = under;
    await store.append(log("r1", [started(), waiting("1", "sleep", { until: "2026-05-01T00:00:00.000Z" }), waiting("2", "signal")]));
    assert.deepEqual(await unparked(store), ["r1"]);
    const waits = (await store.waits({ limit: 10 })).filter(({ key }) => key === "1");
    await store.park("r1", waits);
    assert.deepEqual(await unparked(store), []);
    assert.equal((await store.run("r1"))?.status, "waiting");
    assert.deepEqual(await keys(store, { parked: true }), ["r1 1"]);
    await store.append(log("r1", [{ type: "signal.received", name: "s", value: null }], 3));
    assert.deepEqual(await unparked(store), ["r1"]);
    assert.deepEqual(await keys(store, { parked: true }), []);
  });

  test("parking takes effect in the order of appends", async () => {
    await using under = await open();
    const { store } = under;
    await Promise.all([
      store.append(log("r1", [started()])),
      store.park("r1", []),
      store.append(log("r1", [{ type: "signal.received", name: "s", value: null }], 1)),
      store.append(log("r2", [started()])),
      store.append(log("r2", [{ type: "signal.received", name: "s", value: null }], 1)),
      store.park("r2", []),
    ]);
    assert.deepEqual(await unparked(store), ["r1"]);
  });

  test("who waits for a run is needed when it ends, follows it when it goes on as another, and is not parked when it has ended", async () => {
    await using under = await open();
    const { store } = under;
    const join = (runId: string, name: string): Wait => ({
      runId,
      key: "1",
      kind: "workflow",
      name,
      since: "2026-01-02T03:04:05.678Z",
      until: null,
    });
    await store.append(["child", "parent", "late"].flatMap((runId) => log(runId, [started()])));
    await store.park("parent", [join("parent", "child")]);
    assert.deepEqual(await unparked(store), ["late", "child"]);
    await store.append(log("child", [{ type: "run.continued", nextRunId: "next" }], 1));
    await store.append(log("next", [started()]));
    assert.deepEqual(await unparked(store), ["next", "late"]);
    assert.equal((await store.waits({ kind: "workflow", limit: 1 }))[0]?.name, "next");
    await store.append(log("next", [completed], 1));
    assert.deepEqual(await unparked(store), ["late", "parent"]);
    await store.park("late", [join("late", "next")]);
    assert.deepEqual(await unparked(store), ["late", "parent"]);
  });
}
