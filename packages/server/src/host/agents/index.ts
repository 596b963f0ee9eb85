export { agentWorkflow, type AgentDeps, type AgentOutput, type RouteTaken } from "./agent-workflow.ts";
export { readAgentFile } from "./read-agent-file.ts";
