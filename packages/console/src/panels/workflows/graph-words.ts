import type { SavedGraph } from "@tutti/client";
import { stringify } from "yaml";

/** What a saved graph was written as; one that was saved as JSON is written as YAML. */
export function textOfSaved({ text, graph }: Pick<SavedGraph, "text" | "graph">): string {
  return text ?? stringify(graph, { lineWidth: 0 });
}
