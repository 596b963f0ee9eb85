export { adaptRequest, type Adaptation } from "./adapt.ts";
export type { HedgeConfig, RouteConfig, RuleConfig, Strategy, TargetConfig, TierConfig } from "./route-config.ts";
export { TIERS, RETRY_BUDGET_RATIO } from "./route-config.ts";
export type { Candidate, LeftOut, RoutePlan, RouteQuestion } from "./route-plan.ts";
export { Router, type RouterOptions } from "./router.ts";
export type { CallResult, CallWatch, TargetStats } from "./target-health.ts";
export { costUsdOf, type Place, type Target, type TokenPrice } from "./target.ts";
