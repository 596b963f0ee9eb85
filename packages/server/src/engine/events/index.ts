export { Events } from "./events.ts";
export { taintAttribute, type Publication } from "./publications.ts";
export { startSchema, subscriptionSchema, type Start } from "./subscription.ts";
export { receiveWebhook, type IncomingEndpoint } from "./webhooks/incoming.ts";
export { OutgoingWebhooks } from "./webhooks/outgoing.ts";
