export { CODER_TOOL, CODER_WORKFLOW, coderWorkflow, type CoderOutput } from "./coder-workflow.ts";
