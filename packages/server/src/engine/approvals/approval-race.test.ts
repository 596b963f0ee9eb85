import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { AppError, type EventDraft, type Json, type Store, type Tool } from "@tutti/core";
import type { ApprovalUse } from "../effects.ts";
import { EmbeddedEngine } from "../embedded/embedded-engine.ts";
import { anything, flow, never, owner, partsOf } from "../conformance/setup.ts";
import { openPostgresStore, SqliteStore } from "../../store/index.ts";
import { startPostgres } from "../../testing/postgres.ts";
import { ApprovalBook } from "./approval-book.ts";
import { argsHash } from "./args-hash.ts";

const CONSUMERS = 1000;
const INPUT = { to: "acme", amount: 1 };

const pay: Tool = {
  name: "pay",
  description: "Pays.",
  effect: "write",
  input: anything,
  parameters: {},
  run: (input) => {
    process.stdout.write(`paid ${JSON.stringify(input)}\n`);
    return Promise.resolve("paid");
  },
};

/** An engine whose policy asks about every tool, and the book of approvals it looks in. */
function node(store: Store): { readonly engine: EmbeddedEngine; readonly book: ApprovalBook } {
  const decide = (kind: string) => ({ effect: kind === "tool.call" ? "ask" : "allow", reason: "a test", rule: "test" }) as const;
  const payer = flow("payer", (ctx, input) => ctx.call("pay", INPUT, { approval: { id: input as string } }));
  const parts = partsOf({ workflows: [payer], tools: [pay], decide });
  const book: ApprovalBook = new ApprovalBook({ store, engine: () => engine, tool: parts.tool, decide: parts.decide });
  const engine: EmbeddedEngine = new EmbeddedEngine({ store, parts: { ...parts, approvals: book }, runsActiveMax: 100 });
  return { engine, book };
}

async function approved(book: ApprovalBook): Promise<string> {
  const given = await book.approve({ tool: "pay", input: INPUT, expiresInMs: 3_600_000, reason: "" }, owner);
  return (given as { readonly approvalId: string }).approvalId;
}

const useOf = (consumer: number): ApprovalUse => ({
  step: { runId: `run-${consumer}`, key: "0" },
  workflow: "payer",
  principal: owner,
  tool: "pay",
  input: INPUT,
  argsHash: argsHash(INPUT),
  terms: {},
});

/** How many of all consumers got the approval, and with which codes the others were refused. */
async function race(
  [one, other]: readonly ApprovalBook[],
  id: string,
): Promise<{ readonly won: number; readonly codes: readonly string[] }> {
  assert.ok(one && other);
  const results = await Promise.allSettled(
    Array.from({ length: CONSUMERS }, (_, consumer) => (consumer % 2 === 0 ? one : other).use(id, useOf(consumer))),
  );
  const codes = results.flatMap((result) => (result.status === "rejected" ? [AppError.from(result.reason).code] : []));
  return { won: CONSUMERS - codes.length, codes: [...new Set(codes)] };
}

async function usesOf(store: Store, id: string): Promise<number> {
  return (await store.read(id, { afterSeq: 0, limit: 1000 })).filter(({ type }) => type === "approval.used").length;
}

async function onSqlite(): Promise<void> {
  await using folder = await mkdtempDisposable(join(tmpdir(), "tutti-approvals-"));
  const store = await SqliteStore.open(folder.path);
  // Two books do not know of each other's turns, as on two nodes.
  const books = [node(store).book, node(store).book];
  const id = await approved(books[0] as ApprovalBook);
  assert.deepEqual(await race(books, id), { won: 1, codes: ["already_consumed"] });
  assert.equal(await usesOf(store, id), 1);
  await store.close();
}

async function onTwoNodes(): Promise<void> {
  await using server = await startPostgres();
  const url = await server.newDatabase();
  const stores = [await openPostgresStore(url), await openPostgresStore(url)];
  const books = stores.map((store) => node(store).book);
  const id = await approved(books[0] as ApprovalBook);
  assert.deepEqual(await race(books, id), { won: 1, codes: ["already_consumed"] });
  assert.equal(await usesOf(stores[1] as Store, id), 1);
  for (const store of stores) await store.close();
}

/** The moments around the use: just before it is written, just after, and when the step is journaled next. */
const MOMENTS = ["before approval.used", "after approval.used", "before policy.decided", "after policy.decided"] as const;

/** A store that ends the process at a moment. */
function deadlyStore(store: Store, moment: string): Store {
  const isMeant = (event: EventDraft): boolean =>
    moment.endsWith(event.type) && (event.type !== "policy.decided" || event.approved !== undefined);
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      if (name !== "append") return value.bind(target) as unknown;
      return async (events: readonly EventDraft[], when?: "now" | "soon") => {
        const isNow = events.some(isMeant);
        if (isNow && moment.startsWith("before")) process.kill(process.pid, "SIGKILL");
        await target.append(events, when);
        if (isNow) process.kill(process.pid, "SIGKILL");
      };
    },
  });
}

const [, self, dataDir, moment] = process.argv;

/** Approves a call, makes it, and dies at the moment; or, without one, goes on with what was left. */
async function live(folder: string): Promise<void> {
  const store = await SqliteStore.open(folder);
  const { engine, book } = node(moment === undefined ? store : deadlyStore(store, moment));
  const [run] = await store.runs({ workflow: "payer", limit: 1 });
  if (run === undefined) {
    const id = await approved(book);
    const started = await engine.start("payer", id, { principal: owner });
    await engine.result(started.runId, never);
  } else {
    await engine.recover();
    await engine.result(run.id, never);
  }
  await engine.stop(1000);
  await store.close();
}

async function ended(folder: string, at?: string): Promise<{ readonly signal: string | null; readonly stdout: string }> {
  const args = [self ?? fileURLToPath(import.meta.url), folder, ...(at === undefined ? [] : [at])];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let stdout = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  const [, signal] = (await once(child, "close")) as [number | null, string | null];
  return { signal, stdout };
}

async function killedAt(at: string): Promise<void> {
  await using folder = await mkdtempDisposable(join(tmpdir(), "tutti-approvals-"));
  const first = await ended(folder.path, at);
  assert.equal(first.signal, "SIGKILL");
  assert.equal(first.stdout, "", `nothing is done before the use and the decision are on disk (${at})`);
  const second = await ended(folder.path);
  assert.equal(second.signal, null);
  assert.equal(second.stdout, `paid ${JSON.stringify(INPUT)}\n`);
  const store = await SqliteStore.open(folder.path);
  const [given] = await store.runs({ workflow: "tutti.approval", limit: 10 });
  assert.equal(await usesOf(store, given?.id ?? ""), 1);
  const [run] = await store.runs({ workflow: "payer", limit: 10 });
  assert.equal(run?.status, "completed");
  const [last] = (await store.read(run.id, { afterSeq: run.events - 1, limit: 1 })) as readonly { readonly output?: Json }[];
  assert.equal(last?.output, "paid");
  await store.close();
}

if (dataDir !== undefined) await live(dataDir);
else {
  test("of 1,000 steps that want one approval at once, exactly one gets it, also from two books over one SQLite store", onSqlite);
  test("of 1,000 steps on two nodes over one PostgreSQL that want one approval at once, exactly one gets it", onTwoNodes);
  test("a process that is killed between the use of an approval and the call neither loses the use nor makes the call twice", async () => {
    for (const at of MOMENTS) await killedAt(at);
  });
}
