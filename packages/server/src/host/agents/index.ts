export { agentWorkflow, type AgentDecision, type AgentDeps, type AgentOutput } from "./agent-workflow.ts";
export { readAgentFile } from "./read-agent-file.ts";
