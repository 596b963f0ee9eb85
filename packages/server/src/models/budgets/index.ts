export { Budgets, type BudgetsOptions } from "./budgets.ts";
export { DIMENSIONS, type Dimension, type LedgerRow } from "./day-spend.ts";
export type { LedgerQuery } from "./ledger.ts";
export type { Ask, Budget, Limits, Payer, Period, Reservation } from "./limits.ts";
export type { GroupLimits } from "./local-counters.ts";
export { type Spend } from "./spend.ts";
