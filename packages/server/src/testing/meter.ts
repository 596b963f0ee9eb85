import { createServer, request as ask, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { countTokens } from "gpt-tokenizer/model/gpt-4o";

/** Tokens, as a provider would put them on its bill. */
export interface Bill {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** One exchange that went through. */
interface MeteredCall {
  readonly path: string;
  readonly request: Buffer;
  readonly response: Buffer;
  readonly status: number;
  /** Whoever asked left before the answer was whole. */
  readonly isAborted: boolean;
  /** The provider broke its answer off. */
  readonly isCut: boolean;
}

/** A way to a stand-in for a provider, on which everything that passes is counted. */
export interface Meter extends AsyncDisposable {
  readonly baseUrl: string;
  readonly calls: readonly MeteredCall[];
  /** Exchanges that have not ended. */
  readonly active: number;
  /** What the provider would ask for, in all. */
  bill(): Bill;
}

/**
 * Passes requests on to a stand-in and keeps a provider's books beside it, apart from Tutti's: what an answer says of its usage, and for one
 * that says nothing (because it was broken off, or nobody asked) the request and what was sent, counted by the provider's public tokenizer.
 */
export async function startMeter(upstreamBaseUrl: string): Promise<Meter> {
  const upstream = new URL(upstreamBaseUrl);
  const calls: MeteredCall[] = [];
  let active = 0;
  const server = createServer((request, response) => {
    active += 1;
    void pass(request, response, upstream).then((call) => {
      calls.push(call);
      active -= 1;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}${upstream.pathname}`,
    calls,
    get active() {
      return active;
    },
    bill: () => calls.map(billOf).reduce(sum, NOTHING),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const NOTHING: Bill = { inputTokens: 0, outputTokens: 0 };

async function pass(request: IncomingMessage, response: ServerResponse, upstream: URL): Promise<MeteredCall> {
  const received = Buffer.concat(await request.toArray().catch(() => []));
  const { url = "", method, headers } = request;
  const done = Promise.withResolvers<void>();
  const sent: Buffer[] = [];
  let isCut = false;
  const onward = ask({ host: upstream.hostname, port: upstream.port, path: url, method, headers: { ...headers, host: upstream.host } });
  onward.on("response", (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
    answer.on("data", (chunk: Buffer) => {
      sent.push(chunk);
      response.write(chunk);
    });
    answer.on("close", () => {
      isCut = !answer.complete && !response.closed;
      if (answer.complete) response.end();
      else response.destroy();
    });
  });
  onward.on("error", () => response.destroy());
  response.on("close", () => {
    onward.destroy();
    done.resolve();
  });
  onward.end(received);
  // Whoever asked may have left while the request was read.
  if (response.destroyed) {
    onward.destroy();
    done.resolve();
  }
  await done.promise;
  const isAborted = !response.writableFinished && !isCut;
  return { path: url, request: received, response: Buffer.concat(sent), status: response.statusCode, isAborted, isCut };
}

function billOf(call: MeteredCall): Bill {
  if (call.status >= 300 || call.response.length === 0) return NOTHING;
  const documents = documentsIn(call.response.toString("utf8"));
  const said = documents.map(usageIn).findLast((usage) => usage !== undefined);
  if (said !== undefined) return said;
  const text = textIn(documents);
  return text === "" ? NOTHING : { inputTokens: promptTokens(call.request), outputTokens: countTokens(text) };
}

type Fields = Readonly<Record<string, unknown>>;

/** The JSON of an answer, or that of each event of a stream. */
function documentsIn(text: string): readonly Fields[] {
  if (text.startsWith("{")) return [JSON.parse(text) as Fields];
  return text
    .split(/\r?\n/)
    .filter((line) => line.startsWith("data: {") && line.endsWith("}"))
    .map((line) => JSON.parse(line.slice("data: ".length)) as Fields);
}

/** What an answer says that was used; a stream says it at its end. */
function usageIn(document: Fields): Bill | undefined {
  const response = fieldsOf(document["response"]);
  const usage = fieldsOf(document["usage"] ?? response["usage"]);
  const [input, output] = [usage["prompt_tokens"] ?? usage["input_tokens"], usage["completion_tokens"] ?? usage["output_tokens"]];
  const gemini = fieldsOf(document["usageMetadata"]);
  if (typeof gemini["promptTokenCount"] === "number") return { inputTokens: gemini["promptTokenCount"], outputTokens: written(gemini) };
  if (typeof input === "number") return { inputTokens: input, outputTokens: typeof output === "number" ? output : 0 };
  return typeof usage["total_tokens"] === "number" ? { inputTokens: usage["total_tokens"], outputTokens: 0 } : undefined;
}

/** Gemini counts what it thought apart from what it said. */
function written({ candidatesTokenCount = 0, thoughtsTokenCount = 0 }: Fields): number {
  return Number(candidatesTokenCount) + Number(thoughtsTokenCount);
}

/** What an answer said, in the formats of chat completions, completions and responses. */
function textIn(documents: readonly Fields[]): string {
  return documents
    .map((document) => {
      if (document["type"] === "response.output_text.delta") return String(document["delta"]);
      const [choice] = Array.isArray(document["choices"]) ? (document["choices"] as readonly Fields[]) : [];
      const text = choice?.["text"] ?? fieldsOf(choice?.["delta"])["content"];
      return typeof text === "string" ? text : "";
    })
    .join("");
}

/** A prompt's tokens by OpenAI's public rules: three and the role for each turn, and three for the answer to come. */
function promptTokens(request: Buffer): number {
  const { messages, input, prompt } = JSON.parse(request.toString("utf8")) as {
    readonly messages?: readonly Turn[];
    readonly input?: string | readonly Turn[];
    readonly prompt?: string;
  };
  const turns = messages ?? (typeof input === "string" || input === undefined ? [{ role: "user", content: input ?? prompt ?? "" }] : input);
  return turns.reduce((total, { role, content }) => total + 3 + countTokens(role) + countTokens(plain(content)), 3);
}

interface Turn {
  readonly role: string;
  readonly content: string | readonly { readonly text?: string }[];
}

function plain(content: Turn["content"]): string {
  return typeof content === "string" ? content : content.map(({ text = "" }) => text).join("");
}

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

function sum(one: Bill, other: Bill): Bill {
  return { inputTokens: one.inputTokens + other.inputTokens, outputTokens: one.outputTokens + other.outputTokens };
}
