// A worker of the kill test: opens the engine on the folder and cluster it is told, drives the runs, and prints how they ended.
import type { Workflow } from "@tutti/core";
import { SqliteStore } from "../../packages/server/src/store/index.ts";
import { RestateEngine } from "../../packages/server/src/engine/restate/index.ts";
import { driveKilledRuns } from "./drive.ts";
import { killedWorkflows } from "./workflows.ts";

const [dataDir = "", url = "", adminUrl = "", effectsFile = ""] = process.argv.slice(2);
const workflows: readonly Workflow[] = killedWorkflows(effectsFile);
const store = await SqliteStore.open(dataDir);
const engine = await RestateEngine.open({
  store,
  runsActiveMax: 100,
  restate: { urls: [url], adminUrls: [adminUrl], service: "tutti" },
  endpoint: { host: "127.0.0.1", port: 0, identityKeys: [], log: () => undefined },
  parts: {
    workflow: (name) => workflows.find((workflow) => workflow.name === name),
    tool: () => undefined,
    model: () => undefined,
    decide: () => ({ effect: "allow", reason: "a test", rule: "test" }),
    policyHash: () => "0".repeat(64),
  },
});
// Its own server may be down at this moment too: a worker waits for it.
for (let isBack = false; !isBack;)
  isBack = await engine.recover().then(
    () => true,
    () => false,
  );
for (let output: unknown; output === undefined;) {
  output = await driveKilledRuns(engine).catch(() => undefined);
  if (output !== undefined) process.stdout.write(JSON.stringify(output));
}
await engine.stop(1000);
await store.close();
