import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openConsole, type TestConsole } from "./console.ts";
import { openAuditor, type Auditor } from "./lighthouse.ts";
import { runWorkflows } from "./run-workflows.ts";

let world: TestConsole;
let auditor: Auditor;
before(async () => {
  world = await openConsole({ inlinePlugins: [runWorkflows] });
  auditor = await openAuditor();
});
after(async () => {
  await auditor[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

/** How fast a page is depends on what else the machine does: `npm run bench -- lighthouse` measures that. */
async function look(path: string): Promise<void> {
  const { scores, faults } = await auditor.look(`${world.tutti.url}/admin${path}`, {
    categories: ["accessibility", "best-practices"],
    preset: "desktop",
  });
  assert.deepEqual([scores, faults], [{ accessibility: 100, "best-practices": 100 }, []], path);
}

test("Lighthouse finds nothing to mend at the way in, nor on the pages behind it", async () => {
  await look("/runs");
  const { tutti } = world;
  const { run } = (await (await tutti.fetch("/v1/runs", { workflow: "everything", input: {} })).json()) as {
    readonly run: { readonly id: string };
  };
  await tutti.app.engine.result(run.id, AbortSignal.timeout(60_000));
  const { code } = (await (await tutti.fetch("/v1/sessions/invitations", {})).json()) as { readonly code: string };
  await auditor.signIn(tutti.url, code);
  for (const path of ["/", "/runs", `/runs/${run.id}`, "/settings"]) await look(path);
});
