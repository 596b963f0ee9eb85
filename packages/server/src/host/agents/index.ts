export { agentWorkflow, type AgentDeps } from "./agent-workflow.ts";
export { readAgentFile } from "./read-agent-file.ts";
