export { storeCache } from "./cache.ts";
export { checkGraph } from "./check.ts";
export { checkChangedTargets, type KnownTargets } from "./check-targets.ts";
export { GRAPH_WORKFLOW, graphInterpreter, graphOf, graphWorkflow } from "./interpreter.ts";
export type { GraphHost } from "./perform.ts";
export { readPlaced, type PlacedText } from "./places.ts";
export { placeProblems, problemLine, readGraph, requireGraph } from "./read-graph.ts";
export { graphJsonSchema } from "./shape.ts";
