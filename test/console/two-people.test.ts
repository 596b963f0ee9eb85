import assert from "node:assert/strict";
import { test } from "node:test";
import { openConsole } from "./console.ts";
import { runWorkflows } from "./run-workflows.ts";

test("who answers what another has answered meanwhile is told so by its code, and then sees what the other sees", async () => {
  await using world = await openConsole({ inlinePlugins: [runWorkflows] });
  const { tutti } = world;
  const late = await world.open("/");
  let isDeaf = false;
  await late.routeWebSocket(/\/v1\/live/, (socket) => {
    const server = socket.connectToServer();
    server.onMessage((message) => {
      if (!isDeaf) socket.send(message);
    });
  });
  await late.goto(`${tutti.url}/admin/approvals`);
  const started = await tutti.fetch("/v1/runs", { workflow: "asking", input: {} });
  const { run } = (await started.json()) as { readonly run: { readonly id: string } };
  await late.getByText("May the order be shipped?").first().waitFor();
  isDeaf = true;
  const [asked] = await tutti.app.store.waits({ kind: "approval", runId: run.id, limit: 1 });
  await tutti.fetch(`/v1/runs/${run.id}/approvals/${asked?.key ?? ""}`, { approved: true, reason: "first" });
  await tutti.app.engine.result(run.id, AbortSignal.timeout(60_000));
  await late.getByRole("button", { name: "Deny", exact: true }).click();
  await late
    .getByRole("alert")
    .getByText(/conflict|not_found/)
    .first()
    .waitFor();
  await late.getByText("Nobody waits for you").waitFor();
  assert.deepEqual(late.problems, []);
});
