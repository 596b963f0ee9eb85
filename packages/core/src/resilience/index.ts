export { backoffMs } from "./backoff.ts";
export { CircuitBreaker } from "./circuit-breaker.ts";
export { TokenBucket } from "./token-bucket.ts";
