import { startTestApp, type TestApp } from "../../packages/server/src/testing.ts";
import type { Script } from "../../packages/server/src/testing/openai-answers.ts";
import { startOpenAiUpstream, type OpenAiUpstream } from "../../packages/server/src/testing/openai-upstream.ts";

/** A whole Tutti in front of a stand-in for a hosted model API. */
export interface GatewayFixture extends AsyncDisposable {
  readonly app: TestApp;
  /** What a client takes as its base URL; its key is the app's token. */
  readonly baseUrl: string;
  readonly upstream: OpenAiUpstream;
}

/** Starts both; the stand-in wants a key of its own, which clients never see. */
export async function startGateway(script?: Script): Promise<GatewayFixture> {
  const apiKey = "sk-upstream";
  const upstream = await startOpenAiUpstream(script, { apiKey, models: ["test-model", "other-model"] });
  const app = await startTestApp({ providers: [{ name: "hosted", baseUrl: upstream.baseUrl, apiKey, models: ["test-model"] }] });
  return {
    app,
    baseUrl: `${app.url}/v1`,
    upstream,
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

/** A script that calls a tool first, and answers with its result once it is there. */
export const addWithTool: Script = (body) => {
  const last = body.messages.at(-1);
  if (last?.role !== "tool") return { type: "calls", calls: [{ id: "call-1", name: "add", arguments: '{"a":19,"b":23}' }] };
  return { type: "text", pieces: ["The sum ", "is ", JSON.stringify(last.content).replaceAll('"', ""), "."] };
};
