export { agentWorkflow, type AgentDeps } from "./agent-workflow.ts";
export { readAgentFile } from "./read-agent-file.ts";
export { SKILL_TOOL } from "./skills.ts";
