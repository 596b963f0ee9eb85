import assert from "node:assert/strict";
import { describe, test, type TestContext } from "node:test";
import type { Event } from "@tutti/core";
import type { Disk } from "./disk.ts";
import { explore, type Exploration } from "./explore.ts";
import { ExplorerThread } from "./explore-apart.ts";
import { MemoryStore } from "./memory-store.ts";
import { smallScopes, stepsScope } from "./scopes.ts";

/** TUTTI_INTERLEAVINGS=4x3 explores that many runs and steps instead; one run more makes some twenty times as many states. */
const [runs = 3, steps = 4] = (process.env["TUTTI_INTERLEAVINGS"] ?? "3x4").split("x").map(Number);

/** Nothing may be found; what was seen is told. */
function accept({ violation, ...seen }: Exploration, context: TestContext): void {
  context.diagnostic(
    `${seen.states} states, ${seen.transitions} transitions, ${seen.crashes} recoveries, ${seen.ends} ends, at most ${seen.depth} things in one life`,
  );
  const { found, path = [], log = [] } = violation ?? {};
  assert.ok(violation === undefined, `${found}\nafter:\n  ${path.join("\n  ")}\nlog:\n  ${log.join("\n  ")}`);
}

describe("every order in which things can happen, with crashes and recoveries everywhere", { concurrency: 2 }, () => {
  test(`${runs} runs of ${steps} steps: nothing durable is lost or done again, order holds, all end right`, async (context) => {
    await using thread = new ExplorerThread();
    accept(await thread.explore({ runs, steps }), context);
  });

  test("one thing that workflows can do at a time", async (context) => {
    await using thread = new ExplorerThread();
    for (const { name } of smallScopes) await context.test(name, async (inner) => accept(await thread.explore({ name }), inner));
  });
});

describe("the exploration finds faults that are planted", () => {
  const branches = smallScopes.find(({ name }) => name.startsWith("branches"));

  test("a store that says that writes are durable before they are", async () => {
    const makeStore = (disk: Disk): MemoryStore => new MemoryStore(disk, { acknowledgesEarly: true });
    const { violation } = await explore(stepsScope({ runs: 1, steps: 2 }, { makeStore }));
    assert.match(violation?.found ?? "", /before it was durable|before the end of/);
  });

  test("a store that forgets the end of a step in a crash", async () => {
    const { violation } = await explore(
      stepsScope({ runs: 1, steps: 2 }, { makeStore: (disk) => new ForgetfulStore(disk), crashesMax: 1 }),
    );
    assert.match(violation?.found ?? "", /began although its end is durable/);
  });

  test("results that are delivered in another order than that of the log", async () => {
    assert.ok(branches);
    const { violation } = await explore({ ...branches, makeStore: (disk) => new ShufflingStore(disk) });
    assert.match(violation?.found ?? "", /too early|does not replay|ended without/);
  });
});

/** A planted fault: a run that is read again has lost the end of its last step. */
class ForgetfulStore extends MemoryStore {
  override async read(runId: string, options: { readonly afterSeq: number; readonly limit: number }): Promise<readonly Event[]> {
    const events = await super.read(runId, options);
    return events.at(-1)?.type === "step.completed" ? events.slice(0, -1) : events;
  }
}

/** A planted fault: two results that stand next to each other are read the wrong way round. */
class ShufflingStore extends MemoryStore {
  override async read(runId: string, options: { readonly afterSeq: number; readonly limit: number }): Promise<readonly Event[]> {
    const events = [...(await super.read(runId, options))];
    const at = events.findIndex(({ type }, index) => type === "step.completed" && events[index + 1]?.type === "step.completed");
    const [first, second] = events.slice(at, at + 2);
    if (at !== -1 && first !== undefined && second !== undefined) events.splice(at, 2, second, first);
    return events;
  }
}
