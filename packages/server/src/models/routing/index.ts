export { adaptRequest } from "./adapt.ts";
export type { RouteConfig, TargetConfig } from "./route-config.ts";
export type { RoutePlan, RouteQuestion } from "./route-plan.ts";
export { Router } from "./router.ts";
export type { CallWatch, TargetStats } from "./target-health.ts";
export { costUsdOf, type Place, type Target, type TokenPrice } from "./target.ts";
