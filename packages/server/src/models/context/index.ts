export { prune, type PruneOptions } from "./prune.ts";
