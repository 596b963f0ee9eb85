import type { Event, StepKind } from "../event.ts";
import type { Json } from "../json.ts";
import type { Wait } from "../store.ts";
import type { ApprovalRequest } from "../workflow.ts";
import { timeOf } from "./clock.ts";
import { hasEnded, statusOf, type RunLog } from "./read-run.ts";
import { compareKeys, Frontier } from "./step-key.ts";
import { inWords } from "./words.ts";

/** Waits of one run that are told; a map of thousands of waiting branches is the same a thousand times. */
const WAITS_MAX = 100;
/** Of a child that itself waits for many things, so many are told. */
const CHILD_WAITS_MAX = 3;
/** What a heartbeat or an error said is cut to this. */
const DETAIL_LENGTH_MAX = 200;
/** A run of which nothing is open and nothing new was heard for this long may have lost its process. */
const SILENCE_MS = 60_000;

/** One thing an unfinished run waits for. `key` is the step's, "" for the run itself; `since` and `until` are ISO 8601. */
export interface Waiting {
  readonly key: string;
  readonly type:
    | "signal"
    | "approval"
    | "sleep"
    | "child"
    | "retry"
    | "step"
    | "queue"
    | "pause"
    | "cancel"
    | "deadline"
    | "nothing"
    | "ended";
  readonly name: string;
  readonly since: string | null;
  readonly until: string | null;
  /** One plain sentence. */
  readonly sentence: string;
}

/**
 * The moment it is told at, how many runs go before a queued one, and the waits that the store knows of: a wait for another run's end leaves
 * no event until it is over.
 */
export interface WaitingOptions {
  readonly nowMs: number;
  readonly waits?: readonly Wait[];
  readonly aheadOf?: (runId: string) => number | undefined;
}

/** What a run waits for, first by what holds all of it up (a pause, a queue), then by step. Pure. */
export function waitingFor(log: RunLog, options: WaitingOptions): readonly Waiting[] {
  return findings(log, options).map(({ says, ...waiting }) => ({ ...waiting, sentence: `The run ${says}.` }));
}

/** A wait whose sentence lacks its subject: "waits for the signal …". */
interface Finding extends Omit<Waiting, "sentence"> {
  readonly says: string;
}

/** A step that has begun and not ended. */
interface OpenStep {
  readonly key: string;
  readonly kind: StepKind;
  readonly name: string;
  readonly state: "waiting" | "retrying" | "running";
  readonly since: string;
  readonly until: string | null;
  readonly attempt: number;
  readonly approval?: ApprovalRequest;
  readonly failure?: string;
  readonly heartbeat?: { readonly at: string; readonly detail: Json };
}

function findings(log: RunLog, options: WaitingOptions): readonly Finding[] {
  const { events } = log;
  const last = events.at(-1);
  const status = statusOf(events);
  if (last === undefined || hasEnded(status))
    return [{ ...ofRun("ended", status), since: last?.at ?? null, says: `has ended: it is ${status}` }];
  const run = [...pauseOf(events, options), ...queueOf(events, options), ...cancelOf(events, options)];
  const children = childrenOf(log, options);
  const childKeys = new Set(children.map(({ key }) => key));
  const steps = openSteps(events).filter(({ key }) => !childKeys.has(key));
  const isHeld = run.some(({ type }) => type === "pause" || type === "queue");
  const open = isHeld ? [] : [...steps.map((step) => ofStep(step, options)), ...children, ...joinsOf(last.runId, childKeys, options)];
  const all = [...run, ...open];
  const found = all.length > 0 ? all : [silence(last, options)];
  return [...found.slice(0, WAITS_MAX), ...deadlineOf(events, options)];
}

function ofRun(type: Waiting["type"], name: string): Omit<Finding, "says"> {
  return { key: "", type, name, since: null, until: null };
}

/** The steps that are open: begun, and neither ended nor left behind. */
function openSteps(events: readonly Event[]): readonly OpenStep[] {
  const open = new Map<string, OpenStep>();
  const frontier = new Frontier();
  for (const event of events) {
    if (event.type === "run.resumed") endWork(open);
    if (!isStep(event)) continue;
    frontier.see(event.key);
    const step = openStep(event, open.get(event.key));
    if (step === undefined) open.delete(event.key);
    else open.set(event.key, step);
  }
  return [...open.values()].filter(({ key }) => !frontier.hasLeft(key)).toSorted((a, b) => compareKeys(a.key, b.key));
}

/** After a standstill whatever was at work begins anew, and says so when it takes longer than a moment. */
function endWork(open: Map<string, OpenStep>): void {
  for (const { key, state } of open.values()) if (state === "running") open.delete(key);
}

type StepEvent = Extract<Event, { readonly kind: StepKind; readonly key: string }>;

function isStep(event: Event): event is StepEvent {
  return "kind" in event && "key" in event;
}

function openStep(event: StepEvent, known: OpenStep | undefined): OpenStep | undefined {
  const { key, kind, name, at } = event;
  const step = { key, kind, name, since: at, until: null };
  switch (event.type) {
    case "step.started":
      return { ...step, ...(known?.failure !== undefined && { failure: known.failure }), state: "running", attempt: event.attempt };
    case "step.progressed":
      return {
        ...step,
        since: known?.since ?? at,
        state: "running",
        attempt: event.attempt,
        heartbeat: { at, detail: event.detail },
      };
    case "step.waiting":
      return {
        ...step,
        until: event.until,
        state: "waiting",
        attempt: 1,
        ...(event.approval !== undefined && { approval: event.approval }),
      };
    case "step.failed":
      if (event.retryAt === null) return undefined;
      return { ...step, until: event.retryAt, state: "retrying", attempt: event.attempt, failure: `${event.code}: ${event.message}` };
    case "step.completed":
    case "step.cancelled":
    case "run.recorded":
      return undefined;
  }
}

function ofStep(step: OpenStep, { nowMs }: WaitingOptions): Finding {
  const { key, kind, name, since, until, state } = step;
  const base = { key, name, since, until };
  if (state === "retrying") {
    const again = `is tried again ${moment(until, nowMs)}`;
    return {
      ...base,
      type: "retry",
      says: `waits for ${theStep(step)}, whose attempt ${step.attempt} failed (${short(step.failure ?? "")}) and which ${again}`,
    };
  }
  if (state === "running")
    return {
      ...base,
      type: "step",
      says: `is at work on ${theStep(step)} ${sinceWords(since, nowMs)}, attempt ${step.attempt}, ${heartbeatOf(step, nowMs)}`,
    };
  if (kind === "sleep") return { ...base, type: "sleep", says: `sleeps ${moment(until, nowMs, "until")}, ${sinceWords(since, nowMs)}` };
  if (kind === "approval") return { ...base, type: "approval", says: `${approvalOf(step, nowMs)}` };
  const end = until === null ? "with no end set" : `${moment(until, nowMs, "until")} at the latest`;
  if (kind === "signal")
    return { ...base, type: "signal", says: `waits for the signal "${short(name)}" ${sinceWords(since, nowMs)}, ${end}` };
  return { ...base, type: kind === "workflow" ? "child" : "step", says: `waits for ${theStep(step)} ${sinceWords(since, nowMs)}, ${end}` };
}

function theStep({ kind, name }: OpenStep): string {
  return `${KIND_NOUNS[kind] ?? `the ${kind}`} "${short(name)}"`;
}

const KIND_NOUNS: Partial<Record<StepKind, string>> = {
  workflow: "the child run",
  undo: "the undoing of",
  spawn: "the start of",
  send: "the sending of",
};

function heartbeatOf({ heartbeat }: OpenStep, nowMs: number): string {
  if (heartbeat === undefined) return "without a heartbeat";
  const detail = heartbeat.detail === null ? "" : ` (${short(JSON.stringify(heartbeat.detail))})`;
  return `its last heartbeat ${inWords(nowMs - timeOf(heartbeat.at))} ago${detail}`;
}

function approvalOf({ name, since, until, approval }: OpenStep, nowMs: number): string {
  const approvers = approval?.approvers ?? [];
  const who = approvers.length === 0 ? "anybody whom policy allows run.approve" : approvers.map(short).join(" or ");
  const what = `waits for an answer to "${short(approval?.question ?? name)}" ${sinceWords(since, nowMs)}; ${who} may answer`;
  if (until === null) return `${what}, with no end set`;
  const otherwise = approval?.otherwise;
  const after =
    otherwise === undefined ? "it fails with approval_timeout" : `it counts as ${otherwise === "approve" ? "approved" : "refused"}`;
  return `${what} ${moment(until, nowMs, "until")}, after which ${after}`;
}

/** Child runs whose log is known and has not ended, with what they wait for themselves. */
function childrenOf({ events, children = [] }: RunLog, options: WaitingOptions): readonly Finding[] {
  // A run that was spawned has a key too, but that step has ended.
  const ended = new Set(events.flatMap((event) => (event.type === "step.completed" || event.type === "step.failed" ? [event.key] : [])));
  return children.flatMap((child) => {
    const [first] = child.events;
    if (first?.type !== "run.started" || first.parent === undefined || hasEnded(statusOf(child.events))) return [];
    if (ended.has(first.parent.key)) return [];
    const inside = findings(child, options).filter(({ type }) => type !== "deadline");
    const told = inside.slice(0, CHILD_WAITS_MAX).map(({ says }) => says);
    const more = inside.length > told.length ? `, and ${inside.length - told.length} more` : "";
    return [
      {
        key: first.parent.key,
        type: "child" as const,
        name: first.workflow,
        since: first.at,
        until: null,
        says: `waits for its child run ${first.runId} ("${short(first.workflow)}") ${sinceWords(first.at, options.nowMs)}, which ${told.join("; and ")}${more}`,
      },
    ];
  });
}

/** Runs that are no children, whose end is waited for. */
function joinsOf(runId: string, childKeys: ReadonlySet<string>, { waits = [], nowMs }: WaitingOptions): readonly Finding[] {
  return waits
    .filter((wait) => wait.runId === runId && wait.kind === "workflow" && !childKeys.has(wait.key))
    .map(({ key, name, since, until }) => {
      const says = `waits for the end of run ${name} ${sinceWords(since, nowMs)}, about which \`tutti runs why ${name}\` tells more`;
      return { key, type: "child", name, since, until, says };
    });
}

const REMEDIES: Readonly<Record<string, string>> = {
  workflow_changed: "resume it on the version it began with, fork it before the step that differs, or cancel it",
  crash_loop: "put right what makes it fail and resume it, or cancel it",
  budget_exceeded: "raise its limit and resume it, or cancel it",
};

function pauseOf(events: readonly Event[], { nowMs }: WaitingOptions): readonly Finding[] {
  const pause = events.findLast(({ type }) => type === "run.paused" || type === "run.resumed");
  if (pause?.type !== "run.paused") return [];
  const remedy = REMEDIES[pause.code] ?? "resume it, or cancel it";
  const says = `is paused ${sinceWords(pause.at, nowMs)} (${pause.code}: ${short(pause.message)}); ${remedy}`;
  return [{ ...ofRun("pause", pause.code), since: pause.at, says }];
}

function queueOf(events: readonly Event[], { nowMs, aheadOf }: WaitingOptions): readonly Finding[] {
  const queued = events.findLast(({ type }) => type === "run.queued" || type === "run.admitted");
  if (queued?.type !== "run.queued") return [];
  const ahead = aheadOf?.(queued.runId);
  const place = ahead === undefined ? "" : `, at place ${ahead + 1}${ahead === 0 ? ": it goes next" : ""}`;
  const key = queued.queueKey === "" ? "" : ` for "${short(queued.queueKey)}"`;
  const says = `waits for a place in the queue "${short(queued.queue)}"${key} ${sinceWords(queued.at, nowMs)}${place}, with priority ${queued.priority}`;
  return [{ ...ofRun("queue", queued.queue), since: queued.at, says }];
}

function cancelOf(events: readonly Event[], { nowMs }: WaitingOptions): readonly Finding[] {
  const request = events.findLast((event) => event.type === "cancel.requested");
  if (request === undefined) return [];
  const says = `was asked to cancel ${inWords(nowMs - timeOf(request.at))} ago (${short(request.reason)}) and ends once its workflow has unwound`;
  return [{ ...ofRun("cancel", "cancel"), since: request.at, says }];
}

function deadlineOf([first]: readonly Event[], { nowMs }: WaitingOptions): readonly Finding[] {
  if (first?.type !== "run.started" || first.limits?.timeMs === undefined) return [];
  const until = new Date(timeOf(first.at) + Math.min(first.limits.timeMs, Number.MAX_SAFE_INTEGER / 2)).toISOString();
  return [{ ...ofRun("deadline", "deadline"), since: first.at, until, says: `fails with deadline_exceeded ${moment(until, nowMs)}` }];
}

/** Nothing is open: short steps leave no event until they end. */
function silence(last: Event, { nowMs }: WaitingOptions): Finding {
  const silentMs = nowMs - timeOf(last.at);
  const what = `has no open step; its last event, ${last.type}${"name" in last ? ` "${short(last.name)}"` : ""}, is ${inWords(silentMs)} old`;
  const doubt =
    silentMs < SILENCE_MS
      ? "its own code or a short step is at work"
      : "unless its own code is at work, no process runs it, and starting Tutti goes on with it";
  return { ...ofRun("nothing", last.type), since: last.at, says: `${what}: ${doubt}` };
}

function sinceWords(since: string, nowMs: number): string {
  return `for ${inWords(nowMs - timeOf(since))} (since ${since})`;
}

/** A moment to come, and in how long; one that has passed says so. */
function moment(until: string | null, nowMs: number, word = "at"): string {
  if (until === null) return `${word} no set time`;
  const leftMs = timeOf(until) - nowMs;
  return `${word} ${until} (${leftMs >= 0 ? `in ${inWords(leftMs)}` : `overdue for ${inWords(-leftMs)}`})`;
}

function short(text: string): string {
  return text.length <= DETAIL_LENGTH_MAX ? text : `${text.slice(0, DETAIL_LENGTH_MAX)}…`;
}
