import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { EventBody, EventDraft, Store } from "@tutti/core";
import { durationOf, type Survey } from "./survey.ts";

/** A run from one moment to another, both so many seconds after a minute of a day in 2026. */
interface Span {
  readonly from: number;
  readonly to?: number;
  readonly workflow?: string;
  readonly parent?: string;
  readonly principal?: string;
  readonly end?: EventBody;
  readonly input?: string;
}

const at = (seconds: number): string => new Date(Date.UTC(2026, 0, 2, 3, 0, seconds)).toISOString();
const completed: EventBody = { type: "run.completed", output: "fine" };

function run(
  runId: string,
  { from, to, workflow = "w", parent, principal = "owner", end = completed, input = "" }: Span,
): readonly EventDraft[] {
  const started: EventBody = {
    type: "run.started",
    workflow,
    version: "1",
    input,
    principal: { id: principal, tenant: "default", roles: [] },
    ...(parent !== undefined && { parent: { runId: parent, key: "0" } }),
  };
  return [{ ...started, runId, seq: 1, at: at(from) }, ...(to === undefined ? [] : [{ ...end, runId, seq: 2, at: at(to) }])];
}

type Open = () => Promise<AsyncDisposable & { readonly store: Store & Survey }>;

/** What every store that a Tutti is opened on must tell of many runs. */
export function surveyConformance(name: string, open: Open): void {
  describe(`${name}: runs that are asked for`, () => countTests(open));
  describe(`${name}: the log and the settings`, () => searchTests(open));
}

function countTests(open: Open): void {
  test("runs are listed by parent, by several workflows, by who started them and by when", async () => {
    await using under = await open();
    await under.store.append([
      ...run("a", { from: 0, to: 1, workflow: "x" }),
      ...run("b", { from: 10, workflow: "y", parent: "a" }),
      ...run("c", { from: 20, workflow: "z", principal: "ada" }),
    ]);
    const ids = async (filter: Partial<Parameters<typeof under.store.runs>[0]>): Promise<readonly string[]> =>
      (await under.store.runs({ limit: 10, ...filter })).map(({ id }) => id);
    assert.deepEqual(await ids({ parentId: null }), ["c", "a"]);
    assert.deepEqual(await ids({ parentId: "a" }), ["b"]);
    assert.deepEqual(await ids({ workflows: ["x", "z"] }), ["c", "a"]);
    assert.deepEqual(await ids({ principalId: "ada" }), ["c"]);
    assert.deepEqual(await ids({ since: at(10) }), ["c", "b"]);
    assert.deepEqual(await ids({ since: at(1), until: at(20) }), ["b"]);
  });

  test("runs are counted by workflow, status and duration, of the newest so many", async () => {
    await using under = await open();
    await under.store.append([
      ...run("a", { from: 0, to: 2 }),
      ...run("b", { from: 10, to: 12 }),
      ...run("c", { from: 20, to: 21, end: { type: "run.failed", code: "timeout", message: "late" } }),
      ...run("d", { from: 30, workflow: "v/1" }),
    ]);
    const counts = await under.store.countRuns({ newest: 100 });
    const told = counts.map(({ workflow, status, count }) => `${workflow} ${status} ${count}`);
    assert.deepEqual(told.toSorted(), ["v/1 running 1", "w completed 2", "w failed 1"]);
    const [done] = counts.filter(({ status }) => status === "completed");
    assert.ok(done?.durationBin !== null && Math.abs(durationOf(done?.durationBin ?? 0) - 2_000) <= 100);
    assert.equal(
      (await under.store.countRuns({ newest: 2 })).reduce((sum, { count }) => sum + count, 0),
      2,
    );
    assert.deepEqual(await under.store.countRuns({ newest: 100, workflows: ["v/1", "u"], principalId: "nobody" }), []);
    assert.deepEqual(await under.store.countRuns({ newest: 100, workflows: ["v/1", "u"] }), [
      { workflow: "v/1", status: "running", durationBin: null, count: 1 },
    ]);
    assert.deepEqual(await under.store.countRuns({ newest: 100, since: at(30) }), [
      { workflow: "v/1", status: "running", durationBin: null, count: 1 },
    ]);
  });

  test("activity tells what started and ended in each bucket", async () => {
    await using under = await open();
    await under.store.append([
      ...run("a", { from: 0, to: 70 }),
      ...run("b", { from: 10 }),
      ...run("c", { from: 65, to: 66, end: { type: "run.cancelled", reason: "no" } }),
      ...run("d", { from: 500 }),
    ]);
    const activity = await under.store.countActivity({ since: at(0), until: at(120), bucketSeconds: 60 });
    const first = Date.parse(at(0)) / 60_000;
    const told = activity.map(({ bucket, status, count }) => `${bucket - first} ${status ?? "started"} ${count}`);
    assert.deepEqual(told.toSorted(), ["0 started 2", "1 cancelled 1", "1 completed 1", "1 started 1"]);
  });
}

function searchTests(open: Open): void {
  test("a search finds a text whatever its case, reads so many events at once and says how far it came", async () => {
    await using under = await open();
    await under.store.append([
      ...run("a", { from: 0, to: 1, input: 'An invoice of "50 %" for Zoë' }),
      ...run("b", { from: 2, to: 3, input: "nothing" }),
    ]);
    const last = await under.store.position();
    const search = async (text: string, beforePosition = last + 1, events = 100) => {
      const { found, ...rest } = await under.store.searchLog({ text, beforePosition, events });
      return { ...rest, found: found.map(({ event }) => event.runId) };
    };
    const [first] = await under.store.log({ afterPosition: 0, limit: 1 });
    assert.deepEqual(await search("INVOICE"), { found: ["a"], scanned: 4, reached: first?.position });
    assert.deepEqual((await search('"50 %"')).found, ["a"]);
    assert.deepEqual((await search("50_%")).found, []);
    assert.deepEqual((await search("for Zoë")).found, ["a"]);
    const half = await search("invoice", last + 1, 2);
    assert.deepEqual([half.found, half.scanned], [[], 2]);
    assert.deepEqual((await search("invoice", half.reached)).found, ["a"]);
    assert.deepEqual(await search("invoice", first?.position ?? 0), { found: [], scanned: 0, reached: 0 });
  });

  test("the position is that of the log's last event", async () => {
    await using under = await open();
    assert.equal(await under.store.position(), 0);
    await under.store.append(run("a", { from: 0, to: 1 }));
    assert.equal(await under.store.position(), (await under.store.log({ afterPosition: 0, limit: 10 })).at(-1)?.position);
  });

  test("settings are listed by how their names begin", async () => {
    await using under = await open();
    for (const name of ["view.b", "view.a", "view%", "views", "other"]) await under.store.setSetting(name, name);
    assert.deepEqual(await under.store.settings("view.", 10), [
      { name: "view.a", value: "view.a" },
      { name: "view.b", value: "view.b" },
    ]);
    assert.equal((await under.store.settings("view", 2)).length, 2);
  });
}
