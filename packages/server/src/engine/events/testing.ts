import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, type Engine, type Json, type Principal, type RunContext, type Schema, type Store, type Workflow } from "@tutti/core";
import type { CloudEvent } from "@tutti/core/wire";
import { EmbeddedEngine } from "../embedded/embedded-engine.ts";
import { deadLetterWorkflow } from "../supervisor/dead-letter-workflow.ts";
import { Events } from "./events.ts";
import { subscriptionSchema } from "./subscription.ts";
import type { SubscriptionView } from "./subscriptions.ts";
import { OutgoingWebhooks, type OutgoingEndpoint } from "./webhooks/outgoing.ts";

/** Who publishes and subscribes in tests. */
export const owner: Principal = { id: "ada", tenant: "default", roles: ["owner"] };
const anything: Schema<Json> = { "~standard": { validate: (value: unknown) => ({ value }) } };

/** A workflow that takes anything. */
export const flow = (name: string, run: (ctx: RunContext, input: Json) => Promise<Json>): Workflow => ({
  name,
  version: "1",
  input: anything,
  run,
});

/** Tutti's engine, store and events on a folder, as a process has them. */
export interface TestNode extends AsyncDisposable {
  readonly engine: Engine;
  readonly store: Store;
  readonly events: Events;
  /** Publishes an event; the id of its run. */
  publish(type: string, more?: Partial<CloudEvent>): Promise<string>;
  subscribe(spec: Json): Promise<SubscriptionView>;
  /** Waits until everything published so far is settled. */
  settled(name: string): Promise<void>;
  /** The ids of the dead letters, newest first. */
  letters(): Promise<readonly string[]>;
}

/** What a node is made of. `deny` is the resource that policy refuses. */
export interface Setup {
  readonly workflows?: readonly Workflow[];
  readonly endpoints?: readonly OutgoingEndpoint[];
  readonly delaysMs?: readonly number[];
  readonly deny?: string;
  readonly onError?: (error: unknown) => void;
}

/** Opens a node over a store, which it closes at its end. */
export async function openNode(store: Store, setup: Setup = {}): Promise<TestNode> {
  const node = makeNode(store, setup);
  await node.begin();
  return node;
}

/** A node that has not begun yet. `abandon` frees what a process holds, as its death would; it writes nothing. */
export function makeNode(
  store: Store,
  { workflows = [], endpoints = [], delaysMs = [1, 1], deny, onError = raise }: Setup,
): TestNode & { begin(): Promise<void>; abandon(): Promise<void> } {
  const webhooks = new OutgoingWebhooks(store, endpoints, { delaysMs });
  const all: readonly Workflow[] = [...workflows, webhooks.workflow, deadLetterWorkflow({ engine: () => engine })];
  const find = (name: string): Workflow | undefined => all.find((workflow) => workflow.name === name);
  const engine: Engine = new EmbeddedEngine({
    store,
    runsActiveMax: 1000,
    parts: {
      workflow: find,
      tool: () => undefined,
      model: () => undefined,
      decide: ({ resource }) => ({ effect: resource === deny ? "deny" : "allow", reason: "a test", rule: "test" }),
      policyHash: () => "0".repeat(64),
    },
  });
  const events = new Events({ engine, store, webhooks, hasWorkflow: (name) => find(name) !== undefined, onError });
  return {
    engine,
    store,
    events,
    begin: async () => {
      await engine.recover();
      await events.start();
    },
    abandon: async () => {
      await webhooks[Symbol.asyncDispose]();
      await engine.stop(0);
    },
    publish: async (type, more = {}) => {
      const event = { specversion: "1.0", id: crypto.randomUUID(), source: "/test", type, ...more } as CloudEvent;
      return (await events.publish(event, owner)).runId;
    },
    subscribe: async (spec) => events.subscriptions.create(await parse(subscriptionSchema, spec, "spec"), owner),
    settled: async (name) => {
      const last = await events.subscriptions.resolve("now");
      while ((await events.subscriptions.view(name)).position < last) await moment();
    },
    letters: async () => (await store.runs({ workflow: "tutti.dead-letter", limit: 100 })).map(({ id }) => id),
    async [Symbol.asyncDispose]() {
      await events.stop();
      await engine.stop(1000);
      await webhooks[Symbol.asyncDispose]();
      await store.close();
    },
  };
}

function raise(error: unknown): never {
  throw error;
}

/** Lets others go on for a moment. */
export const moment = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 2));

/** Gives a folder that is gone afterwards. */
export async function inFolder(use: (dataDir: string) => Promise<void>): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), "tutti-events-"));
  try {
    await use(dataDir);
  } finally {
    await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** A workflow called "record" that remembers the ids of the events it was started with, in order. */
export function recorder(): { readonly workflow: Workflow; readonly seen: string[] } {
  const seen: string[] = [];
  const workflow = flow("record", (ctx, input) =>
    ctx.step("record", () => {
      seen.push((input as CloudEvent).id);
      return input;
    }),
  );
  return { seen, workflow };
}

/** A receiver of webhooks, and the endpoint that a configuration would have for it. */
export interface Receiver extends AsyncDisposable {
  readonly endpoint: OutgoingEndpoint;
}

/** Starts one called "crm". */
export async function startReceiver(listener: RequestListener): Promise<Receiver> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  return {
    endpoint: { name: "crm", url, secrets: ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], privateAllow: true },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}
