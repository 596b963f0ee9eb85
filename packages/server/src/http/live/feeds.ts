import { AppError } from "@tutti/core";
import { COUNTED_APPROVALS_MAX } from "@tutti/core/wire";
import type { App } from "../../host/index.ts";
import type { Feed } from "../feed.ts";
import { filterFrom, isAsked } from "../routes/run-filter.ts";
import { Bell } from "../sse.ts";
import { ApprovalsNow } from "./approvals-now.ts";
import type { LogTail, TailEntry } from "./log-tail.ts";
import { Mentions } from "./mentions.ts";
import { frameOf, type Frames, type News } from "./news.ts";
import { pause } from "./pause.ts";
import type { Topic } from "./topics.ts";

/** Whoever missed more events than this reads the lists anew: that is less work for both. */
export const GAP_EVENTS_MAX = 20_000;
/** Events looked at for one frame; a frame of the log holds fewer, because each is sent. */
const LOOKED_AT_MAX = 1_000;
const SENT_MAX = 200;
/** A feed whose filter finds nothing says where it is after so many events, so that a reconnect does not look at them again. */
const SILENT_EVENTS_MAX = 5_000;
const OVERVIEW_MS = 1_000;
const UNFINISHED = ["queued", "running", "waiting", "paused"] as const;
/** Unfinished runs that are counted. */
const COUNTED_MAX = 100_000;

/** What the feeds read from. */
export interface FeedSources {
  readonly app: App;
  readonly tail: LogTail;
  readonly feed: Feed;
}

type Topics<T extends Topic["topic"]> = Extract<Topic, { readonly topic: T }>;

/** What a frame holds. */
type Told = Frames[keyof Frames];

/** A topic's news until `gone`. They are made when they are asked for: whoever asks seldom gets changes put together, and costs no memory. */
export function openFeed(sources: FeedSources, topic: Topic, gone: AbortSignal): AsyncGenerator<News> {
  switch (topic.topic) {
    case "run":
      return runFeed(sources, topic, gone);
    case "runs":
      return logFeed(sources, { after: topic.after, gone, limit: LOOKED_AT_MAX, read: runsIn(sources, topic) });
    case "log":
      return logFeed(sources, {
        after: topic.after,
        gone,
        limit: topic.filter === undefined ? SENT_MAX : LOOKED_AT_MAX,
        read: logIn(topic),
      });
    case "approvals":
      return stateFeed(sources, { after: topic.after, gone, pauseMs: 0, read: approvalsIn(sources) });
    case "overview":
      return stateFeed(sources, { after: topic.after, gone, pauseMs: OVERVIEW_MS, read: () => overview(sources) });
  }
}

/** One run's events, each once and in order, then its end. */
async function* runFeed({ app, feed }: FeedSources, { runId, after = 0 }: Topics<"run">, gone: AbortSignal): AsyncGenerator<News> {
  if ((await app.store.run(runId)) === undefined)
    throw new AppError("not_found", `wanted a run, got "${runId}", which is none; \`GET /v1/runs\` lists them`);
  yield { type: "subscribed", position: after };
  for await (const page of feed.pages(runId, after, gone)) {
    if (page === "heartbeat") yield page;
    else yield frameOf(page.at(-1)?.seq ?? after, { events: page as unknown as Frames["run"]["events"] });
  }
  if (!gone.aborted) yield { type: "ended" };
}

interface LogReading {
  readonly after: number | undefined;
  readonly gone: AbortSignal;
  /** Events read for a frame. */
  readonly limit: number;
  /** What is told of some events; `undefined` when nothing is. */
  readonly read: (entries: readonly TailEntry[]) => Promise<Told | undefined> | Told | undefined;
}

/** What follows from the log's events, in their order, from a position on. */
async function* logFeed({ tail }: FeedSources, { after, gone, limit, read }: LogReading): AsyncGenerator<News> {
  const bell = new Bell();
  using _ = await tail.listen(bell);
  gone.addEventListener("abort", () => bell.ring());
  let at = after ?? tail.head;
  let told = at;
  yield { type: "subscribed", position: at };
  while (!gone.aborted) {
    const reason = tooFar(at, tail.head);
    if (reason !== undefined) {
      told = at = tail.head;
      yield { type: "reset", position: at, reason };
    }
    const entries = at < tail.head ? await tail.read(at, limit) : [];
    at = entries.at(-1)?.position ?? at;
    const data = entries.length === 0 ? undefined : await read(entries);
    if (data !== undefined || at - told > SILENT_EVENTS_MAX) {
      told = at;
      yield data === undefined ? { type: "subscribed", position: at } : frameOf(at, data);
    } else if (at >= tail.head && !(await bell.wait())) yield "heartbeat";
  }
}

function tooFar(at: number, head: number): string | undefined {
  if (head - at > GAP_EVENTS_MAX) return `more than ${GAP_EVENTS_MAX} events were missed`;
  return at > head ? "the log is shorter than it was: it was put back from a backup, or is another one" : undefined;
}

/** The runs that the events are about, as they stand now. */
function runsIn({ app, tail }: FeedSources, { filter: { text, ...wish } = {} }: Topics<"runs">) {
  const { statuses, ...rest } = filterFrom(wish);
  const mentions = text === undefined ? undefined : new Mentions(app.store, text);
  return async (entries: readonly TailEntry[]): Promise<Frames["runs"] | undefined> => {
    const ids = new Set(entries.map(({ event }) => event.runId));
    const records = (await Promise.all([...ids].map((id) => tail.run(id)))).filter((run) => run !== undefined);
    const asked = records.filter((run) => isAsked(run, rest));
    const known = mentions === undefined ? asked : await mentions.among(asked, entries);
    const runs = known.filter((run) => statuses === undefined || statuses.includes(run.status));
    const left = known.filter((run) => !runs.includes(run)).map(({ id }) => id);
    return known.length === 0 ? undefined : { runs, left };
  };
}

function logIn({ filter = {} }: Topics<"log">) {
  const { types, runId } = filter;
  return (entries: readonly TailEntry[]): Frames["log"] | undefined => {
    const asked = entries.filter(
      ({ event }) => (types === undefined || types.includes(event.type)) && (runId === undefined || event.runId === runId),
    );
    if (asked.length === 0) return undefined;
    return { events: asked.map(({ position, redacted }) => ({ position, event: redacted() })) };
  };
}

interface StateReading {
  readonly after: number | undefined;
  readonly gone: AbortSignal;
  /** The least time between two readings. */
  readonly pauseMs: number;
  /** What is so now; `undefined` when none of the events since the last reading can have changed it. */
  readonly read: (entries: readonly TailEntry[] | undefined) => Promise<Told | undefined>;
}

/** A state of things, told at the start and whenever it has changed. */
async function* stateFeed({ tail }: FeedSources, { after, gone, pauseMs, read }: StateReading): AsyncGenerator<News> {
  const bell = new Bell();
  using _ = await tail.listen(bell);
  gone.addEventListener("abort", () => bell.ring());
  yield { type: "subscribed", position: after ?? tail.head };
  let last = "";
  for (let at: number | undefined; !gone.aborted;) {
    // A state needs no history: after a gap it is read as it is.
    const from = at;
    at = tail.head;
    const entries = from === undefined || at - from > LOOKED_AT_MAX ? undefined : await tail.read(from, LOOKED_AT_MAX);
    const data = await read(entries);
    const text = JSON.stringify(data);
    if (data !== undefined && text !== last) {
      last = text;
      yield frameOf(at, data);
      await pause(pauseMs, gone);
    }
    if (at >= tail.head && !(await bell.wait())) yield "heartbeat";
  }
}

function approvalsIn({ app }: FeedSources): StateReading["read"] {
  const now = new ApprovalsNow(app.store);
  return (entries) => now.read(entries);
}

async function overview({ app, tail }: FeedSources): Promise<Frames["overview"]> {
  const [counts, approvals] = await Promise.all([
    app.store.countRuns({ newest: COUNTED_MAX, statuses: UNFINISHED }),
    app.store.waits({ kind: "approval", limit: COUNTED_APPROVALS_MAX }),
  ]);
  const of = (status: (typeof UNFINISHED)[number]): number =>
    counts.reduce((sum, row) => (row.status === status ? sum + row.count : sum), 0);
  return {
    runs: { queued: of("queued"), running: of("running"), waiting: of("waiting"), paused: of("paused") },
    approvals: approvals.length,
    lastMinute: tail.counts.sums(Date.now()),
  };
}
