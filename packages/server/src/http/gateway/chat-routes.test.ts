import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Event, Json } from "@tutti/core";
import { startTestApp } from "../../testing.ts";
import { slowPlugin } from "../../testing/slow-plugin.ts";

const ask = (content: string, rest: Json = {}): Json => ({ model: "holly", messages: [{ role: "user", content }], ...(rest as object) });

describe("agents behind the OpenAI door", () => {
  test("Holly answers as a model, whole and streamed, and says which run it was", async () => {
    await using app = await startTestApp();
    const whole = await app.fetch("/v1/chat/completions", ask("what is 12*(3+4)?"));
    const { choices } = (await whole.json()) as {
      readonly choices: readonly { readonly message: { readonly content: string }; readonly finish_reason: string }[];
    };
    assert.match(choices[0]?.message.content ?? "", /84/);
    assert.equal(choices[0]?.finish_reason, "stop");
    const runId = whole.headers.get("tutti-run-id");
    const { events } = (await (await app.fetch(`/v1/runs/${runId}/events`)).json()) as { readonly events: readonly Event[] };
    assert.ok(events.some((event) => event.type === "policy.decided" && event.action.resource === "safe_calc"));
    const streamed = await (await app.fetch("/v1/chat/completions", ask("what is 12*(3+4)?", { stream: true }))).text();
    assert.match(streamed, /84/);
    assert.match(streamed, /data: \[DONE\]\n\n$/);
  });

  test("what no route knows is answered with how to add a model, never made up", async () => {
    await using app = await startTestApp();
    const reply = (await (await app.fetch("/v1/agents/holly/chat", { message: "Who won the world cup in 1998?" })).json()) as {
      readonly reply: { readonly content: string };
      readonly route: { readonly by: string };
    };
    assert.equal(reply.route.by, "none");
    assert.match(reply.reply.content, /TUTTI_MODEL_BASE_URL/);
  });

  test("a message that is too long for the fixed routes is refused for that reason", async () => {
    await using app = await startTestApp();
    const response = await app.fetch("/v1/agents/holly/chat", { message: `summarize: ${"word ".repeat(15_000)}` });
    const { error } = (await response.json()) as { readonly error: { readonly code: string; readonly message: string } };
    assert.deepEqual([response.status, error.code], [413, "too_large"]);
    assert.match(error.message, /at most 64000 characters/);
  });

  test("a streaming chat ends with the same object as a whole one", async () => {
    await using app = await startTestApp();
    const text = await (await app.fetch("/v1/agents/holly/chat", { message: "what is 2+2?", stream: true })).text();
    const done = JSON.parse(/event: done\ndata: (.*)\n/.exec(text)?.[1] ?? "") as { readonly reply: { readonly content: string } };
    const part = JSON.parse(/event: part\ndata: (.*)\n/.exec(text)?.[1] ?? "") as { readonly text: string };
    assert.equal(part.text, done.reply.content);
  });

  test("tools in a request to an agent are refused, not ignored", async () => {
    await using app = await startTestApp();
    const response = await app.fetch(
      "/v1/chat/completions",
      ask("hi", { tools: [{ type: "function", function: { name: "f", parameters: {} } }] }),
    );
    assert.equal(response.status, 400);
    assert.equal(((await response.json()) as { readonly error: { readonly code: string } }).error.code, "unsupported");
  });

  test("a client that leaves in the middle of a stream cancels the run", async () => {
    const asked = Promise.withResolvers<void>();
    const aborted = Promise.withResolvers<void>();
    const plugin = slowPlugin({ onAsked: asked.resolve, onAborted: aborted.resolve });
    await using app = await startTestApp({ inlinePlugins: [plugin] });
    const leaving = new AbortController();
    const body = JSON.stringify({ model: "slow", stream: true, messages: [{ role: "user", content: "Tell me a story." }] });
    const response = await fetch(`${app.url}/v1/chat/completions`, {
      method: "POST",
      body,
      headers: { authorization: `Bearer ${app.token}` },
      signal: leaving.signal,
    });
    await asked.promise;
    leaving.abort();
    await aborted.promise;
    const runId = response.headers.get("tutti-run-id");
    let status = "";
    while (status !== "cancelled")
      ({
        run: { status },
      } = (await (await app.fetch(`/v1/runs/${runId}`)).json()) as { readonly run: { readonly status: string } });
    assert.equal(status, "cancelled");
  });
});
