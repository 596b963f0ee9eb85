import type { Event } from "@tutti/core";
import { GRAPH_STEP } from "@tutti/core/graph";

/** Whether a run is one of a graph: of one that came with it, or of one that has a name here. Pure. */
export function isGraphRun(workflow: string, events: readonly Event[]): boolean {
  return workflow === "tutti.graph" || events.some((event) => event.type === "step.completed" && event.name === GRAPH_STEP);
}
