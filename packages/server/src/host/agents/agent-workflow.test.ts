import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { AppError, type AgentSpec, type Event, type Json, type Model, type ModelRequest, type Tool } from "@tutti/core";
import { EmbeddedEngine } from "../../engine/index.ts";
import { SqliteStore } from "../../store/index.ts";
import type { ResultRules } from "../../models/index.ts";
import { builtInTools } from "../../tools/index.ts";
import { agentWorkflow, type AgentOutput } from "./agent-workflow.ts";

const toolResults: ResultRules = {
  mark: true,
  clean: true,
  instructions: "note",
  secrets: false,
  personalData: false,
  charactersMax: 32_000,
};

const principal = { id: "tester", tenant: "test", roles: ["owner"] };

const SPEC: AgentSpec = {
  name: "ada",
  version: "1",
  description: "Counts and repeats.",
  instructions: "You are Ada.",
  model: "default",
  tools: ["safe_calc", "echo"],
  routes: [
    {
      id: "calc",
      match: String.raw`(?i)^what is (?P<expression>[\d+*/()-]+)\?$`,
      tool: "safe_calc",
      input: { expression: "$expression" },
      reason: "it looks like arithmetic",
      answer: "$text",
    },
    { id: "echo", match: "(?i)^echo (?P<text>.+)$", tool: "echo", input: { text: "$text, for $$1" }, reason: "it asks for an echo" },
  ],
  limits: { stepsMax: 4, historyMessagesMax: 3 },
};

/** What a scripted model answers: a text, or calls of tools. */
type Answer = string | readonly { readonly name: string; readonly input: Json }[];

/** A model that gives these answers, and keeps what it was asked. */
function scripted(answers: readonly Answer[]): Model & { readonly asked: ModelRequest[] } {
  const asked: ModelRequest[] = [];
  return {
    id: "script",
    asked,
    async *generate(request) {
      const answer = answers[asked.length] ?? "no more answers";
      asked.push(structuredClone(request));
      if (typeof answer === "string") yield { type: "text", text: answer };
      else for (const [index, call] of answer.entries()) yield { type: "call", call: { id: `call-${asked.length}-${index}`, ...call } };
      yield { type: "finish", reason: typeof answer === "string" ? "stop" : "tool_calls", usage: { inputTokens: 10, outputTokens: 2 } };
    },
  };
}

interface Setup {
  readonly spec?: Partial<AgentSpec>;
  readonly model?: Model;
  readonly tools?: readonly Tool[];
  readonly denied?: string;
  /** What the router policy says of models. */
  readonly routed?: { readonly model: string; readonly reason: string };
}

interface Desk extends AsyncDisposable {
  readonly engine: EmbeddedEngine;
  readonly config: { model: Model | undefined };
  ask(input: Json): Promise<AgentOutput & { readonly runId: string }>;
  events(runId: string): Promise<readonly Event[]>;
}

/** The agent on a real engine and store. */
async function desk({ spec = {}, model, tools = builtInTools, denied, routed }: Setup): Promise<Desk> {
  const dataDir = await mkdtemp(join(tmpdir(), "tutti-agents-"));
  const store = await SqliteStore.open(dataDir);
  const config: { model: Model | undefined } = { model };
  const findTool = (name: string): Tool | undefined => tools.find((tool) => tool.name === name);
  const workflow = agentWorkflow(
    { ...SPEC, ...spec },
    {
      findModel: (id) => (id === "absent" ? undefined : config.model?.id),
      modelFor: async () => routed,
      findSkill: () => undefined,
      hasServer: () => false,
      findTool,
      toolResults,
    },
  );
  const engine = new EmbeddedEngine({
    store,
    runsActiveMax: 10,
    parts: {
      workflow: (name) => (name === workflow.name ? workflow : undefined),
      tool: findTool,
      model: () => config.model,
      decide: ({ resource }) => ({ effect: resource === denied ? "deny" : "allow", reason: "the test says so", rule: "test" }),
      policyHash: () => "0".repeat(64),
    },
  });
  return {
    engine,
    config,
    async ask(input) {
      const { runId } = await engine.start(workflow.name, input, { principal });
      return { runId, ...((await engine.result(runId, AbortSignal.timeout(120_000))) as AgentOutput) };
    },
    events: (runId) => store.read(runId, { afterSeq: 0, limit: 1_000 }),
    async [Symbol.asyncDispose]() {
      await engine.stop(1_000);
      await store.close();
      await rm(dataDir, { recursive: true });
    },
  };
}

/** What stands between the marks of a tool's result. */
function data(text: string | undefined): string {
  const [, name, from, inside] = /^<data ([0-9a-f]{12}) from="(\w+)">\n(.*)\n<\/data \1>$/s.exec(text ?? "") ?? [];
  return name === undefined ? `not marked: ${text}` : `${from}: ${inside}`;
}

function user(content: string): { readonly role: "user"; readonly content: string } {
  return { role: "user", content };
}

test("without a model a route answers, and says which rule it was and why", async () => {
  await using agent = await desk({});
  const { reply, route, usage, runId } = await agent.ask({ message: "What is 12*(3+4)?" });
  assert.deepEqual(reply, { role: "assistant", content: "12*(3+4) = 84" });
  assert.deepEqual(route, { by: "rule", rule: "calc", tool: "safe_calc", reason: "it looks like arithmetic" });
  assert.deepEqual(usage, { inputTokens: 0, outputTokens: 0 });
  const steps = (await agent.events(runId)).flatMap((event) => (event.type === "step.completed" ? [event] : []));
  assert.deepEqual(
    steps.map(({ kind, name }) => [kind, name]),
    [
      ["step", "route"],
      ["tool", "safe_calc"],
    ],
  );
  assert.deepEqual(steps[0]?.output, { ...route, input: { expression: "12*(3+4)" } });
});

test("a route without an answer of its own shows the tool's output; $$ is a dollar sign", async () => {
  await using agent = await desk({});
  assert.equal((await agent.ask({ message: "echo tea" })).reply.content, '{"text":"tea, for $1"}');
});

test("without a model and a route the answer says so, and how to add a model", async () => {
  await using agent = await desk({});
  const { reply, route } = await agent.ask({
    messages: [user("echo tea"), { role: "assistant", content: "tea" }, user("Who wrote Faust?")],
  });
  assert.deepEqual(route, { by: "none", reason: "no model is configured and no route matches" });
  assert.match(
    reply.content,
    /^No model is configured, so I cannot answer that\.\nWithout a model I have these fixed routes only: calc, echo\./,
  );
  assert.match(reply.content, /TUTTI_MODEL_BASE_URL=http:\/\/127\.0\.0\.1:11434\/v1 TUTTI_MODEL=llama3\.2/);
});

test("a tool that refuses a route's input is reported as it is", async () => {
  await using agent = await desk({});
  assert.equal(
    (await agent.ask({ message: "what is 1/0?" })).reply.content,
    "I tried safe_calc, and it did not work: division by zero, at position 2",
  );
});

test("an agent that names no model has the one of the router policy, where that is configured", async () => {
  const message = { message: "refactor this" };
  await using coder = await desk({ model: scripted(["Done."]), routed: { model: "script", reason: "rule code: it is about code" } });
  assert.deepEqual((await coder.ask(message)).route, { by: "model", model: "script", reason: "rule code: it is about code" });
  await using other = await desk({ model: scripted(["Done."]), routed: { model: "absent", reason: "rule far" } });
  const reason = "a default model is configured; rule far, but absent is not configured";
  assert.deepEqual((await other.ask(message)).route, { by: "model", model: "script", reason });
  await using named = await desk({ spec: { model: "script" }, model: scripted(["Done."]), routed: { model: "absent", reason: "no" } });
  assert.deepEqual((await named.ask(message)).route, { by: "model", model: "script", reason: "the agent names this model" });
});

test("a model is asked with the instructions, the end of the conversation and the agent's tools", async () => {
  const model = scripted(["Hello."]);
  await using agent = await desk({ model });
  const messages = [
    { role: "system", content: "Be brief." } as const,
    user("one"),
    { role: "assistant", content: "1" } as const,
    user("two"),
    { role: "assistant", content: "2" } as const,
    user("three"),
  ];
  const { reply, route, usage } = await agent.ask({ messages });
  assert.equal(reply.content, "Hello.");
  assert.deepEqual(route, { by: "model", model: "script", reason: "a default model is configured" });
  assert.deepEqual(usage, { inputTokens: 10, outputTokens: 2 });
  assert.deepEqual(model.asked[0]?.messages.slice(1), [messages[0], ...messages.slice(3)]);
  assert.match(
    model.asked[0]?.messages[0]?.content ?? "",
    /^You are Ada\.\n\nText between <data …> and <\/data …> marks .* comes from tools/,
  );
  assert.deepEqual(
    model.asked[0]?.tools?.map(({ name }) => name),
    ["safe_calc", "echo"],
  );
});

test("a model's tool calls are made, and it reads what they gave", async () => {
  const model = scripted([
    [
      { name: "safe_calc", input: { expression: "6*7" } },
      { name: "echo", input: { text: "hi" } },
    ],
    "It is 42.",
  ]);
  await using agent = await desk({ model });
  const { reply, usage } = await agent.ask({ message: "Six times seven?" });
  assert.equal(reply.content, "It is 42.");
  assert.deepEqual(usage, { inputTokens: 20, outputTokens: 4 });
  const results = model.asked[1]?.messages.slice(2);
  assert.deepEqual(results?.slice(0, 1), [
    {
      role: "assistant",
      content: "",
      calls: [
        { id: "call-1-0", name: "safe_calc", input: { expression: "6*7" } },
        { id: "call-1-1", name: "echo", input: { text: "hi" } },
      ],
    },
  ]);
  assert.deepEqual(
    results?.slice(1).map(({ content }) => data(content)),
    ['safe_calc: {"exact":true,"expression":"6*7","result":"42","text":"6*7 = 42"}', 'echo: {"text":"hi"}'],
  );
});

test("what goes wrong with a call is told to the model: bad input, a tool it does not have, a tool that policy denies", async () => {
  const model = scripted([
    [
      { name: "safe_calc", input: { expression: "1/0" } },
      { name: "rm", input: {} },
      { name: "echo", input: { text: "x" } },
    ],
    "Sorry.",
  ]);
  await using agent = await desk({ model, denied: "echo" });
  assert.equal((await agent.ask({ message: "go" })).reply.content, "Sorry.");
  const results = model.asked[1]?.messages.slice(3).map(({ content }) => content);
  assert.equal(data(results?.[0]), "safe_calc: error invalid_input: division by zero, at position 2");
  assert.equal(results?.[1], 'error: there is no tool "rm"; there are: safe_calc, echo');
  assert.match(data(results?.[2]), /^echo: error denied: .*the test says so/);
});

test("the last step offers no tools, and a model that still asks for them fails the run", async () => {
  const calls = [{ name: "echo", input: { text: "again" } }];
  const model = scripted([calls, calls, calls, calls]);
  await using agent = await desk({ model });
  await assert.rejects(agent.ask({ message: "go" }), { code: "upstream", message: /got no answer from script within 4 steps/ });
  assert.deepEqual(
    model.asked.map(({ tools }) => tools?.length ?? 0),
    [2, 2, 2, 0],
  );
});

test("too many calls at once are refused beyond the bound, and a long result is cut", async () => {
  const long: Tool = { ...(builtInTools[0] as Tool), run: async () => "x".repeat(100_000) };
  const model = scripted([Array.from({ length: 18 }, () => ({ name: "echo", input: { text: "" } })), "Done."]);
  await using agent = await desk({ model, tools: [long, ...builtInTools.slice(1)] });
  assert.equal((await agent.ask({ message: "go" })).reply.content, "Done.");
  const results = model.asked[1]?.messages.slice(3).map(({ content }) => content) ?? [];
  assert.equal(results.length, 18);
  assert.match(data(results[0]), /^echo: x{32000}… \[cut, 100000 characters\]$/);
  assert.equal(results[17], "error: at most 16 tool calls at once; ask again for the rest");
});

test("cancelling a run is not told to the model; the run ends", async () => {
  const started = Promise.withResolvers<void>();
  const waiting: Tool = {
    ...(builtInTools[0] as Tool),
    run: (_, { signal }) => {
      started.resolve();
      return new Promise((_resolve, reject) =>
        signal.addEventListener("abort", () => reject(new AppError("cancelled", "stopped")), { once: true }),
      );
    },
  };
  const model = scripted([[{ name: "echo", input: { text: "" } }], "never"]);
  await using agent = await desk({ model, tools: [waiting, ...builtInTools.slice(1)] });
  const { runId } = await agent.engine.start("ada", { message: "go" }, { principal });
  await started.promise;
  await agent.engine.cancel(runId, "enough", principal);
  await assert.rejects(agent.engine.result(runId, AbortSignal.timeout(120_000)), { code: "cancelled" });
  assert.equal(model.asked.length, 1);
});

test("a run is replayed as it was decided, though a model has been configured since", async () => {
  await using agent = await desk({});
  const { runId } = await agent.ask({ message: "what is 1+1?" });
  agent.config.model = scripted(["Two."]);
  const replay = await agent.engine.replay(runId);
  assert.equal(replay.matches, true, JSON.stringify(replay));
});

test("a tool that is not installed stops the run with its name", async () => {
  await using agent = await desk({ spec: { tools: ["safe_calc", "market.prices"] } });
  await assert.rejects(agent.ask({ message: "hi" }), {
    code: "not_found",
    message: /the agent ada wants the tool market\.prices, which is not installed/,
  });
});

test("an input that is no conversation is refused with the place that is wrong", async () => {
  await using agent = await desk({});
  await assert.rejects(agent.ask({ messages: [] }), { code: "invalid_input", message: /messages/ });
  await assert.rejects(agent.ask({ messages: [{ role: "robot", content: "hi" }] }), {
    code: "invalid_input",
    message: /messages\.0\.role/,
  });
  await assert.rejects(agent.ask({ message: 7 }), { code: "invalid_input", message: /messages\.0\.content/ });
  await assert.rejects(agent.ask("hi"), { code: "invalid_input" });
});
