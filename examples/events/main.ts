// Events: a checkout tells what happened, and others act on it, without knowing of each other. Run it with: npm run example:events
import { createClient } from "@tutti/client";
import { AppError, defineWorkflow } from "tutti";
import { startTestApp } from "tutti/testing";
import { z } from "zod";

// 1. A workflow that publishes. Events with the same key are delivered in order.
const checkout = defineWorkflow({
  name: "checkout",
  version: "1",
  input: z.object({ customer: z.string(), total: z.number() }),
  async run(ctx, { customer, total }) {
    await ctx.emit({ name: "order.placed", key: customer, data: { customer, total } });
    await ctx.step("charge the card", () => `charged ${total}`);
    await ctx.emit({ name: "order.paid", key: customer, data: { customer, total } });
    return null;
  },
});

// 2. Two workflows that events start: one with the event's data alone, one with the whole event.
const said: string[] = [];
const order = z.object({ customer: z.string(), total: z.number() });
const ledger = defineWorkflow({
  name: "ledger",
  version: "1",
  input: z.object({ type: z.string(), data: order }),
  run: (ctx, { type, data }) => ctx.step("write", () => void said.push(`ledger: ${data.customer} ${type} ${data.total}`)).then(() => null),
});
const thank = defineWorkflow({
  name: "thank",
  version: "1",
  input: order,
  async run(ctx, { customer, total }) {
    if (customer === "Mallory") throw new AppError("invalid_input", "wanted an address for Mallory, got none");
    await ctx.step("send a card", () => void said.push(`card: thank you for ${total}, ${customer}`));
    return null;
  },
});

// 3. Subscriptions. They are durable: what is published while Tutti is down is delivered when it is up again.
await using tutti = await startTestApp({ inlinePlugins: [{ name: "shop", workflows: [checkout, ledger, thank] }] });
const client = createClient({ baseUrl: tutti.url, token: tutti.token });
await client.subscribe({ name: "ledger", filter: { prefix: { type: "order." } }, target: { type: "workflow", workflow: "ledger" } });
await client.subscribe({
  name: "thanks",
  filter: { exact: { type: "order.paid" } },
  where: "input.data.total >= 100",
  target: { type: "workflow", workflow: "thank", input: "data" },
});
await client.subscribe({ name: "statistics", filter: { suffix: { type: ".paid" } }, target: { type: "pull" } });

// 4. Orders come in: two through the workflow, one from a till that publishes by itself, and sends twice because its network is bad.
for (const input of [
  { customer: "Ada", total: 250 },
  { customer: "Mallory", total: 100 },
]) {
  const { run } = await client.startRun({ workflow: "checkout", input });
  for await (const event of client.watchRun({ runId: run.id, afterSeq: 0 })) void event;
}
const sale = { type: "order.paid", id: "till-1", source: "/till/7", key: "Eve", data: { customer: "Eve", total: 20 } };
const first = await client.publishEvent(sale);
const second = await client.publishEvent(sale);
console.log(`the till's event is a duplicate: ${first.isDuplicate}, then ${second.isDuplicate}`);

// 5. Everything is delivered once; of one customer in order.
const isDone = async (): Promise<boolean> =>
  (await client.subscriptions()).every(({ target, isCaughtUp }) => target.type === "pull" || isCaughtUp);
while (!(await isDone())) await new Promise((resolve) => setTimeout(resolve, 10));
for (const line of said.toSorted()) console.log(line);

// 6. A client that pulls gets an event again until it says that it is done with it.
for (const attempt of ["first", "second"]) {
  for await (const { event, position } of client.pullEvents("statistics")) {
    console.log(`${attempt} reading: ${event.type} ${JSON.stringify(event.data)}`);
    if (attempt === "first") break;
    await client.acknowledgeEvents("statistics", position);
    if (event.id === "till-1") break;
  }
}

// 7. What could not be delivered is a dead letter: it waits for somebody to retry or dismiss it.
for (const { source, error } of await client.deadLetters()) console.log(`dead letter of ${source}: ${error.message}`);
