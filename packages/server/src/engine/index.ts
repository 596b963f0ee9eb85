export { EmbeddedEngine } from "./embedded/embedded-engine.ts";
