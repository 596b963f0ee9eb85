export { guardedLookup, hostOf, requirePublicHost, type AddressRule, type Resolve } from "./address.ts";
export { WebClient, type WebRequest, type WebResponse } from "./web-client.ts";
