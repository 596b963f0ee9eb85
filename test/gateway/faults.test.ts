import assert from "node:assert/strict";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { startTestApp, type TestApp } from "../../packages/server/src/testing.ts";

/** How an upstream misbehaves, once it knows whether it is to stream; and what is right then. */
interface Fault {
  readonly play: (response: ServerResponse, stream: boolean) => void;
  /** Nothing of an answer had come, or some of it had. */
  readonly when: "before" | "midway";
  /** The status of the refusal where bytes pass through, and where they are translated. */
  readonly status: readonly [native: number, translated: number];
  readonly code: string;
}

const SSE = { "content-type": "text/event-stream" };
const JSON_TYPE = { "content-type": "application/json" };
/** How long each upstream may be silent. What is not meant to run into that must not on the busiest machine, so each has its one short bound. */
const PATIENCE = { connectMs: 60_000, firstByteMs: 60_000, idleMs: 60_000 };
const TIMEOUTS = { faulty: PATIENCE, mute: { ...PATIENCE, firstByteMs: 3_000 }, stuck: { ...PATIENCE, idleMs: 3_000 } };

function chunk(delta: object, finishReason: string | null = null): string {
  const choices = [{ index: 0, delta, finish_reason: finishReason }];
  return `data: ${JSON.stringify({ id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "m", choices })}\n\n`;
}

function completion(content: string): string {
  const choices = [{ index: 0, message: { role: "assistant", content, refusal: null }, logprobs: null, finish_reason: "stop" }];
  const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
  return JSON.stringify({ id: "chatcmpl-1", object: "chat.completion", created: 1, model: "m", choices, usage });
}

const streamOf = (content: string): string => `${chunk({ role: "assistant", content })}${chunk({}, "stop")}data: [DONE]\n\n`;

function begin(response: ServerResponse, stream: boolean): void {
  response.writeHead(200, stream ? SSE : JSON_TYPE);
  response.write(stream ? chunk({ role: "assistant", content: "Hel" }) : completion("Hello.").slice(0, 50));
}

function refuse(response: ServerResponse, status: number, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, { ...JSON_TYPE, ...headers });
  response.end(JSON.stringify({ error: { message: "No.", type: "server_error", code: null, param: null } }));
}

function playEndless(response: ServerResponse, stream: boolean): void {
  const piece = stream ? chunk({ content: "x".repeat(1 << 20) }) : "x".repeat(1 << 20);
  response.writeHead(200, stream ? SSE : JSON_TYPE);
  response.write(stream ? "" : '{"id":"');
  const go = (): void => {
    while (!response.destroyed && response.write(piece));
    if (!response.destroyed) response.once("drain", go);
  };
  go();
}

const FAULTS: Readonly<Record<string, Fault>> = {
  "accepts a request and says nothing": { play: () => {}, when: "before", status: [504, 504], code: "timeout" },
  "sends its status and nothing after it": {
    play: (response, stream) => response.writeHead(200, stream ? SSE : JSON_TYPE).flushHeaders(),
    when: "before",
    status: [504, 504],
    code: "timeout",
  },
  "resets the connection before its first byte": {
    play: (response) => void response.socket?.destroy(),
    when: "before",
    status: [502, 502],
    code: "upstream",
  },
  "answers with a web page": {
    play: (response) => void response.writeHead(200, { "content-type": "text/html" }).end("<html><body>Please sign in.</body></html>"),
    when: "before",
    status: [502, 502],
    code: "upstream",
  },
  "fails with 500": { play: (response) => refuse(response, 500), when: "before", status: [500, 502], code: "upstream" },
  "asks to be left alone with 429": {
    play: (response) => refuse(response, 429, { "retry-after": "7" }),
    when: "before",
    status: [429, 429],
    code: "rate_limited",
  },
  "resets the connection in the midst of its answer": {
    play(response, stream) {
      begin(response, stream);
      response.write("", () => setImmediate(() => response.destroy()));
    },
    when: "midway",
    status: [200, 502],
    code: "upstream",
  },
  "falls silent in the midst of its answer": { play: begin, when: "midway", status: [200, 504], code: "timeout" },
  "never stops": { play: playEndless, when: "midway", status: [200, 502], code: "upstream" },
};

/** Where a fault is met: on the surface that the upstream speaks, or on another. */
const SURFACES = {
  "chat/completions": { isNative: true, workflow: "tutti.chat-completions" },
  messages: { isNative: false, workflow: "tutti.messages" },
  responses: { isNative: false, workflow: "tutti.responses" },
} as const;
type SurfaceName = keyof typeof SURFACES;

const STORMS = Object.keys(SURFACES).map((surface) => `storm-${surface.replace("/", "-")}`);

let app: TestApp;
const servers: ReturnType<typeof createServer>[] = [];
/** What the faulty upstream does for which model. */
const plays = new Map<string, Fault["play"]>();
const asked: string[] = [];

async function startUpstream(play: (model: string, response: ServerResponse, stream: boolean) => void): Promise<string> {
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => pieces.push(piece));
    request.on("end", () => {
      if (request.method !== "POST") return void response.writeHead(404).end();
      const body = JSON.parse(Buffer.concat(pieces).toString()) as { readonly model: string; readonly stream?: boolean };
      return play(body.model, response, body.stream === true);
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
}

const target = (model: string) => ({ model, weight: 1, tags: [] });
const ROUTE = {
  strategy: "order",
  aboveTiers: "summary",
  retries: { budgetRatio: 0.2 },
  afterFirstByte: "never",
  rules: [],
  rulesConfidenceMin: 0.5,
  rulesGapMin: 0,
} as const;

before(async () => {
  const faulty = await startUpstream((model, response, stream) => {
    asked.push(model);
    plays.get(model)?.(response, stream);
  });
  const sound = await startUpstream((_model, response, stream) => {
    response.writeHead(200, stream ? SSE : JSON_TYPE).end(stream ? streamOf("Hello.") : completion("Hello."));
  });
  app = await startTestApp({
    providers: [
      ...Object.entries(TIMEOUTS).map(([name, timeouts]) => ({ name, baseUrl: faulty, models: [], timeouts })),
      { name: "sound", baseUrl: sound, models: ["good"] },
    ],
    // Every case has a model of its own: what is known of one says nothing of the other.
    models: [...cases(), ...STORMS.map((model) => ({ model, provider: "faulty" }))].map(({ model, provider }) => ({
      ...ROUTE,
      name: `safe-${model}`,
      targets: [target(`${provider}/${model}`), target("sound/good")],
    })),
  });
});

after(async () => {
  await app[Symbol.asyncDispose]();
  for (const server of servers) server.closeAllConnections();
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
});

interface Case {
  readonly name: string;
  readonly fault: Fault;
  readonly surface: SurfaceName;
  readonly stream: boolean;
  readonly model: string;
  readonly provider: keyof typeof TIMEOUTS;
}

/** The provider that waits no longer for what the fault keeps back. */
function providerOf({ code, when }: Fault): Case["provider"] {
  if (code !== "timeout") return "faulty";
  return when === "before" ? "mute" : "stuck";
}

function* cases(): Generator<Case> {
  for (const [index, [name, fault]] of Object.entries(FAULTS).entries())
    for (const surface of Object.keys(SURFACES) as SurfaceName[])
      for (const stream of [false, true])
        yield {
          name,
          fault,
          surface,
          stream,
          model: `m${index}-${surface.replace("/", "-")}-${stream ? "streamed" : "whole"}`,
          provider: providerOf(fault),
        };
}

/** What a client gets. */
interface Got {
  readonly status: number | undefined;
  readonly headers: Headers | undefined;
  /** The end of it. */
  readonly text: string;
  /** The names of its events. */
  readonly events: ReadonlySet<string>;
  readonly isBroken: boolean;
}

const TEXT_KEPT_MAX = 4_096;

async function ask(model: string, surface: SurfaceName, stream: boolean): Promise<Got> {
  const turns = [{ role: "user", content: "Hi" }];
  const rest = surface === "responses" ? { input: turns } : { messages: turns, ...(surface === "messages" && { max_tokens: 100 }) };
  let answer: Response | undefined;
  let text = "";
  const events = new Set<string>();
  let isBroken = false;
  try {
    answer = await app.fetch(`/v1/${surface}`, { model, stream, ...rest });
    for await (const piece of answer.body ?? []) {
      text += Buffer.from(piece).toString();
      for (const event of text.match(/^event: \S+$/gm) ?? []) events.add(event.slice("event: ".length));
      text = text.slice(-TEXT_KEPT_MAX);
    }
  } catch {
    isBroken = true;
  }
  return { status: answer?.status, headers: answer?.headers, text, events, isBroken };
}

interface Receipt {
  readonly type: string;
  readonly name: string;
  readonly outcome: {
    readonly ok: boolean;
    readonly code?: string;
    readonly output?: { readonly target?: string; readonly tried?: readonly { readonly target: string; readonly code: string }[] };
  };
}

/** The receipts that were read, by their runs' ids. */
const receipts = new Map<string, Receipt>();

/** The one event of a call; written behind its answer, so it may not be there at once. */
async function receiptOf(model: string, surface: SurfaceName): Promise<Receipt["outcome"]> {
  for (;;) {
    const page = (await (await app.fetch(`/v1/runs?limit=500&workflow=${SURFACES[surface].workflow}`)).json()) as {
      readonly runs: readonly { readonly id: string }[];
    };
    for (const { id } of page.runs) {
      const receipt = receipts.get(id) ?? (await readReceipt(id));
      if (receipt.name === model) return receipt.outcome;
    }
  }
}

async function readReceipt(id: string): Promise<Receipt> {
  const { events } = (await (await app.fetch(`/v1/runs/${id}/events`)).json()) as { readonly events: readonly Receipt[] };
  const receipt = events.find(({ type }) => type === "run.recorded");
  assert.ok(receipt !== undefined);
  receipts.set(id, receipt);
  return receipt;
}

/** Half an answer that nobody could take for a whole one: where bytes pass the connection breaks, where they are translated an error ends it. */
function checkBrokenOff(got: Got, { surface }: Case): void {
  if (SURFACES[surface].isNative) {
    assert.ok(got.isBroken);
    return;
  }
  assert.deepEqual([got.status, got.isBroken], [200, false]);
  assert.ok(got.events.has(surface === "messages" ? "error" : "response.failed"));
}

function checkRefused(got: Got, { surface, fault }: Case): void {
  const { isNative } = SURFACES[surface];
  assert.equal(got.status, fault.status[isNative ? 0 : 1]);
  assert.match(String(got.headers?.get("tutti-run-id")), /^[\da-f-]{36}$/);
  assert.ok("error" in (JSON.parse(got.text) as object));
  if (fault.code === "rate_limited") assert.equal(got.headers?.get("retry-after"), "7");
}

/** Whether the client had something of the answer when it went wrong; a whole answer that is translated is only begun once it is there. */
const hasBegun = ({ fault, surface, stream }: Case): boolean => fault.when === "midway" && (stream || SURFACES[surface].isNative);

describe("faults of an upstream", { concurrency: 12 }, () => {
  for (const one of cases()) {
    const { name, fault, surface, stream, model, provider } = one;
    const where = `${surface}, ${stream ? "streamed" : "whole"}`;

    test(`an upstream that ${name} is told as such (${where})`, async () => {
      plays.set(`alone-${model}`, fault.play);
      const got = await ask(`${provider}/alone-${model}`, surface, stream);
      if (hasBegun(one)) checkBrokenOff(got, one);
      else checkRefused(got, one);
      const receipt = await receiptOf(`${provider}/alone-${model}`, surface);
      assert.equal(receipt.ok, false);
      // What passes as it is has its status in the receipt, and no code of Tutti's.
      const isPassedOn = SURFACES[surface].isNative && [429, 500].includes(fault.status[0]);
      assert.equal(receipt.code, isPassedOn ? "upstream" : fault.code);
    });

    test(`a fallback answers for an upstream that ${name}, unless the client has begun to read (${where})`, async () => {
      plays.set(model, fault.play);
      const got = await ask(`safe-${model}`, surface, stream);
      const receipt = await receiptOf(`safe-${model}`, surface);
      if (hasBegun(one)) {
        checkBrokenOff(got, one);
        assert.equal(receipt.output?.target, `${provider}/${model}`);
        return;
      }
      assert.deepEqual([got.status, got.isBroken], [200, false]);
      assert.match(got.text, /Hello\./);
      assert.deepEqual([receipt.ok, receipt.output?.target], [true, "sound/good"]);
      assert.deepEqual(
        receipt.output?.tried?.map((tried) => [tried.target, tried.code]),
        [[`${provider}/${model}`, fault.code]],
      );
    });
  }

  for (const surface of Object.keys(SURFACES) as SurfaceName[]) {
    test(`half an event at the end of a stream is no end of an answer (${surface})`, async () => {
      const model = `half-${surface.replace("/", "-")}`;
      plays.set(model, (response) => {
        begin(response, true);
        // Both at once would be broken off before the client's side of the connection has begun.
        setImmediate(() => response.end('data: {"choices":[{"index":0,"delta":{"con'));
      });
      const got = await ask(`faulty/${model}`, surface, true);
      if (SURFACES[surface].isNative) assert.ok(got.isBroken);
      else assert.ok(got.events.has(surface === "messages" ? "error" : "response.failed"));
      assert.deepEqual(await receiptOf(`faulty/${model}`, surface).then(({ ok, code }) => [ok, code]), [false, "upstream"]);
    });

    test(`half a JSON answer that ends as if all were well is no answer (${surface})`, async () => {
      const model = `half-json-${surface.replace("/", "-")}`;
      plays.set(model, (response, isStreamed) => {
        begin(response, isStreamed);
        response.end();
      });
      const got = await ask(`faulty/${model}`, surface, false);
      if (SURFACES[surface].isNative) assert.ok(got.isBroken);
      else assert.equal(got.status, 502);
      assert.deepEqual(await receiptOf(`faulty/${model}`, surface).then(({ ok, code }) => [ok, code]), [false, "upstream"]);
    });

    for (const stream of [false, true]) {
      test(`bytes that are no UTF-8 end no answer (${surface}, ${stream ? "streamed" : "whole"})`, async () => {
        const model = `utf8-${surface.replace("/", "-")}-${stream}`;
        plays.set(model, (response, isStreamed) => {
          const text = isStreamed ? streamOf("He\u0001lo.") : completion("He\u0001lo.");
          response.writeHead(200, isStreamed ? SSE : JSON_TYPE);
          response.end(Buffer.from(text.replace("\\u0001", "\u0001"), "latin1").map((byte) => (byte === 1 ? 0xff : byte)));
        });
        const got = await ask(`faulty/${model}`, surface, stream);
        assert.deepEqual([got.status, got.isBroken], [200, false]);
        assert.match(got.text, /He\uFFFDlo\./);
        assert.equal((await receiptOf(`faulty/${model}`, surface)).ok, true);
      });
    }

    test(`a client that leaves ends what never stops (${surface})`, async () => {
      const model = `left-${surface.replace("/", "-")}`;
      const closed = Promise.withResolvers<void>();
      plays.set(model, (response, isStreamed) => {
        response.on("close", closed.resolve);
        playEndless(response, isStreamed);
      });
      const body = surface === "responses" ? { input: "Hi" } : { messages: [{ role: "user", content: "Hi" }], max_tokens: 100 };
      const answer = await app.fetch(`/v1/${surface}`, { model: `faulty/${model}`, stream: true, ...body });
      for await (const _ of answer.body ?? []) break;
      await closed.promise;
      assert.deepEqual(await receiptOf(`faulty/${model}`, surface).then(({ ok, code }) => [ok, code]), [false, "cancelled"]);
    });
  }
});

// By themselves: what failed too often is left alone for some seconds only, and a storm has to be over by then.
describe("a storm of failures", () => {
  for (const surface of Object.keys(SURFACES) as SurfaceName[])
    test(`reaches an upstream three times, and a fallback bears the rest (${surface})`, async () => {
      const model = `storm-${surface.replace("/", "-")}`;
      plays.set(model, (response) => refuse(response, 500));
      for (let count = 0; count < 12; count += 1) {
        const got = await ask(`safe-${model}`, surface, count % 2 === 0);
        assert.deepEqual([got.status, /Hello\./.test(got.text)], [200, true]);
      }
      assert.equal(asked.filter((name) => name === model).length, 3);
      const alone = await ask(`faulty/${model}`, surface, false);
      assert.equal(alone.status, 502);
      assert.match(alone.text, /failed 3 times in a row and is left alone/);
      assert.equal(asked.filter((name) => name === model).length, 3);
    });
});
