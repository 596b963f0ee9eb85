export { RestateEngine } from "./restate-engine.ts";
export { findRestateServer, startRestate, type RestatePorts, type RestateServer } from "./local-server.ts";
export { openRestate } from "./open.ts";
