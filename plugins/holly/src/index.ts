import type { Plugin } from "@tutti/core";

/** Holly, the agent that Tutti starts with. All there is to her stands in holly.yaml, which is there to be edited. */
export const plugin: Plugin = { name: "holly", agents: [new URL("./holly.yaml", import.meta.url)] };
