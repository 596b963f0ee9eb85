export { authenticator, type Doorkeeper } from "./authenticate.ts";
export { newToken, tokenHash } from "./token.ts";
