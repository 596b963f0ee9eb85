// A small orchestrator: it routes messages to two tools, remembers the last few, and can say why it did what it did.
// Run it with: npm run example:first
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineWorkflow, openApp, type Json, type Policy, type Tool } from "tutti";
import { z } from "zod";

/** Older messages are forgotten, so that a conversation cannot grow without end. */
const HISTORY_MESSAGES_MAX = 3;

// 1. A tool: what it is called, what it takes, and what it does. The other tool here, safe_calc, is built in.
const countInput = z.object({ text: z.string() });
const countWords: Tool<z.infer<typeof countInput>> = {
  name: "count_words",
  description: "Counts the words of a text.",
  effect: "read",
  input: countInput,
  parameters: { type: "object", properties: { text: { type: "string" } }, required: ["text"] },
  run: async ({ text }) => ({ words: text.split(/\s+/).length }),
};

// 2. A policy: tools that are not built in are refused until somebody allows them, and says why.
const allowCounting: Policy = ({ kind, resource }) =>
  kind === "tool.call" && resource === "count_words" ? { effect: "allow", reason: "it only counts", rule: "example" } : undefined;

// 3. Routes: the first pattern that matches says which tool answers.
interface Route {
  readonly rule: string;
  readonly pattern: RegExp;
  readonly tool: string;
  readonly input: (found: string) => Json;
}
const routes: readonly Route[] = [
  { rule: "arithmetic", pattern: /^what is ([-+*/().\d\s]+)\?$/i, tool: "safe_calc", input: (expression) => ({ expression }) },
  { rule: "counting", pattern: /^how many words: (.+)$/i, tool: "count_words", input: (text) => ({ text }) },
];

// 4. The orchestrator: a durable workflow. Each step is recorded, so a crash loses nothing and a replay is exact.
const orchestrator = defineWorkflow({
  name: "first-orchestrator",
  version: "1",
  input: z.object({ message: z.string(), history: z.array(z.string()) }),
  async run(ctx, { message, history }) {
    const route = routes.find(({ pattern }) => pattern.test(message));
    const rule = await ctx.step("route", () => route?.rule ?? "none");
    if (route === undefined) return { rule, reply: `I only calculate and count. Before that you said: ${history.join(" | ")}` };
    const output = await ctx.call(route.tool, route.input(route.pattern.exec(message)?.[1] ?? ""));
    return { rule, reply: JSON.stringify(output) };
  },
});

// 5. A conversation. Everything that happens is kept in this folder; here it is a temporary one.
await using folder = await mkdtempDisposable(join(tmpdir(), "first-orchestrator-"));
const plugin = { name: "first-orchestrator", tools: [countWords], workflows: [orchestrator], policies: [allowCounting] };
await using app = await openApp({ dataDir: folder.path, plugins: [plugin] });

const messages = ["What is 12 * (3 + 4)?", "How many words: to be or not to be", "What is 1/0?", "What is 0.1 + 0.2?", "Tell me a joke"];
let history: readonly string[] = [];
const runIds: string[] = [];
for (const message of messages) {
  console.log(`you    ${message}`);
  try {
    const { runId, output } = await app.run("first-orchestrator", { message, history });
    runIds.push(runId);
    console.log(`tutti  ${(output as { readonly reply: string }).reply}\n`);
  } catch (error) {
    console.log(`tutti  That failed: ${error instanceof Error ? error.message : String(error)}\n`);
  }
  history = [...history, message].slice(-HISTORY_MESSAGES_MAX);
}

// 6. The trace: what was decided, and why. It is the journal itself, so it cannot tell another story than the run.
console.log("The decisions:");
for (const [index, runId] of runIds.entries()) {
  for (const event of await app.events(runId)) {
    if (event.type === "step.completed" && event.name === "route") console.log(`run ${index + 1}  route: ${JSON.stringify(event.output)}`);
    if (event.type === "policy.decided") {
      const { action, decision } = event;
      console.log(`run ${index + 1}  ${decision.effect} ${action.kind} ${action.resource}, because ${decision.reason} (${decision.rule})`);
    }
  }
}
