import { AppError, type Json } from "@tutti/core";
import type { CatalogModel, ModelCalls } from "./models.ts";

/** What came of one question to a model. "skipped": the model is known not to do it. */
export interface Probed {
  readonly what: string;
  readonly outcome: "passed" | "failed" | "skipped";
  readonly durationMs: number;
  readonly detail: string;
}

/** What a model is asked through. */
type Asked = Pick<ModelCalls, "complete" | "streamCompletion" | "embed">;

interface Probe {
  readonly what: string;
  /** What a model has to be able to do, by its own or its provider's word. */
  readonly needs: string;
  /** Asks, and says what came; throws when it was not what was wanted. */
  readonly ask: (client: Asked, model: string, signal: AbortSignal) => Promise<string>;
}

/** Enough for a sentence after some thinking. */
const TOKENS_MAX = 1_024;
const WEATHER = {
  type: "function",
  function: {
    name: "get_weather",
    description: "Tells the weather of a city.",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};

/** One tiny question for each thing that a model may do. */
const PROBES: readonly Probe[] = [
  {
    what: "chat",
    needs: "chat",
    async ask(client, model, signal) {
      const reply = await client.complete(bodyFor(model, "Say hello in one word."), signal);
      return quoted(textOf(reply));
    },
  },
  {
    what: "streaming",
    needs: "chat",
    async ask(client, model, signal) {
      let text = "";
      let count = 0;
      for await (const chunk of client.streamCompletion(bodyFor(model, "Count from one to five."), signal)) {
        text += textAt(chunk, "choices", 0, "delta", "content");
        count += 1;
      }
      return `${count} chunks: ${quoted(text)}`;
    },
  },
  {
    what: "tools",
    needs: "tools",
    async ask(client, model, signal) {
      const reply = await client.complete({ ...bodyFor(model, "What is the weather in Rome? Use the tool."), tools: [WEATHER] }, signal);
      const call = at(reply, "choices", 0, "message", "tool_calls", 0, "function");
      if (call === undefined) throw new AppError("upstream", `wanted a tool call, got text: ${quoted(textOf(reply))}`);
      const input = textAt(call, "arguments");
      asJson(input);
      return `${textAt(call, "name")}(${input})`;
    },
  },
  {
    what: "JSON",
    needs: "json",
    async ask(client, model, signal) {
      const body = bodyFor(model, 'Answer with the JSON object {"ok": true} and nothing else.');
      const text = textOf(await client.complete({ ...body, response_format: { type: "json_object" } }, signal));
      asJson(text);
      return text;
    },
  },
  {
    what: "embeddings",
    needs: "embeddings",
    async ask(client, model, signal) {
      const vector = at(await client.embed({ model, input: "hello" }, signal), "data", 0, "embedding");
      if (!Array.isArray(vector) || vector.length === 0) throw new AppError("upstream", "wanted a vector, got none");
      return `${vector.length} dimensions`;
    },
  },
];

/** Asks a model one tiny question for each thing that it may do. Failures are results; only a cancelled command throws. */
export async function* probeModel(
  client: Asked,
  { id, abilities }: Pick<CatalogModel, "id" | "abilities">,
  signal: AbortSignal,
): AsyncGenerator<Probed> {
  for (const { what, needs, ask } of PROBES) {
    // What a model cannot do is mostly not said of embeddings, and asking would load the model for nothing.
    const isAble = abilities?.includes(needs) ?? needs !== "embeddings";
    if (!isAble) {
      yield { what, outcome: "skipped", durationMs: 0, detail: abilities === undefined ? "not known to do it" : "it cannot do it" };
      continue;
    }
    const startMs = performance.now();
    const result = await ask(client, id, signal).then(
      (detail) => ({ outcome: "passed" as const, detail }),
      (error: unknown) => ({ outcome: "failed" as const, detail: said(error) }),
    );
    signal.throwIfAborted();
    yield { what, durationMs: performance.now() - startMs, ...result };
  }
}

/** A chat request with one question. */
function bodyFor(model: string, question: string): Readonly<Record<string, Json>> {
  return { model, messages: [{ role: "user", content: question }], max_tokens: TOKENS_MAX };
}

/** What stands at a path; `undefined` where nothing does. */
function at(value: Json, ...path: readonly (string | number)[]): Json | undefined {
  let found: Json | undefined = value;
  for (const key of path) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, key)) return undefined;
    found = (found as { readonly [key: string]: Json })[key];
  }
  return found;
}

function textOf(reply: Json): string {
  return textAt(reply, "choices", 0, "message", "content");
}

function textAt(value: Json, ...path: readonly (string | number)[]): string {
  const text = at(value, ...path);
  return typeof text === "string" ? text : "";
}

function quoted(text: string): string {
  if (text.trim() === "") throw new AppError("upstream", "wanted an answer, got an empty one");
  return JSON.stringify(text.trim());
}

function said(error: unknown): string {
  const { code, message } = AppError.from(error);
  return `${code}: ${message}`;
}

function asJson(text: string): void {
  try {
    JSON.parse(text);
  } catch (error) {
    throw new AppError("upstream", `wanted JSON, got text: ${quoted(text)}`, { cause: error });
  }
}
