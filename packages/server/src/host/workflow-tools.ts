import { AppError, type AgentSpec, type Json, type Workflow } from "@tutti/core";
import { z } from "zod";
import { graphOf } from "../engine/index.ts";
import { jsonSchema } from "../schemas/index.ts";
import { ToolShelf, type RegisteredTool } from "./tool-shelf.ts";

/** Where a workflow takes something else than an object, the tool takes it under this name: models give objects only. */
const WRAPPED = "input";

const made = new WeakMap<Workflow, RegisteredTool>();

/** The name of the tool that a workflow or an agent is: "workflow_NAME". Pure. */
export function workflowToolName(workflow: string): string {
  return ToolShelf.nameOf("openapi:workflow", workflow);
}

/** A workflow or an agent as a tool: a call of it is a child run. It is made once for each workflow. */
export function workflowTool(workflow: Workflow, agent?: AgentSpec): RegisteredTool {
  const known = made.get(workflow);
  if (known !== undefined) return known;
  const asked = agent === undefined ? schemaOf(workflow) : MESSAGE;
  const isObject = typeof asked === "object" && asked !== null && !Array.isArray(asked) && "type" in asked && asked.type === "object";
  const parameters: Json = isObject
    ? asked
    : { type: "object", properties: { [WRAPPED]: asked }, required: [WRAPPED], additionalProperties: false };
  const { name, description = "" } = workflow;
  const tool: RegisteredTool = {
    name: workflowToolName(name),
    description: `${agent === undefined ? `Runs the workflow ${name}` : `Asks the agent ${name}`}. ${description}`.trim(),
    effect: "execute",
    source: `workflow:${name}`,
    parameters,
    input: jsonSchema(parameters),
    isIdempotent: false,
    workflow: isObject ? { name } : { name, inputAt: WRAPPED },
    run: () => Promise.reject(new AppError("unsupported", `wanted a run around the call of ${name}, got none; the engine calls workflows`)),
  };
  made.set(workflow, tool);
  return tool;
}

/** What a workflow takes, as JSON Schema; `null` where its schema cannot tell. */
export function workflowInput(workflow: Workflow): Json {
  const schema = graphOf(workflow)?.input ?? schemaOf(workflow);
  return typeof schema === "object" && schema !== null && Object.keys(schema).length === 0 ? null : schema;
}

const MESSAGE: Json = {
  type: "object",
  properties: { message: { type: "string", minLength: 1, description: "What to ask or tell the agent." } },
  required: ["message"],
  additionalProperties: false,
};

/** What a workflow takes, where its schema can tell: the run checks its input in any case. */
function schemaOf({ input }: Workflow): Json {
  if (!(input instanceof z.ZodType)) return {};
  try {
    const { $schema: _, ...schema } = z.toJSONSchema(input, { io: "input", unrepresentable: "any" });
    jsonSchema(schema as Json);
    return schema as Json;
  } catch {
    return {};
  }
}
