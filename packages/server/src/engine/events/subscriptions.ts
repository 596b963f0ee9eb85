import { randomUUID } from "node:crypto";
import { AppError, canonicalJson, type Engine, type Json, type Principal, type Store } from "@tutti/core";
import { isLongWait } from "./delivery.ts";
import { Dispatcher, type Cursor } from "./dispatcher.ts";
import { lastBefore, onPublished, readPublications, type Publication } from "./publications.ts";
import { isWanted, kept, workflowOf, type Start, type Subscription, type SubscriptionSpec } from "./subscription.ts";
import type { ReceiverRef } from "./webhooks/webhook-workflow.ts";

const NAMES_SETTING = "subscriptions";
const SUBSCRIPTIONS_MAX = 1_000;
/** How often a node looks for subscriptions that other nodes made or changed. Publications wake it at once. */
const POLL_MS = 2_000;

/** What subscriptions are made of. */
export interface SubscriptionsParts {
  readonly engine: Engine;
  readonly store: Store;
  readonly hasWorkflow: (name: string) => boolean;
  /** Throws when webhooks may not go there. */
  readonly requireReceiver: (ref: ReceiverRef) => void;
  readonly onError: (error: unknown, fields: Json) => void;
}

/** A subscription as it is shown: how far it has come, how much is under way, and whether there is nothing left to read. */
export type SubscriptionView = Omit<Subscription, "principal" | "from"> & {
  readonly principalId: string;
  readonly position: number;
  readonly open: number;
  readonly isCaughtUp: boolean;
};

/** Durable subscriptions: kept in the store's settings, changed by administrators, delivered by dispatchers while this node serves. */
export class Subscriptions {
  readonly #parts: SubscriptionsParts;
  readonly #dispatchers = new Map<string, Dispatcher>();
  #listening: Disposable | undefined;
  #poll: NodeJS.Timeout | undefined;
  /** Changes, one after the other. */
  #changes: Promise<unknown> = Promise.resolve();

  constructor(parts: SubscriptionsParts) {
    this.#parts = parts;
  }

  /** Begins to deliver. */
  async start(): Promise<void> {
    const listening = new DisposableStack();
    listening.use(onPublished(this.#parts, () => this.#each((dispatcher) => dispatcher.wake())));
    listening.use(
      this.#parts.engine.subscribe((event) => {
        if (event.type === "step.waiting" && isLongWait(event)) this.#each((dispatcher) => dispatcher.runWaits(event.runId));
      }),
    );
    this.#listening = listening;
    await this.#change(() => this.#reconcile());
    this.#scheduleLook();
  }

  /** Starts no more deliveries; runs that were started go on or are found again. */
  async stop(): Promise<void> {
    clearTimeout(this.#poll);
    this.#listening?.[Symbol.dispose]();
    this.#listening = undefined;
    await this.#change(async () => {
      await Promise.all([...this.#dispatchers.values()].map((dispatcher) => dispatcher.stop()));
      this.#dispatchers.clear();
    });
  }

  async list(): Promise<readonly SubscriptionView[]> {
    const views: SubscriptionView[] = [];
    for (const name of await this.#names()) if ((await this.#find(name)) !== undefined) views.push(await this.view(name));
    return views;
  }

  async view(name: string): Promise<SubscriptionView> {
    const { principal, from: _, ...subscription } = await this.get(name);
    const dispatcher = this.#dispatchers.get(name);
    const position = dispatcher?.position ?? (await this.position(name));
    const isCaughtUp = (await readPublications(this.#parts.store, { after: position, limit: 1 })).length === 0;
    return { ...subscription, principalId: principal.id, position, open: dispatcher?.open ?? 0, isCaughtUp };
  }

  /** The subscription, or `not_found`. */
  async get(name: string): Promise<Subscription> {
    const found = await this.#find(name);
    if (found !== undefined) return found;
    throw new AppError("not_found", `wanted a subscription, got "${name}", which is none; \`tutti events subscriptions\` lists them`);
  }

  /** Up to where everything is settled, or acknowledged. */
  async position(name: string): Promise<number> {
    const { epoch, from } = await this.get(name);
    const cursor = (await this.#parts.store.getSetting(cursorSetting(name))) as unknown as Cursor | null | undefined;
    return cursor?.epoch === epoch ? cursor.position : from;
  }

  /** Makes a subscription. The same again changes nothing; another of the same name is a `conflict`. */
  create(spec: SubscriptionSpec, principal: Principal): Promise<SubscriptionView> {
    return this.#act("create", { principal, name: spec.name, input: { ...spec } }, async () => {
      const found = await this.#find(spec.name);
      if (found === undefined) await this.#make(spec, { principal, epoch: randomUUID(), from: await this.resolve(spec.from) });
      else if (!isSame(found, spec))
        throw new AppError("conflict", `wanted a new name, got "${spec.name}", which is a subscription to something else; delete it first`);
    });
  }

  /** A subscription that a plugin brings: made at first, and changed when the plugin's differs, going on from where it was. */
  async declare(spec: SubscriptionSpec, principal: Principal): Promise<void> {
    await this.#change(async () => {
      const found = await this.#find(spec.name);
      if (found !== undefined && isSame(found, spec)) return;
      // The same at every node. Another definition is another epoch: what was open then is delivered again, to the new target.
      const epoch = canonicalJson({ ...spec });
      const from = found === undefined ? await this.resolve(spec.from) : await this.position(spec.name);
      await this.#make(spec, { principal, epoch, from });
      await this.#reconcile();
    });
  }

  pause(name: string, reason: string, principal: Principal): Promise<SubscriptionView> {
    return this.#act("pause", { principal, name, input: { reason } }, async () =>
      this.#put({ ...(await this.get(name)), status: "paused", reason }),
    );
  }

  resume(name: string, principal: Principal): Promise<SubscriptionView> {
    return this.#act("resume", { principal, name, input: {} }, async () =>
      this.#put({ ...(await this.get(name)), status: "active", reason: null }),
    );
  }

  /** Goes back, or forward. What comes after is delivered, also what was delivered before: it is a new epoch. */
  rewind(name: string, to: Start, principal: Principal): Promise<SubscriptionView> {
    return this.#act("rewind", { principal, name, input: { to } }, async () => {
      const found = await this.get(name);
      await this.#put({ ...found, epoch: randomUUID(), from: await this.resolve(to) });
    });
  }

  /** Forgets a subscription. Runs it started go on. */
  async remove(name: string, principal: Principal): Promise<void> {
    await this.#acted("delete", { principal, name, input: {} }, async () => {
      await this.get(name);
      const { store } = this.#parts;
      await store.setSetting(subscriptionSetting(name), null);
      await store.setSetting(cursorSetting(name), null);
      const names = await this.#names();
      await store.setSetting(
        NAMES_SETTING,
        names.filter((other) => other !== name),
      );
    });
  }

  /** What comes after a position, for a client that reads by itself; events it does not want are left out of their places. */
  async pull(name: string, page: { readonly after: number; readonly limit: number }): Promise<readonly Publication[]> {
    const subscription = await this.#pulled(name);
    const publications = await readPublications(this.#parts.store, page);
    return publications.map(({ position, event }) => ({
      position,
      event: event !== undefined && isWanted(subscription, event) ? event : undefined,
    }));
  }

  /** A client has done with everything up to a position. Never goes back; `rewind` does. */
  acknowledge(name: string, position: number): Promise<number> {
    return this.#change(async () => {
      const { epoch } = await this.#pulled(name);
      const before = await this.position(name);
      const last = await this.resolve("now");
      if (position > last) throw new AppError("invalid_input", `wanted a position up to ${last}, the last event's, got ${position}`);
      if (position <= before) return before;
      await this.#parts.store.setSetting(cursorSetting(name), { epoch, position });
      return position;
    });
  }

  /** The position that a start means. */
  resolve(start: Start): Promise<number> {
    if (typeof start === "number") return Promise.resolve(start);
    if (start === "beginning") return Promise.resolve(0);
    if (start === "now") return lastBefore(this.#parts.store, () => false);
    const sinceMs = Date.parse(start);
    return lastBefore(this.#parts.store, ({ at }) => Date.parse(at) >= sinceMs);
  }

  #each(tell: (dispatcher: Dispatcher) => void): void {
    for (const dispatcher of this.#dispatchers.values()) tell(dispatcher);
  }

  async #pulled(name: string): Promise<Subscription> {
    const found = await this.get(name);
    if (found.target.type === "pull") return found;
    throw new AppError("conflict", `wanted a subscription that is pulled, got "${name}", which Tutti delivers itself`);
  }

  async #make(
    spec: SubscriptionSpec,
    { principal, epoch, from }: { readonly principal: Principal; readonly epoch: string; readonly from: number },
  ): Promise<void> {
    this.#requireTarget(spec);
    const names = await this.#names();
    if (names.length >= SUBSCRIPTIONS_MAX)
      throw new AppError("overloaded", `wanted fewer than ${SUBSCRIPTIONS_MAX} subscriptions, got as many; delete some`);
    // The name first: after a crash between the two, a name without a subscription is passed over, and the same request makes it whole.
    if (!names.includes(spec.name)) await this.#parts.store.setSetting(NAMES_SETTING, [...names, spec.name]);
    const createdAt = new Date().toISOString();
    await this.#put({ ...spec, epoch, from, status: "active", reason: null, principal: kept(principal), createdAt });
  }

  #requireTarget(spec: Pick<Subscription, "target">): void {
    const workflow = workflowOf(spec);
    if (workflow !== undefined && !this.#parts.hasWorkflow(workflow))
      throw new AppError("not_found", `wanted a workflow or agent, got "${workflow}", which is none; \`GET /v1/workflows\` lists them`);
    if (spec.target.type === "webhook") this.#parts.requireReceiver(spec.target.to);
  }

  async #act(verb: string, act: Act, change: () => Promise<void>): Promise<SubscriptionView> {
    await this.#acted(verb, act, change);
    return this.view(act.name);
  }

  /** A change that an administrator makes: decided, journaled, and in force when this resolves. */
  async #acted(verb: string, { principal, name, input }: Act, change: () => Promise<void>): Promise<void> {
    const step = {
      workflow: "tutti.admin",
      action: "admin",
      kind: "step",
      name: `subscription.${verb}`,
      input: { ...input, name },
    } as const;
    const recorded = this.#parts.engine.record(step, principal);
    try {
      await this.#change(async () => {
        await change();
        await this.#reconcile();
      });
      await recorded.complete({ name });
    } catch (thrown) {
      const error = AppError.from(thrown);
      await recorded.fail(error.code, error.message);
      throw error;
    }
  }

  /** One change at a time: each reads what the last one wrote. */
  #change<T>(change: () => Promise<T>): Promise<T> {
    const changed = this.#changes.then(change);
    this.#changes = changed.catch(() => undefined);
    return changed;
  }

  /** One look after the other, however long each takes. */
  #scheduleLook(): void {
    this.#poll = setTimeout(() => {
      void this.#change(() => this.#reconcile())
        .catch((error: unknown) => this.#parts.onError(error, {}))
        .then(() => (this.#listening === undefined ? undefined : this.#scheduleLook()));
    }, POLL_MS).unref();
  }

  /** Makes the dispatchers what the subscriptions say, whoever changed them. */
  async #reconcile(): Promise<void> {
    if (this.#listening === undefined) return;
    const names = await this.#names();
    for (const [name, dispatcher] of this.#dispatchers) {
      const wanted = await this.#find(name);
      if (wanted?.status === "active" && wanted.epoch === dispatcher.epoch && !dispatcher.isStopping) dispatcher.wake();
      else {
        this.#dispatchers.delete(name);
        await dispatcher.stop();
      }
    }
    for (const name of names) {
      const wanted = await this.#find(name);
      if (wanted?.status === "active" && wanted.target.type !== "pull" && !this.#dispatchers.has(name)) await this.#dispatch(wanted);
    }
  }

  async #dispatch(subscription: Subscription): Promise<void> {
    const { engine, store, onError } = this.#parts;
    const parts = {
      engine,
      store,
      onError,
      saveCursor: (name: string, cursor: Cursor) => store.setSetting(cursorSetting(name), { ...cursor }),
      onTargetGone: async ({ name, epoch }: Subscription, reason: string) => {
        const found = await this.#find(name);
        if (found?.epoch === epoch && found.status === "active") await this.#put({ ...found, status: "paused", reason });
      },
    };
    this.#dispatchers.set(subscription.name, new Dispatcher(parts, subscription, await this.position(subscription.name)));
  }

  async #names(): Promise<readonly string[]> {
    return ((await this.#parts.store.getSetting(NAMES_SETTING)) ?? []) as readonly string[];
  }

  async #find(name: string): Promise<Subscription | undefined> {
    return ((await this.#parts.store.getSetting(subscriptionSetting(name))) ?? undefined) as unknown as Subscription | undefined;
  }

  #put(subscription: Subscription): Promise<void> {
    return this.#parts.store.setSetting(subscriptionSetting(subscription.name), subscription);
  }
}

/** Who changes which subscription, and how. */
interface Act {
  readonly principal: Principal;
  readonly name: string;
  readonly input: { readonly [key: string]: Json };
}

function subscriptionSetting(name: string): string {
  return `subscription.${name}`;
}

function cursorSetting(name: string): string {
  return `subscription-cursor.${name}`;
}

/** Whether a subscription is what is asked for. Where it began does not matter any more. */
function isSame(found: Subscription, spec: SubscriptionSpec): boolean {
  const essence = ({ filter, where, target, orderBy, concurrency, onFailure }: Omit<SubscriptionSpec, "from">): string =>
    canonicalJson({ filter, where, target, orderBy, concurrency, onFailure });
  return essence(found) === essence(spec);
}
