export { Budgets, type BudgetsOptions, type Charge } from "./budgets.ts";
export { DIMENSIONS, type Dimension, type LedgerRow, type Totals } from "./day-spend.ts";
export type { LedgerQuery } from "./ledger.ts";
export type { Ask, Budget, Limits, Payer, Period, Reservation, Spent } from "./limits.ts";
export type { GroupLimits } from "./local-counters.ts";
export { type Spend } from "./spend.ts";
