import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createClient, type Client } from "@tutti/client";
import type { AgentSpec, Decision, Plugin } from "@tutti/core";
import type { Script } from "../../packages/server/src/testing/openai-answers.ts";
import { startOpenAiUpstream, type OpenAiUpstream } from "../../packages/server/src/testing/openai-upstream.ts";
import { openConsole, until, violations, type ConsolePage, type TestConsole } from "./console.ts";
import { writeCode } from "./write-code.ts";

const clerk: AgentSpec = {
  name: "clerk",
  version: "1",
  description: "Says and calculates things.",
  instructions: "You are the clerk.",
  model: "default",
  tools: ["safe_calc", "echo"],
  starters: ["Tell me a story"],
  routes: [],
  limits: { stepsMax: 4, historyMessagesMax: 20 },
};

/** An agent that lacks something. */
const poor: AgentSpec = { ...clerk, name: "poor", tools: ["lost_tool"] };

/** Whatever is said aloud is looked at by a person first. */
const house: Plugin = {
  name: "house",
  agents: [clerk, poor],
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

/** A model that calls the tool that it is asked for, falls silent, fails, or says markdown with things in it that no page may run. */
const script: Script = (body) => {
  const last = body.messages.at(-1);
  const text = typeof last?.content === "string" ? last.content : JSON.stringify(last?.content ?? "");
  if (last?.role === "user" && text.includes("calculate"))
    return { type: "calls", calls: [{ id: "call_1", name: "safe_calc", arguments: '{"expression":"6*7"}' }] };
  if (last?.role === "user" && text.includes("say"))
    return { type: "calls", calls: [{ id: "call_1", name: "echo", arguments: '{"text":"loud words"}' }] };
  if (text.includes("silence"))
    return { type: "raw", status: 200, headers: { "content-type": "text/event-stream" }, chunks: [chunk("It begins ")], ending: "silence" };
  if (text.includes("break") && body.model === "other-model") return { type: "error", status: 400, message: "this model is broken" };
  const said = body.messages.filter(({ role }) => role === "user").length;
  return {
    type: "text",
    pieces: [`Answer ${said} of ${body.model}. `, "**Bold**, <img src=x onerror=alert(1)>, ", "[a link](javascript:alert(1)).\n\nEnd."],
  };
};

let upstream: OpenAiUpstream;
let tutti: TestConsole;
let client: Client;
before(async () => {
  upstream = await startOpenAiUpstream(script, { models: ["test-model", "other-model"] });
  tutti = await openConsole({ modelBaseUrl: upstream.baseUrl, model: "test-model", inlinePlugins: [house] });
  client = createClient({ baseUrl: tutti.tutti.url, token: tutti.tutti.token });
});
after(async () => {
  await tutti[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

async function ask(page: ConsolePage, question: string): Promise<void> {
  await page.getByLabel("Message to clerk").fill(question);
  await page.keyboard.press("Enter");
}

const runIn = (page: ConsolePage): string => new URL(page.url()).searchParams.get("run") ?? "";

test("agents are listed with how they are, and one tells what it can do and what policy says to that", async () => {
  const page = await tutti.open("/agents");
  const row = page.getByRole("row").filter({ hasText: "clerk" });
  await row.getByText("ok", { exact: true }).waitFor();
  await row.getByRole("link", { name: "Talk to clerk" }).waitFor();
  assert.deepEqual(await violations(page), []);
  await row.getByRole("link", { name: "clerk", exact: true }).click();
  await page.getByRole("tab", { name: "About and runs" }).click();
  const tools = page.getByRole("region", { name: "Tools, and what policy says" });
  await tools.getByText("ask", { exact: true }).waitFor();
  await tools.getByText(/words are looked at/).waitFor();
  assert.deepEqual(await violations(page), []);
  await page.getByRole("tab", { name: "Run now" }).click();
  await page.getByLabel("message *").fill("Tell me a story");
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await page.waitForURL(/\/runs\/[0-9a-f-]{36}/);
  assert.deepEqual(page.problems, []);
});

test("whatever the width, talking to an agent is in sight; where an agent is not well the list says why and leads to what mends it", async () => {
  const page = await tutti.open("/agents");
  for (const width of [1900, 1440, 390]) {
    await page.setViewportSize({ width, height: 844 });
    const grid = page.getByRole("grid", { name: "Agents" });
    await grid.getByRole("columnheader", { name: "Can" }).waitFor({ state: width === 1900 ? "visible" : "detached" });
    await until(
      page,
      `(({ left, right }) => left > 0 && right <= innerWidth && innerWidth === ${width})
        (document.querySelector("[role=grid] [aria-label='Talk to clerk']").getBoundingClientRect())`,
    );
    await until(page, '(({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth)(document.querySelector("[role=grid]"))');
  }
  await page.getByText("tools that it names are not there: lost_tool").waitFor();
  await page.getByRole("link", { name: "degraded. Add what it needs" }).click();
  await page.waitForURL(/settings\/plugins/);
});

test("in a low window and on a phone a conversation has one thing that scrolls, and the way to write is in sight", async () => {
  const page = await tutti.open("/agents/clerk");
  await ask(page, "Tell me a story\n".repeat(30));
  await page.getByRole("log").getByText("End.").waitFor();
  for (const viewport of [
    { width: 720, height: 450 },
    { width: 390, height: 844 },
  ]) {
    await page.setViewportSize(viewport);
    const scrolling = `[...document.querySelectorAll("main, main *")].filter((node) =>
      ["auto", "scroll"].includes(getComputedStyle(node).overflowY) && node.scrollHeight > node.clientHeight + 1).map((node) => node.id)`;
    await until(page, `innerHeight === ${viewport.height} && JSON.stringify(${scrolling}) === '["content"]'`);
    for (const place of [0, 100_000]) {
      await page.evaluate(`document.querySelector("main").scrollTop = ${place}`);
      await until(
        page,
        `(({ top, bottom }) => bottom <= innerHeight && top > innerHeight - 120)
          (document.querySelector("[aria-label='Message to clerk']").getBoundingClientRect())`,
      );
    }
    assert.deepEqual(await violations(page), []);
    await page.getByRole("button", { name: "Earlier ones" }).click();
    await page.getByRole("navigation", { name: "Conversations" }).getByText("Tell me a story").first().waitFor();
    await page.getByRole("button", { name: "Earlier ones" }).click();
  }
});

test("an answer comes with its tools, its cost and its run, is safe to look at, and a reload goes on with the conversation", async () => {
  const page = await tutti.open("/agents/clerk");
  await page.getByRole("button", { name: "Tell me a story", exact: true }).waitFor();
  assert.deepEqual(await violations(page), []);
  await ask(page, "calculate this");
  const log = page.getByRole("log", { name: "Messages" });
  await log.getByRole("list", { name: "Tool calls" }).getByText("safe_calc").waitFor();
  await log.getByText("Answer 1 of test-model.").waitFor();
  await log.getByText(/tokens/).waitFor();
  await log.getByRole("button", { name: /safe_calc/ }).click();
  await log.getByText('"42"').first().waitFor();
  assert.equal(await log.locator("img").count(), 0);
  assert.equal(await log.getByRole("link", { name: "a link" }).count(), 0);
  assert.equal(await log.getByRole("link", { name: /^Run / }).getAttribute("href"), `/admin/runs/${runIn(page)}`);
  await ask(page, "and then?");
  await log.getByText("Answer 2 of test-model.").waitFor();
  await page.reload();
  await log.getByText("Answer 2 of test-model.").waitFor();
  await log.getByText("Answer 1 of test-model.").waitFor();
  await ask(page, "and now?");
  await log.getByText("Answer 3 of test-model.").waitFor();
  const history = page.getByRole("navigation", { name: "Conversations" });
  await history.getByRole("button", { name: /calculate this/ }).waitFor();
  assert.equal(await history.getByRole("button", { name: /calculate this/ }).count(), 1);
  assert.deepEqual(await violations(page), []);
  await page.getByRole("button", { name: "New conversation" }).click();
  await page.getByRole("button", { name: "Tell me a story", exact: true }).waitFor();
  await history.getByRole("button", { name: /calculate this/ }).click();
  await log.getByText("Answer 3 of test-model.").waitFor();
  await log.getByRole("link", { name: /^Run / }).nth(2).waitFor();
  assert.deepEqual(page.problems, []);
});

test("an answer is stopped: its run is cancelled, what was said stays, and the question can be asked again", async () => {
  const page = await tutti.open("/agents/clerk");
  await ask(page, "silence please");
  const log = page.getByRole("log", { name: "Messages" });
  await log.getByText("It begins").waitFor();
  await page.getByRole("button", { name: "Stop" }).click();
  await log.getByText("Stopped.").waitFor();
  await log.getByText("It begins").waitFor();
  assert.equal((await client.run(runIn(page))).run.status, "cancelled");
  const stopped = runIn(page);
  await log.getByRole("button", { name: "Ask again" }).click();
  await page.waitForURL((url) => url.searchParams.get("run") !== stopped);
  await page.getByRole("button", { name: "Stop" }).click();
  await log.getByText("Stopped.").waitFor();
  assert.deepEqual(await violations(page), []);
  assert.deepEqual(page.problems, []);
});

test("what is sent while an answer is still coming is asked once that is there, unless somebody writes on", async () => {
  const page = await tutti.open("/agents/clerk");
  const log = page.getByRole("log", { name: "Messages" });
  await ask(page, "silence please");
  await log.getByText("It begins").waitFor();
  await ask(page, "and what");
  await page.getByText("It is sent once this answer is there.").waitFor();
  assert.deepEqual(await violations(page), []);
  await page.keyboard.type(" else?");
  await page.getByText("It is sent once this answer is there.").waitFor({ state: "detached" });
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Stop" }).click();
  await log.getByText("Answer 2 of test-model.").waitFor();
  await log.getByRole("article", { name: "Question" }).getByText("and what else?").waitFor();
  assert.equal(await page.getByLabel("Message to clerk").inputValue(), "");
  assert.deepEqual(page.problems, []);
});

test("a message that is half written stays over a reload and a way elsewhere", async () => {
  const page = await tutti.open("/agents/clerk");
  const box = page.getByLabel("Message to clerk");
  await box.fill("half a thought");
  await page.getByRole("link", { name: "Runs", exact: true }).click();
  await page.getByRole("heading", { name: "Runs", level: 1 }).waitFor();
  await page.goBack();
  await box.and(page.getByText("half a thought")).waitFor();
  await page.reload();
  await box.and(page.getByText("half a thought")).waitFor();
  assert.deepEqual(page.problems, []);
});

test("what an answer asks is approved, denied, or given another input in its place, without leaving the conversation", async () => {
  const page = await tutti.open("/agents/clerk");
  const log = page.getByRole("log", { name: "Messages" });
  await ask(page, "say it");
  await log.getByText("loud words").first().waitFor();
  assert.deepEqual(await violations(page), []);
  await log.getByRole("button", { name: "Approve", exact: true }).click();
  await log.getByText("Answer 1 of test-model.").waitFor();
  await ask(page, "say it again");
  await log.getByRole("button", { name: "Deny" }).click();
  await log.getByText("Answer 2 of test-model.").waitFor();
  await ask(page, "say it once more");
  await log.getByRole("button", { name: "Edit and approve …" }).click();
  const window = page.getByRole("dialog");
  await writeCode(page, window.getByRole("textbox", { name: "Input" }), '{ "text": "quiet words" }');
  await window.getByRole("button", { name: "Approve this input" }).click();
  await log.getByText("Answer 3 of test-model.").waitFor();
  await log.getByRole("button", { name: /quiet words/ }).waitFor();
  assert.deepEqual(page.problems, []);
});

test("two models are compared: what fails on one side does not touch the other, sides are swapped, and a vote is kept", async () => {
  const page = await tutti.open("/compare?a=test-model&b=other-model&temperature=0&seed=7");
  const prompt = page.getByLabel("Prompt");
  await prompt.fill("break one");
  await page.keyboard.press("Control+Enter");
  const [first, second] = [page.getByRole("region", { name: /^First/ }), page.getByRole("region", { name: /^Second/ })];
  await first.getByText("done", { exact: true }).waitFor();
  await second.getByText(/this model is broken/).waitFor();
  assert.deepEqual(await violations(page), []);
  await prompt.fill("tell me");
  await page.getByRole("button", { name: "Ask both" }).click();
  await first.getByText(/Answer 1 of test-model/).waitFor();
  await second.getByText(/Answer 1 of other-model/).waitFor();
  const asked = upstream.calls.at(-1)?.received.toString() ?? "";
  assert.match(asked, /"temperature":0/);
  assert.match(asked, /"seed":7/);
  await page
    .getByRole("group", { name: "What differs" })
    .getByText(/of other-model/)
    .waitFor();
  await page.getByRole("button", { name: "Swap the sides" }).click();
  await first.getByText(/Answer 1 of other-model/).waitFor();
  await page.getByRole("button", { name: "The second", exact: true }).click();
  await page.getByText("So far: other-model 0, test-model 1, as good 0.").waitFor();
  await page.reload();
  assert.deepEqual((await client.view("compare votes")).value, {
    pairs: [{ a: "other-model", b: "test-model", wonA: 0, wonB: 1, same: 0 }],
  });
  await page.getByLabel("Temperature").fill("9");
  await page.getByText("from 0 to 2").waitFor();
  await page.getByLabel("Prompt").fill("tell me");
  assert.equal(await page.getByRole("button", { name: "Ask both" }).isDisabled(), true);
  assert.deepEqual(page.problems, []);
});

test("both sides are stopped, and what had come stays", async () => {
  const page = await tutti.open("/compare?a=test-model&b=other-model");
  await page.getByLabel("Prompt").fill("silence");
  await page.getByRole("button", { name: "Ask both" }).click();
  await page.getByText("It begins").nth(1).waitFor();
  await page.getByRole("button", { name: "Stop" }).click();
  await page.getByText("stopped", { exact: true }).nth(1).waitFor();
  assert.equal(await page.getByText("It begins").count(), 2);
  assert.deepEqual(await violations(page), []);
  assert.deepEqual(page.problems, []);
});

interface KeptSide {
  readonly runId: string | null;
  readonly phase: string;
}

interface KeptSides {
  readonly prompt: string;
  readonly a: KeptSide;
  readonly b: KeptSide;
}

/** Until the server's copy of the newest comparison is so; set it before what makes it so. */
async function kept(page: ConsolePage, isSo: (newest: KeptSides) => boolean): Promise<void> {
  await page.waitForResponse((answer) => {
    const request = answer.request();
    if (request.method() !== "PUT") return false;
    const { value } = request.postDataJSON() as { readonly value: { readonly comparisons?: readonly KeptSides[] } };
    const [newest] = value.comparisons ?? [];
    return newest !== undefined && isSo(newest);
  });
}

test("a comparison stays: a reload, another browser and the way back show its prompt, answers and failures", async () => {
  const page = await tutti.open("/compare?a=test-model&b=other-model");
  const side = (name: RegExp, of = page) => of.getByRole("region", { name });
  const askBoth = async (prompt: string): Promise<void> => {
    await page.getByLabel("Prompt").fill(prompt);
    await page.getByRole("button", { name: "Ask both" }).click();
  };
  await askBoth("break the second");
  await side(/^Second/)
    .getByText(/this model is broken/)
    .waitFor();
  await side(/^First/)
    .getByText("done", { exact: true })
    .waitFor();
  const first = page.url();
  const isKept = kept(page, ({ prompt, a, b }) => prompt === "tell both" && a.phase === "done" && b.phase === "done");
  await askBoth("tell both");
  await side(/^Second/)
    .getByText(/Answer 1 of other-model/)
    .waitFor();
  await side(/^First/)
    .getByText("done", { exact: true })
    .waitFor();
  await page.getByRole("group", { name: "What differs" }).waitFor();
  await isKept;
  await page.reload();
  await side(/^First: test-model/)
    .getByText(/Answer 1 of test-model/)
    .waitFor();
  await side(/^Second: other-model/)
    .getByText(/Answer 1 of other-model/)
    .waitFor();
  await page.getByRole("group", { name: "What differs" }).waitFor();
  assert.equal(await page.getByLabel("Prompt").inputValue(), "tell both");
  assert.deepEqual(await violations(page), []);
  await page.goBack();
  await side(/^Second/)
    .getByText(/this model is broken/)
    .waitFor();
  assert.equal(await page.getByLabel("Prompt").inputValue(), "break the second");
  await page.goForward();
  await side(/^Second/)
    .getByText(/Answer 1 of other-model/)
    .waitFor();
  const other = await tutti.open(first.replace(/^.*\/admin/, ""));
  await side(/^Second/, other)
    .getByText(/this model is broken/)
    .waitFor();
  await side(/^First/, other)
    .getByText(/Answer 1 of test-model/)
    .waitFor();
  const unknown = await tutti.open("/compare?a=test-model&b=other-model&asked=never");
  await unknown.getByText("This comparison is not kept any more").waitFor();
  assert.deepEqual([...page.problems, ...other.problems, ...unknown.problems], []);
});

test("an agent goes on with its answer when a comparison is left, with its tool calls; what a model was saying is told to have stopped", async () => {
  const page = await tutti.open("/compare?a=clerk&b=test-model");
  const isSecond = (phase: string) => (newest: KeptSides) => newest.a.runId !== null && newest.b.runId !== null && newest.b.phase === phase;
  const answered = kept(page, isSecond("done"));
  await page.getByLabel("Prompt").fill("say it");
  await page.getByRole("button", { name: "Ask both" }).click();
  const [first, second] = [page.getByRole("region", { name: /^First/ }), page.getByRole("region", { name: /^Second/ })];
  await first.getByText("loud words").first().waitFor();
  await answered;
  await page.reload();
  await first.getByRole("button", { name: "Approve", exact: true }).click();
  await first.getByText(/Answer 1 of test-model/).waitFor();
  await first.getByRole("list", { name: "Tool calls" }).getByText("echo").waitFor();
  await first.getByText("done", { exact: true }).waitFor();
  const begun = kept(page, isSecond("open"));
  await page.getByLabel("Prompt").fill("silence");
  await page.getByRole("button", { name: "Ask both" }).click();
  await second.getByText("It begins").waitFor();
  await begun;
  await page.reload();
  await second.getByText("stopped", { exact: true }).waitFor();
  // A browser that ends the answer before its page is gone lets that keep what had come.
  await second.getByText(/is not kept. Ask again|It begins/).waitFor();
  await page.getByRole("button", { name: "Stop" }).click();
  await first.getByText("stopped", { exact: true }).waitFor();
  assert.deepEqual(page.problems, []);
});

test("an answer whose renderer could not be loaded is plain text, and is drawn by itself when the server is back", async () => {
  const page = await tutti.open("/agents");
  const code = "**/assets/markdown-rendered-*.js";
  await page.route(code, (route) => route.abort());
  await page.goto(`${tutti.tutti.url}/admin/compare?a=test-model&b=test-model`);
  await page.getByLabel("Prompt").fill("tell me");
  await page.getByRole("button", { name: "Ask both" }).click();
  const first = page.getByRole("region", { name: /^First/ });
  await first.getByText("done", { exact: true }).waitFor();
  await first.getByText("**Bold**").waitFor();
  await tutti.restart(async () => {
    await page.getByRole("alert").getByText("does not answer").waitFor();
    await page.unroute(code);
  });
  await first.locator("strong").getByText("Bold").waitFor();
  assert.deepEqual(page.problems, []);
});
