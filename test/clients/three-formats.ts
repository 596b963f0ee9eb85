import { startTestApp, type TestApp } from "../../packages/server/src/testing.ts";
import type { MessagesReply, MessagesScript } from "../../packages/server/src/testing/anthropic-answers.ts";
import { startAnthropicUpstream } from "../../packages/server/src/testing/anthropic-upstream.ts";
import type { Script, ScriptedReply } from "../../packages/server/src/testing/openai-answers.ts";
import { startOpenAiUpstream } from "../../packages/server/src/testing/openai-upstream.ts";
import {
  startResponsesUpstream,
  type ResponsesScript,
  type ScriptedResponse,
} from "../../packages/server/src/testing/responses-upstream.ts";

/** The same scene behind each format: what goes through natively with one model is translated with the other two. */
export const MODELS = ["chat-model", "messages-model", "codex-responses-model"] as const;

/** What a model is told, whatever the format. */
export interface Told {
  /** The text of the last turn of the user. */
  readonly said: string;
  /** The last turn is a tool's: what it returned. */
  readonly result: string | undefined;
  /** The names of the tools it may call. */
  readonly tools: readonly string[];
  readonly wantsSchema: boolean;
  readonly system: string;
}

/** What a model does then. */
export type Act =
  | { readonly say: string }
  | { readonly call: string; readonly input: object }
  | { readonly refuse: number; readonly message: string };

/** A script for any format. */
export type Scene = (told: Told, index: number) => Act;

/** A whole Tutti in front of three stand-ins: for OpenAI's chat completions, for Anthropic's API and for OpenAI's Responses API. */
export interface ThreeFormats extends AsyncDisposable {
  readonly app: TestApp;
  /** What OpenAI's clients take as their base URL; Anthropic's take `app.url`. */
  readonly baseUrl: string;
  /** The bodies of the requests that reached a model, as text. */
  asked(): readonly string[];
}

const CITY = { city: "Wien", people: 2_000_000 };

/** Adds with a tool, answers as a schema wants it, refuses when it is told to, and says back what it was told otherwise. */
export const clerk: Scene = ({ said, result, tools, wantsSchema }) => {
  if (result !== undefined) return { say: `The sum is ${result.replaceAll('"', "")}.` };
  if (said.includes("refuse")) return { refuse: 429, message: "Slow down." };
  if (wantsSchema) return { say: JSON.stringify(CITY) };
  // Clients that do not know whether a model can follow a schema make a tool of it.
  if (tools.includes("json")) return { call: "json", input: CITY };
  const add = tools.find((name) => name.endsWith("add"));
  return add === undefined ? { say: `You said: ${said}` } : { call: add, input: { a: 19, b: 23 } };
};

/** Starts all four. */
export async function startThreeFormats(scene: Scene = clerk): Promise<ThreeFormats> {
  const chat = await startOpenAiUpstream(chatScript(scene), { isStrict: true, models: ["chat-model"] });
  const messages = await startAnthropicUpstream(messagesScript(scene), { apiKey: "sk-ant" });
  const responses = await startResponsesUpstream(responsesScript(scene), { models: ["codex-responses-model"] });
  const app = await startTestApp({
    providers: [
      { name: "chat", baseUrl: chat.baseUrl, models: ["chat-model"] },
      { name: "messages", kind: "anthropic", baseUrl: messages.baseUrl, apiKey: "sk-ant", models: ["messages-model"] },
      { name: "responses", kind: "openai", baseUrl: responses.baseUrl, apiKey: "sk", models: ["codex-responses-model"] },
    ],
  });
  const posts = (calls: readonly { readonly method: string }[]): boolean[] => calls.map(({ method }) => method === "POST");
  return {
    app,
    baseUrl: `${app.url}/v1`,
    asked: () => [
      ...chat.calls.filter((_, at) => posts(chat.calls)[at]).map(({ received }) => received.toString()),
      ...messages.calls.filter((_, at) => posts(messages.calls)[at]).map(({ received }) => received.toString()),
      ...responses.calls.filter((_, at) => posts(responses.calls)[at]).map(({ text }) => text),
    ],
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]();
      await Promise.all([chat, messages, responses].map((upstream) => upstream[Symbol.asyncDispose]()));
    },
  };
}

const words = (text: string): readonly string[] => text.split(/(?<= )/);

/** A scene as chat completions. */
export function chatScript(scene: Scene): Script {
  return (body, index): ScriptedReply => {
    const last = body.messages.at(-1);
    const act = scene(
      {
        said: textOf(body.messages.findLast(({ role }) => role === "user")?.content),
        result: last?.role === "tool" ? textOf(last.content) : undefined,
        tools: (body.tools ?? []).map((tool) => tool.function.name),
        wantsSchema: body.response_format?.type === "json_schema",
        system: textOf(body.messages.filter(({ role }) => role === "system" || role === "developer").map(({ content }) => content)),
      },
      index,
    );
    if ("refuse" in act) return { type: "error", status: act.refuse, message: act.message, headers: { "retry-after": "7" } };
    if ("say" in act) return { type: "text", pieces: words(act.say) };
    return { type: "calls", calls: [{ id: `call_${index}`, name: act.call, arguments: JSON.stringify(act.input) }] };
  };
}

function messagesScript(scene: Scene): MessagesScript {
  return (body, index): MessagesReply => {
    const last = body.messages.at(-1)?.content;
    const result = typeof last === "string" ? undefined : last?.find(({ type }) => type === "tool_result");
    const act = scene(
      {
        said: textOf(body.messages.findLast(({ role }) => role === "user")?.content),
        result: result === undefined ? undefined : textOf(result),
        tools: (body.tools ?? []).map((tool) => ("name" in tool ? tool.name : "")),
        wantsSchema: body.output_config?.format !== undefined && body.output_config.format !== null,
        system: textOf(body.system),
      },
      index,
    );
    if ("refuse" in act) return { type: "error", status: act.refuse, message: act.message, headers: { "retry-after": "7" } };
    if ("say" in act) return { type: "message", blocks: [{ type: "text", pieces: words(act.say) }] };
    return { type: "message", blocks: [{ type: "tool_use", id: `toolu_${index}`, name: act.call, input: act.input }] };
  };
}

function responsesScript(scene: Scene): ResponsesScript {
  return (body, index): ScriptedResponse => {
    const items = typeof body.input === "string" ? [{ role: "user", content: body.input }] : (body.input ?? []);
    const last = items.at(-1);
    const act = scene(
      {
        said: textOf(items.findLast((item) => "role" in item && item.role === "user")),
        result: last !== undefined && "output" in last ? textOf(last.output) : undefined,
        tools: (body.tools ?? []).map((tool) => ("name" in tool ? String(tool.name) : "")),
        wantsSchema: body.text?.format?.type === "json_schema",
        system: body.instructions ?? "",
      },
      index,
    );
    if ("refuse" in act) return { error: { status: act.refuse, message: act.message, code: "rate_limit_exceeded" } };
    if ("say" in act) return { items: [{ type: "text", pieces: words(act.say) }] };
    return { items: [{ type: "call", callId: `call_${index}`, name: act.call, arguments: JSON.stringify(act.input) }] };
  };
}

/** The text in a turn of any format. */
function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.map((part: unknown) => textOf(part)).join("");
  if (typeof value !== "object" || value === null) return "";
  if ("text" in value) return textOf(value.text);
  return "content" in value ? textOf(value.content) : "";
}
