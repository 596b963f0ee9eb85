import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  AppError,
  type Decision,
  type Engine,
  type Event,
  type Json,
  type Model,
  type Principal,
  type RunContext,
  type Schema,
  type Tool,
  type Workflow,
} from "@tutti/core";

/** An engine under test over a store that survives `reopen`, which stops the engine and opens a new one with other workflows. */
export interface EngineUnderTest extends AsyncDisposable {
  readonly engine: Engine;
  events(runId: string): Promise<readonly Event[]>;
  reopen(setup: Setup): Promise<EngineUnderTest>;
}

/** What the engine finds when it looks things up. */
export interface Setup {
  readonly workflows: readonly Workflow[];
  readonly tools?: readonly Tool[];
  readonly models?: readonly Model[];
  readonly decide?: (kind: string, resource: string) => Decision;
}

const anything: Schema<Json> = { "~standard": { validate: (value: unknown) => ({ value }) } };
const owner: Principal = { id: "owner", tenant: "default", roles: ["owner"] };
const never = new AbortController().signal;

const flow = (name: string, run: (ctx: RunContext, input: Json) => Promise<Json>): Workflow => ({
  name,
  version: "1",
  input: anything,
  run,
});
const types = (events: readonly Event[]): readonly string[] => events.map(({ type }) => type);

/** Runs a workflow to its end and returns its id and output. */
async function runToEnd(
  { engine }: EngineUnderTest,
  workflow: string,
  input: Json = null,
): Promise<{ readonly runId: string; readonly output: Json }> {
  const { runId } = await engine.start(workflow, input, { principal: owner });
  return { runId, output: await engine.result(runId, never) };
}

/** What every engine must do. `open` makes one over an empty store. */
export function engineConformance(name: string, open: (setup: Setup) => Promise<EngineUnderTest>): void {
  describe(`${name}: running`, () => runningTests(open));
  describe(`${name}: branches`, () => branchTests(open));
  describe(`${name}: waiting, signals and children`, () => waitingTests(open));
  describe(`${name}: cancelling and stopping`, () => endingTests(open));
  describe(`${name}: replaying`, () => replayTests(open));
  describe(`${name}: policy`, () => policyTests(open));
}

type Open = (setup: Setup) => Promise<EngineUnderTest>;

function runningTests(open: Open): void {
  test("a run leaves a log of its decision, its steps and its output", async () => {
    const greet = flow("greet", async (ctx, input) => `${await ctx.step("hello", () => "Hello")}, ${String(input)}`);
    await using under = await open({ workflows: [greet] });
    const { runId, output } = await runToEnd(under, "greet", "Ada");
    assert.equal(output, "Hello, Ada");
    assert.deepEqual(types(await under.events(runId)), ["run.started", "policy.decided", "step.completed", "run.completed"]);
  });

  test("a step that fails is tried again with the same idempotency key, and its attempts are in the log", async () => {
    const keys: string[] = [];
    const flaky = flow("flaky", (ctx) =>
      ctx.step("flaky", ({ idempotencyKey, attempt }) => {
        keys.push(idempotencyKey);
        if (attempt < 3) throw new Error("not yet");
        return attempt;
      }),
    );
    await using under = await open({ workflows: [flaky] });
    const { runId, output } = await runToEnd(under, "flaky");
    assert.equal(output, 3);
    assert.equal(new Set(keys).size, 1);
    assert.deepEqual(types(await under.events(runId)), [
      "run.started",
      "policy.decided",
      "step.failed",
      "step.failed",
      "step.completed",
      "run.completed",
    ]);
  });

  test("an error that cannot get better is not tried again", async () => {
    let attempts = 0;
    const wrong = flow("wrong", (ctx) =>
      ctx.step("wrong", (): Json => {
        attempts += 1;
        throw new AppError("invalid_input", "wanted a number");
      }),
    );
    await using under = await open({ workflows: [wrong] });
    await assert.rejects(runToEnd(under, "wrong"), { code: "invalid_input", message: "wanted a number" });
    assert.equal(attempts, 1);
  });

  test("a step that takes too long is aborted and fails with timeout", async () => {
    const aborted = Promise.withResolvers<void>();
    const slow = flow("slow", (ctx) =>
      ctx.step("slow", ({ signal }) => new Promise<Json>(() => signal.addEventListener("abort", () => aborted.resolve())), {
        timeoutMs: 20,
        attemptsMax: 1,
      }),
    );
    await using under = await open({ workflows: [slow] });
    await assert.rejects(runToEnd(under, "slow"), { code: "timeout" });
    await aborted.promise;
  });

  test("a step's output is what a replay reads: JSON, not live objects", async () => {
    const dated = flow("dated", async (ctx) => {
      const value: unknown = await ctx.step("date", () => ({ at: new Date(0), left: undefined }) as unknown as Json);
      return { isSame: JSON.stringify(value) === '{"at":"1970-01-01T00:00:00.000Z"}' && !Object.hasOwn(value as object, "left") };
    });
    await using under = await open({ workflows: [dated] });
    assert.deepEqual((await runToEnd(under, "dated")).output, { isSame: true });
  });

  test("a step that returns what JSON cannot hold fails and says so", async () => {
    const bad = flow("bad", (ctx) => ctx.step("bad", () => Number.NaN));
    await using under = await open({ workflows: [bad] });
    await assert.rejects(runToEnd(under, "bad"), { code: "invalid_input", message: /wanted a JSON value, got NaN/ });
  });

  test("values over 64 KiB stand in the blob store and come back whole", async () => {
    const large = "é".repeat(100_000);
    const hold = flow("hold", async (ctx, input) => {
      const text = await ctx.step("make", () => String(input));
      return { length: text.length, text };
    });
    await using under = await open({ workflows: [hold] });
    const { runId, output } = await runToEnd(under, "hold", large);
    assert.deepEqual(output, { length: 100_000, text: large });
    for (const event of await under.events(runId)) assert.ok(JSON.stringify(event).length < 2000, `${event.type} is small`);
    assert.equal((await under.engine.replay(runId)).matches, true);
  });

  test("a value that looks like a blob reference stays what it is", async () => {
    const forged = { $blob: "0".repeat(64), sizeBytes: 3 };
    const pass = flow("pass", (ctx, input) => ctx.step("pass", () => input));
    await using under = await open({ workflows: [pass] });
    assert.deepEqual((await runToEnd(under, "pass", forged)).output, forged);
  });

  test("starting the same run id again returns the run that is there; another input is a conflict", async () => {
    let runs = 0;
    const once = flow("once", (ctx) => ctx.step("count", () => (runs += 1)));
    await using under = await open({ workflows: [once] });
    const options = { principal: owner, runId: "0197e1a0-0000-7000-8000-000000000001" };
    await Promise.all([under.engine.start("once", { a: 1 }, options), under.engine.start("once", { a: 1 }, options)]);
    await under.engine.result(options.runId, never);
    await under.engine.start("once", { a: 1 }, options);
    assert.equal(runs, 1);
    await assert.rejects(under.engine.start("once", { a: 2 }, options), { code: "conflict" });
  });

  test("now and uuid are the same on every replay, and uuids differ within a run", async () => {
    const ids = flow("ids", async (ctx) => [(await ctx.now()).toISOString(), ctx.uuid(), ctx.uuid()]);
    await using under = await open({ workflows: [ids] });
    const { runId, output } = await runToEnd(under, "ids");
    assert.equal(new Set(output as string[]).size, 3);
    assert.deepEqual(await under.engine.replay(runId), { matches: true, steps: 1, output });
  });
}

function branchTests(open: Open): void {
  test("all returns results in the order of its branches, whatever order they end in", async () => {
    const first = Promise.withResolvers<void>();
    const both = flow("both", async (ctx) => [
      ...(await ctx.all<Json>([
        (branch) => branch.step("slow", () => first.promise.then(() => "slow")),
        async (branch) => {
          const value = await branch.step("quick", () => "quick");
          first.resolve();
          return value;
        },
      ])),
    ]);
    await using under = await open({ workflows: [both] });
    assert.deepEqual((await runToEnd(under, "both")).output, ["slow", "quick"]);
  });

  test("the winner of a race ends it, and the losers' steps are aborted and leave nothing", async () => {
    const aborted = Promise.withResolvers<void>();
    const race = flow("race", async (ctx) => {
      const winner = await ctx.race<Json>([
        (branch) =>
          branch.step("never", ({ signal }) => new Promise<Json>(() => signal.addEventListener("abort", () => aborted.resolve()))),
        (branch) => branch.step("now", () => "now"),
      ]);
      return [winner, await ctx.step("after", () => "after")];
    });
    await using under = await open({ workflows: [race] });
    const { runId, output } = await runToEnd(under, "race");
    assert.deepEqual(output, ["now", "after"]);
    await aborted.promise;
    assert.ok(!JSON.stringify(await under.events(runId)).includes("never"));
  });

  test("the first branch of all that fails cancels the others", async () => {
    const aborted = Promise.withResolvers<void>();
    const fail = flow("fail", (ctx) =>
      ctx
        .all<Json>([
          (branch) =>
            branch.step("waits", ({ signal }) => new Promise<Json>(() => signal.addEventListener("abort", () => aborted.resolve()))),
          (branch) => branch.step("fails", () => Promise.reject(new AppError("invalid_input", "no"))),
        ])
        .then((values) => [...values]),
    );
    await using under = await open({ workflows: [fail] });
    await assert.rejects(runToEnd(under, "fail"), { code: "invalid_input" });
    await aborted.promise;
  });

  test("map keeps to its concurrency", async () => {
    let open_ = 0;
    let most = 0;
    const squares = flow("squares", (ctx) =>
      ctx
        .map(
          [1, 2, 3, 4, 5, 6],
          async (branch, item) =>
            branch.step("square", async () => {
              most = Math.max(most, (open_ += 1));
              await new Promise(setImmediate);
              open_ -= 1;
              return item * item;
            }),
          { concurrency: 2 },
        )
        .then((values) => [...values]),
    );
    await using under = await open({ workflows: [squares] });
    assert.deepEqual((await runToEnd(under, "squares")).output, [1, 4, 9, 16, 25, 36]);
    assert.equal(most, 2);
  });

  test("two steps at once in one branch are refused with what to do instead", async () => {
    const native = flow("native", async (ctx) => Promise.all([ctx.step("a", () => 1), ctx.step("b", () => 2)]));
    await using under = await open({ workflows: [native] });
    await assert.rejects(runToEnd(under, "native"), { code: "concurrent_steps", message: /ctx\.all/ });
  });
}

function waitingTests(open: Open): void {
  test("signals are buffered, consumed in order, and missed ones time out", async () => {
    const listen = flow("listen", async (ctx) => {
      await ctx.step("ready", () => null);
      const got = [await ctx.waitFor("word"), await ctx.waitFor("word")];
      return [...got.map((value) => value ?? null), (await ctx.waitFor("word", { timeoutMs: 5 })) ?? "none"];
    });
    await using under = await open({ workflows: [listen] });
    const { runId } = await under.engine.start("listen", null, { principal: owner });
    await under.engine.signal(runId, { name: "word", value: "one" }, owner);
    await under.engine.signal(runId, { name: "word", value: { two: 2 } }, owner);
    assert.deepEqual(await under.engine.result(runId, never), ["one", { two: 2 }, "none"]);
    assert.equal((await under.engine.replay(runId)).matches, true);
  });

  test("a wait goes on after a restart, with signals that came before", async () => {
    const pair = flow("pair", async (ctx) => [(await ctx.waitFor("a")) ?? null, (await ctx.waitFor("b")) ?? null]);
    const under = await open({ workflows: [pair] });
    const { runId } = await under.engine.start("pair", null, { principal: owner });
    await under.engine.signal(runId, { name: "b", value: 2 }, owner);
    await using again = await under.reopen({ workflows: [pair] });
    assert.equal(await again.engine.recover(), 1);
    await again.engine.signal(runId, { name: "a", value: 1 }, owner);
    assert.deepEqual(await again.engine.result(runId, never), [1, 2]);
  });

  test("a child's result and a child's failure reach its parent", async () => {
    const child = flow("child", (ctx, input) =>
      ctx.step("half", () => (Number(input) % 2 === 0 ? Number(input) / 2 : Promise.reject(new AppError("invalid_input", "odd")))),
    );
    const parent = flow("parent", async (ctx) => [
      await ctx.start("child", 8),
      await ctx.start("child", 3).catch((error: unknown) => AppError.from(error).code),
    ]);
    await using under = await open({ workflows: [child, parent] });
    const { runId, output } = await runToEnd(under, "parent");
    assert.deepEqual(output, [4, "invalid_input"]);
    assert.equal((await under.engine.replay(runId)).matches, true);
  });

  test("a sleep ends, also when the process ended first", async () => {
    const nap = flow("nap", async (ctx) => {
      await ctx.sleep(30);
      return "awake";
    });
    const under = await open({ workflows: [nap] });
    const { runId } = await under.engine.start("nap", null, { principal: owner });
    await using again = await under.reopen({ workflows: [nap] });
    await again.engine.recover();
    assert.equal(await again.engine.result(runId, never), "awake");
  });

  test("emitted events and model parts reach those who watch", async () => {
    const model: Model = {
      id: "m",
      async *generate() {
        yield { type: "text", text: "Hi" };
        yield { type: "finish", reason: "stop", usage: { inputTokens: 1, outputTokens: 1 } };
      },
    };
    const talk = flow("talk", async (ctx) => {
      await ctx.emit({ name: "greeted", data: { who: "Ada" } });
      return (await ctx.generate("m", { messages: [{ role: "user", content: "Hello" }] })).content;
    });
    await using under = await open({ workflows: [talk], models: [model] });
    const parts: string[] = [];
    const { runId } = await under.engine.start("talk", null, { principal: owner, onPart: (part) => parts.push(part.type) });
    assert.equal(await under.engine.result(runId, never), "Hi");
    assert.deepEqual(parts, ["text", "finish"]);
    const emitted = (await under.events(runId)).find((event) => event.type === "step.completed" && event.kind === "emit");
    assert.ok(emitted?.type === "step.completed");
    assert.deepEqual([emitted.name, emitted.output], ["greeted", { who: "Ada" }]);
  });
}

function endingTests(open: Open): void {
  test("cancelling reaches the running step, the children and the finally blocks", async () => {
    const running = Promise.withResolvers<void>();
    const aborted = Promise.withResolvers<void>();
    let cleaned = false;
    const child = flow("child", (ctx) =>
      ctx.step("long", ({ signal }) => {
        running.resolve();
        return new Promise<Json>(() => signal.addEventListener("abort", () => aborted.resolve()));
      }),
    );
    const parent = flow("parent", async (ctx) => {
      try {
        return await ctx.start("child", null);
      } finally {
        cleaned = true;
      }
    });
    await using under = await open({ workflows: [child, parent] });
    const { runId } = await under.engine.start("parent", null, { principal: owner });
    await running.promise;
    await under.engine.cancel(runId, "no longer needed", owner);
    await assert.rejects(under.engine.result(runId, never), { code: "cancelled", message: /no longer needed/ });
    await aborted.promise;
    assert.ok(cleaned);
    assert.equal(types(await under.events(runId)).at(-1), "run.cancelled");
    await assert.rejects(under.engine.cancel(runId, "again", owner), { code: "conflict" });
  });

  test("stopping lets a running step finish, and the next start goes on after it", async () => {
    const running = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const done: string[] = [];
    const work = flow("work", async (ctx) => {
      await ctx.step("first", async () => {
        running.resolve();
        await gate.promise;
        done.push("first");
        return null;
      });
      return ctx.step("second", () => void done.push("second") as unknown as Json);
    });
    const under = await open({ workflows: [work] });
    const { runId } = await under.engine.start("work", null, { principal: owner });
    await running.promise;
    setImmediate(gate.resolve);
    await using again = await under.reopen({ workflows: [work] });
    assert.deepEqual(done, ["first"]);
    await again.engine.recover();
    await again.engine.result(runId, never);
    assert.deepEqual(done, ["first", "second"]);
    assert.ok(types(await again.events(runId)).includes("run.resumed"));
  });
}

function replayTests(open: Open): void {
  const steps = (names: readonly string[]): Workflow =>
    flow("steps", async (ctx) => {
      for (const name of names) await ctx.step(name, () => name);
      return (await ctx.waitFor("go")) ?? null;
    });
  const waiting = async (under: EngineUnderTest): Promise<string> => {
    const { runId } = await under.engine.start("steps", null, { principal: owner });
    while (!types(await under.events(runId)).includes("step.waiting")) await new Promise(setImmediate);
    return runId;
  };

  for (const [change, names] of [
    ["asks for another step", ["a", "x"]],
    ["no longer asks for a step", ["a"]],
  ] as const) {
    test(`a workflow that ${change} pauses its run and says where, and goes on when the old one is back`, async () => {
      const under = await open({ workflows: [steps(["a", "b"])] });
      const runId = await waiting(under);
      const changed = await under.reopen({ workflows: [steps(names)] });
      await changed.engine.recover();
      while (!types(await changed.events(runId)).includes("run.paused")) await new Promise((resolve) => setTimeout(resolve, 5));
      const paused = (await changed.events(runId)).at(-1);
      assert.ok(paused?.type === "run.paused");
      assert.equal(paused.code, "workflow_changed");
      assert.match(paused.message, /"b"/);
      await using back = await changed.reopen({ workflows: [steps(["a", "b"])] });
      await back.engine.recover();
      await back.engine.signal(runId, { name: "go", value: "on" }, owner);
      assert.equal(await back.engine.result(runId, never), "on");
    });
  }

  test("a workflow that is no longer installed pauses its run", async () => {
    const under = await open({ workflows: [steps(["a"])] });
    const runId = await waiting(under);
    await using gone = await under.reopen({ workflows: [] });
    assert.equal(await gone.engine.recover(), 0);
    const last = (await gone.events(runId)).at(-1);
    assert.ok(last?.type === "run.paused" && last.message.includes("not installed"));
  });

  test("a replay of a changed workflow tells the difference and does nothing", async () => {
    let effects = 0;
    const version = (word: string): Workflow =>
      flow("word", async (ctx) => `${await ctx.step("word", () => ((effects += 1), "w"))}${word}`);
    const under = await open({ workflows: [version("1")] });
    const { runId } = await runToEnd(under, "word");
    await using changed = await under.reopen({ workflows: [version("2")] });
    const replay = await changed.engine.replay(runId);
    assert.ok(!replay.matches && replay.reason.includes("w2"));
    assert.equal(effects, 1);
  });
}

function policyTests(open: Open): void {
  const allow: Decision = { effect: "allow", reason: "fine", rule: "test" };
  const spell: Tool = {
    name: "spell",
    description: "Spells.",
    effect: "write",
    input: anything,
    parameters: {},
    run: () => Promise.resolve("spelt"),
  };

  test("a start that policy refuses leaves a receipt of the refusal and runs nothing", async () => {
    let ran = false;
    const secret = flow("secret", () => Promise.resolve((ran = true)));
    await using under = await open({ workflows: [secret], decide: () => ({ effect: "deny", reason: "not yours", rule: "test" }) });
    const runId = "0197e1a0-0000-7000-8000-000000000002";
    await assert.rejects(under.engine.start("secret", null, { principal: owner, runId }), { code: "denied", message: /not yours/ });
    assert.equal(ran, false);
    assert.deepEqual(types(await under.events(runId)), ["run.started", "policy.decided", "run.failed"]);
  });

  test("a tool call is decided, with its input and the policy's hash in the log; what needs approval is refused", async () => {
    const cast = flow("cast", (ctx) => ctx.call("spell", { word: "abc" }));
    await using under = await open({
      workflows: [cast],
      tools: [spell],
      decide: (kind) => (kind === "tool.call" ? { effect: "ask", reason: "a person has to look", rule: "careful" } : allow),
    });
    const { runId } = await under.engine.start("cast", null, { principal: owner });
    await assert.rejects(under.engine.result(runId, never), { code: "denied", message: /missing_approval: a person has to look/ });
    const decided = (await under.events(runId)).find((event) => event.type === "policy.decided" && event.action.kind === "tool.call");
    assert.ok(decided?.type === "policy.decided");
    assert.deepEqual(decided.action.input, { word: "abc" });
    assert.equal(decided.policyHash.length, 64);
  });

  test("an allowed tool call returns the tool's output, an unknown tool is not found", async () => {
    const cast = flow("cast", async (ctx) => [
      await ctx.call("spell", null),
      await ctx.call("nothing", null).catch((error: unknown) => AppError.from(error).code),
    ]);
    await using under = await open({ workflows: [cast], tools: [spell] });
    assert.deepEqual((await runToEnd(under, "cast")).output, ["spelt", "not_found"]);
  });
}
