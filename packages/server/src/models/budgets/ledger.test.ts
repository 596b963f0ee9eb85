import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { openSpendLog, type SpendLog } from "../../testing/spend-log.ts";
import { Budgets } from "./budgets.ts";
import type { Ask, Payer, Reservation } from "./limits.ts";
import type { Spend } from "./spend.ts";

const TODAY = new Date().toISOString().slice(0, 10);
const OWNER = { id: "owner", tenant: "default", roles: ["owner"] };
const GROUPS = { users: {}, teams: {} };

describe("the ledger", () => {
  test("it adds up what the log says, by whatever is asked", async () => {
    await using log = await openSpendLog();
    await log.journal(spend({ keyId: "a", team: "x", model: "big", inputTokens: 10, outputTokens: 5, costUsd: 0.5 }));
    await log.journal(spend({ keyId: "a", team: "x", model: "small", inputTokens: 7, outputTokens: 0, costUsd: 0.125 }));
    await log.journal(spend({ keyId: "b", team: "x", model: "small", inputTokens: 1, outputTokens: 1, isEstimated: true }));
    await using open = await openBudgets(log);
    const rows = await open.budgets.spent({ by: ["key"] });
    assert.deepEqual(
      rows.map(({ key, requests, inputTokens, outputTokens, costUsd, estimated, unpriced }) => [
        key,
        requests,
        inputTokens + outputTokens,
        costUsd,
        estimated,
        unpriced,
      ]),
      [
        ["a", 2, 22, 0.625, 0, 0],
        ["b", 1, 2, 0, 1, 1],
      ],
    );
    const byModel = await open.budgets.spent({ by: ["team", "model"] });
    assert.deepEqual(
      byModel.map(({ team, model, requests }) => [team, model, requests]),
      [
        ["x", "big", 1],
        ["x", "small", 2],
      ],
    );
  });

  test("what runs asked models themselves is told by their workflow, and so are days that an earlier version wrote", async () => {
    await using log = await openSpendLog();
    const day = { position: 0, rows: [["a", "", "", "big", "openai", 1, 10, 5, 0, 0, 0, 500_000_000, 0, 0]] };
    await log.store.setSetting("spend.day.2025-02-01", day);
    const at = new Date().toISOString();
    const started = { type: "run.started", workflow: "triage", version: "1", input: null, principal: OWNER } as const;
    const timing = { key: "1", kind: "model", name: "small", attempt: 1, startedAt: at, durationMs: 1 } as const;
    const usage = { inputTokens: 3, outputTokens: 4, costUsd: 0.25 };
    await log.store.append([
      { runId: "r", seq: 1, at, ...started },
      { runId: "r", seq: 2, at, type: "step.completed", ...timing, output: null, usage },
      { runId: "r", seq: 3, at, type: "step.completed", ...timing, key: "2", output: null, usage, copied: true },
    ]);
    await log.journal(spend({ keyId: "a", inputTokens: 1, costUsd: 0.125 }));
    await (await openBudgets(log))[Symbol.asyncDispose]();
    await using open = await openBudgets(log);
    assert.deepEqual(
      (await open.budgets.spent({ by: ["workflow"] })).map(({ workflow, requests, inputTokens, costUsd }) => [
        workflow,
        requests,
        inputTokens,
        costUsd,
      ]),
      [
        ["triage", 1, 3, 0.25],
        ["tutti.chat-completions", 1, 1, 0.125],
      ],
    );
    const [old] = await open.budgets.spent({ by: ["model", "workflow"], from: "2025-02-01", to: "2025-02-01" });
    assert.deepEqual([old?.model, old?.workflow, old?.costUsd], ["big", "", 0.5]);
  });

  test("what is journaled while it runs is in it at once", async () => {
    await using log = await openSpendLog();
    await using open = await openBudgets(log);
    assert.deepEqual(await open.budgets.spent(), []);
    await log.journal(spend({ keyId: "a", inputTokens: 1 }));
    assert.equal((await open.budgets.spent())[0]?.requests, 1);
  });

  test("days are kept for good, also when their events are gone from memory", async () => {
    await using log = await openSpendLog();
    await log.journal(spend({ keyId: "a", inputTokens: 3 }), "2025-01-31T23:59:59.000Z");
    await log.journal(spend({ keyId: "a", inputTokens: 4 }), "2025-02-01T00:00:00.000Z");
    await (await openBudgets(log))[Symbol.asyncDispose]();
    await using open = await openBudgets(log);
    const query = { by: ["day"], from: "2025-01-01", to: "2025-02-28" } as const;
    assert.deepEqual(
      (await open.budgets.spent(query)).map(({ day, inputTokens }) => [day, inputTokens]),
      [
        ["2025-01-31", 3],
        ["2025-02-01", 4],
      ],
    );
    // An event of a day that was put away is added to it.
    await log.journal(spend({ keyId: "a", inputTokens: 5 }), "2025-01-31T12:00:00.000Z");
    assert.equal((await open.budgets.spent(query))[0]?.inputTokens, 8);
  });

  test("a span that is too long, or goes backwards, is refused", async () => {
    await using log = await openSpendLog();
    await using open = await openBudgets(log);
    for (const [from, to] of [
      ["2020-01-01", "2026-01-01"],
      [TODAY, "2020-01-01"],
      ["yesterday", TODAY],
    ] as const)
      await assert.rejects(open.budgets.spent({ from, to }), { code: "invalid_input" });
  });

  test("after a crash budgets count on from the last snapshot and what was journaled since", async () => {
    const steps = fc.array(fc.constantFrom<Step[]>("reserve", "reserve", "settle", "settle", "release", "crash", "save"), {
      maxLength: 25,
    });
    await fc.assert(
      fc.asyncProperty(steps, async (list) => {
        await using log = await openSpendLog();
        const play = new Play(log, await Budgets.open({ store: log.store, groups: GROUPS }));
        for (const step of list) await play.take(step);
        assert.equal((await play.budgets.spent())[0]?.inputTokens ?? 0, play.used);
        // 95 may be spent by tens, and the last request may go beyond when it is alone.
        assert.equal(await play.useUp(), play.used < 90 ? 90 : 100);
      }),
      { numRuns: 25 },
    );
  });

  test("nodes on one log learn what the others spent", async () => {
    await using log = await openSpendLog();
    await using first = await openBudgets(log);
    await using second = await openBudgets(log);
    const payer: Payer = { keyId: "k", limits: { budgets: [{ tokens: 10, per: "day" }] } };
    const usage = { inputTokens: 10, outputTokens: 0 };
    await log.journal(
      first.budgets.note(payer, { model: "m", provider: "p", surface: "chat", usage, costUsd: undefined, isEstimated: false }),
    );
    // Reading the ledger reads the log to its end.
    await second.budgets.spent();
    assert.throws(() => second.budgets.reserve(payer, { model: "m", inputTokens: 1, outputTokensMax: 0, costUsdMax: undefined }), {
      code: "budget_exceeded",
    });
  });
});

type Step = "reserve" | "settle" | "release" | "crash" | "save";

const ASK: Ask = { model: "m", inputTokens: 10, outputTokensMax: 0, costUsdMax: undefined };
const PAYER: Payer = { keyId: "k", limits: { budgets: [{ tokens: 95, per: "total" }] } };

/** Requests of ten tokens each, some of them under way. */
class Play {
  readonly #log: SpendLog;
  budgets: Budgets;
  used = 0;
  #open: Reservation[] = [];

  constructor(log: SpendLog, budgets: Budgets) {
    this.#log = log;
    this.budgets = budgets;
  }

  async take(step: Step): Promise<void> {
    if (step === "reserve") this.#open.push(...reserved(this.budgets));
    else if (step === "release") this.#open.shift()?.release();
    else if (step === "settle") await this.#settle();
    else await this.#restart(step);
  }

  /** Lets in as many more as go, and returns what is then spent and held. */
  async useUp(): Promise<number> {
    for (const reservation of this.#open) reservation.release();
    let total = this.used;
    while (reserved(this.budgets).length > 0) total += 10;
    await this.budgets.close();
    return total;
  }

  async #settle(): Promise<void> {
    const ending = this.#open.shift();
    if (ending === undefined) return;
    ending.settle({ usage: { inputTokens: 10, outputTokens: 0 }, costUsd: undefined, isEstimated: false });
    await this.#log.journal(spend({ keyId: "k", inputTokens: 10 }));
    this.used += 10;
  }

  /** A crash ends what is under way and writes nothing down; what was journaled is all there is. */
  async #restart(step: "crash" | "save"): Promise<void> {
    if (step === "save") await this.budgets.close();
    await this.#log.reopen();
    this.budgets = await Budgets.open({ store: this.#log.store, groups: GROUPS });
    this.#open = [];
  }
}

interface OpenBudgets extends AsyncDisposable {
  readonly budgets: Budgets;
}

async function openBudgets(log: SpendLog): Promise<OpenBudgets> {
  const budgets = await Budgets.open({ store: log.store, groups: GROUPS });
  return { budgets, [Symbol.asyncDispose]: () => budgets.close() };
}

function reserved(budgets: Budgets): readonly Reservation[] {
  try {
    return [budgets.reserve(PAYER, ASK) as Reservation];
  } catch {
    return [];
  }
}

interface Said extends Partial<Omit<Spend, "usage">> {
  readonly inputTokens?: number;
  readonly outputTokens?: number;
}

function spend({ inputTokens = 0, outputTokens = 0, ...rest }: Said): Spend {
  return { model: "m", provider: "p", surface: "chat/completions", usage: { inputTokens, outputTokens }, ...rest };
}
