import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Agent } from "@mastra/core/agent";
import { noopLogger } from "@mastra/core/logger";
import { createTool } from "@mastra/core/tools";
import { z } from "zod";
import { MODELS, startThreeFormats, type ThreeFormats } from "./three-formats.ts";

let tutti: ThreeFormats;
before(async () => {
  tutti = await startThreeFormats();
});
after(() => tutti[Symbol.asyncDispose]());

const add = createTool({
  id: "add",
  description: "Adds two numbers.",
  inputSchema: z.object({ a: z.number(), b: z.number() }),
  execute: ({ a, b }) => Promise.resolve(a + b),
});

/** An agent whose model is reached through Mastra's model router, which is told where Tutti is. */
function agentOf(modelId: string, { api = "chat", apiKey = tutti.app.token }: { api?: "chat" | "responses"; apiKey?: string } = {}): Agent {
  const model = { providerId: "tutti", modelId, url: tutti.baseUrl, apiKey, api };
  const agent = new Agent({ id: "clerk", name: "Clerk", instructions: "Be brief.", model, maxRetries: 0 });
  // It writes every refusal, with all that was sent, to the console.
  agent.__setLogger(noopLogger);
  return agent;
}

for (const api of ["chat", "responses"] as const) {
  for (const model of MODELS) {
    test(`a Mastra agent answers with ${model} by ${api}, whole and streamed`, async () => {
      assert.equal((await agentOf(model, { api }).generate("Hello there")).text, "You said: Hello there");
      const streamed = await agentOf(model, { api }).stream("Hello there");
      assert.equal((await Array.fromAsync(streamed.textStream)).join(""), "You said: Hello there");
    });

    test(`a Mastra agent uses a tool with ${model} by ${api}`, async () => {
      const answer = await agentOf(model, { api }).generate("What is 19 + 23?", { toolsets: { sums: { add } } });
      assert.equal(answer.text, "The sum is 42.");
    });

    test(`a Mastra agent gets what a schema wants from ${model} by ${api}`, async () => {
      const schema = z.object({ city: z.string(), people: z.number() });
      const { object } = await agentOf(model, { api }).generate("The largest city of Austria?", { structuredOutput: { schema } });
      assert.deepEqual(object, { city: "Wien", people: 2_000_000 });
    });
  }
}

test("a Mastra agent hears of refusals: an upstream's, and Tutti's own", async () => {
  const refused = (expected: number) => (error: unknown) => {
    assert.ok(error instanceof Error && "statusCode" in error, String(error));
    assert.equal(error.statusCode, expected);
    return true;
  };
  await assert.rejects(agentOf("messages-model").generate("Please refuse."), refused(429));
  await assert.rejects(agentOf("no-such-model").generate("Hi"), refused(404));
  await assert.rejects(agentOf("chat-model", { apiKey: "wrong" }).generate("Hi"), refused(401));
});
