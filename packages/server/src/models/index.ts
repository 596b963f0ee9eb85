export { readExchanges, writeExchanges, type Exchange } from "./exchange.ts";
export type { Forwarded } from "./forward.ts";
export { createModels, type Models } from "./models.ts";
export type { Provider } from "./provider.ts";
export { replayModel } from "./replay.ts";
