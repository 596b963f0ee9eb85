import assert from "node:assert/strict";
import { test } from "node:test";
import { collect, type ModelRequest } from "@tutti/core/model";
import { startOpenAiUpstream, type OpenAiUpstreamOptions } from "../../testing/openai-upstream.ts";
import { playAsChat } from "../conformance-chat.ts";
import { modelConformance } from "../conformance.ts";
import { createModels, type Provider } from "../index.ts";

const signal = new AbortController().signal;
const hello: ModelRequest = { messages: [{ role: "user", content: "Hi" }] };
const v1: OpenAiUpstreamOptions = { apiKey: "azure-key", keyHeader: "api-key", isStrict: true, root: "/openai/v1" };

modelConformance("azure", async (request, behaviour) => {
  const upstream = await startOpenAiUpstream(() => playAsChat(behaviour), v1);
  const models = createModels({
    providers: [{ name: "p", kind: "azure", baseUrl: upstream.baseUrl, apiKey: "azure-key", models: ["my-own"] }],
  });
  const model = models.model("my-own");
  assert.ok(model);
  return {
    model,
    received: () => upstream.calls.find(({ method }) => method === "POST")?.received.toString() ?? "",
    async [Symbol.asyncDispose]() {
      await models.close();
      await upstream[Symbol.asyncDispose]();
    },
  };
});

/** The path at which a deployment was asked, and what it answered. */
async function asked(
  stand: OpenAiUpstreamOptions,
  provider: Partial<Provider>,
): Promise<readonly [path: string | undefined, answer: string]> {
  await using upstream = await startOpenAiUpstream(undefined, stand);
  const models = createModels({
    providers: [
      { name: "p", kind: "azure", baseUrl: new URL(upstream.baseUrl).origin, apiKey: "azure-key", models: ["my gpt"], ...provider },
    ],
  });
  const model = models.model("my gpt");
  assert.ok(model);
  const { content } = await collect(model.generate(hello, signal));
  await models.close();
  return [upstream.calls.at(-1)?.path, content];
}

test("a resource's base URL is enough: the current API is under it", async () => {
  assert.deepEqual(await asked(v1, {}), ["/openai/v1/chat/completions", "You said: Hi"]);
});

test("the classic API names the deployment in the path and its version in the query", async () => {
  const stand = { ...v1, root: "/openai/deployments/my%20gpt" };
  assert.deepEqual(await asked(stand, { options: { apiVersion: "2024-10-21" } }), [
    "/openai/deployments/my%20gpt/chat/completions?api-version=2024-10-21",
    "You said: Hi",
  ]);
});

test("a token of Entra ID is sent as a bearer token", async () => {
  const [, answer] = await asked({ ...v1, keyHeader: "authorization" }, { options: { auth: "entra" } });
  assert.equal(answer, "You said: Hi");
});

test("only deployments that are configured are listed, as Azure lists what could be deployed", async () => {
  await using upstream = await startOpenAiUpstream(undefined, v1);
  const models = createModels({
    providers: [{ name: "p", kind: "azure", baseUrl: upstream.baseUrl, apiKey: "azure-key", models: ["mine"] }],
  });
  assert.deepEqual(
    (await models.list()).map(({ id }) => id),
    ["mine"],
  );
  await models.close();
});
