// An order as a graph: every kind of node, an approval, a signal from outside, error edges. Run it with: npm run example:graph-order
import { createClient } from "@tutti/client";
import { startTestApp } from "tutti/testing";
import { plugin } from "./plugin.ts";

// 1. A whole Tutti on a free port, with a data folder that goes when the program ends.
await using tutti = await startTestApp({ inlinePlugins: [plugin] });
const client = createClient({ baseUrl: tutti.url, token: tutti.token });

// 2. An order is a run of the graph. What happens outside is played here: somebody approves, somebody picks the parcel up.
async function order(customer: string, items: readonly { name: string; price: number; quantity: number }[]): Promise<void> {
  const { run } = await client.startRun({ workflow: "order", input: { customer, items } });
  for await (const event of client.watchRun({ runId: run.id, afterSeq: 0 })) {
    if (event.type === "step.waiting" && event.kind === "approval") {
      const approved = customer !== "Mallory";
      await client.answerApproval(
        { runId: run.id, key: event.key },
        { approved, reason: approved ? "a good customer" : "never paid before" },
      );
    }
    if (event.type === "step.waiting" && event.kind === "signal")
      await client.signalRun(run.id, { name: event.name, value: { by: "Bob" } });
  }
  const { output, error } = await client.run(run.id);
  const { nodes } = await client.graphOf(run.id);
  console.log(`${customer}: ${JSON.stringify(output ?? error)}`);
  for (const { path, status } of nodes) if (!path.includes(".") && status !== "pending") console.log(`  ${status.padEnd(10)}${path}`);
}

await order("Ada", [
  { name: "lamp", price: 60, quantity: 2 },
  { name: "bulb", price: 2.5, quantity: 4 },
]);
await order("Mallory", [{ name: "safe", price: 900, quantity: 1 }]);
await order("Eve", [{ name: "unicorn", price: 9, quantity: 1 }]);
await order("Nobody", []);
