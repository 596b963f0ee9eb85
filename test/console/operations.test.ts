import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { defineWorkflow, type Decision, type Json, type Plugin } from "@tutti/core";
import { z } from "zod";
import { openConsole, violations, type ConsolePage, type TestConsole } from "./console.ts";

const paid: Json[] = [];
const payment = z.object({ to: z.string(), amount: z.number().max(1000), note: z.string().default("") });
type Payment = z.output<typeof payment>;

/** Pays, refuses to pay too much, and asks before it pays; work that fails until it is mended. */
const plugin = {
  name: "bank",
  tools: [
    {
      name: "pay",
      description: "Pays.",
      effect: "write",
      input: payment,
      parameters: { type: "object", properties: { to: { type: "string" }, amount: { type: "number" } } },
      run: async (input: Payment) => {
        paid.push(input);
        return { paid: input.amount };
      },
    },
  ],
  policies: [
    ({ kind, resource, input }: { readonly kind: string; readonly resource: string; readonly input?: unknown }): Decision | undefined => {
      if (kind !== "tool.call" || resource !== "pay") return undefined;
      const { amount, to } = input as Payment;
      if (amount > 500) return { effect: "deny", reason: "too much at once", rule: "limit" };
      const terms = { two: { approvalsMin: 2 }, eyes: { isFourEyes: true }, soon: { expiresInMs: 300_000 } }[to];
      return { effect: "ask", reason: "payments are looked at", rule: "payments", ...(terms && { approval: terms }) };
    },
  ],
  workflows: [
    defineWorkflow({ name: "report", version: "1", input: z.json(), run: async () => "done" }),
    defineWorkflow({ name: "hold", version: "1", input: z.json(), run: async (ctx) => (await ctx.waitFor("go")) ?? null }),
    defineWorkflow({
      name: "order",
      version: "1",
      input: z.json(),
      run: (ctx, input) =>
        ctx.step(
          "send",
          async () => {
            if (JSON.stringify(input).includes("nowhere")) throw new Error("there is no such address");
            return input;
          },
          { attemptsMax: 1 },
        ),
    }),
  ],
} as unknown as Plugin;

let tutti: TestConsole;
before(async () => {
  tutti = await openConsole({
    inlinePlugins: [plugin],
    queues: [{ name: "slow-lane", workflows: ["hold"], concurrency: 1, concurrencyPerKey: 1, queuedMax: 10, keyBy: "workflow" }],
  });
});
after(async () => {
  await tutti[Symbol.asyncDispose]();
});

const post = (path: string, body: unknown): Promise<Response> => tutti.tutti.fetch(path, body);
/** Calls the tool and waits for people; resolves with the status of the answer. */
const pay = async (input: Partial<Payment>): Promise<number> =>
  (await post("/v1/tools/execute", { tool: "pay", input, wait: true })).status;
const asked = (page: ConsolePage, text: string) => page.getByRole("list", { name: "Asked" }).getByRole("button").filter({ hasText: text });
const dialog = (page: ConsolePage) => page.getByRole("dialog").last();
/** Writes a reason from the keyboard alone. */
async function writeReason(page: ConsolePage, reason: string): Promise<void> {
  await page.keyboard.press("a");
  await page
    .getByLabel(/^Reason/)
    .and(page.locator(":focus"))
    .waitFor();
  await page.keyboard.type(reason);
}

test("two browsers see one approval; answered in one, it is gone from both, and the run goes on", async () => {
  const [one, other] = [await tutti.open("/approvals"), await tutti.open("/approvals")];
  await one.getByText("Nobody waits for you").waitFor();
  assert.deepEqual(await violations(one), []);
  const answer = pay({ to: "acme", amount: 12, note: "chairs\u202E" });
  for (const page of [one, other]) await page.getByRole("article", { name: "Approval of pay" }).waitFor();
  await one.getByText("\\u202e").first().waitFor();
  await one.getByText(/cannot be taken back/).waitFor();
  assert.deepEqual(await violations(one), []);
  await writeReason(one, "we need chairs");
  await one.getByRole("button", { name: "Approve", exact: true }).click();
  await other.getByText("Nobody waits for you").waitFor();
  await one.getByText("Nobody waits for you").waitFor();
  assert.equal(await answer, 200);
  assert.deepEqual(paid.at(-1), { to: "acme", amount: 12, note: "chairs\u202E" });
  assert.deepEqual([...one.problems, ...other.problems], []);
});

test("what has least time stands first, with a countdown; denied with a reason, the call is refused", async () => {
  const page = await tutti.open("/approvals");
  const [calm, soon] = [pay({ to: "calm", amount: 1 }), pay({ to: "soon", amount: 2 })];
  await asked(page, "calm").waitFor();
  await asked(page, "soon")
    .getByText(/\d m \d+ s left/)
    .waitFor();
  assert.match(await page.getByRole("list", { name: "Asked" }).getByRole("button").first().innerText(), /soon/);
  await page.keyboard.press("j");
  await page.waitForURL(/approval=/);
  await page.getByRole("article").getByText('"calm"').waitFor();
  await page.keyboard.press("k");
  await page.getByRole("article").getByText('"soon"').waitFor();
  for (const name of ["soon", "calm"]) {
    await asked(page, name).click();
    await page.getByRole("button", { name: "Deny" }).click();
    await asked(page, name).waitFor({ state: "detached" });
  }
  assert.deepEqual([await calm, await soon], [403, 403]);
});

test("what somebody reads stays open with its reason when something more urgent comes; answered, the next one opens", async () => {
  const page = await tutti.open("/approvals");
  const calm = pay({ to: "calm", amount: 3 });
  await page.getByRole("article").getByText('"calm"').waitFor();
  await writeReason(page, "we know them");
  const soon = pay({ to: "soon", amount: 4 });
  await asked(page, "soon").waitFor();
  assert.match(await page.getByRole("list", { name: "Asked" }).getByRole("button").first().innerText(), /soon/);
  await page.getByRole("article").getByText('"calm"').waitFor();
  await page.getByRole("button", { name: "Approve", exact: true }).click();
  await page.getByRole("article").getByText('"soon"').waitFor();
  assert.equal(await calm, 200);
  assert.deepEqual(paid.at(-1), { to: "calm", amount: 3, note: "" });
  await page.getByRole("button", { name: "Deny" }).click();
  await page.getByText("Nobody waits for you").waitFor();
  assert.equal(await soon, 403);
});

test("an input is changed before it is approved; what its schema or policy refuses is told by its code, and the words stay", async () => {
  const page = await tutti.open("/approvals");
  const answer = pay({ to: "acme", amount: 400 });
  await page.getByRole("article").waitFor();
  await page.keyboard.press("e");
  const text = dialog(page).getByRole("textbox", { name: "Input" });
  const approve = dialog(page).getByRole("button", { name: "Approve this input" });
  await text.waitFor();
  assert.equal(await approve.isDisabled(), true);
  await text.fill("{ not JSON");
  await dialog(page)
    .getByText(/wanted JSON/)
    .waitFor();
  await text.fill('{"to": "acme", "amount": "many"}');
  await approve.click();
  await dialog(page).getByText("invalid_input").waitFor();
  await text.fill('{"to": "acme", "amount": 600, "note": ""}');
  await approve.click();
  await dialog(page)
    .getByText(/too much at once/)
    .waitFor();
  assert.deepEqual(await violations(page), []);
  await text.fill('{"to": "acme", "amount": 40, "note": ""}');
  await dialog(page).getByText("/amount").waitFor();
  const [before, now] = await dialog(page)
    .getByText(/^[0-9a-f]{64}$/)
    .allInnerTexts();
  assert.notEqual(before, now);
  await approve.click();
  await page.getByText("Nobody waits for you").waitFor();
  assert.equal(await answer, 200);
  assert.deepEqual(paid.at(-1), { to: "acme", amount: 40, note: "" });
});

test("an answer that the server refuses puts the approval back, and says why by its code", async () => {
  const page = await tutti.open("/approvals");
  const answer = pay({ to: "eyes", amount: 5 });
  await page.getByRole("article").getByText("not whoever the run acts for").waitFor();
  await page.getByRole("button", { name: "Approve", exact: true }).click();
  await page.getByText("denied", { exact: true }).first().waitFor();
  await asked(page, "eyes").waitFor();
  await tutti.tutti.app.engine.answer(
    (await tutti.tutti.app.store.waits({ kind: "approval", limit: 1 }))[0]?.runId ?? "",
    { key: "0", approved: true, reason: "looked" },
    { id: "ada", tenant: "default", roles: ["owner"] },
  );
  await page.getByText("Nobody waits for you").waitFor();
  assert.equal(await answer, 200);
});

test("where two have to approve, it says how many more, and stays until the second did", async () => {
  const page = await tutti.open("/approvals");
  const answer = pay({ to: "two", amount: 6 });
  await asked(page, "two").click();
  await page.getByText("2 more of 2; given by nobody yet").waitFor();
  await page.getByRole("button", { name: "Approve", exact: true }).click();
  await page.getByText(/^Approved by you; 2 people have to: /).waitFor();
  await page.getByText("1 more of 2; given by owner").waitFor();
  const [wait] = await tutti.tutti.app.store.waits({ kind: "approval", limit: 1 });
  const ada = { id: "ada", tenant: "default", roles: ["owner"] };
  await tutti.tutti.app.engine.answer(wait?.runId ?? "", { key: "0", approved: true, reason: "fine" }, ada);
  await page.getByText("Nobody waits for you").waitFor();
  assert.equal(await answer, 200);
});

test("a standing grant is given with its limits, used without asking, shown with its uses, and revoked", async () => {
  const page = await tutti.open("/approvals?tab=grants");
  await page.getByText("No standing grant").waitFor();
  await page.keyboard.press("+");
  await dialog(page).getByLabel("Tool").selectOption("pay");
  await dialog(page).getByRole("button", { name: "Condition" }).click();
  assert.deepEqual(await violations(page), []);
  await dialog(page).getByRole("button", { name: "Give the grant" }).click();
  await dialog(page).getByText("invalid_input").waitFor();
  await dialog(page).getByLabel("Place").fill("to");
  await dialog(page).getByLabel("Value").fill("bolt");
  await dialog(page).getByLabel("Uses at most").fill("3");
  await dialog(page).getByRole("button", { name: "Give the grant" }).click();
  const row = page.getByRole("grid", { name: "Standing grants" }).getByRole("row").filter({ hasText: 'to is "bolt"' });
  await row.waitFor();
  assert.equal((await post("/v1/tools/execute", { tool: "pay", input: { to: "bolt", amount: 1 } })).status, 200);
  await row.click();
  await dialog(page).getByText("1 of 3").waitFor();
  await dialog(page).getByRole("button", { name: "Revoke …" }).click();
  await dialog(page)
    .getByLabel(/Reason/)
    .fill("the trial is over");
  await dialog(page).getByRole("button", { name: "Revoke", exact: true }).click();
  await page.getByText("The approval is revoked").waitFor();
  assert.equal((await post("/v1/tools/execute", { tool: "pay", input: { to: "bolt", amount: 1 } })).status, 403);
});

test("one call is approved before it is made, and the approval stands among those given before", async () => {
  const page = await tutti.open("/approvals?tab=given");
  await page.getByRole("button", { name: "Approve one call …" }).click();
  await dialog(page).getByLabel("Tool").selectOption("pay");
  await dialog(page).getByRole("textbox", { name: "Input" }).fill('{"to": "acme", "amount": 7}');
  await dialog(page).getByRole("button", { name: "Approve the call" }).click();
  await dialog(page).getByText("The call is approved").waitFor();
  assert.deepEqual(await violations(page), []);
  await dialog(page).getByRole("button", { name: "Close" }).last().click();
  await page
    .getByRole("grid", { name: "Approvals given before" })
    .getByText(/one input, hash/)
    .waitFor();
});

test("a schedule is made while its next ticks are shown, then triggered, paused, resumed, changed and deleted", async () => {
  const page = await tutti.open("/schedules");
  await page.getByText("Nothing starts by itself yet").waitFor();
  await page.keyboard.press("+");
  await dialog(page).getByLabel("Name").fill("nightly");
  await dialog(page).getByLabel("Workflow or agent").selectOption("report");
  const cron = dialog(page).getByLabel("Cron expression");
  await cron.fill("61 2 * * *");
  await dialog(page).getByRole("region", { name: "It would be due" }).getByText("invalid_input").waitFor();
  await cron.fill("30 2 * * *");
  await dialog(page).getByLabel("Time zone").selectOption("Europe/Rome");
  await dialog(page)
    .getByText(/02:30:00.*GMT\+[12]/)
    .first()
    .waitFor();
  assert.deepEqual(await violations(page), []);
  await dialog(page).getByRole("button", { name: "Make it" }).click();
  await page.getByText("Schedule nightly is made").waitFor();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.getByRole("grid", { name: "Schedules" }).getByText("nightly").first().waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.waitForURL(/name=nightly/);
  await dialog(page).getByRole("button", { name: "Trigger now" }).click();
  await dialog(page)
    .getByText(/completed, of/)
    .waitFor();
  assert.deepEqual(await violations(page), []);
  await dialog(page).getByRole("button", { name: "Pause …" }).click();
  await dialog(page).getByLabel("Reason").fill("holidays");
  await dialog(page).getByRole("button", { name: "Pause", exact: true }).click();
  await dialog(page)
    .getByText(/paused since .*: holidays/)
    .waitFor();
  await dialog(page).getByRole("button", { name: "Resume" }).click();
  await dialog(page).getByRole("button", { name: "Pause …" }).waitFor();
  await dialog(page).getByRole("button", { name: "Edit …" }).click();
  await dialog(page).getByLabel("When", { exact: true }).selectOption("every");
  await dialog(page).getByLabel("Every").fill("2");
  await dialog(page).getByLabel("Unit").selectOption("hours");
  await dialog(page).getByRole("button", { name: "Save" }).click();
  await dialog(page).getByText("report, every 2 h").waitFor();
  await dialog(page).getByRole("button", { name: "Delete …" }).click();
  await dialog(page).getByLabel("Reason").fill("nobody reads it");
  await dialog(page).getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByText("Nothing starts by itself yet").waitFor();
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByRole("grid", { name: "Schedules" }).getByText("every 2 h").waitFor();
  assert.deepEqual(page.problems, []);
});

test("a dead letter shows why it failed, is tried again with another input, or dismissed with a reason", async () => {
  for (const name of ["first", "second"]) {
    const schedule = { name, workflow: "order", when: { everyMs: 86_400_000 }, input: { to: `nowhere ${name}` } };
    await post("/v1/schedules", schedule);
    await post(`/v1/schedules/${name}/trigger`, {});
  }
  const page = await tutti.open("/dead-letters");
  const letters = page.getByRole("grid", { name: "Dead letters" }).getByRole("row");
  // Both are there before one is chosen: the newest comes in on top.
  await letters.filter({ hasText: "schedule/second" }).waitFor();
  await letters.filter({ hasText: "schedule/first" }).click();
  await dialog(page).getByText("there is no such address").waitFor();
  await dialog(page).getByLabel("Try again").selectOption("start");
  await dialog(page).getByRole("textbox", { name: "Input" }).fill('{"to": "Via Roma 1"}');
  assert.deepEqual(await violations(page), []);
  await dialog(page).getByRole("button", { name: "Retry" }).click();
  await page.getByText("It is tried again").waitFor();
  await letters.filter({ hasText: "schedule/second" }).click();
  await dialog(page).getByRole("button", { name: "Dismiss …" }).click();
  assert.equal(await dialog(page).getByRole("button", { name: "Dismiss", exact: true }).isDisabled(), true);
  await dialog(page).getByLabel("Reason").fill("it was a test");
  await dialog(page).getByRole("button", { name: "Dismiss", exact: true }).click();
  await page.getByText("No dead letter waits").waitFor();
  await page.getByRole("button", { name: "Done with" }).click();
  await letters.filter({ hasText: "dismissed" }).waitFor();
  await letters.filter({ hasText: "retried" }).waitFor();
  assert.deepEqual(await violations(page), []);
});

test("a queue tells what runs, what waits, since when and of which key; supervised work tells how it is and is stopped", async () => {
  const ids = [];
  for (let index = 0; index < 3; index += 1) {
    const { run } = (await (await post("/v1/runs", { workflow: "hold" })).json()) as { readonly run: { readonly id: string } };
    ids.push(run.id);
  }
  await post("/v1/supervisor", {
    name: "watcher",
    workflow: "order",
    input: { to: "nowhere" },
    policy: { crashLoop: { failuresMax: 1, withinMs: 60_000, action: "pause" } },
  });
  const page = await tutti.open("/queues");
  const queue = page.getByRole("region", { name: "slow-lane" });
  await queue.getByText(/^\d of 10$/).waitFor();
  await queue.getByRole("row").filter({ hasText: "hold" }).waitFor();
  assert.deepEqual(await violations(page), []);
  await page.getByRole("tab", { name: "Supervised work" }).click();
  const work = page.getByRole("region", { name: "watcher" });
  await work.getByText("crash loop").waitFor();
  await work.getByText(/there is no such address/).waitFor();
  assert.deepEqual(await violations(page), []);
  await work.getByRole("button", { name: "Resume" }).click();
  await page.getByText("watcher is started again").waitFor();
  await work.getByRole("button", { name: "Stop …" }).click();
  await dialog(page).getByLabel("Reason").fill("enough");
  await dialog(page).getByRole("button", { name: "Stop", exact: true }).click();
  await page.getByText("watcher is being stopped").waitFor();
  for (const id of ids) await post(`/v1/runs/${id}/cancel`, {});
  assert.deepEqual(page.problems, []);
});
