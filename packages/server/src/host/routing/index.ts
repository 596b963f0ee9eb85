export { answerOf, compilePattern, fillTemplate, matches, namesIn, type Matchable } from "./matcher.ts";
export { PolicyFile } from "./policy-file.ts";
export { checkRouterPolicy, readRouterPolicy } from "./read-policy.ts";
export { ROUTE_WORKFLOW, routeWorkflow, type RouteOutput } from "./route-workflow.ts";
export { Router } from "./router.ts";
export { readShadow } from "./shadow-report.ts";
