import { join } from "node:path";

export const PEERS_FOLDER = join(import.meta.dirname, "../peers");

/** The modules of the engines Tutti is measured beside. Plain JavaScript: their types are only there once they are installed. */
export const PEERS: readonly { readonly name: string; readonly module: string }[] = [
  "restate",
  "dbos",
  "bullmq",
  "langgraph",
  "mastra",
].map((name) => ({ name, module: join(PEERS_FOLDER, `${name}.js`) }));
