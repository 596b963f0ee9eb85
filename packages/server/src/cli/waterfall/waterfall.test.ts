import assert from "node:assert/strict";
import { test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import type { Event, EventBody, StepKind } from "@tutti/core";
import fc from "fast-check";
import type { Terminal } from "../terminal.ts";
import { columnsOf } from "../terminal-text.ts";
import { waterfall } from "./waterfall.ts";

const START_MS = Date.parse("2026-11-02T08:00:00.000Z");
const WIDE: Terminal = { columns: 80, isTerminal: true, hasUnicode: true, hasColour: false };
const PRINCIPAL = { id: "owner", tenant: "default", roles: ["owner"] };

/** A log, from pairs of a time in ms and what happened then. */
function log(...entries: readonly (readonly [atMs: number, body: EventBody])[]): readonly Event[] {
  return entries.map(([atMs, body], index) => ({ ...body, runId: "run", seq: index + 1, at: time(atMs), hash: "" }));
}

const time = (atMs: number): string => new Date(START_MS + atMs).toISOString();

const started: EventBody = { type: "run.started", workflow: "test", version: "1", input: null, principal: PRINCIPAL };

interface Done {
  readonly key: string;
  readonly name: string;
  readonly kind?: StepKind;
  readonly fromMs: number;
  readonly tookMs: number;
  readonly attempt?: number;
}

function done({ key, name, kind = "step", fromMs, tookMs, attempt = 1 }: Done): readonly [number, EventBody] {
  return [fromMs + tookMs, { type: "step.completed", key, kind, name, attempt, startedAt: time(fromMs), durationMs: tookMs, output: null }];
}

function decided(key: string, tool: string, effect: "allow" | "deny" | "ask"): EventBody {
  return {
    type: "policy.decided",
    key,
    action: { kind: "tool.call", principal: PRINCIPAL, resource: tool },
    decision: { effect, reason: "because", rule: "a-rule" },
    policyHash: "",
  };
}

test("steps stand in the order of the code, with bars where they ran", () => {
  const events = log(
    [0, started],
    done({ key: "1", name: "second", fromMs: 500, tookMs: 500 }),
    done({ key: "0", name: "first", kind: "tool", fromMs: 0, tookMs: 500 }),
    done({ key: "10", name: "last", fromMs: 1000, tookMs: 0 }),
  );
  assert.deepEqual(waterfall(events, WIDE), [
    "             0                 500 ms                   1.00 s   start    took",
    "▸ first      ████████████████████████▌                            0 ms  500 ms",
    "• second                             ▐████████████████████████  500 ms  500 ms",
    "• last                                                       ▕  1.00 s    0 ms",
    "▸ tool  • step",
  ]);
});

test("branches are indented, each with a mark at its first step", () => {
  const events = log(
    [0, started],
    done({ key: "0.0.0", name: "a", fromMs: 0, tookMs: 1 }),
    done({ key: "0.1.0", name: "b", fromMs: 0, tookMs: 1 }),
    done({ key: "0.0.1", name: "c", fromMs: 1, tookMs: 1 }),
    done({ key: "0.1.1.0.0", name: "d", fromMs: 1, tookMs: 1 }),
  );
  assert.deepEqual(
    waterfall(events, WIDE)
      .slice(1, -1)
      .map((text) => text.slice(0, 8).trimEnd()),
    ["┌ • a", "│ • c", "┌ • b", "│ ┌ • d"],
  );
});

test("decisions, repeated attempts and failures are marked, with the reason on a line of its own", () => {
  const events = log(
    [0, started],
    [0, decided("0", "mail.send", "allow")],
    [
      10,
      {
        type: "step.failed",
        key: "0",
        kind: "tool",
        name: "mail.send",
        attempt: 1,
        startedAt: time(0),
        durationMs: 10,
        code: "upstream",
        message: "no answer",
        retryAt: time(50),
      },
    ],
    done({ key: "0", name: "mail.send", kind: "tool", fromMs: 50, tookMs: 10, attempt: 2 }),
    [70, decided("1", "files.delete", "deny")],
    [
      80,
      {
        type: "step.failed",
        key: "2",
        kind: "step",
        name: "parse",
        attempt: 1,
        startedAt: time(70),
        durationMs: 10,
        code: "invalid_input",
        message: "no mail",
        retryAt: null,
      },
    ],
  );
  assert.deepEqual(waterfall(events, WIDE).slice(1), [
    "▸ mail.send    ░░░░░╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌▕█████▎              0 ms   60 ms ✓ ↻2",
    "  └ upstream: no answer",
    "▸ files.delete                                      ░        70 ms    0 ms ✗",
    "  └ denied by a-rule: because",
    "• parse                                             ░░░░░░   70 ms   10 ms ✗",
    "  └ invalid_input: no mail",
    "▸ tool  • step  ✓ allowed  ✗ denied  ↻ attempts",
  ]);
});

test("waits are drawn thin, and what has not ended says so", () => {
  const waiting: EventBody = { type: "step.waiting", key: "2", kind: "signal", name: "approval", until: null };
  const events = log(
    [0, started],
    done({ key: "0", name: "pause", kind: "sleep", fromMs: 0, tookMs: 50 }),
    [50, { type: "step.started", key: "1", kind: "model", name: "llama3.2", attempt: 1 }],
    [50, waiting],
    [100, { type: "signal.received", name: "other", value: null }],
  );
  assert.deepEqual(waterfall(events, WIDE).slice(1), [
    "~ pause      ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌                            0 ms   50 ms",
    "◆ llama3.2                           ▐████████████████████████   50 ms  50 ms…",
    "◁ approval                           ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌   50 ms  50 ms…",
    "~ sleep  ◆ model  ◁ signal",
  ]);
});

test("the time in which no process ran the run is left out, and so is what it cut off counted as lost", () => {
  const step = { key: "0", kind: "step", name: "long" } as const;
  const events = log(
    [0, started],
    [10, { type: "step.started", ...step, attempt: 1 }],
    [50, { type: "signal.received", name: "x", value: null }],
    [3_600_050, { type: "run.resumed", reason: "started again" }],
    done({ ...step, fromMs: 3_600_050, tookMs: 50 }),
  );
  const lines = waterfall(events, WIDE);
  assert.match(lines[0] ?? "", /100 ms/);
  assert.match(lines[1] ?? "", /^• long +░+▐█+ +10 ms +90 ms$/);
  assert.equal(lines[2], "went on once after its process ended; 1h 00m of standing still are left out");
});

test("a run in one event is drawn like any other", () => {
  const { action, decision } = decided("0", "gpt", "allow") as Extract<EventBody, { readonly type: "policy.decided" }>;
  const call = {
    workflow: "test",
    version: "1",
    action,
    decision,
    policyHash: "",
    key: "0",
    kind: "model",
    name: "gpt",
    attempt: 1,
    startedAt: time(0),
    durationMs: 250,
  } as const;
  const failed = log([250, { type: "run.recorded", ...call, outcome: { ok: false, code: "upstream", message: "status 500" } }]);
  const completed = log([250, { type: "run.recorded", ...call, outcome: { ok: true, output: null } }]);
  assert.match(waterfall(failed, WIDE)[1] ?? "", /^◆ gpt +░{46} +0 ms +250 ms ✓ ✗$/);
  assert.equal(waterfall(failed, WIDE)[2], "  └ upstream: status 500");
  assert.match(waterfall(completed, WIDE)[1] ?? "", /^◆ gpt +█{48} +0 ms +250 ms ✓$/);
});

test("a terminal that is not UTF-8 gets ASCII only", () => {
  const events = log(
    [0, started],
    [0, decided("0", "注文", "allow")],
    done({ key: "0", name: "注文", kind: "tool", fromMs: 0, tookMs: 10 }),
    [10, decided("1.0.0", "x", "deny")],
  );
  const text = waterfall(events, { ...WIDE, hasUnicode: false }).join("\n");
  assert.match(text, /^[\x20-\x7E\n]*$/);
  assert.match(text, /> \?\? +#+ +0 ms +10 ms \+/);
});

test("a run without steps and an empty log say that there is nothing yet", () => {
  assert.deepEqual(waterfall(log([0, started]), WIDE), ["no steps yet"]);
  assert.deepEqual(waterfall([], WIDE), ["no steps yet"]);
});

test("more steps than a screen can hold are counted", () => {
  const events = log(
    [0, started],
    ...Array.from({ length: 800 }, (_, index) => done({ key: String(index), name: `step ${index}`, fromMs: index, tookMs: 1 })),
  );
  const lines = waterfall(events, WIDE);
  assert.equal(lines.length, 503);
  assert.equal(lines.at(-2), "300 more steps are not drawn; --json holds them all");
});

test("names from the log cannot act on the terminal", () => {
  const hostile = "\u001b[2J\u001b]0;pwned\u0007evil\u202Egnp\u009b31m\r\n";
  const events = log(
    [0, started],
    [0, decided("0", hostile, "deny")],
    [
      1,
      {
        type: "step.failed",
        key: "1",
        kind: "step",
        name: hostile,
        attempt: 1,
        startedAt: time(0),
        durationMs: 1,
        code: hostile,
        message: hostile,
        retryAt: null,
      },
    ],
  );
  for (const line of waterfall(events, WIDE)) assert.doesNotMatch(line, /[\u0000-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069]/);
});

test("no line is wider than the terminal, whatever the events are", () => {
  const name = fc.oneof(
    fc.string({ unit: "binary", maxLength: 60 }),
    fc.string({ unit: "grapheme", maxLength: 60 }),
    fc.constantFrom("注文の確認".repeat(9), "👩‍👩‍👧".repeat(30), "\u001b[31m"),
  );
  const key = fc.array(fc.nat(12), { minLength: 1, maxLength: 9 }).map((places) => places.join("."));
  const kind = fc.constantFrom<StepKind>("step", "model", "tool", "workflow", "sleep", "signal", "now", "emit");
  const step = { key, kind, name };
  const timing = {
    attempt: fc.integer({ min: 1, max: 99 }),
    startedAt: fc.nat(10_000_000).map(time),
    durationMs: fc.double({ min: 0, max: 1e12, noNaN: true }),
  };
  const body: fc.Arbitrary<EventBody> = fc.oneof(
    fc.record({ type: fc.constant("step.started" as const), ...step, attempt: timing.attempt }),
    fc.record({ type: fc.constant("step.waiting" as const), ...step, until: fc.constant(null) }),
    fc.record({
      type: fc.constant("step.failed" as const),
      ...step,
      ...timing,
      code: name,
      message: name,
      retryAt: fc.option(timing.startedAt),
    }),
    fc.record({ type: fc.constant("step.completed" as const), ...step, ...timing, output: fc.constant(null) }),
    fc.record({ type: fc.constant("run.resumed" as const), reason: name }),
    fc.tuple(key, name, fc.constantFrom("allow", "deny", "ask")).map(([at, tool, effect]) => decided(at, tool, effect)),
  );
  const events = fc.array(fc.tuple(fc.nat(10_000_000), body), { maxLength: 25 }).map((entries) => log([0, started], ...entries));
  const terminal = fc.record({
    columns: fc.integer({ min: 20, max: 200 }),
    isTerminal: fc.constant(true),
    hasUnicode: fc.boolean(),
    hasColour: fc.boolean(),
  });
  fc.assert(
    fc.property(events, terminal, (run, shown) => {
      for (const line of waterfall(run, shown)) {
        assert.ok(columnsOf(line) <= shown.columns, `${columnsOf(line)} columns: ${line}`);
        assert.doesNotMatch(stripVTControlCharacters(line), /[\u0000-\u001F\u007F-\u009F]/);
      }
    }),
  );
});
