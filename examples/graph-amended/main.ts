// A graph that is changed while it runs. Run it with: node scripts/node24.mjs examples/graph-amended/main.ts
import { readFile } from "node:fs/promises";
import { createClient } from "@tutti/client";
import { startTestApp } from "tutti/testing";

const read = (name: string): Promise<string> => readFile(new URL(name, import.meta.url), "utf8");

// 1. A whole Tutti on a free port, and a run of the graph. It comes to the review and waits.
await using tutti = await startTestApp();
const client = createClient({ baseUrl: tutti.url, token: tutti.token });
const { run } = await client.startGraph({ text: await read("report.yaml"), input: {} });
for await (const event of client.watchRun({ runId: run.id, afterSeq: 0 })) if (event.type === "step.waiting") break;
await show("before");

// 2. What has happened cannot be changed: the sum was worked out already. The refusal says why, and where in the file.
const other = (await read("report.yaml")).replace("17 * 3", "17 * 4");
await client.amendGraph(run.id, { text: other, name: "report.yaml" }).catch((error: Error) => console.log(`refused  ${error.message}\n`));

// 3. What has not happened can: a node goes, two come, and the edges with them.
const { added, removed, connected, disconnected } = await client.amendGraph(run.id, {
  text: await read("changes.yaml"),
  name: "changes.yaml",
});
console.log(`amended  added ${added.join(", ")}; removed ${removed.join(", ")}`);
console.log(`         connected ${connected.join(", ")}; disconnected ${disconnected.join(", ")}\n`);

// 4. The review comes, and the run goes the new way. The log holds the amendment, so a replay takes the same way.
await client.signalRun(run.id, { name: "reviewed", value: null });
for await (const _ of client.watchRun({ runId: run.id, afterSeq: 0 }));
await show("after");
console.log(`result   ${JSON.stringify((await client.run(run.id)).output)}`);
console.log(`replay   ${JSON.stringify((await client.replayRun(run.id)).matches)}`);

async function show(title: string): Promise<void> {
  const { nodes } = await client.graphOf(run.id);
  console.log(`${title.padEnd(9)}${nodes.map(({ path, status }) => `${path} ${status}`).join(", ")}\n`);
}
