export { SavedGraphs, VERSION_WORKFLOW, type SavedGraph } from "./saved-graphs.ts";
