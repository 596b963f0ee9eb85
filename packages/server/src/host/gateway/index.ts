export { Gateway, runOf, type GatewayAsk } from "./gateway.ts";
export type { Attempted, GatewayCall, Try } from "./call.ts";
