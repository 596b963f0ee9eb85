import type { ApprovalEntry, ComponentEntry, DeadLetterEntry, KeyEntry, SupervisedEntry } from "@tutti/client";
import type { RunRecord } from "@tutti/core";
import type { Accent } from "../../parts/tones.ts";
import { approvalId, reasonOf, subjectOf } from "../operations/approval-words.ts";

/** Something that waits for a person: what, why, since when, and where to do something about it. */
export interface Need {
  readonly id: string;
  readonly kind: string;
  readonly accent: Accent;
  readonly title: string;
  readonly why: string;
  readonly since: string | null;
  readonly to: string;
  readonly search?: Readonly<Record<string, string>>;
}

/** What the server knows that may need somebody. */
export interface NeedSources {
  readonly approvals: readonly ApprovalEntry[];
  readonly paused: readonly RunRecord[];
  readonly supervised: readonly SupervisedEntry[];
  readonly deadLetters: readonly DeadLetterEntry[];
  readonly components: readonly ComponentEntry[];
  readonly keys: readonly KeyEntry[];
}

/** A budget that is used up to this share is told of before it is gone. */
const BUDGET_SHARE = 0.8;

/** What needs a person now, the most urgent kind first; within a kind what has waited longest. */
export function needsOf(sources: NeedSources): readonly Need[] {
  return [...brokenParts(sources), ...loops(sources), ...questions(sources), ...stopped(sources), ...budgets(sources), ...letters(sources)];
}

/** Parts that are not well. What is told of by itself, with more than its part of the server's health says, is not told of twice. */
function brokenParts(sources: NeedSources): readonly Need[] {
  const told = new Set([
    ...loops(sources).map(({ title }) => `supervised ${title}`),
    ...(stopped(sources).length > 0 ? ["engine"] : []),
    ...(letters(sources).length > 0 ? ["dead letters"] : []),
  ]);
  return sources.components
    .filter(({ name, status }) => (status === "down" || status === "degraded") && !told.has(name))
    .map(({ name, status, reason, todo, since }) => ({
      id: `component ${name}`,
      kind: status,
      accent: status === "down" ? "red" : "yellow",
      title: name,
      why: todo ?? reason,
      since,
      ...placeOf(name),
    }));
}

/** Where something can be done about a part; what the server says of it stands in the settings. */
const PLACES: readonly (readonly [part: string, place: Pick<Need, "to" | "search">])[] = [
  ["supervised ", { to: "/queues", search: { tab: "supervised" } }],
  ["dead letters", { to: "/dead-letters" }],
  ["mcp server ", { to: "/settings/mcp" }],
  ["plugin ", { to: "/settings/plugins" }],
  ["schedule ", { to: "/schedules" }],
  ["models of ", { to: "/settings/models" }],
  ["sandbox", { to: "/settings/sandbox" }],
];

function placeOf(part: string): Pick<Need, "to" | "search"> {
  return PLACES.find(([name]) => part.startsWith(name))?.[1] ?? { to: "/settings/health" };
}

function questions({ approvals }: NeedSources): readonly Need[] {
  return approvals.map((approval) => ({
    id: `approval ${approvalId(approval)}`,
    kind: "approval",
    accent: "orange",
    title: subjectOf(approval),
    why: approval.call === undefined ? "A run asks" : reasonOf(approval),
    since: approval.since,
    to: "/approvals",
    search: { approval: approvalId(approval) },
  }));
}

function loops({ supervised }: NeedSources): readonly Need[] {
  return supervised
    .filter(({ status, stuck }) => status === "crash loop" || status === "broken" || stuck.length > 0)
    .map(({ name, status, error, stuck, since, restarts }) => ({
      id: `supervised ${name}`,
      kind: stuck.length > 0 ? "stuck" : status,
      accent: "red",
      title: name,
      why: stuck[0]?.message ?? error?.message ?? `${restarts} restarts`,
      since: stuck[0]?.since ?? since,
      to: "/queues",
      search: { tab: "supervised" },
    }));
}

function stopped({ paused }: NeedSources): readonly Need[] {
  return paused.map(({ id, workflow, startedAt }) => ({
    id: `paused ${id}`,
    kind: "paused",
    accent: "yellow",
    title: workflow,
    why: "Stands still until somebody resumes, forks or cancels it",
    since: startedAt,
    to: `/runs/${id}`,
  }));
}

function budgets({ keys }: NeedSources): readonly Need[] {
  return keys.flatMap(({ id, name, budgets: left = [] }) =>
    left.flatMap(({ of, per, usd, tokens }) => {
      const share = Math.max(shareOf(usd), shareOf(tokens));
      if (share < BUDGET_SHARE) return [];
      return [
        {
          id: `budget ${id} ${of} ${per}`,
          kind: share >= 1 ? "spent" : "budget",
          accent: share >= 1 ? ("red" as const) : ("yellow" as const),
          title: `${name}: ${Math.round(share * 100)} % of its budget per ${per}`,
          why: share >= 1 ? "Its requests are refused" : "Soon its requests will be refused",
          since: null,
          to: "/settings/budgets",
        },
      ];
    }),
  );
}

function shareOf(budget: { readonly limit: number; readonly spent: number } | undefined): number {
  return budget === undefined || budget.limit <= 0 ? 0 : budget.spent / budget.limit;
}

function letters({ deadLetters }: NeedSources): readonly Need[] {
  return deadLetters
    .filter(({ status }) => status === "waiting")
    .map(({ id, source, error, since }) => ({
      id: `letter ${id}`,
      kind: "dead letter",
      accent: "red",
      title: source,
      why: `${error.code}: ${error.message}`,
      since,
      to: "/dead-letters",
      search: { letter: id },
    }));
}
