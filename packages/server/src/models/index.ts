export type { ModelEntry } from "./catalog.ts";
export { readExchanges, writeExchanges, type Exchange } from "./exchange.ts";
export type { Forwarded, ForwardRequest } from "./forward.ts";
export { createModels, type Models, type ModelsOptions } from "./models.ts";
export type { Provider, Timeouts } from "./provider.ts";
export { replayModel } from "./replay.ts";
