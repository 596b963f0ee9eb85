import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient, type ApprovalEntry, type ChatAnswer, type Client } from "@tutti/client";
import { AppError, type AgentSpec, type Decision, type Event, type Plugin } from "@tutti/core";
import { startTestApp, type TestApp } from "../../packages/server/src/testing.ts";
import { startOpenAiUpstream } from "../../packages/server/src/testing/openai-upstream.ts";

const SECRET = "sk-proj-abcdefghijklmnop1234";
/** What the model wants to run, what the person makes of it, and what nobody may run. */
const ASKED = "import os\nprint(os.listdir('/'))";
const EDITED = `print(6 * 7)\nprint("${SECRET}")`;
const FORBIDDEN = "import socket";

const analyst: AgentSpec = {
  name: "analyst",
  version: "1",
  description: "Answers by running code.",
  instructions: "You answer by running code.",
  model: "default",
  tools: ["python_exec"],
  routes: [],
  limits: { stepsMax: 4, historyMessagesMax: 20 },
};

/** Code is looked at by a person; what opens sockets is run by nobody. */
const house: Plugin = {
  name: "house",
  agents: [analyst],
  policies: [
    ({ kind, resource, input }): Decision | undefined => {
      if (kind !== "tool.call" || resource !== "python_exec") return undefined;
      const { code = "" } = input as { readonly code?: string };
      return code.includes("socket")
        ? { effect: "deny", reason: "no code that opens sockets", rule: "no-sockets" }
        : { effect: "ask", reason: "code is looked at first", rule: "code", approval: { expiresInMs: 60_000 } };
    },
  ],
};

interface World extends AsyncDisposable {
  readonly app: TestApp;
  readonly client: Client;
  /** What the model was told last, each time it was asked. */
  readonly told: readonly string[];
}

/** A Tutti whose model (a stand-in that speaks OpenAI's wire format) asks to run some code, and then says what it read. */
async function open(code: string, sandboxLevel: "soft" | "strangers" = "soft"): Promise<World> {
  const stack = new AsyncDisposableStack();
  const told: string[] = [];
  const upstream = stack.use(
    await startOpenAiUpstream(
      (body) => {
        const { content } = body.messages.at(-1) ?? {};
        told.push(typeof content === "string" ? content : JSON.stringify(content));
        if (told.length > 1) return { type: "text", pieces: ["The code ", "has spoken."] };
        return { type: "calls", calls: [{ id: "call_1", name: "python_exec", arguments: JSON.stringify({ code }) }] };
      },
      { isStrict: true },
    ),
  );
  const app = stack.use(
    await startTestApp({
      modelBaseUrl: upstream.baseUrl,
      model: "test-model",
      inlinePlugins: [house],
      sandbox: ["bubblewrap", "landlock"],
      sandboxLevel,
      toolResults: { mark: true, clean: true, instructions: "note", secrets: true, personalData: false, charactersMax: 32_000 },
    }),
  );
  const client = createClient({ baseUrl: app.url, token: app.token });
  return { app, client, told, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** Talks to the analyst; whatever it asks is answered as `answer` says. */
async function talk({ client }: World, answer: (asked: ApprovalEntry) => Promise<unknown>): Promise<ChatAnswer> {
  for await (const part of client.chat({ agent: "analyst", messages: [{ role: "user", content: "What is six times seven?" }] })) {
    if (part.type === "approval") await answer(part.approval);
    if (part.type === "done") return part.answer;
  }
  throw new Error("wanted an answer");
}

const codeOf = (error: unknown): string => AppError.from(error).code;

test("a model asks to run code, policy asks, a person edits and approves, the sandbox runs it, its output is scrubbed, the receipt proves it", async () => {
  await using world = await open(ASKED);
  const { client, told } = world;
  let asked: ApprovalEntry | undefined;
  const { reply, runId } = await talk(world, (approval) => {
    asked = approval;
    const { argsHash } = approval.call ?? {};
    return client.answerApproval(approval, { approved: true, reason: "the sum is enough", argsHash, input: { code: EDITED } });
  });
  assert.equal(reply.content, "The code has spoken.");
  // The person saw what the model wanted, word by word.
  assert.match(asked?.question ?? "", /code is looked at first/);
  assert.deepEqual(asked?.detail, { code: ASKED });
  // The sandbox ran what the person made of it, and the model read it as data, without the secret.
  assert.match(told[1] ?? "", /42/);
  assert.doesNotMatch(told[1] ?? "", new RegExp(SECRET));
  // The receipt holds both versions, who let it happen and why, where it ran, and a chain that can be checked.
  const events = await client.events(runId);
  const decided = events.filter((event) => event.type === "policy.decided" && event.action.kind === "tool.call") as DecidedEvent[];
  assert.deepEqual(
    decided.map(({ decision, action }) => [decision.effect, decision.rule, (action.input as { readonly code: string }).code]),
    [
      ["ask", "code", ASKED],
      ["ask", "code", EDITED],
      ["allow", "code", EDITED],
    ],
  );
  assert.deepEqual([decided[2]?.approved?.by, decided[2]?.approved?.reason], [["owner"], "the sum is enough"]);
  const done = events.find((event) => event.type === "step.completed" && event.kind === "tool");
  assert.match(JSON.stringify(done), /"sandbox":{"backend":"(bubblewrap|landlock)"/);
  assert.equal((await client.verify(runId)).valid, true);
  assert.doesNotMatch(JSON.stringify(await client.receipt(runId)), new RegExp(SECRET));
  assert.equal((await client.replayRun(runId)).matches, true);
});

type DecidedEvent = Extract<Event, { readonly type: "policy.decided" }>;

test("a person refuses: nothing runs, and the model is told so", async () => {
  await using world = await open(ASKED);
  const { reply } = await talk(world, (approval) =>
    world.client.answerApproval(approval, { approved: false, reason: "not on this machine" }),
  );
  assert.equal(reply.content, "The code has spoken.");
  assert.match(world.told[1] ?? "", /approval_refused.*not on this machine/);
});

test("what a person made of the code is forbidden: the answer is refused, the question stays, and both stand in the log", async () => {
  await using world = await open(ASKED);
  const codes: string[] = [];
  const { runId } = await talk(world, async (approval) => {
    const edited = { approved: true, reason: "", input: { code: FORBIDDEN } };
    await world.client.answerApproval(approval, edited).catch((error: unknown) => codes.push(codeOf(error)));
    await world.client.answerApproval(approval, { approved: false, reason: "then not" });
  });
  assert.deepEqual(codes, ["denied"]);
  const events = await world.client.events(runId);
  assert.ok(events.some((event) => event.type === "policy.decided" && event.decision.rule === "no-sockets"));
});

test("policy denies the code: nobody is asked, and the model is told which rule it was", async () => {
  await using world = await open(FORBIDDEN);
  await talk(world, () => assert.fail("nobody is asked about what is denied"));
  assert.match(world.told[1] ?? "", /error denied.*no-sockets: no code that opens sockets/);
});

test("the sandbox is below the level that is wanted: approved code does not run either, and the reason says how to get there", async () => {
  await using world = await open(ASKED, "strangers");
  await talk(world, (approval) => world.client.answerApproval(approval, { approved: true, reason: "" }));
  assert.match(world.told[1] ?? "", /error unsupported.*wanted a sandbox of level.{0,10}strangers/s);
});

test("an approval that was given before is refused by name when it does not fit, and lets the code through once when it does", async () => {
  await using world = await open(ASKED);
  const { client } = world;
  const call = { tool: "python_exec", input: { code: "print(6 * 7)" } };
  const { approvalId } = await client.approveCall(call);
  const expired = await client.approveCall({ ...call, expiresInMs: 1 });
  const used = async (more: object): Promise<string> => client.callApproved({ ...call, ...more }).then(() => "done", codeOf);
  const codes = [
    await used({}),
    await used({ approvalId: "none" }),
    await used({ approvalId, input: { code: "print(43)" } }),
    await used({ approvalId, input: { code: FORBIDDEN } }),
    await used({ approvalId: expired.approvalId }),
    await used({ approvalId }),
    await used({ approvalId }),
  ];
  assert.deepEqual(codes, ["missing_approval", "unknown_approval", "args_hash_mismatch", "denied", "expired", "done", "already_consumed"]);
});
