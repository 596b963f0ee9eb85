export { CODER_WORKFLOW, coderWorkflow } from "./coder-workflow.ts";
