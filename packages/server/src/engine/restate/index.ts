export { RestateEngine } from "./restate-engine.ts";
export { findRestateServer, startRestate, type RestateServer } from "./local-server.ts";
export { openRestate } from "./open.ts";
