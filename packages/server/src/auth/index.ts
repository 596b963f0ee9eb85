export { authenticator } from "./authenticate.ts";
export { newToken, tokenHash } from "./token.ts";
