export { amendmentWords } from "./amendment-words.ts";
export { applyChanges, differenceOf, touchesPast, type GraphChange, type GraphDifference } from "./amend.ts";
export { didYouMean, orMeant } from "./did-you-mean.ts";
export {
  bodyOf,
  GRAPH_BOUNDS,
  hasEnded,
  type Graph,
  type GraphBody,
  type GraphCase,
  type GraphEdge,
  type GraphNode,
  type GraphRetry,
  type NodeStatus,
} from "./graph.ts";
export * from "./names.ts";
export { ancestors, edgesBy, losersOf, topologicalOrder } from "./order.ts";
export type { GraphProblem, PlacedProblem } from "./problem.ts";
export { edgeAfter, hasLosers, readiness, type EdgeState, type Readiness } from "./readiness.ts";
export { casesOf, checkStructure } from "./structure.ts";
export { readGraphRun, type AmendmentReading, type GraphReading, type NodeReading } from "./reading.ts";
