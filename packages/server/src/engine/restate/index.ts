export { RestateEngine, type RestateEngineOptions } from "./restate-engine.ts";
export { findRestateServer, startRestate, type RestateServer } from "./local-server.ts";
