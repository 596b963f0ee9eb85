import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Agent, OpenAIProvider, Runner, tool } from "@openai/agents";
import { MODELS, startThreeFormats, type Scene, type ThreeFormats } from "./three-formats.ts";

/** The porter hands over to the clerk, who adds with a tool. */
const reception: Scene = ({ said, result, tools, wantsSchema }) => {
  if (said.includes("refuse")) return { refuse: 429, message: "Slow down." };
  if (wantsSchema) return { say: '{"city":"Wien","people":2000000}' };
  const handoff = tools.find((name) => name.startsWith("transfer_to_"));
  if (handoff !== undefined) return { call: handoff, input: {} };
  if (result === "42") return { say: "The sum is 42." };
  return tools.includes("add") ? { call: "add", input: { a: 19, b: 23 } } : { say: `You said: ${said}` };
};

let tutti: ThreeFormats;
before(async () => {
  tutti = await startThreeFormats(reception);
});
after(() => tutti[Symbol.asyncDispose]());

const runner = (useResponses: boolean, apiKey = tutti.app.token): Runner =>
  new Runner({ modelProvider: new OpenAIProvider({ apiKey, baseURL: tutti.baseUrl, useResponses }), tracingDisabled: true });
const noRetries = { retry: { maxRetries: 0 } };
const schema = {
  type: "object" as const,
  properties: { city: { type: "string" }, people: { type: "integer" } },
  required: ["city", "people"],
  additionalProperties: false as const,
};
const add = tool({
  name: "add",
  description: "Adds two numbers.",
  strict: true,
  parameters: {
    type: "object",
    properties: { a: { type: "number" }, b: { type: "number" } },
    required: ["a", "b"],
    additionalProperties: false,
  },
  execute: (input) => {
    const { a, b } = input as { readonly a: number; readonly b: number };
    return String(a + b);
  },
});

for (const useResponses of [true, false]) {
  const way = useResponses ? "by responses" : "by chat";
  for (const model of MODELS) {
    test(`an agent of the OpenAI Agents SDK answers with ${model}, ${way}, whole and streamed`, async () => {
      const agent = new Agent({ name: "Clerk", instructions: "Be brief.", model });
      assert.equal((await runner(useResponses).run(agent, "Hello there")).finalOutput, "You said: Hello there");
      const streamed = await runner(useResponses).run(agent, "Hello there", { stream: true });
      assert.equal((await Array.fromAsync(streamed.toTextStream())).join(""), "You said: Hello there");
      await streamed.completed;
    });

    for (const stream of [false, true]) {
      test(`agents hand over and use a tool with ${model}, ${way} (streamed: ${stream})`, async () => {
        const clerk = new Agent({ name: "Clerk", instructions: "Add.", model, tools: [add] });
        const porter = new Agent({ name: "Porter", instructions: "Hand over.", model, handoffs: [clerk] });
        const result = stream
          ? await runner(useResponses).run(porter, "What is 19 + 23?", { stream })
          : await runner(useResponses).run(porter, "What is 19 + 23?");
        if ("completed" in result) await result.completed;
        assert.deepEqual([result.finalOutput, result.lastAgent?.name], ["The sum is 42.", "Clerk"]);
      });
    }

    test(`an agent answers in the type that is wanted with ${model}, ${way}`, async () => {
      const agent = new Agent({ name: "Clerk", model, outputType: { type: "json_schema", name: "city", strict: true, schema } });
      assert.deepEqual((await runner(useResponses).run(agent, "Austria?")).finalOutput, { city: "Wien", people: 2_000_000 });
    });
  }

  test(`an agent hears of refusals ${way}: an upstream's, and Tutti's own`, async () => {
    const agentOf = (model: string) => new Agent({ name: "Clerk", model, modelSettings: noRetries });
    const status = (error: unknown): unknown => (error instanceof Error && "status" in error ? error.status : error);
    const wants = (expected: number) => (error: unknown) => {
      assert.equal(status(error), expected);
      return true;
    };
    await assert.rejects(runner(useResponses).run(agentOf("messages-model"), "Please refuse."), wants(429));
    await assert.rejects(runner(useResponses).run(agentOf("no-such-model"), "Hi"), wants(404));
    await assert.rejects(runner(useResponses, "wrong").run(agentOf("chat-model"), "Hi"), wants(401));
  });
}
