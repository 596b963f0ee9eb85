export { accessTokens, isJwt } from "./access-token.ts";
export { authenticator, type Authenticate } from "./authenticate.ts";
export { isGatewayRoute } from "./gateway-routes.ts";
export { keyPolicy } from "./key-policy.ts";
export { Keys, type NewKey } from "./keys.ts";
export { csrfTokenOf, sessionCookie, Sessions, sessionSecretIn } from "./sessions.ts";
export { SIGNER_HEADER, signedRequests, signedText } from "./signed-request.ts";
export { newToken, tokenHash } from "./token.ts";
export type { VirtualKey } from "./virtual-key.ts";
