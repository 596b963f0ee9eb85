export { Budgets, type BudgetsOptions, type Exchange } from "./budgets.ts";
export type { Ask, Budget, Limits, Payer, Period, Reservation, Spent } from "./limits.ts";
export type { GroupLimits } from "./local-counters.ts";
export { spendOf, type Spend } from "./spend.ts";
