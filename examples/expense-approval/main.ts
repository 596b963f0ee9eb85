// A person decides about an expense; the run waits for days without costing memory. Run it with: npm run example:approval
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineWorkflow, openApp } from "tutti";
import { z } from "zod";

const DAY_MS = 86_400_000;

const expense = defineWorkflow({
  name: "expense",
  version: "1",
  input: z.object({ what: z.string(), amount: z.number() }),
  // Signals it takes, each checked when it is sent.
  signals: { receipt: z.object({ file: z.string() }) },
  async run(ctx, { what, amount }) {
    let stage = "waiting for the receipt";
    ctx.onQuery("stage", () => stage);
    const receipt = await ctx.waitFor("receipt", { timeoutMs: 30 * DAY_MS });
    if (receipt === undefined) return { paid: false, reason: "no receipt within 30 days" };
    stage = "waiting for approval";
    const { approved, by, reason } = await ctx.approve({
      question: `Pay ${amount} € for ${what}?`,
      detail: { receipt },
      approvers: ["owner"],
      timeoutMs: 7 * DAY_MS,
      otherwise: "refuse",
    });
    stage = "decided";
    if (!approved) return { paid: false, reason };
    await ctx.step("pay", ({ idempotencyKey }) => ({ transfer: idempotencyKey }));
    return { paid: true, by };
  },
});

await using folder = await mkdtempDisposable(join(tmpdir(), "expense-"));
const plugins = [{ name: "expenses", workflows: [expense] }];
let runId: string;
{
  await using app = await openApp({ dataDir: folder.path, plugins });
  ({ runId } = await app.start("expense", { what: "a chair", amount: 180 }));
  console.log("stage:", await app.engine.query(runId, "stage"));
  await app.engine.signal(runId, { name: "receipt", value: { file: "chair.pdf" } }, app.owner);
  await app.engine
    .signal(runId, { name: "receipt", value: { file: 7 } }, app.owner)
    .catch((error: Error) => console.log("refused:", error.message));
}
// The process has ended and begins again: the run is where it was.
await using app = await openApp({ dataDir: folder.path, plugins });
const [wait] = await approvals();
console.log("asked:", wait?.name, "of", wait?.approval?.approvers?.join(", "), "with", JSON.stringify(wait?.approval?.detail));
await app.engine.answer(runId, { key: wait?.key ?? "", approved: true, reason: "we need chairs" }, app.owner);
console.log("result:", JSON.stringify(await app.result(runId)));

/** What the run asks of people, once it does. */
async function approvals() {
  for (;;) {
    const waits = (await app.waits(runId)).filter(({ kind }) => kind === "approval");
    if (waits.length > 0) return waits;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
