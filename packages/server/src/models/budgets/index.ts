export { Budgets } from "./budgets.ts";
export { DIMENSIONS, type Dimension, type LedgerRow } from "./day-spend.ts";
export type { Payer, Reservation } from "./limits.ts";
export { type Spend } from "./spend.ts";
