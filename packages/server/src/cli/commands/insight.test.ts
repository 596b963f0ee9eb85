import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { RunRecord } from "@tutti/core";
import type { RunDiff, RunInsight, Waiting, WorkflowInsight } from "@tutti/core/insight";
import { openWorkplace, type Workplace } from "../testing/tutti-process.ts";

const PLUGIN = `
const anything = { "~standard": { validate: (value) => ({ value }) } };
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const slow = { name: "slow", version: "1", input: anything, run: async (ctx, { order }) => {
  await ctx.step("load", () => pause(30));
  const pictures = await ctx.map([1, 2, 3, 4], (branch, size) => branch.step("resize", async () => { await pause(30); return size; }), { concurrency: 2 });
  await ctx.step("\\u001b[2Jmail", async ({ attempt }) => { if (attempt === 1) throw Object.assign(new Error("busy"), { code: "upstream" }); return order; });
  return { order, pictures };
} };
export const plugin = { name: "slow", workflows: [slow] };
`;

let place: Workplace;
let first = "";
let second = "";

before(async () => {
  place = await openWorkplace({ "slow.mjs": PLUGIN });
  const run = async (order: number): Promise<string> =>
    (await place.json<{ readonly run: RunRecord }>(["run", "./slow.mjs", "--input", JSON.stringify({ order })])).run.id;
  first = await run(1);
  second = await run(2);
});

after(() => place[Symbol.asyncDispose]());

/** What a command prints for people, which must hold no control character but the ends of its lines. */
async function printed(args: readonly string[], code = 0): Promise<string> {
  const { stdout, stderr, code: got } = await place.run(args);
  assert.equal(got, code, stderr);
  assert.doesNotMatch(stdout, /[\u0000-\u0009\u000B-\u001F\u007F-\u009F]/);
  return stdout;
}

describe("on the command line", () => {
  test("a run's insight shows where its time went, its critical path and what retries cost", async () => {
    const text = await printed(["runs", "insight", first]);
    assert.match(text, /^slow 1 {2}completed {2}.+, 6 steps, \d+ events\nrun /);
    assert.match(text, /Where the time went .*\n.*\n(?:.*%\n)+/);
    assert.match(text, /Critical path {2}4 of 6 steps decided when the run ended/);
    assert.match(text, /Off the critical path[^]*SLACK/);
    assert.match(text, /Retries {2}1 failed attempt cost/);
    assert.match(text, /Branches that waited for a place[^]*1 +4 +2 /);
    const { insight } = await place.json<{ readonly insight: RunInsight }>(["runs", "insight", first]);
    assert.equal(insight.runId, first);
  });

  test("a workflow's insight shows what makes it slow and what would help", async () => {
    const text = await printed(["workflows", "insight", "slow", "--faster", "load:3"]);
    assert.match(text, /^slow {2}2 completed runs \(of 2 read, 0 failed\)\n/);
    assert.match(text, /▸ Make the step "load" 3 times faster {2}saves .+ a run \(.+ %\)/);
    assert.match(text, /▸ Run 4 branches at once instead of 2 at 1 \("resize"\) /);
    assert.match(text, /in nine of ten resamples of 2 runs, 2 of which it changes/);
    assert.match(text, /assumes that branches take no longer when more of them run at once/);
    const { insight } = await place.json<{ readonly insight: WorkflowInsight }>(["workflows", "insight", "slow", "--runs", "1"]);
    assert.equal(insight.runs.read, 1);
  });

  test("a diff shows what differs and ends with 1, and with 0 when nothing does", async () => {
    const text = await printed(["runs", "diff", first, second], 1);
    assert.match(text, /Input\n {4}- \/order 1\n {4}\+ \/order 2\n/);
    assert.match(text, /End\n {4}- \/output\/order 1\n {4}\+ \/output\/order 2\n/);
    assert.match(await printed(["runs", "diff", first, first]), /✓ they did the same: 6 steps, input and end are equal\n/);
    const { stdout } = await place.run(["runs", "diff", first, second, "--json"]);
    assert.equal((JSON.parse(stdout) as { readonly diff: RunDiff }).diff.isSame, false);
  });

  test("why says that a run has ended, and a run that is not there is told as such", async () => {
    assert.equal(await printed(["runs", "why", first]), "The run has ended: it is completed.\n");
    const { waiting } = await place.json<{ readonly waiting: readonly Waiting[] }>(["runs", "why", first]);
    assert.equal(waiting[0]?.type, "ended");
    const { code, stderr } = await place.run(["runs", "why", "00000000-0000-7000-8000-000000000000"]);
    assert.equal(code, 1);
    assert.match(stderr, /not_found/);
  });
});
