import type { Tool } from "@modelcontextprotocol/server";
import type { AgentSpec, Json, Principal, Workflow } from "@tutti/core";
import { toolWorkflow, type App } from "../../host/index.ts";

/** What a tool of the protocol stands for: a tool, an agent or a workflow of Tutti's; each call is a run. */
export interface Target {
  readonly tool: Tool;
  /** What is started, and with what, for arguments as a client gives them. */
  readonly workflow: string;
  readonly inputOf: (args: Readonly<Record<string, Json>>) => Json;
}

const NAME_CHARACTERS_MAX = 128;

/** All that a principal may call. A name that a tool has is the tool's; agents and workflows are listed under names that say what they are. */
export function targetsOf(app: App, principal: Principal): ReadonlyMap<string, Target> {
  const { registry } = app;
  const targets = new Map<string, Target>();
  const agents = new Set(registry.agents.map(({ name }) => name));
  const workflows = registry.tools.flatMap((tool) => {
    const workflow = registry.workflow(tool.workflow?.name ?? "");
    return workflow === undefined || agents.has(workflow.name) ? [] : [workflowTarget(workflow, tool)];
  });
  const mayStart = (workflow: string, input?: Json): boolean =>
    registry.decide({ kind: "run.start", principal, resource: workflow, ...(input !== undefined && { input }) }).effect !== "deny";
  for (const tool of registry.tools) {
    // Agents and workflows are begun by themselves, not as a child of another run: what is decided is whether they may be.
    if (tool.workflow !== undefined) continue;
    const { effect, reason } = registry.decideTool(tool, principal);
    if (effect === "deny" || !mayStart(toolWorkflow.name, { tool: tool.name, input: {} })) continue;
    const note = effect === "allow" ? "" : ` (${effect === "ask" ? "a person is asked before it runs: " : "whether it may run "}${reason})`;
    targets.set(tool.name, { tool: toolEntry(tool, note), workflow: toolWorkflow.name, inputOf: (input) => ({ tool: tool.name, input }) });
  }
  for (const target of [...registry.agents.map(agentTarget), ...workflows])
    if (!targets.has(target.tool.name) && target.tool.name.length <= NAME_CHARACTERS_MAX && mayStart(target.workflow))
      targets.set(target.tool.name, target);
  return targets;
}

type ListedTool = App["registry"]["tools"][number];

function toolEntry(tool: ListedTool, note: string): Tool {
  const output = objectSchema(tool.output);
  return {
    name: tool.name,
    description: `${tool.description}${note}`,
    inputSchema: objectSchema(tool.parameters) ?? { type: "object" },
    ...(output !== undefined && { outputSchema: output }),
    annotations: {
      readOnlyHint: tool.effect === "read",
      destructiveHint: tool.effect !== "read",
      idempotentHint: tool.isIdempotent ?? tool.effect === "read",
      openWorldHint: tool.isUntrusted === true,
    },
    _meta: { "tutti/source": tool.source, "tutti/effect": tool.effect },
  };
}

function agentTarget({ name, description }: AgentSpec): Target {
  return {
    workflow: name,
    inputOf: ({ message }) => ({ messages: [{ role: "user", content: message ?? "" }] }),
    tool: {
      name: `agent_${name}`,
      title: name,
      description: `Ask the agent ${name}: ${description}`,
      inputSchema: {
        type: "object",
        properties: { message: { type: "string", minLength: 1, description: "What to ask it." } },
        required: ["message"],
      },
      annotations: { openWorldHint: true },
      _meta: { "tutti/source": `agent:${name}` },
    },
  };
}

function workflowTarget({ name, description = "" }: Workflow, { parameters, workflow }: ListedTool): Target {
  const { inputAt } = workflow ?? {};
  return {
    workflow: name,
    inputOf: (args) => (inputAt === undefined ? args : (args[inputAt] ?? null)),
    tool: {
      name: `workflow_${name}`,
      title: name,
      description: `Run the workflow ${name} to its end. ${description}`.trim(),
      inputSchema: objectSchema(parameters) ?? { type: "object" },
      annotations: { openWorldHint: true },
      _meta: { "tutti/source": `workflow:${name}` },
    },
  };
}

function objectSchema(schema: Json | undefined): Tool["inputSchema"] | undefined {
  return typeof schema === "object" && schema !== null && "type" in schema && schema.type === "object"
    ? (schema as unknown as Tool["inputSchema"])
    : undefined;
}
