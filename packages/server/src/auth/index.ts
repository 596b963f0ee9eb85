export { authenticator, type Authenticate } from "./authenticate.ts";
export { isGatewayRoute } from "./gateway-routes.ts";
export { keyPolicy } from "./key-policy.ts";
export { Keys, type NewKey } from "./keys.ts";
export { csrfTokenOf, sessionCookie, Sessions, sessionSecretIn } from "./sessions.ts";
export { newToken, tokenHash } from "./token.ts";
export type { VirtualKey } from "./virtual-key.ts";
