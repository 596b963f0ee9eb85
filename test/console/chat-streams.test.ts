import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createClient, type Client } from "@tutti/client";
import type { AgentSpec, Decision, Plugin } from "@tutti/core";
import type { Script } from "../../packages/server/src/testing/openai-answers.ts";
import { startOpenAiUpstream, type OpenAiUpstream } from "../../packages/server/src/testing/openai-upstream.ts";
import { openConsole, violations, type ConsolePage, type TestConsole } from "./console.ts";

const clerk: AgentSpec = {
  name: "clerk",
  version: "1",
  description: "Says things.",
  instructions: "You are the clerk.",
  model: "default",
  tools: ["echo", "slowly"],
  starters: [],
  routes: [],
  limits: { stepsMax: 4, historyMessagesMax: 20 },
};

/** A tool that takes as long as the test wants. */
let release: () => void = () => undefined;
let released = new Promise<void>(() => undefined);
const hold = (): void => {
  released = new Promise((resolve) => {
    release = resolve;
  });
};

const house: Plugin = {
  name: "house",
  agents: [clerk],
  tools: [
    {
      name: "slowly",
      description: "Takes its time.",
      effect: "read",
      parameters: { type: "object", properties: {} },
      run: async () => {
        await released;
        return "done at last";
      },
    },
  ],
  policies: [
    ({ kind, resource }): Decision | undefined =>
      kind === "tool.call" && resource === "echo" ? { effect: "ask", reason: "words are looked at", rule: "words" } : undefined,
  ],
};

const chunk = (content: string): string =>
  `data: ${JSON.stringify({
    id: "chatcmpl-1",
    object: "chat.completion.chunk",
    created: 1,
    model: "test-model",
    choices: [{ index: 0, delta: { role: "assistant", content }, finish_reason: null }],
  })}\n\n`;
const STREAM = { "content-type": "text/event-stream" };

/** A model that does badly what it is asked to do badly. */
const script: Script = (body) => {
  const last = body.messages.at(-1);
  const text = typeof last?.content === "string" ? last.content : JSON.stringify(last?.content ?? "");
  if (last?.role !== "user") return { type: "text", pieces: ["All of it: ", text.includes("done at last") ? "done at last." : "said."] };
  if (text.includes("refuse"))
    return { type: "error", status: 401, message: "no such key <img src=x onerror=alert(1)>", code: "invalid_api_key" };
  if (text.includes("cut")) return { type: "raw", status: 200, headers: STREAM, chunks: [chunk("It begins ")], ending: "reset" };
  if (text.includes("garbage")) return { type: "raw", status: 200, headers: STREAM, chunks: ["data: {{{\n\n"], ending: "end" };
  if (text.includes("slowly")) return { type: "calls", calls: [{ id: "call_1", name: "slowly", arguments: "{}" }] };
  if (text.includes("say")) return { type: "calls", calls: [{ id: "call_1", name: "echo", arguments: '{"text":"loud words"}' }] };
  return { type: "text", pieces: ["Fine."] };
};

let upstream: OpenAiUpstream;
let tutti: TestConsole;
let client: Client;
before(async () => {
  upstream = await startOpenAiUpstream(script);
  tutti = await openConsole({ modelBaseUrl: upstream.baseUrl, model: "test-model", inlinePlugins: [house], toolsAllow: ["slowly"] });
  client = createClient({ baseUrl: tutti.tutti.url, token: tutti.tutti.token });
});
after(async () => {
  release();
  await tutti[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

async function ask(page: ConsolePage, question: string): Promise<void> {
  await page.getByLabel("Message to clerk").fill(question);
  await page.keyboard.press("Enter");
}

const messages = (page: ConsolePage) => page.getByRole("log", { name: "Messages" });
const runIn = (page: ConsolePage): string => new URL(page.url()).searchParams.get("run") ?? "";

test("a page that is reloaded in the middle of an answer loses nothing of it, and can still stop it", async () => {
  hold();
  const page = await tutti.open("/agents/clerk");
  await ask(page, "slowly please");
  const tools = messages(page).getByRole("list", { name: "Tool calls" });
  await tools.getByText("slowly").waitFor();
  await page.reload();
  await messages(page).getByText("slowly please").waitFor();
  await tools.getByText("slowly").waitFor();
  await page.getByRole("button", { name: "Stop" }).waitFor();
  release();
  await messages(page).getByText("All of it: done at last.").waitFor();
  assert.deepEqual(await violations(page), []);
  const first = runIn(page);
  hold();
  await ask(page, "slowly once more");
  await page.waitForURL((url) => url.searchParams.get("run") !== first);
  const run = runIn(page);
  await page.reload();
  await page.getByRole("button", { name: "Stop" }).click();
  await messages(page).getByText("Stopped.").waitFor();
  assert.equal((await client.run(run)).run.status, "cancelled");
  release();
  assert.deepEqual(page.problems, []);
});

test("one conversation in two browsers: what one asks the other sees, what the other approves goes on in both", async () => {
  const one = await tutti.open("/agents/clerk");
  await ask(one, "say it");
  await messages(one).getByRole("button", { name: "Approve", exact: true }).waitFor();
  const two = await tutti.open(`/agents/clerk?tab=chat&run=${runIn(one)}`);
  await messages(two).getByText("say it").waitFor();
  await messages(two).getByRole("button", { name: "Approve", exact: true }).click();
  await messages(one).getByText("All of it: said.").waitFor();
  await messages(two).getByText("All of it: said.").waitFor();
  await messages(one).getByRole("button", { name: "Approve", exact: true }).waitFor({ state: "detached" });
  assert.deepEqual([...one.problems, ...two.problems], []);
});

test("a server that is gone in the middle of an answer is told of in one sentence; when it is back the answer comes by itself", async () => {
  hold();
  const page = await tutti.open("/agents/clerk");
  await ask(page, "slowly please");
  await messages(page).getByRole("list", { name: "Tool calls" }).getByText("slowly").waitFor();
  await tutti.restart(async () => {
    await messages(page).getByText("Tutti stopped in the middle of this answer.").waitFor();
    assert.equal(await page.locator("main").getByRole("alert").count(), 1);
    assert.doesNotMatch(await page.locator("main").innerText(), /upstream|cut off|fetch/);
    release();
  });
  client = createClient({ baseUrl: tutti.tutti.url, token: tutti.tutti.token });
  await messages(page).getByText("All of it: done at last.").waitFor();
  await messages(page).getByText("Tutti stopped in the middle").waitFor({ state: "detached" });
  assert.deepEqual(page.problems, []);
});

// The last of them: a provider that fails so often is left alone for a while.
test("a model that refuses, breaks off or talks nonsense is named by its code", async () => {
  const page = await tutti.open("/agents/clerk");
  const log = messages(page);
  for (const wish of ["refuse this", "cut this", "garbage"]) {
    await ask(page, wish);
    await log
      .getByRole("alert")
      .getByText(/^[a-z_]+: /)
      .waitFor();
    assert.deepEqual(await violations(page), [], wish);
    assert.equal((await client.run(runIn(page))).run.status, "failed", wish);
    await page.getByRole("button", { name: "New conversation" }).click();
    await log.getByRole("alert").waitFor({ state: "detached" });
  }
  assert.equal(await page.locator("main img").count(), 0);
  assert.deepEqual(page.problems, []);
});
