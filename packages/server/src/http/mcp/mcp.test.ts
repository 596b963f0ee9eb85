import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { Client, StreamableHTTPClientTransport, type CallToolResult } from "@modelcontextprotocol/client";
import { defineWorkflow, type Json, type Plugin, type Tool } from "@tutti/core";
import { z } from "zod";
import { startTestApp, type TestApp } from "../../testing.ts";

/** The two revisions that clients of today speak. */
const MODES = { "2025-11-25": "legacy", "2026-07-28": { pin: "2026-07-28" } } as const;

const wipe: Tool = {
  name: "wipe",
  description: "Wipes a disk.",
  effect: "write",
  input: z.object({ disk: z.string() }),
  parameters: { type: "object", properties: { disk: { type: "string" } }, required: ["disk"] },
  run: async (input) => ({ wiped: (input as { readonly disk: string }).disk }),
};
const secret: Tool = { ...wipe, name: "secret", description: "Nobody may call it." };
const patient: Tool = {
  ...wipe,
  name: "patient",
  effect: "read",
  run: (_input, { signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("left")))),
};
const plugin: Plugin = {
  name: "mcp-test",
  tools: [wipe, secret, patient],
  workflows: [
    defineWorkflow<{ name: string }, Json>({
      name: "greet",
      version: "1",
      description: "Greets somebody.",
      input: z.object({ name: z.string() }),
      run: (ctx, { name }) => ctx.call("echo", { text: `Hello, ${name}` }),
    }),
  ],
  policies: [
    ({ kind, resource }) =>
      kind === "tool.call" && resource === "wipe" ? { effect: "ask", reason: "disks are dear", rule: "ask-wipe" } : undefined,
    ({ kind, resource }) =>
      kind === "tool.call" && resource === "patient" ? { effect: "allow", reason: "a test", rule: "patient" } : undefined,
  ],
};

async function connect(
  context: TestContext,
  app: TestApp,
  options: { readonly mode: (typeof MODES)[keyof typeof MODES]; readonly elicit?: (message: string) => boolean },
): Promise<Client> {
  const { elicit } = options;
  const client = new Client(
    { name: "test", version: "1" },
    { versionNegotiation: { mode: options.mode }, capabilities: elicit === undefined ? {} : { elicitation: { form: {} } } },
  );
  if (elicit !== undefined)
    client.setRequestHandler("elicitation/create", async ({ params }) => ({
      action: "accept",
      content: { approve: elicit(params.message), reason: "the test says so" },
    }));
  const headers = { authorization: `Bearer ${app.token}` };
  await client.connect(new StreamableHTTPClientTransport(new URL("/mcp", app.url), { requestInit: { headers } }));
  context.after(() => client.close());
  return client;
}

const textOf = ({ content }: CallToolResult): string => content.map((block) => (block.type === "text" ? block.text : "")).join("");
const runOf = ({ _meta }: CallToolResult): string => String(_meta?.["tutti/run"]);

test("a tool whose rules look at its input is offered, and each call is decided by its input", async (context) => {
  const folder = await mkdtemp(join(tmpdir(), "tutti-mcp-policy-"));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const toolPolicyPath = join(folder, "tool_policy.yaml");
  const rule = "  - {id: only-a, effect: allow, reason: the disk a is free, match: {tool: secret}, when: {input: {/disk: {equals: a}}}}";
  const denial = "  - {id: not-b, effect: deny, reason: b is dear, match: {tool: wipe}, when: {input: {/disk: {equals: b}}}}";
  await writeFile(toolPolicyPath, `version: 1\nrules:\n${rule}\n${denial}\n`);
  await using app = await startTestApp({ inlinePlugins: [plugin], toolPolicyPath });
  const client = await connect(context, app, { mode: MODES["2026-07-28"], elicit: () => true });
  assert.match(JSON.stringify((await client.listTools()).tools), /whether it may run depends on the input: the disk a is free/);
  assert.match(textOf(await client.callTool({ name: "secret", arguments: { disk: "a" } })), /"wiped":"a"/);
  assert.match(textOf(await client.callTool({ name: "secret", arguments: { disk: "b" } })), /no policy allows/);
  assert.match(textOf(await client.callTool({ name: "wipe", arguments: { disk: "a" } })), /"wiped":"a"/);
  assert.match(textOf(await client.callTool({ name: "wipe", arguments: { disk: "b" } })), /b is dear/);
});

for (const [revision, mode] of Object.entries(MODES)) {
  test(`a client of ${revision} calls a tool, and the call is a run with a receipt`, async (context) => {
    await using app = await startTestApp({ inlinePlugins: [plugin] });
    const client = await connect(context, app, { mode });
    assert.equal(client.getNegotiatedProtocolVersion(), revision);
    const result = await client.callTool({ name: "safe_calc", arguments: { expression: "6 * 7" } });
    assert.equal(result.isError, undefined);
    assert.match(textOf(result), /42/);
    const receipt = await client.readResource({ uri: `tutti://runs/${runOf(result)}/receipt` });
    assert.match(JSON.stringify(receipt), /policy\.decided/);
    assert.match(JSON.stringify(receipt), /\\"valid\\": true/);
  });

  test(`a client of ${revision} is shown what it may call, and nothing else`, async (context) => {
    await using app = await startTestApp({ inlinePlugins: [plugin] });
    const client = await connect(context, app, { mode });
    const names = (await client.listTools()).tools.map(({ name }) => name);
    for (const name of ["echo", "safe_calc", "wipe", "agent_holly", "workflow_greet"])
      assert.ok(names.includes(name), `${name} in ${names.join()}`);
    assert.ok(!names.includes("secret"));
    await assert.rejects(client.callTool({ name: "secret", arguments: { disk: "a" } }), /Unknown tool/);
  });

  test(`a client of ${revision} runs agents and workflows, and is told how far they are`, async (context) => {
    await using app = await startTestApp({ inlinePlugins: [plugin] });
    const client = await connect(context, app, { mode });
    const told: string[] = [];
    const onprogress = ({ message }: { readonly message?: string | undefined }): void => void told.push(message ?? "");
    const greeted = await client.callTool({ name: "workflow_greet", arguments: { name: "Ada" } }, { onprogress });
    assert.match(textOf(greeted), /Hello, Ada/);
    assert.ok(told.includes("allow: tool.call on echo"), told.join());
    assert.match(textOf(await client.callTool({ name: "agent_holly", arguments: { message: "What is 6 * 7?" } })), /42/);
  });

  test(`a client of ${revision} that can ask a person does, and the answer is in the receipt`, async (context) => {
    await using app = await startTestApp({ inlinePlugins: [plugin] });
    const asked: string[] = [];
    const client = await connect(context, app, { mode, elicit: (message) => asked.push(message) > 0 });
    const result = await client.callTool({ name: "wipe", arguments: { disk: "sda" } });
    assert.match(textOf(result), /"wiped":"sda"/);
    assert.match(asked.join(), /disks are dear/);
    assert.match(JSON.stringify(await client.readResource({ uri: `tutti://runs/${runOf(result)}/receipt` })), /the test says so/);
  });

  test(`a client of ${revision} whose person refuses gets the refusal, and nothing is done`, async (context) => {
    await using app = await startTestApp({ inlinePlugins: [plugin] });
    const client = await connect(context, app, { mode, elicit: () => false });
    const result = await client.callTool({ name: "wipe", arguments: { disk: "sda" } });
    assert.equal(result.isError, true);
    assert.match(textOf(result), /approval_refused/);
  });

  test(`a client of ${revision} that can ask nobody is told which approval its call waits for`, async (context) => {
    await using app = await startTestApp({ inlinePlugins: [plugin] });
    const client = await connect(context, app, { mode });
    const result = await client.callTool({ name: "wipe", arguments: { disk: "sda" } });
    assert.equal(result.isError, true);
    const [wait] = await app.app.store.waits({ runId: runOf(result), limit: 1 });
    assert.match(textOf(result), new RegExp(`missing_approval.*tutti approvals approve ${runOf(result)} ${wait?.key}`));
    await app.app.engine.answer(
      runOf(result),
      { key: wait?.key ?? "", approved: true, reason: "later" },
      { id: "owner", tenant: "default", roles: ["owner"] },
    );
    await app.app.engine.result(runOf(result), context.signal);
    assert.match(JSON.stringify(await client.readResource({ uri: `tutti://runs/${runOf(result)}/result` })), /sda/);
  });

  test(`a call that a client of ${revision} gives up is cancelled`, async (context) => {
    await using app = await startTestApp({ inlinePlugins: [plugin] });
    const client = await connect(context, app, { mode });
    const gone = new AbortController();
    const began = Promise.withResolvers<string>();
    const ended = Promise.withResolvers<void>();
    using _ = app.app.engine.subscribe((event) => {
      if (event.type === "step.started") began.resolve(event.runId);
      if (event.type === "run.cancelled") ended.resolve();
    });
    const call = client.callTool({ name: "patient", arguments: { disk: "a" } }, { signal: gone.signal });
    call.catch(() => undefined);
    const runId = await began.promise;
    gone.abort();
    await assert.rejects(call);
    await ended.promise;
    assert.equal((await app.app.store.run(runId))?.status, "cancelled");
  });
}

test("the calls of a session know of each other: a write asks after one that read from outside, in this session only", async (context) => {
  const page: Tool = { ...secret, name: "page", description: "Reads a page.", effect: "read", isUntrusted: true };
  const buy: Tool = { ...secret, name: "buy", description: "Buys.", effect: "write" };
  await using app = await startTestApp({
    inlinePlugins: [{ name: "shop", tools: [page, buy] }],
    toolsAllow: ["page", "buy"],
    taintPolicy: "ask",
  });
  const client = await connect(context, app, { mode: MODES["2025-11-25"] });
  const call = async (from: Client, name: string): Promise<string> =>
    textOf((await from.callTool({ name, arguments: { disk: "c" } })) as CallToolResult);
  assert.doesNotMatch(await call(client, "buy"), /missing_approval/);
  await call(client, "page");
  assert.match(await call(client, "buy"), /missing_approval/);
  const other = await connect(context, app, { mode: MODES["2025-11-25"] });
  assert.doesNotMatch(await call(other, "buy"), /missing_approval/);
});
