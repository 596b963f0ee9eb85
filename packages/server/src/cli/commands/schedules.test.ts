import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openWorkplace, type Started, type Workplace } from "../testing/tutti-process.ts";

let place: Workplace;
let server: Started;

before(async () => {
  place = await openWorkplace({ "question.json": '{"message": "What is 2 + 2?"}' });
  server = place.start(["up"]);
  await server.printed("docs");
});

after(() => place[Symbol.asyncDispose]());

interface Schedule {
  readonly name: string;
  readonly when: object;
  readonly status: string;
  readonly counts: { readonly completed: number };
}

const show = async (name: string): Promise<Schedule> =>
  (await place.json<{ readonly schedule: Schedule }>(["schedules", "show", name])).schedule;

test("a schedule is made, looked at, changed, triggered, paused and deleted", async () => {
  assert.match((await place.run(["schedules"])).stdout, /^No schedules\. Make one: /);
  const made = await place.run([
    "schedules",
    "create",
    "nightly",
    "holly",
    "--cron",
    "30 2 1 1 *",
    "--time-zone",
    "Europe/Rome",
    "--input",
    "@question.json",
  ]);
  assert.match(made.stdout, /^created {2}nightly, due \d{4}-01-01T01:30:00\.000Z\n$/);
  assert.match(
    (await place.run(["schedules", "list"])).stdout,
    /^SCHEDULE +STATUS +NEXT.*\nnightly +active +in .* 30 2 1 1 \* Europe\/Rome +holly\n$/,
  );
  assert.match((await place.run(["schedules", "next", "nightly", "--count", "2"])).stdout, /^(\d{4}-01-01T01:30:00\.000Z {2}in .*\n){2}$/);
  await place.run(["schedules", "update", "nightly", "--cron", "0 4 1 1 *", "--overlap", "queue"]);
  assert.match((await place.run(["schedules", "trigger", "nightly"])).stdout, /^triggered {2}run [0-9a-f-]{36}; /);
  assert.match((await place.run(["schedules", "pause", "nightly", "--reason", "holidays"])).stdout, /^paused {2}nightly\n$/);
  let schedule = await show("nightly");
  while (schedule.counts.completed === 0 || schedule.status !== "paused") schedule = await show("nightly");
  assert.deepEqual(schedule.when, { cron: "0 4 1 1 *", timeZone: "Europe/Rome" });
  assert.match((await place.run(["schedules", "show", "nightly"])).stdout, /status +paused since .*: holidays\n/);
  await place.run(["schedules", "resume", "nightly"]);
  assert.match((await place.run(["schedules", "delete", "nightly"])).stdout, /^deleted {2}nightly\n$/);
});

test("what would be due is shown without making anything, and mistakes are told", async () => {
  const preview = await place.run(["schedules", "create", "soon", "holly", "--every", "1h", "--preview"]);
  assert.match(preview.stdout, /^(\d{4}-.*Z {2}in .*\n){10}$/);
  for (const [args, message] of [
    [["--cron", "61 * * * *"], /wanted a cron expression such as .*\[invalid_input\]/],
    [[], /wanted one of --cron, --every and --at, got none/],
    [["--every", "1h", "--at", "2030-01-01T00:00:00Z"], /got more than one/],
    [["--every", "soon"], /Wanted a duration such as/],
  ] as const) {
    const { code, stderr } = await place.run(["schedules", "create", "soon", "holly", ...args]);
    assert.match(stderr, message);
    assert.notEqual(code, 0);
  }
  assert.match((await place.run(["schedules", "show", "soon"])).stderr, /\[not_found\]/);
});

test("health, supervised work and dead letters are shown", async () => {
  assert.match((await place.run(["health"])).stdout, /^PART +STATUS +SINCE +WHY.*\nstore +ok +/);
  assert.match(
    (await place.run(["supervisor", "start", "job", "holly", "--input", "@question.json"])).stdout,
    /^started {2}job, supervised by run /,
  );
  assert.match((await place.run(["supervisor", "list"])).stdout, /^(NAME +STATUS|Nothing is supervised)/);
  assert.match((await place.run(["supervisor", "show", "nobody"])).stderr, /\[not_found\]/);
  assert.match((await place.run(["dead-letters"])).stdout, /^No dead letters: nothing has failed for good\.\n$/);
  assert.match((await place.run(["dead-letters", "retry", "nobody"])).stderr, /\[not_found\]/);
});
