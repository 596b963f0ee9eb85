export { Events, type EventsParts } from "./events.ts";
export type { Publication } from "./publications.ts";
export type { Published } from "./publish.ts";
export { startSchema, subscriptionSchema, type Start, type SubscriptionSpec } from "./subscription.ts";
export type { SubscriptionView } from "./subscriptions.ts";
export { receiveWebhook, type IncomingEndpoint } from "./webhooks/incoming.ts";
export { OutgoingWebhooks, type OutgoingEndpoint } from "./webhooks/outgoing.ts";
