import type { KeyEntry, KeyRequest, Limits } from "@tutti/client";

/** The windows that a budget can be for. */
export const PERIODS = ["day", "week", "month", "total"] as const;

/** A budget as it is typed. */
export interface BudgetDraft {
  readonly amountUsd: string;
  readonly tokens: string;
  readonly per: (typeof PERIODS)[number];
}

/** A key as it is typed; "" is what is not limited. */
export interface KeyDraft {
  readonly name: string;
  readonly models: string;
  readonly user: string;
  readonly team: string;
  readonly requestsPerMinute: string;
  readonly tokensPerMinute: string;
  readonly parallel: string;
  /** A day, as "2026-12-31". */
  readonly expiresOn: string;
  readonly budgets: readonly BudgetDraft[];
}

/** A budget before anybody has typed. */
export const NO_BUDGET: BudgetDraft = { amountUsd: "", tokens: "", per: "month" };

/** What stands in the form at first: nothing, or a key as it is. */
export function draftOf(key: KeyEntry | undefined): KeyDraft {
  const { limits = {} } = key ?? {};
  const text = (value: number | undefined): string => (value === undefined ? "" : String(value));
  return {
    name: key?.name ?? "",
    models: (key?.models ?? []).join(", "),
    user: key?.user ?? "",
    team: key?.team ?? "",
    requestsPerMinute: text(limits.requestsPerMinute),
    tokensPerMinute: text(limits.tokensPerMinute),
    parallel: text(limits.parallel),
    expiresOn: key?.expiresAt?.slice(0, 10) ?? "",
    budgets: (limits.budgets ?? []).map(({ amountUsd, tokens, per }) => ({ amountUsd: text(amountUsd), tokens: text(tokens), per })),
  };
}

/** The key that a draft asks for. */
export function requestOf(draft: KeyDraft): KeyRequest {
  const models = modelsOf(draft);
  return {
    name: draft.name.trim(),
    limits: limitsOf(draft),
    ...(models.length > 0 && { models }),
    ...(draft.user.trim() !== "" && { user: draft.user.trim() }),
    ...(draft.team.trim() !== "" && { team: draft.team.trim() }),
    ...(draft.expiresOn !== "" && { expiresAt: endOf(draft.expiresOn) }),
  };
}

/** The same as changes of a key that is there: what was emptied is taken away. */
export function changesOf(draft: KeyDraft) {
  const models = modelsOf(draft);
  return {
    name: draft.name.trim(),
    limits: limitsOf(draft),
    models: models.length > 0 ? models : null,
    user: draft.user.trim() === "" ? null : draft.user.trim(),
    team: draft.team.trim() === "" ? null : draft.team.trim(),
    expiresAt: draft.expiresOn === "" ? null : endOf(draft.expiresOn),
  };
}

function modelsOf({ models }: KeyDraft): readonly string[] {
  return models
    .split(/[\s,]+/)
    .map((model) => model.trim())
    .filter((model) => model !== "");
}

function limitsOf({ requestsPerMinute, tokensPerMinute, parallel, budgets }: KeyDraft): Limits {
  const given = budgets.flatMap(({ amountUsd, tokens, per }) =>
    amountUsd === "" && tokens === ""
      ? []
      : [{ per, ...(amountUsd !== "" && { amountUsd: Number(amountUsd) }), ...(tokens !== "" && { tokens: Number(tokens) }) }],
  );
  return {
    ...(requestsPerMinute !== "" && { requestsPerMinute: Number(requestsPerMinute) }),
    ...(tokensPerMinute !== "" && { tokensPerMinute: Number(tokensPerMinute) }),
    ...(parallel !== "" && { parallel: Number(parallel) }),
    ...(given.length > 0 && { budgets: given }),
  };
}

/** A key is good to the end of its last day. */
function endOf(day: string): string {
  return `${day}T23:59:59.999Z`;
}
