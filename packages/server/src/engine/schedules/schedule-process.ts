// A process that runs one schedule until it kills itself at a given moment; the test beside it starts it again and again.
import type { Store } from "@tutti/core";
import { benchOn, flow, owner } from "../supervisor/engine-for-tests.ts";

const EVERY_MS = 200;
const work = flow("work", (ctx, input) => ctx.step("do", () => input));

/** Runs the schedule in `dataDir`. The process is killed once the `count`-th event that `isMoment` knows is on the disk. */
export async function runAndDie(
  openStore: (dataDir: string) => Promise<Store>,
  { dataDir, moment, count }: { readonly dataDir: string; readonly moment: string; readonly count: number },
): Promise<void> {
  const bench = await benchOn(openStore)({ workflows: [work], dataDir });
  let seen = 0;
  bench.engine.subscribe((event) => {
    const name = "name" in event ? event.name : "workflow" in event ? event.workflow : "";
    if (`${event.type} ${name}` !== moment) return;
    seen += 1;
    if (seen === count) process.kill(process.pid, "SIGKILL");
  });
  await bench.engine.recover();
  const schedule = {
    name: "often",
    workflow: "work",
    when: { everyMs: EVERY_MS },
    input: {},
    tickField: "at",
    catchUp: "all",
    overlap: "allow",
  };
  if ((await bench.schedules.list()).length === 0) await bench.schedules.create(schedule, owner);
}
