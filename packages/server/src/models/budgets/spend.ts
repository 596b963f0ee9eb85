import type { EventDraft, Usage } from "@tutti/core";

/**
 * What an exchange with a model used, as the event log has it: in `outcome.output.spend` of a `run.recorded` event, also of one that failed or
 * was broken off; a list where several providers answered one request. This is the ledger's only source. `model` is what was asked for, `provider` who answered. `node` tells which process counted it.
 */
export interface Spend {
  readonly keyId?: string;
  readonly user?: string;
  readonly team?: string;
  readonly model: string;
  readonly provider: string;
  readonly usage: Usage;
  /** Left out where no price is known. */
  readonly costUsd?: number;
  /** Counted by Tutti, because the provider did not say. */
  readonly isEstimated?: boolean;
  readonly surface: string;
  readonly node?: string;
}

/** What an event tells was spent: several where one request was answered by more than one provider. */
export function spendsOf(event: EventDraft): readonly Spend[] {
  if (event.type !== "run.recorded") return [];
  const { output } = event.outcome;
  if (output === undefined || typeof output !== "object" || output === null || !("spend" in output)) return [];
  const spend: unknown = output["spend"];
  return (Array.isArray(spend) ? spend : [spend]).filter(isSpend);
}

/** The same of a step in which a run asked a model by itself: nobody's key pays for it. What a fork copied was used before. */
export function spendsOfStep(event: EventDraft): readonly Spend[] {
  if (event.type !== "step.completed" || event.kind !== "model" || event.usage === undefined || event.copied === true) return [];
  const { inputTokens, outputTokens, costUsd } = event.usage;
  return [{ model: event.name, provider: "", usage: { inputTokens, outputTokens }, costUsd, surface: "run" }];
}

/** A log may hold what another version wrote; only what is needed to count is looked at. */
function isSpend(value: unknown): value is Spend {
  if (typeof value !== "object" || value === null) return false;
  const { model, provider, usage, surface } = value as Partial<Record<keyof Spend, unknown>>;
  if (typeof model !== "string" || typeof provider !== "string" || typeof surface !== "string") return false;
  if (typeof usage !== "object" || usage === null) return false;
  const { inputTokens, outputTokens } = usage as Partial<Record<keyof Usage, unknown>>;
  return typeof inputTokens === "number" && typeof outputTokens === "number";
}
