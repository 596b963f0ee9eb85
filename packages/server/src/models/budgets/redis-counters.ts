import { AppError } from "@tutti/core";
import type { Hold } from "./account.ts";
import { windowsAt } from "./calendar.ts";
import { nanosOf, type Ask, type Limits, type Payer, type Reservation, type Spent } from "./limits.ts";
import { holdOf, usedBy, type LocalCounters, type Party } from "./local-counters.ts";
import { rateHeaders } from "./rate-headers.ts";
import { RedisLink } from "./redis-link.ts";
import { LIVE, MERGE, RESERVE, SETTLE } from "./redis-scripts.ts";
import { budgetRefusal, parallelRefusal, rateRefusal, type Subject } from "./refusal.ts";

const KEY_PREFIX = "tutti:{budgets}:";
const NODES_KEY = `${KEY_PREFIX}nodes`;
/** Well within the time after which Redis takes a node for lost. */
const LIVE_INTERVAL_MS = 4_000;
/** An account that Redis does not have is opened and asked again, so often at most. */
const OPENINGS_MAX = 3;
const RETRY_MS = 1_000;
const NOTHING: Hold = { tokens: 0, nanoUsd: 0 };

/** What counters in Redis are made of. */
export interface RedisCountersOptions {
  readonly url: string;
  readonly node: string;
  readonly local: LocalCounters;
  /** What holds while Redis is not there: this node's own counters, or nothing goes. */
  readonly onLoss: "local" | "refuse";
  /** Reads what was journaled last, so that an account is filled with all of it. */
  readonly catchUp: () => Promise<void>;
  /** Told when Redis is lost, once each time. */
  readonly onError: (error: AppError) => void;
}

/** Whose limits apply, as the scripts want them. Made once for each payer. */
interface Called {
  readonly parties: readonly Party[];
  readonly keys: readonly string[];
  readonly limits: string;
}

/**
 * Counters that several nodes share. Each reservation and each settlement is one script. The local counters follow along: they hold when
 * Redis does not, and fill it again when it has lost everything.
 */
export class RedisCounters {
  readonly #options: RedisCountersOptions;
  readonly #link: RedisLink;
  readonly #called = new WeakMap<Payer, Called>();
  /** Accounts that this node has used in Redis, and those it used since they were last compared. */
  readonly #known = new Set<Subject>();
  readonly #touched = new Set<Subject>();
  readonly #sending = new Set<Promise<void>>();
  #state: "up" | "opening" | "down" = "down";
  #connections = 0;
  #opening: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RedisCountersOptions) {
    this.#options = options;
    this.#link = new RedisLink(options.url, { onReady: () => (this.#opening = this.#open()), onLost: (error) => this.#lost(error) });
  }

  /** Resolves when the counters are there, or it is known that they are not. */
  async open(): Promise<void> {
    await this.#link.connect();
    await this.#opening;
    if (this.#state === "down")
      this.#options.onError(new AppError("overloaded", "wanted to count in Redis, got no connection; it is tried again"));
    this.#timer = setInterval(() => this.#live(), LIVE_INTERVAL_MS);
    this.#timer.unref();
  }

  get isReachable(): boolean {
    return this.#state === "up";
  }

  async reserve(payer: Payer, ask: Ask): Promise<Reservation> {
    const called = this.#calledFor(payer);
    const held = holdOf(ask);
    for (let openings = 0; this.#state === "up" && openings <= OPENINGS_MAX; openings += 1) {
      const reply = await this.#ask(called, held);
      const [verdict] = reply ?? [];
      if (verdict === "held") return this.#held(payer, ask, { called, held, reply: reply ?? [] });
      if (verdict === "unseeded") await this.#fill(called.parties);
      else if (reply !== undefined) throw refusalOf(called.parties, held, reply);
    }
    return this.#withoutRedis(payer, ask, { called, held });
  }

  /** Tells Redis what it still has to know. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#sending);
    this.#state = "down";
    await this.#link.close();
  }

  /** `undefined` when Redis did not answer. */
  async #ask({ keys, limits }: Called, { tokens, nanoUsd }: Hold): Promise<readonly string[] | undefined> {
    try {
      const args = [this.#options.node, tokens, nanoUsd, limits];
      return (await this.#link.run({ script: RESERVE, keys, args })) as readonly string[];
    } catch (thrown) {
      this.#failed(thrown);
      return undefined;
    }
  }

  #held(
    payer: Payer,
    ask: Ask,
    { called, held, reply }: { readonly called: Called; readonly held: Hold; readonly reply: readonly string[] },
  ): Reservation {
    const mirror = this.#options.local.hold(payer, ask);
    for (const { subject } of called.parties) this.#touched.add(subject);
    const states = called.parties.map(({ limits }, index) => {
      const [requests, tokens] = reply.slice(1 + index * 2, 3 + index * 2);
      return {
        requests: limits.requestsPerMinute === undefined ? undefined : { perMinute: limits.requestsPerMinute, used: Number(requests) },
        tokens: limits.tokensPerMinute === undefined ? undefined : { perMinute: limits.tokensPerMinute, used: Number(tokens) },
      };
    });
    return this.#reservation(mirror, { called, held, headers: () => rateHeaders(states) });
  }

  #withoutRedis(payer: Payer, ask: Ask, { called, held }: { readonly called: Called; readonly held: Hold }): Reservation {
    const { local, onLoss } = this.#options;
    if (onLoss === "refuse")
      throw new AppError(
        "overloaded",
        "wanted Redis to count a request with limits, got no connection to it; try again, or set onRedisLoss to local",
        { cause: { retryAfterMs: RETRY_MS } },
      );
    const mirror = local.reserve(payer, ask);
    return this.#reservation(mirror, { called, held, headers: () => mirror.headers });
  }

  #reservation(
    mirror: Reservation,
    { called, held, headers }: { readonly called: Called; readonly held: Hold; readonly headers: () => Readonly<Record<string, string>> },
  ): Reservation {
    let isOpen = true;
    const end = (used: Hold): void => {
      if (isOpen) this.#settle(called, held, used);
      isOpen = false;
    };
    return {
      settle: (spent: Spent) => {
        mirror.settle(spent);
        end(usedBy(spent));
      },
      release: () => {
        mirror.release();
        end(NOTHING);
      },
      get headers() {
        return headers();
      },
    };
  }

  /** What cannot be told now is compared when Redis is back: the local counters have it. */
  #settle({ parties, keys, limits }: Called, held: Hold, used: Hold): void {
    if (this.#state !== "up") return;
    for (const { subject } of parties) this.#touched.add(subject);
    const args = [this.#options.node, held.tokens, held.nanoUsd, used.tokens, used.nanoUsd, limits];
    const sending = this.#link.run({ script: SETTLE, keys, args }).then(
      () => undefined,
      (thrown: unknown) => this.#failed(thrown),
    );
    this.#sending.add(sending);
    void sending.then(() => this.#sending.delete(sending));
  }

  /** Redis is there, for the first time or again: it is told what it missed, and asked from the same moment on. */
  async #open(): Promise<void> {
    const connection = (this.#connections += 1);
    this.#state = "opening";
    try {
      await this.#link.load([RESERVE, SETTLE, MERGE, LIVE]);
      await this.#options.catchUp();
      if (connection !== this.#connections) return;
      // Accounts whose requests were let in without Redis are among them.
      for (const { subject, inFlight } of this.#options.local.accounts()) if (inFlight > 0) this.#known.add(subject);
      const merging = [...this.#known].map((subject) => this.#merge(subject, true));
      // Commands go one after another over the connection, so what is asked from here on comes after.
      this.#state = "up";
      await Promise.all(merging);
    } catch (thrown) {
      if (connection === this.#connections) this.#failed(thrown);
    }
  }

  async #fill(parties: readonly Party[]): Promise<void> {
    try {
      await this.#options.catchUp();
      await Promise.all(parties.map(({ subject }) => this.#merge(subject, false)));
    } catch (thrown) {
      this.#failed(thrown);
    }
  }

  async #merge(subject: Subject, isBack: boolean): Promise<void> {
    const { local, node } = this.#options;
    const { purse, inFlight, held } = local.account(subject);
    this.#known.add(subject);
    const account = { node, isBack, purse: purse.snapshot(), held: [inFlight, held.tokens, held.nanoUsd] };
    await this.#link.run({ script: MERGE, keys: [KEY_PREFIX + subject, NODES_KEY], args: [JSON.stringify(account)] });
  }

  #lost(error: AppError): void {
    this.#connections += 1;
    if (this.#state === "down") return;
    this.#state = "down";
    this.#options.onError(error);
  }

  /** A command failed: the connection is gone already, or the server hangs, or it has forgotten what it was told. */
  #failed(thrown: unknown): void {
    const wasUp = this.#state !== "down";
    this.#lost(AppError.from(thrown));
    if (wasUp) this.#link.reconnect();
  }

  /** Says that this node lives, and compares what it used meanwhile: a settlement may have met an account that was just being filled. */
  #live(): void {
    if (this.#state !== "up") return;
    const merging = [...this.#touched].map((subject) => this.#merge(subject, false));
    this.#touched.clear();
    const living = this.#link.run({ script: LIVE, keys: [NODES_KEY], args: [this.#options.node] });
    Promise.all([living, ...merging]).catch((thrown: unknown) => this.#failed(thrown));
  }

  #calledFor(payer: Payer): Called {
    let called = this.#called.get(payer);
    if (called === undefined) {
      const parties = this.#options.local.parties(payer);
      const keys = [...parties.map(({ subject }) => KEY_PREFIX + subject), NODES_KEY];
      called = { parties, keys, limits: JSON.stringify(parties.map(({ limits }) => scripted(limits))) };
      this.#called.set(payer, called);
    }
    return called;
  }
}

function scripted({ requestsPerMinute, tokensPerMinute, parallel, budgets = [] }: Limits): object {
  return {
    requests: requestsPerMinute,
    tokens: tokensPerMinute,
    parallel,
    budgets: budgets.map(({ amountUsd, tokens, per }) => ({ per, tokens, ...(amountUsd !== undefined && { nanos: nanosOf(amountUsd) }) })),
  };
}

/** What the script said, as the local counters say it. */
function refusalOf(parties: readonly Party[], ask: Hold, [kind, place, ...facts]: readonly (string | number)[]): AppError {
  const party = parties[Number(place) - 1];
  if (party === undefined) throw new AppError("internal", `wanted an answer of the script, got ${String(kind)}`);
  if (kind === "parallel") return parallelRefusal(party.subject, party.limits.parallel ?? 0);
  return kind === "rate" ? rateRefusalOf(party, ask, facts) : budgetRefusalOf(party, ask, facts);
}

function rateRefusalOf({ subject, limits }: Party, ask: Hold, [rate, usedText]: readonly (string | number)[]): AppError {
  const [what, perMinute = 0, count] =
    rate === "rq" ? (["requests", limits.requestsPerMinute, 1] as const) : (["tokens", limits.tokensPerMinute, ask.tokens] as const);
  const used = Number(usedText);
  const excess = used + Math.min(count, perMinute) - perMinute;
  return rateRefusal(subject, what, { perMinute, used, retryAfterMs: (excess * 60_000) / perMinute });
}

function budgetRefusalOf({ subject, limits }: Party, ask: Hold, [index, unit, spent, held, nowMs]: readonly (string | number)[]): AppError {
  const { per = "total", amountUsd, tokens = 0 } = limits.budgets?.[Number(index) - 1] ?? {};
  const counted =
    unit === "usd"
      ? ({ unit, limit: nanosOf(amountUsd), ask: ask.nanoUsd } as const)
      : ({ unit: "tokens", limit: tokens, ask: ask.tokens } as const);
  const endMs = windowsAt(Number(nowMs)).endsMs[per];
  return budgetRefusal(subject, { ...counted, per, spent: Number(spent), held: Number(held), endMs });
}
