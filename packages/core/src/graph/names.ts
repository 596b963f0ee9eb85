/** The signal that carries an amendment to a running graph. */
export const AMEND_SIGNAL = "tutti.graph.amend";
/** Published when an amendment was taken over. */
export const AMENDED_EVENT = "tutti.graph.amended";
/** Published when an amendment was refused, with the reasons. */
export const AMENDMENT_REFUSED_EVENT = "tutti.graph.amendment-refused";
/** Published when a signal's or an event's value did not fit what a node waits for. */
export const VALUE_REFUSED_EVENT = "tutti.graph.value-refused";
/** The step in which a graph that is installed under a name writes down what it was when the run began. */
export const GRAPH_STEP = "(graph)";

/** The step in which a map, a loop or a group writes down what came out of it. */
export function doneStep(path: string): string {
  return `${path} (done)`;
}

/** The step in which a node that failed writes down its error. */
export function failedStep(path: string): string {
  return `${path} (failed)`;
}

/** The steps in which a node looks into its cache, and fills it. */
export function cacheStep(path: string): string {
  return `${path} (cache)`;
}
